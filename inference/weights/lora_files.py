"""A LoRA file as plain pairs of matrices by module, whatever tool wrote it. Scales (alpha / rank) are folded in.

Reads safetensors; a pickled file (the official relighting LoRA is one) only where that very file was allowed, and then
as tensors alone. Whether the pairs fit a model is `loras.py`'s question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.layout import PICKLED, how_to_allow
from understudy.inference.weights.lora_names import Key, understand
from understudy.inference.weights.pickled import read_pickled

TRY_ANOTHER = "Take a LoRA that was trained on Wan2.1 or Wan2.2 with 14 B parameters, as safetensors."
OTHER_KINDS = {"dora_scale": "a DoRA", "lora_magnitude_vector": "a DoRA", "lokr_": "a LoKr", "hada_": "a LoHa"}
"""What a key holds that belongs to another kind of adapter: taken for a LoRA, its result would be wrong."""
METADATA = "lora_adapter_metadata"  # the key under which diffusers writes a LoRA's config into safetensors
CONFIG = "adapter_config.json"  # where peft writes it


@dataclass(frozen=True, slots=True)
class Pair:
    """What a LoRA adds to one linear layer's weight, `up @ down`, and to its bias. The scale is in `up` and `bias`."""

    down: torch.Tensor
    """(rank, in) float32"""
    up: torch.Tensor
    """(out, rank) float32"""
    bias: torch.Tensor | None = None
    """(out,) float32"""
    key: str = ""
    """One of its keys as the file has it, for messages."""


@dataclass(frozen=True, slots=True)
class LoraFile:
    path: Path
    pairs: dict[str, Pair]
    """By module, in diffusers' names."""
    ignored: tuple[str, ...] = ()
    """Keys that change no linear layer: some distilled LoRAs carry changes of norms. They are told, not applied."""


def read_lora(path: Path, *, allowed_pickled: tuple[Path, ...] = ()) -> LoraFile:
    """Return the file's pairs. Raises WeightsError: missing, damaged, pickled and not allowed, or no LoRA."""
    tensors, config = _open(path, allowed_pickled)
    layers: dict[str, _Layer] = {}
    ignored = []
    for name, tensor in tensors.items():
        key = _understood(name, path)
        if _is_of_a_norm(key, tensor):
            ignored.append(name)
        else:
            layers.setdefault(key.module, _Layer(key.said)).take(name, key.kind, tensor)
    pairs = {module: layer.pair(config, path) for module, layer in layers.items() if layer.has_matrices()}
    if not pairs:
        raise WeightsError(f"{path} holds no LoRA", remedy=TRY_ANOTHER)
    ignored += [name for module, layer in layers.items() if module not in pairs for name in layer.keys.values()]
    return LoraFile(path, pairs, tuple(sorted(ignored)))


def bytes_laid_on(path: Path) -> int:
    """Return about what a LoRA takes beside a model in bfloat16: by its header, or a pickled file by its length.

    Raises WeightsError where the file is missing or damaged.
    """
    if path.suffix in PICKLED and path.is_file():
        return path.stat().st_size
    with _opened(path) as file:
        numbers: int = sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 - no dict
    return 2 * numbers


class _Layer:
    """What a file holds for one linear layer, gathered key by key."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.keys: dict[str, str] = {}
        self.tensors: dict[str, torch.Tensor] = {}

    def take(self, name: str, kind: str, tensor: torch.Tensor) -> None:
        self.keys[kind] = name
        self.tensors[kind] = tensor.float()

    def has_matrices(self) -> bool:
        return bool({"down", "up", "whole"} & self.tensors.keys())

    def pair(self, config: _Config, path: Path) -> Pair:
        """Return the layer's pair, scaled. Raises WeightsError where a matrix lacks its counterpart or its shape."""
        offset = self.tensors.get("offset")
        if "whole" in self.tensors:  # of full rank, so one of its matrices is the identity
            whole = self.tensors["whole"]
            return Pair(whole, torch.eye(whole.shape[0]), offset, self.keys["whole"])
        key = self.keys.get("down") or self.keys["up"]
        if not {"down", "up"} <= self.tensors.keys():
            raise WeightsError(f"{path}: {key} has no counterpart", remedy="The file is cut or edited. " + TRY_ANOTHER)
        down, up = self.tensors["down"], self.tensors["up"]
        if down.ndim != 2 or up.ndim != 2 or down.shape[0] != up.shape[1]:
            raise WeightsError(
                f"{path}: {key} is {tuple(down.shape)} and its counterpart {tuple(up.shape)}; "
                "(rank, in) and (out, rank) are wanted",
                remedy=TRY_ANOTHER,
            )
        alpha = self.tensors.get("alpha")
        factor = config.scale(self.said, down.shape[0], None if alpha is None else float(alpha))
        if "bias" in self.tensors:
            offset = self.tensors["bias"] * factor
        return Pair(down, up * factor, offset, key)


