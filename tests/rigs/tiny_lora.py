"""LoRA files for the tiny transformer, in every form in which LoRAs for Wan are published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from understudy.inference.weights.lora_files import Pair

ORIGINAL = {
    "attn1.to_q": "self_attn.q",
    "attn1.to_k": "self_attn.k",
    "attn1.to_v": "self_attn.v",
    "attn1.to_out.0": "self_attn.o",
    "attn2.to_q": "cross_attn.q",
    "attn2.to_k": "cross_attn.k",
    "attn2.to_v": "cross_attn.v",
    "attn2.to_out.0": "cross_attn.o",
    "attn2.add_k_proj": "cross_attn.k_img",
    "attn2.add_v_proj": "cross_attn.v_img",
    "ffn.net.0.proj": "ffn.0",
    "ffn.net.2": "ffn.2",
}
"""The names of a block's linear layers in the original model."""
IN_THE_FIRST = {
    ".self_attn.": ".attn1.",
    ".cross_attn.": ".attn2.",
    ".ffn.0": ".ffn.net.0.proj",
    ".ffn.2": ".ffn.net.2",
}
"""What diffusers' two classes call the same layers: Wan-Animate-2's name to Wan-Animate's."""


def random_pairs(transformer: Any, seed: int, *, rank: int = 4, size: float = 0.1) -> dict[str, Pair]:
    """Return a pair for every linear layer of the blocks, as the official relighting LoRA has them."""
    random = torch.Generator().manual_seed(seed)
    pairs = {}
    for name, layer in transformer.named_modules():
        if name.startswith("blocks.") and isinstance(layer, torch.nn.Linear):
            down = torch.randn(rank, layer.in_features, generator=random) * size
            up = torch.randn(layer.out_features, rank, generator=random) * size
            pairs[name] = Pair(down, up)
    return pairs


def named_as_in_the_first(pairs: dict[str, Pair]) -> dict[str, Pair]:
    """Return pairs for Wan-Animate-2 under the names that the same layers have in Wan-Animate."""
    named = {}
    for module, pair in pairs.items():
        for second, first in IN_THE_FIRST.items():
            module = module.replace(second, first)
        named[module] = pair
    return named


def original_name(module: str) -> str:
    blocks, number, layer = module.split(".", 2)
    return f"{blocks}.{number}.{ORIGINAL[layer]}"


def save_diffusers(path: Path, pairs: dict[str, Pair], *, prefix: str = "transformer.") -> Path:
    return _save(path, {
        f"{prefix}{module}.{key}.weight": tensor
        for module, pair in pairs.items()
        for key, tensor in (("lora_A", pair.down), ("lora_B", pair.up))
    })  # fmt: skip


def save_relighting(path: Path, pairs: dict[str, Pair]) -> Path:
    """The form of the official relighting LoRA, as safetensors."""
    return save_diffusers(path, {original_name(module): pair for module, pair in pairs.items()}, prefix="")


def save_comfy(path: Path, pairs: dict[str, Pair], *, alpha: float | None = None, **further: torch.Tensor) -> Path:
    """ComfyUI's form; with `alpha`, the matrices are stored such that alpha / rank brings them back."""
    tensors = dict(further)
    for module, pair in pairs.items():
        name = f"diffusion_model.{original_name(module)}"
        rank = pair.down.shape[0]
        tensors[f"{name}.lora_down.weight"] = pair.down
        tensors[f"{name}.lora_up.weight"] = pair.up if alpha is None else pair.up * rank / alpha
        if alpha is not None:
            tensors[f"{name}.alpha"] = torch.tensor(alpha)
    return _save(path, tensors)


def save_musubi(path: Path, pairs: dict[str, Pair], *, alpha: float) -> Path:
    tensors = {}
    for module, pair in pairs.items():
        name = "lora_unet_" + original_name(module).replace(".", "_")
        tensors[f"{name}.lora_down.weight"] = pair.down
        tensors[f"{name}.lora_up.weight"] = pair.up * pair.down.shape[0] / alpha
        tensors[f"{name}.alpha"] = torch.tensor(alpha)
    return _save(path, tensors)


def save_peft_folder(folder: Path, pairs: dict[str, Pair], *, alpha: float, **config: Any) -> Path:
    """peft's folder: `adapter_model.safetensors` and its config. Returns the file."""
    folder.mkdir()
    rank = next(iter(pairs.values())).down.shape[0]
    (folder / "adapter_config.json").write_text(json.dumps({"r": rank, "lora_alpha": alpha, **config}))
    return save_diffusers(folder / "adapter_model.safetensors", pairs, prefix="base_model.model.")


def _save(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return path
