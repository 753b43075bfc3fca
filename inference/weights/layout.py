"""What the folder of a model must hold: the layout that diffusers publishes and `save_pretrained` writes.

    model_index.json                          which class each part is of; modular_model_index.json for Wan-Animate-2
    transformer/ vae/                         config.json, diffusion_pytorch_model[-00001-of-00002].safetensors
    text_encoder/ image_encoder/              config.json, model[-00001-of-00002].safetensors
    tokenizer/ image_processor/ scheduler/    configs
    process_checkpoint/                       detectors as ONNX, read by the controls; may be lacking
    relighting_lora*                          a LoRA for mode replace; may be lacking

Reads configs, indices and the headers of safetensors files: a folder of 60 GB is looked over in milliseconds. Digests
are `digests.py`'s.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.catalogue import Model
from understudy.inference.weights.parts import Part

PICKLED = (".bin", ".pth", ".pt", ".ckpt", ".pkl", ".msgpack", ".h5")
"""Endings of files that run code, or could, when they are opened the usual way."""
HALF = (".incomplete", ".part", ".crdownload", ".aria2", ".tmp")
"""Endings that downloaders give to what has not all arrived."""
PULL_AGAIN = "`understudy weights pull` fetches what lacks; or name another folder with UNDERSTUDY_WEIGHTS."


@dataclass(frozen=True, slots=True)
class Layout:
    """A folder that holds everything the model needs."""

    folder: Path
    model: Model
    files: tuple[str, ...]
    """What loading opens, relative to the folder with forward slashes, sorted."""
    pickled: tuple[tuple[str, str], ...] = ()
    """Part and file, for each part whose weights are the pickled file that was allowed by name."""

    def part(self, name: str) -> Part | None:
        """Return what the model's layout says of a folder; None where the model has no such part."""
        return next((part for part in self.model.parts if part.name == name), None)

    def size_bytes(self) -> int:
        return sum((self.folder / file).stat().st_size for file in self.files)


def check_layout(folder: Path, model: Model, *, allowed_pickled: tuple[Path, ...] = ()) -> Layout:
    """Return what loading will open. Raises WeightsError for the first thing that is not as it must be, by file.

    `allowed_pickled`: files that are not safetensors and may be opened all the same, each named by whoever trusts it.
    """
    index = _read_index(folder, model)
    files: list[str] = [model.index]
    pickled: list[tuple[str, str]] = []
    for part in model.parts:
        _check_class(folder, part, model, index)
        for config in part.configs:
            _require(folder, f"{part.name}/{config}")
            _read_json(folder, f"{part.name}/{config}")
            files.append(f"{part.name}/{config}")
        if part.stem:
            weights, is_pickled = _weight_files(folder, part, allowed_pickled)
            files += weights
            pickled += [(part.name, weights[-1])] if is_pickled else []
    files += _optional_configs(folder, model)
    return Layout(folder, model, tuple(sorted(set(files))), tuple(pickled))


def _read_index(folder: Path, model: Model) -> dict[str, Any]:
    if not folder.is_dir():
        raise WeightsError(f"there is no folder {folder}", remedy=PULL_AGAIN)
    if not (folder / model.index).is_file():
        raise WeightsError(
            f"{folder} holds no {model.index}, so it is no model in the diffusers layout",
            remedy=f"The folder of {model.sources[0].repository} is wanted, not the original layout. {PULL_AGAIN}",
        )
    index = _read_json(folder, model.index)
    said = index.get(model.index_key)
    if said != model.pipeline_class:
        raise WeightsError(
            f"{folder / model.index} says {said}; {model.label} is a {model.pipeline_class}",
            remedy=f"Name the folder of {model.sources[0].repository}.",
        )
    return index


def _check_class(folder: Path, part: Part, model: Model, index: dict[str, Any]) -> None:
    name = _named(index.get(part.name))
    if name not in part.classes:
        raise WeightsError(
            f"{folder / model.index}: {part.name} is {name or 'not named'}; {' or '.join(part.classes)} is wanted",
            remedy="The folder is of another model or was edited by hand. " + PULL_AGAIN,
        )


def _named(said: Any) -> str | None:
    """Return the class that an index names: [library, class], in a modular one [library, class, {type_hint: ...}].

    A modular index leaves the first two empty for a part that was not loaded when it was written.
    """
    if not isinstance(said, list) or len(said) not in (2, 3):
        return None
    if said[1] is None and len(said) == 3 and isinstance(said[2], dict):
        said = said[2].get("type_hint")
    name = said[1] if isinstance(said, list) and len(said) > 1 else None
    return name if isinstance(name, str) else None