class _Config(msgspec.Struct, frozen=True):
    """What a LoRA's config says of its scale; without one, and without an alpha of its own, a layer's scale is 1."""

    lora_alpha: float | None = None
    alpha_pattern: dict[str, float] | None = None
    use_rslora: bool = False

    def scale(self, module: str, rank: int, own_alpha: float | None) -> float:
        """Return alpha / rank, or alpha / sqrt(rank) where the config says rsLoRA."""
        alpha = self.lora_alpha
        for pattern, value in (self.alpha_pattern or {}).items():
            if re.fullmatch(rf"(?:.*\.)?(?:{pattern})", module):  # as peft reads its patterns
                alpha = value
        alpha = alpha if own_alpha is None else own_alpha
        return 1.0 if alpha is None else alpha / (rank**0.5 if self.use_rslora else rank)


def _open(path: Path, allowed_pickled: tuple[Path, ...]) -> tuple[dict[str, torch.Tensor], _Config]:
    if path.suffix in PICKLED and path.is_file():
        return _open_pickled(path, allowed_pickled), _config_beside(path)
    with _opened(path) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        metadata = file.metadata() or {}
    if METADATA in metadata:
        return tensors, _config(metadata[METADATA].encode(), f"the config in {path}")
    return tensors, _config_beside(path)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a safetensors file. Raises WeightsError where it is missing or damaged, also within the block."""
    if not path.is_file():
        raise WeightsError(
            f"there is no LoRA {path}", remedy="Name a file; `understudy weights list` shows those here."
        )
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as problem:
        raise WeightsError(
            f"{path} is cut short or no safetensors file: {problem}", remedy="Fetch it again. " + TRY_ANOTHER
        ) from None


def _open_pickled(path: Path, allowed: tuple[Path, ...]) -> dict[str, torch.Tensor]:
    if not any(path.resolve() == one.resolve() for one in allowed):
        raise WeightsError(
            f"{path} is a pickled file: opening one may run whatever its maker put in",
            remedy=f"Take it as safetensors. {how_to_allow(path)}",
        )
    return read_pickled(path)


def _config_beside(path: Path) -> _Config:
    """Return what peft wrote beside `adapter_model.safetensors`; other files have no config."""
    config = path.with_name(CONFIG)
    if not path.stem.startswith("adapter_model") or not config.is_file():
        return _Config()
    return _config(config.read_bytes(), str(config))


def _config(text: bytes, where: str) -> _Config:
    """Return a config; diffusers puts the model's name before each of its fields."""
    try:
        values = msgspec.json.decode(text, type=dict[str, Any])
        config = msgspec.convert({name.removeprefix("transformer."): said for name, said in values.items()}, _Config)
        for pattern in config.alpha_pattern or {}:
            re.compile(pattern)
    except (msgspec.MsgspecError, UnicodeDecodeError, re.error) as problem:
        raise WeightsError(
            f"{where} cannot be read: {problem}", remedy="Fetch the LoRA again. " + TRY_ANOTHER
        ) from None
    return config


def _understood(name: str, path: Path) -> Key:
    for mark, kind in OTHER_KINDS.items():
        if mark in name:
            raise WeightsError(f"{path} is {kind}, not a LoRA ({name})", remedy=TRY_ANOTHER)
    key = understand(name)
    if key is None:
        raise WeightsError(f"{path}: {name} is no key of a LoRA for Wan", remedy=TRY_ANOTHER)
    return key


def _is_of_a_norm(key: Key, tensor: torch.Tensor) -> bool:
    return key.kind in ("whole", "offset") and ("norm" in key.module or (key.kind == "whole" and tensor.ndim != 2))
