"""The one place where a file that is not safetensors is opened: as tensors alone, by torch's unpickler for weights.

That unpickler knows tensors and plain containers and refuses everything else before it is made, so nothing that the
file's maker put in is run. It has had faults of its own (torch below 2.6), which is why somebody who trusts the file
still has to name it: as an argument of `understudy weights unpickle`, or in the setting `allow_pickled_weights`.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from understudy.bridge.errors import RequestError, WeightsError


def read_pickled(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a pickled file by name, from `state_dict` where it has one. Raises WeightsError."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError) as problem:
        said = (str(problem).splitlines() or [type(problem).__name__])[0]
        raise WeightsError(
            f"{path} holds more than tensors, or is damaged: {said}",
            remedy="It is refused even so: take it as safetensors.",
        ) from None
    tensors = _tensors(content)
    if not tensors:
        raise WeightsError(f"{path} holds no tensors by name", remedy="It is no file of weights.")
    return tensors


def _tensors(content: Any) -> dict[str, torch.Tensor]:
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        return {}
    return {str(name): tensor for name, tensor in content.items() if isinstance(tensor, torch.Tensor)}


def unpickle(path: Path) -> Path:
    """Write a pickled file's tensors as safetensors beside it and return that. Raises WeightsError, RequestError."""
    stem = "model" if path.name == "pytorch_model.bin" else path.stem  # the name under which transformers looks
    target = path.with_name(f"{stem}.safetensors")
    if not path.is_file():
        raise RequestError(f"there is no file {path}", remedy="Name the pickled file.")
    if target.exists():
        raise RequestError(
            f"{target} is there already", remedy="It is the one that is used. To make it anew, remove it."
        )
    tensors = {name: tensor.contiguous().clone() for name, tensor in read_pickled(path).items()}
    temporary = target.with_name(f".{target.name}.part")
    try:
        save_file(tensors, temporary, metadata={"format": "pt"})
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target
