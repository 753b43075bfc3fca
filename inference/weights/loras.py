"""Lays LoRAs over a loaded transformer, each with a weight: W x becomes W x + sum of weight * up (down x).

They stay beside the weights (peft's active adapters) and are not fused into them: in bfloat16 a weight keeps eight
significant bits, so the small changes that a LoRA makes to large weights would be rounded away where W + up down is
stored, and taking a fused LoRA off again would not give the same bits back. docs/decisions/0010 has the numbers.
A LoRA of weight 0 is not laid on at all: the result is bit for bit that of none.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.lora_files import TRY_ANOTHER, LoraFile, Pair
from understudy.inference.weights.lora_names import in_wan_animate_2

LARGEST_WEIGHT = 4.0
"""A weight beyond it, either way, is a slip of the pen: pictures fall apart well before."""


@dataclass(frozen=True, slots=True)
class WeightedLora:
    file: LoraFile
    weight: float


def lay_on(transformer: Any, loras: Sequence[WeightedLora]) -> None:
    """Lay `loras` over the transformer, in place of any that lie there.

    Raises WeightsError before anything is changed when one does not fit, by its first key and both shapes; ValueError
    where the blocks are in float8 already, for LoRAs come first. Compiling comes after both.
    """
    take_off(transformer)
    _require_plain_layers(transformer)
    layers = {name: layer for name, layer in transformer.named_modules() if isinstance(layer, torch.nn.Linear)}
    loras = [WeightedLora(_named_as_here(lora.file, layers), lora.weight) for lora in loras]
    for lora in loras:
        _check_weight(lora)
        for module, pair in lora.file.pairs.items():
            _check_fit(lora.file, module, pair, layers.get(module))
    active = [(f"lora_{place}", lora) for place, lora in enumerate(loras) if lora.weight]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Already found a `peft_config`")  # peft's, of a second LoRA; it is meant
        for name, lora in active:
            # In the model's own numbers: a float32 LoRA over a bfloat16 model would compute its products in float32.
            state = _state(lora.file, layers, transformer.dtype)
            transformer.load_lora_adapter(state, prefix=None, adapter_name=name, low_cpu_mem_usage=True)
    if active:
        transformer.set_adapters([name for name, _ in active], [lora.weight for _, lora in active])
    transformer.requires_grad_(False)


def take_off(transformer: Any) -> None:
    """Take every LoRA off; the weights below are the bits that were loaded. Not once they are in float8."""
    if getattr(transformer, "peft_config", None):
        transformer.unload_lora()


def _named_as_here(file: LoraFile, layers: dict[str, Any]) -> LoraFile:
    """Return the file under this model's own names: those of Wan-Animate, or of Wan-Animate-2."""

    def here(name: str) -> str:
        other = in_wan_animate_2(name)
        return other if name not in layers and other in layers else name

    return replace(file, pairs={here(name): pair for name, pair in file.pairs.items()})


def _require_plain_layers(transformer: Any) -> None:
    block = transformer.blocks[0]
    layer = (block.self_attn if hasattr(block, "self_attn") else block.attn1).to_q
    if not isinstance(layer, torch.nn.Linear):
        raise ValueError(f"LoRAs are laid on before the blocks become {type(layer).__name__}")


def _check_weight(lora: WeightedLora) -> None:
    if not abs(lora.weight) <= LARGEST_WEIGHT:  # the other way round NaN would pass
        raise WeightsError(
            f"the weight of {lora.file.path.name} is {lora.weight}",
            remedy=f"Give one from -{LARGEST_WEIGHT:g} to {LARGEST_WEIGHT:g}; 1 is as it was trained, 0 leaves it out.",
        )


def _check_fit(file: LoraFile, module: str, pair: Pair, layer: Any) -> None:
    if layer is None:
        raise WeightsError(
            f"{file.path} does not fit: {pair.key} would change {module}, which is no linear layer of this model",
            remedy=TRY_ANOTHER,
        )
    theirs, ours = (pair.up.shape[0], pair.down.shape[1]), (layer.out_features, layer.in_features)
    bias_fits = pair.bias is None or pair.bias.shape == (ours[0],)
    if theirs != ours or not bias_fits:
        raise WeightsError(
            f"{file.path} does not fit: {pair.key} is made for a layer of {theirs[1]} to {theirs[0]}, "
            f"{module} has {ours[1]} to {ours[0]}",
            remedy=TRY_ANOTHER,
        )


def _state(file: LoraFile, layers: dict[str, Any], number: torch.dtype) -> dict[str, torch.Tensor]:
    """Return the pairs under peft's names, in the model's numbers, beside the layers that they change."""
    with_bias = any(pair.bias is not None for pair in file.pairs.values())
    state: dict[str, torch.Tensor] = {}
    for module, pair in file.pairs.items():
        place = layers[module].weight.device
        state[f"{module}.lora_A.weight"] = pair.down.to(place, number)
        state[f"{module}.lora_B.weight"] = pair.up.to(place, number)
        if with_bias:  # peft gives all layers of a LoRA a bias, or none
            bias = torch.zeros(pair.up.shape[0]) if pair.bias is None else pair.bias
            state[f"{module}.lora_B.bias"] = bias.to(place, number)
    return state
