"""LoRAs by name: a job says `relighting:0.8,step4:1`, never a path of this machine. Here is which files they are.

Looked for in the folder `loras` beside the models: of the model's own folder, of each shared folder of the setting
`weights_folders`, of HOME/weights. `relighting` is the model's own, where its maker publishes it: in its folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from understudy.bridge.errors import RequestError, WeightsError
from understudy.bridge.settings import UserSettings
from understudy.inference.weights.finding import HOME_FOLDER

FOLDER = "loras"
RELIGHTING = "relighting"
RELIGHTING_FILES = (
    "relighting_lora.safetensors",
    "relighting_lora/adapter_model.safetensors",
    "relighting_lora/relighting_lora.safetensors",
    "relighting_lora.ckpt",
    "relighting_lora/relighting_lora.ckpt",
)
"""Where the relighting LoRA may lie in the model's folder, best first; published is the pickled one."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Named:
    """A LoRA as a job names it."""

    name: str
    weight: float


def parse_loras(said: str) -> tuple[Named, ...]:
    """Return what `relighting:0.8,step4` names; a weight that is not said is 1. Raises RequestError. Pure."""
    found: list[Named] = []
    for word in filter(None, (part.strip() for part in said.split(","))):
        name, colon, weight = word.partition(":")
        if not _NAME.fullmatch(name):
            raise RequestError(
                f"'{name}' is not the name of a LoRA",
                remedy="Name the file without its folder and ending: relighting:0.8",
            )
        if name in (one.name for one in found):
            raise RequestError(f"the LoRA {name} is named twice", remedy="Name it once, with the sum of its weights.")
        found.append(Named(name, _weight(word, weight) if colon else 1.0))
    return tuple(found)


def _weight(word: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise RequestError(f"'{word}': {text or 'nothing'} is no number", remedy="Write relighting:0.8.") from None


def find_lora(name: str, model_folder: Path, settings: UserSettings) -> Path:
    """Return the file of a LoRA. Raises WeightsError naming those that are here."""
    shelf = shelf_of(model_folder, settings)
    if name not in shelf:
        here = ", ".join(sorted(shelf)) or "none"
        raise WeightsError(
            f"there is no LoRA '{name}' on this machine; here are: {here}",
            remedy=f"Put {name}.safetensors into a folder `{FOLDER}` beside the models, or choose one that is here.",
        )
    return shelf[name]


def folders_beside(model_folder: Path, settings: UserSettings) -> list[Path]:
    """Return the folders in which what a job may name is looked for, nearest to the model first."""
    shared = [Path(folder).expanduser() for folder in settings.weights_folders]
    return [model_folder, *shared, settings.home / HOME_FOLDER]


def shelf_of(model_folder: Path, settings: UserSettings) -> dict[str, Path]:
    """Return every LoRA by name; where two folders hold one name, the folder that is nearer to the model wins."""
    found: dict[str, Path] = {}
    for folder in folders_beside(model_folder, settings):
        for path in sorted((folder / FOLDER).glob("*")):
            file = path / "adapter_model.safetensors" if path.is_dir() else path
            if file.is_file() and file.suffix == ".safetensors" and _NAME.fullmatch(path.stem):
                found.setdefault(path.name if path.is_dir() else path.stem, file)
    relighting = [model_folder / file for file in RELIGHTING_FILES if (model_folder / file).is_file()]
    if relighting:
        found[RELIGHTING] = relighting[0]
    return found
