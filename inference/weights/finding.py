"""Where a model's folder is: looked for in one order, told by where it was found. Nothing is fetched.

1. `--weights DIR`, else `UNDERSTUDY_WEIGHTS`, else the setting `weights`: this folder or none
2. the folders of the setting `weights_folders`, in order: a studio's shared models
3. HOME/weights, where `understudy weights pull` puts them
4. the Hugging Face cache (`HF_HUB_CACHE`, `HF_HOME`)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from understudy.bridge.errors import WeightsError
from understudy.bridge.settings import UserSettings
from understudy.inference.weights.catalogue import Model

HOME_FOLDER = "weights"
DIGESTS_FOLDER = "weights-digests"
CACHE = "the Hugging Face cache"


@dataclass(frozen=True, slots=True)
class Found:
    folder: Path
    where: str
    """Who named the place, in words."""


def find_weights(model: Model, settings: UserSettings) -> Found:
    """Return the first folder that holds the model's index. Raises WeightsError naming every place that was looked at.

    Whether the folder is whole is `check_layout`'s question.
    """
    looked_at = []
    for place in places(model, settings):
        for folder in _candidates(place.folder, model):
            if (folder / model.index).is_file():
                return Found(folder, place.where)
        looked_at.append(f"{place.folder} ({place.where})")
    raise WeightsError(
        f"{model.label} is not on this machine; looked in {'; '.join(looked_at)}",
        remedy=f"`understudy weights pull {model.name}`, or name its folder in UNDERSTUDY_WEIGHTS.",
    )


def find_file(file: str, model: Model, settings: UserSettings) -> Path | None:
    """Return a file that belongs to the model's folder, whether or not the model itself is there; None = nowhere.

    `file`: its path in the folder, such as `process_checkpoint/det/yolov10m.onnx`.
    """
    for place in places(model, settings):
        for folder in _candidates(place.folder, model):
            if (folder / file).is_file():
                return folder / file
    return None if settings.weights else _cached(model, file)


def places(model: Model, settings: UserSettings) -> Iterator[Found]:
    """Yield where the model may be, in order. A folder that was named outright is the only place."""
    if settings.weights:
        yield Found(
            Path(settings.weights).expanduser().absolute(), "named by --weights, UNDERSTUDY_WEIGHTS or a setting"
        )
        return
    for folder in settings.weights_folders:
        yield Found(Path(folder).expanduser().absolute(), "weights_folders")
    yield Found(settings.home / HOME_FOLDER, "pulled here")
    cached = _cached(model, model.index)
    if cached is not None:
        yield Found(cached.parent, CACHE)


def pull_folder(model: Model, settings: UserSettings) -> Path:
    """Return where `pull` puts the model unless told otherwise."""
    if settings.weights:
        return Path(settings.weights).expanduser().absolute()
    folders = [Path(folder).expanduser().absolute() for folder in settings.weights_folders]
    return (folders[0] if folders else settings.home / HOME_FOLDER) / model.name


def _candidates(folder: Path, model: Model) -> tuple[Path, ...]:
    """Return the folder itself and what it may hold under the model's names."""
    return (folder, *(folder / name for name in model.folder_names))


def _cached(model: Model, file: str) -> Path | None:
    """Return a file in the Hugging Face cache. None where it is not there, or the library is not."""
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    for source in model.sources:
        found = try_to_load_from_cache(source.repository, file, revision=source.revision)
        if isinstance(found, str):
            return Path(found)
    return None
