"""A take's files into the media pool: one clip in our own bin, its colour, alpha and rate set and read back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.bridge.errors import HostError
from understudy.bridge.host import Delivered, LayerFiles
from understudy.bridge.words import PREMULTIPLIED_LAYERS
from understudy.host_plugins.resolve.clips import Clip
from understudy.host_plugins.resolve.colour import SPACE_PROPERTIES, properties_of
from understudy.host_plugins.resolve.memory import MARK, Anchor
from understudy.host_plugins.resolve.session import Session, granted, offers

if TYPE_CHECKING:
    from fusionscript import Folder, MediaPool, MediaPoolItem

BIN = "Understudy"
JOB, VERSION, CLIP = f"{MARK}job", f"{MARK}version", f"{MARK}clip"
Imported = tuple["MediaPoolItem", list[str]]


def import_layer(
    session: Session, delivered: Delivered, layer: str, movie: bool, plate: Clip | None, undo: ExitStack
) -> Imported:
    """Return the take's clip in our bin and what the artist must know.

    plate: the clip whose source frames were sent. undo: gets what takes the import out again.
    """
    pool = session.media_pool
    folder = _our_bin(pool, undo)
    granted(pool.SetCurrentFolder(folder), f"open the bin {BIN}")
    files = delivered.layer(layer)
    wanted = _wanted(delivered, layer, movie)
    known = next((clip for clip in folder.GetClipList() or [] if _is(clip, delivered.job.job_id, wanted)), None)
    medium = known or (_import_movie if movie else _import_sequence)(pool, delivered, files, wanted, undo)
    return medium, _describe(medium, delivered, files, movie, plate)


def holds(clip: MediaPoolItem, delivered: Delivered, layer: str, movie: bool) -> bool:
    """Say whether a clip of the pool is that layer of this very take."""
    return _is(clip, delivered.job.job_id, _wanted(delivered, layer, movie))


def _wanted(delivered: Delivered, layer: str, movie: bool) -> str:
    return _movie_file(delivered, layer) if movie else delivered.layer(layer).pattern


def _our_bin(pool: MediaPool, undo: ExitStack) -> Folder:
    root = granted(pool.GetRootFolder(), "show the media pool's first bin")
    for folder in root.GetSubFolderList() or []:
        if folder.GetName() == BIN:
            return folder
    made = granted(pool.AddSubFolder(root, BIN), f"make a bin {BIN}")
    undo.callback(pool.DeleteFolders, [made])
    return made


def _is(clip: MediaPoolItem, job_id: str, wanted: str) -> bool:
    """Say whether the clip came of an earlier attempt to place this very take."""
    if not offers(clip, "GetThirdPartyMetadata") or clip.GetThirdPartyMetadata(JOB) != job_id:
        return False
    return Path(str(clip.GetClipProperty("File Path"))).parent == Path(wanted).parent


def _import_sequence(
    pool: MediaPool, delivered: Delivered, files: LayerFiles, wanted: str, undo: ExitStack
) -> MediaPoolItem:
    """Import by a printf pattern. Nobody says how a percent sign elsewhere in the path is meant: there, both readings
    are tried, and then the layer's folder, which holds nothing else.
    """
    frames = delivered.job.frames
    path = Path(files.pattern)
    spellings = [str(path.parent / path.name.replace("####", "%04d"))]
    if "%" in files.pattern:
        spellings.append(str(path).replace("%", "%%").replace("####", "%04d"))
    infos: list[Any] = [{"FilePath": s, "StartIndex": frames.first, "EndIndex": frames.last} for s in spellings]
    if "%" in files.pattern:
        infos.append(str(path.parent))
    for info in infos:
        clips = pool.ImportMedia([info]) or []
        if clips:
            return _one(pool, clips, len(frames), wanted, undo)
    raise HostError(
        f"DaVinci Resolve refused to import {wanted}, frames {frames}",
        remedy="Are the files whole and the folder readable for Resolve? A % in the path may be why: choose another.",
    )


def _one(pool: MediaPool, clips: list[MediaPoolItem], length: int, wanted: str, undo: ExitStack) -> MediaPoolItem:
    """Return the one clip that was imported. Raises HostError for single frames, or for too few."""
    undo.callback(pool.DeleteClips, clips)
    if len(clips) != 1:
        raise HostError(
            f"DaVinci Resolve imported {wanted} as {len(clips)} single frames",
            remedy="Turn off `Show Individual Frames` in the media page's menu, then start Understudy again.",
        )
    said = str(clips[0].GetClipProperty("Frames") or "")
    if said.isdigit() and int(said) != length:
        raise HostError(
            f"DaVinci Resolve sees {said} frames in {wanted}, not {length}",
            remedy="Fetch the take again; then start Understudy again.",
        )
    return clips[0]


def _import_movie(
    pool: MediaPool, delivered: Delivered, files: LayerFiles, wanted: str, undo: ExitStack
) -> MediaPoolItem:
    clips = granted(pool.ImportMedia([wanted]), f"import {wanted}")
    return _one(pool, clips, len(delivered.job.frames), wanted, undo)


def _movie_file(delivered: Delivered, layer: str) -> str:
    found = sorted(Path(delivered.job.folder, "movies").glob(f"{layer}_prores_4444*.mov"))
    if not found:
        raise HostError(
            f"the take has no ProRes 4444 of {layer}",
            remedy="Choose `medium: exr`, or recast with the movie asked for.",
        )
    return str(found[0])


def _describe(
    medium: MediaPoolItem, delivered: Delivered, files: LayerFiles, movie: bool, plate: Clip | None
) -> list[str]:
    """Set what Resolve cannot know of the files; return in words what it did not take."""
    left = []
    clip = Anchor.read(delivered.job.anchor).clip
    marks = {JOB: delivered.job.job_id, VERSION: str(delivered.job.version), CLIP: clip}
    if offers(medium, "SetThirdPartyMetadata"):
        for name, text in marks.items():
            medium.SetThirdPartyMetadata(name, text)
    wanted = {"Alpha mode": "Premultiplied"} if files.name in PREMULTIPLIED_LAYERS else {}
    rate = f"{float(delivered.rate.fraction):.3f}".rstrip("0").rstrip(".") if delivered.rate is not None else ""
    if rate and not movie and medium.GetClipProperty("FPS") not in ("", rate):
        wanted["FPS"] = rate
    if not movie:
        wanted |= properties_of(files.colour, plate)
    for name, value in wanted.items():
        if not _set(medium.GetClipProperty, medium.SetClipProperty, name, value):
            left.append(f"set {name} of {medium.GetName()} to {value} by hand")
    if movie and delivered.rate is not None:
        left.append("the movie is graded for display: EXR keeps scene light")
    return left


def _set(read: Callable[[str], object], write: Callable[[str, str], object], name: str, value: str) -> bool:
    """Outside a colour-managed project a clip has no colour space to set: it reads as empty, and is not missed."""
    if read(name) == value or (write(name, value) and read(name) == value):
        return True
    return name in SPACE_PROPERTIES and not read(name)
