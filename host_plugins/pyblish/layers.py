"""Which Understudy layer a file is: by its header's attributes, its take's manifest, or a final's ingredients.

Reads files, asks nobody. A file that is none of ours costs the read of its header.
"""

from __future__ import annotations

import functools
from pathlib import Path

import msgspec

from understudy.bridge.exr_structure import is_exr, read_exr_header
from understudy.bridge.shot import OutputFile
from understudy.bridge.take import PROVISIONAL, TAKE_MARK

PREFIX = "understudy/"
FINAL_NAME = "understudy_final.json"
"""Beside a published final: what it is made of."""
LEVELS = 3
"""A take's manifest lies at most so far above a layer's frame: take/layer/frame, or deeper by a template of its own."""


class TakeRecord(msgspec.Struct, frozen=True):
    digest: str = ""
    record_id: str = ""
    consents: dict[str, str] = {}


class TakeManifest(msgspec.Struct, frozen=True):
    """As much of a take's manifest.json as a publish reads."""

    job: str
    version: int
    shot: str
    files: tuple[OutputFile, ...]
    state: str = ""
    marks: dict[str, str] = {}
    record: TakeRecord = TakeRecord()


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One file of ours, as it was found."""

    path: Path
    job: str
    version: int = 0
    shot: str = ""
    layer: str = ""
    state: str = ""
    clearances: tuple[str, ...] = ()
    """What its header and its manifest say of it; they should agree, and the strictest counts."""
    not_final: str = ""
    """Why its take is never part of a final, as its header or its manifest says; empty when neither does."""
    found_by: str
    """`attributes`, `manifest`, `digest` or `ingredients`."""
    listed: str = ""
    """The digest that the take's manifest states for it; empty where no manifest lists it."""
    relative: str = ""
    """Its path inside the take, where a manifest was found."""
    take: str = ""
    record: TakeRecord = TakeRecord()


class Ingredients(msgspec.Struct, frozen=True):
    """As much of a final's manifest as a later publish reads."""

    files: dict[str, str]
    """The final's own files: name to digest."""
    ingredients: tuple[Sight, ...]


def look_at(path: Path) -> tuple[Sight, ...]:
    """Return what of Understudy is in a file: nothing, itself, or the layers that a published final was made of.

    Raises PlateError for an OpenEXR file that does not read.
    """
    marks = read_marks(path)
    folder, manifest = find_manifest(path)
    relative = path.relative_to(folder).as_posix() if folder is not None else ""
    listed = _listed(manifest, relative)
    if marks or listed is not None:
        return (_sight(path, marks, manifest, listed, relative, folder),)
    return ingredients_of(path)


def read_marks(path: Path) -> dict[str, str]:
    """Return our attributes in a file's header, without the prefix; none for what is no OpenEXR file."""
    if not is_exr(path):
        return {}
    structure = read_exr_header(path)
    marks: dict[str, str] = {}
    for part in structure.parts:
        for attribute in part.attributes:
            name = attribute.name.removeprefix(PREFIX)
            # A host may write what it read under a prefix of its own: exr/understudy/job, input/understudy/job.
            if name == attribute.name and f"/{PREFIX}" in name:
                name = name.partition(f"/{PREFIX}")[2]
            if name != attribute.name and attribute.type == "string":
                marks.setdefault(name, structure.value(attribute).decode("utf-8", "replace").rstrip(" \0"))
    return marks


def find_manifest(path: Path) -> tuple[Path | None, TakeManifest | None]:
    """Return the folder of the take that a file lies in, and its manifest; None where there is no such take."""
    for folder in list(path.parents)[:LEVELS]:
        manifest = read_manifest(folder / TAKE_MARK)
        if manifest is not None:
            return folder, manifest
    return None, None


def read_manifest(path: Path) -> TakeManifest | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _decoded(path, found.st_mtime_ns, found.st_size)


@functools.lru_cache(maxsize=32)
def _decoded(path: Path, _written: int, _size: int) -> TakeManifest | None:
    """Read a manifest once for all frames of its take, as long as the file is the same."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=TakeManifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def ingredients_of(path: Path) -> tuple[Sight, ...]:
    """Return what a published final was made of, when one of the finals beside it says so."""
    try:
        text = (path.parent / FINAL_NAME).read_bytes()
        final = msgspec.json.decode(text, type=Ingredients, dec_hook=lambda kind, value: kind(value))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return ()
    # By name: a final that was changed since is still made of those layers.
    return tuple(
        msgspec.structs.replace(sight, found_by="ingredients")
        for sight in final.ingredients
        if path.name in final.files
    )


def _listed(manifest: TakeManifest | None, relative: str) -> OutputFile | None:
    return next((file for file in manifest.files if file.path == relative), None) if manifest is not None else None


def _sight(
    path: Path,
    marks: dict[str, str],
    manifest: TakeManifest | None,
    listed: OutputFile | None,
    relative: str,
    folder: Path | None,
) -> Sight:
    """Join what the header says with what the manifest of the same job says; another job's manifest says nothing."""
    if manifest is not None and marks.get("job", manifest.job) != manifest.job:
        manifest, listed, folder = None, None, None
    said = [marks.get("clearance", ""), (manifest.marks.get(f"{PREFIX}clearance", "") if manifest else "")]
    version = marks.get("version", "")
    return Sight(
        path=path,
        job=marks.get("job") or (manifest.job if manifest else ""),
        version=int(version) if version.isdigit() else (manifest.version if manifest else 0),
        shot=marks.get("shot") or (manifest.shot if manifest else ""),
        layer=(listed.layer if listed else None) or path.parent.name,
        state="provisional"
        if PROVISIONAL in path.parts
        else marks.get("state") or (manifest.state if manifest else ""),
        clearances=tuple(dict.fromkeys(word for word in said if word)),
        not_final=marks.get("not_final") or (manifest.marks.get(f"{PREFIX}not_final", "") if manifest else ""),
        found_by="attributes" if marks else "manifest",
        listed=listed.file if listed else "",
        relative=relative if listed else "",
        take=str(folder or ""),
        record=manifest.record if manifest else TakeRecord(),
    )
