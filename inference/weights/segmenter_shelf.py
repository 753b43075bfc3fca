"""Segmentation networks by name: a job says `segmenter=people`, never a path of this machine. Here is which file it is.

`people.onnx` in a folder `segmenters` beside the models, looked for where LoRAs are (lora_shelf.py).
"""

from __future__ import annotations

from pathlib import Path

from understudy.bridge.errors import WeightsError
from understudy.bridge.settings import UserSettings
from understudy.inference.weights.catalogue import Model
from understudy.inference.weights.digests import DigestCache, sha256_of
from understudy.inference.weights.finding import DIGESTS_FOLDER, find_weights
from understudy.inference.weights.lora_shelf import folders_beside

FOLDER, SUFFIX = "segmenters", ".onnx"


def find_segmenter(name: str, model: Model, settings: UserSettings) -> Path:
    """Return the file of a network. Raises WeightsError naming those that are here."""
    here = segmenters_here(find_weights(model, settings).folder, settings)
    if name not in here:
        raise WeightsError(
            f"there is no segmentation network '{name}' on this machine; here are: {', '.join(sorted(here)) or 'none'}",
            remedy=f"Put {name}{SUFFIX} into a folder `{FOLDER}` beside the models, or leave `segmenter` out.",
        )
    return here[name]


def segmenters_here(model_folder: Path, settings: UserSettings) -> dict[str, Path]:
    """Return every network by name; where two folders hold one name, the folder that is nearer to the model wins."""
    found: dict[str, Path] = {}
    for folder in folders_beside(model_folder, settings):
        for path in sorted((folder / FOLDER).glob(f"*{SUFFIX}")):
            if path.is_file():
                found.setdefault(path.stem, path)
    return found


def segmenter_digest(path: Path, settings: UserSettings) -> dict[str, str]:
    """Return the network as the marks say it: its file's name to its SHA-256, read once until the file changes."""
    return {path.name: sha256_of(path, DigestCache(settings.home / DIGESTS_FOLDER))}