def _weight_files(folder: Path, part: Part, allowed_pickled: tuple[Path, ...]) -> tuple[list[str], bool]:
    """Return a part's weight files with their index, and whether they are an allowed pickled file."""
    whole, index = f"{part.name}/{part.stem}.safetensors", f"{part.name}/{part.stem}.safetensors.index.json"
    if (folder / index).is_file():
        shards = sorted({f"{part.name}/{name}" for name in _shard_names(folder, index)})
        for shard in shards:
            _require(folder, shard)
            check_safetensors(folder / shard)
        return [index, *shards], False
    if (folder / whole).is_file():
        check_safetensors(folder / whole)
        return [whole], False
    return [_pickled_file(folder, part, allowed_pickled)], True


def _shard_names(folder: Path, index: str) -> set[str]:
    names = _read_json(folder, index).get("weight_map")
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise WeightsError(f"{folder / index} names no shards", remedy=PULL_AGAIN)
    strange = [name for name in names.values() if "/" in name or "\\" in name or not name.endswith(".safetensors")]
    if strange:
        raise WeightsError(
            f"{folder / index} names {strange[0]}, which is no safetensors file beside it", remedy=PULL_AGAIN
        )
    return set(names.values())


def _pickled_file(folder: Path, part: Part, allowed: tuple[Path, ...]) -> str:
    """Return the allowed pickled file of a part that has no safetensors. Raises WeightsError."""
    found = sorted(path for path in (folder / part.name).glob("*") if path.suffix in PICKLED)
    for path in found:
        if any(path.resolve() == one.resolve() for one in allowed):
            return _pickled_under_its_name(path, part)
    if found:
        raise WeightsError(
            f"{found[0]} is a pickled file: opening one may run whatever its maker put in. "
            f"There are no safetensors in {part.name}/",
            remedy=f"Take the safetensors that the maker publishes. {how_to_allow(found[0])}",
        )
    _require(folder, f"{part.name}/{part.stem}.safetensors")
    raise AssertionError("unreachable: _require raises for a file that is not there")


def how_to_allow(path: Path) -> str:
    """Return what whoever runs this machine does to have a pickled file read all the same. No job can ask for it."""
    return (
        f"If you trust this very file: `understudy weights unpickle '{path}'` writes its tensors, and nothing else of "
        f'it, as safetensors. Or set `allow_pickled_weights` to ["{path}"] (settings.json, '
        "UNDERSTUDY_ALLOW_PICKLED_WEIGHTS) to have it read as tensors alone each time."
    )


def _pickled_under_its_name(path: Path, part: Part) -> str:
    """Return the file if it has the one name under which the libraries look for it. Raises WeightsError."""
    name = f"{part.stem}.bin" if part.stem.startswith("diffusion") else "pytorch_model.bin"
    if path.name != name:
        raise WeightsError(f"{path} is allowed but is not named {name}", remedy=f"Name it {name}, and allow that.")
    return f"{part.name}/{name}"


def _require(folder: Path, file: str) -> None:
    """Raise WeightsError unless `file` is there and not empty; names a half download of it if there is one."""
    path = folder / file
    if path.is_file() and path.stat().st_size > 0:
        return
    halves = [other for other in path.parent.glob(f"{path.name}*") if other.suffix in HALF]
    if halves:
        raise WeightsError(
            f"{path} is only half here: {halves[0].name} has {halves[0].stat().st_size} bytes",
            remedy="`understudy weights pull` goes on where it stopped; a half file is never used.",
        )
    raise WeightsError(f"{path} is {'empty' if path.exists() else 'missing'}", remedy=PULL_AGAIN)


def check_safetensors(path: Path) -> None:
    """Raise WeightsError unless the file is as long as its header says. Reads the header alone."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):
            return
    except (SafetensorError, OSError) as problem:
        raise WeightsError(
            f"{path} is cut short or no safetensors file ({path.stat().st_size} bytes): {problem}",
            remedy="Remove it; " + PULL_AGAIN,
        ) from None


def _optional_configs(folder: Path, model: Model) -> list[str]:
    """Return further small files that the loaders would read where they lie beside the required ones."""
    return [
        path.relative_to(folder).as_posix()
        for part in model.parts
        for path in (folder / part.name).iterdir()
        if path.is_file() and path.suffix in (".json", ".model") and not path.name.endswith(".index.json")
    ]


def _read_json(folder: Path, file: str) -> dict[str, Any]:
    try:
        content = (folder / file).read_bytes()
        return _decoded(content)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise WeightsError(f"{folder / file} cannot be read: {problem}", remedy=PULL_AGAIN) from None


def _decoded(content: bytes) -> dict[str, Any]:
    """Return an object of JSON, or of what Python's own writer makes of it.

    diffusers writes `-Infinity` into the config of DPM-Solver (`lambda_min_clipped`), which JSON has no word for.
    """
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError:
        try:
            said = json.loads(content)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise
        return said
