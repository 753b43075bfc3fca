"""`understudy-weights.json`: what a folder of weights is, file by file, as it was pulled or as a studio pinned it.

The digests in it are never invented: they are the hub's own list, checked while pulling, or what `pin` read on disk.
A folder with a manifest is held to it: a file that differs, is missing, or would be loaded without being named is
refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.digests import DigestCache, Told, sha256_of_all

MANIFEST = "understudy-weights.json"
SCHEMA = 1
UNKNOWN = "unknown"
LICENCE_NAMES = re.compile(r"(licen[cs]e|copying)(\.\w+)?", re.IGNORECASE)
_CARD_LICENCE = re.compile(r"^license:\s*[\"']?([^\s\"']+)", re.MULTILINE)
LEFT_OUT = (".incomplete", ".lock")


class PinnedFile(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    """Relative to the folder, with forward slashes."""
    size: int
    sha256: str


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where files came from."""

    repository: str
    revision: str
    """The commit, not the branch."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    schema: int = SCHEMA
    model: str
    licence: str = UNKNOWN
    """The name that the model's card gives, such as apache-2.0."""
    licence_file: str = ""
    licence_sha256: str = ""
    origins: tuple[Origin, ...] = ()
    pinned_by: str = ""
    """`hub` = the digests are the hub's list; else who pinned what lay on disk."""
    files: tuple[PinnedFile, ...] = ()

    def by_path(self) -> dict[str, PinnedFile]:
        return {file.path: file for file in self.files}


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that is not as the manifest says."""

    path: str
    what: str
    """`missing`, `size`, `digest`, `unpinned` (loaded, but not in the manifest)."""
    expected: str = ""
    found: str = ""

    def words(self, folder: Path) -> str:
        where = folder / self.path
        if self.what == "missing":
            return f"{where} is missing"
        if self.what == "unpinned":
            return f"{where} is not in {MANIFEST}"
        kind = "SHA-256" if self.what == "digest" else "size"
        return f"{where} is not what was pinned: {kind} {self.expected} expected, {self.found} found"


def read_manifest(folder: Path) -> Manifest | None:
    """Return the folder's manifest, or None where it has none. Raises WeightsError for one that is damaged."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise WeightsError(f"{path} cannot be read: {problem}", remedy="Pin or pull the folder again.") from None
    if manifest.schema > SCHEMA:
        raise WeightsError(
            f"{path} has schema {manifest.schema}; this Understudy reads up to {SCHEMA}", remedy="Update Understudy."
        )
    for file in manifest.files:
        if not is_inside(file.path):
            raise WeightsError(f"{path} names {file.path}, which is not in the folder", remedy="Pin the folder again.")
    return manifest


def is_inside(path: str) -> bool:
    """Return whether a relative path with forward slashes stays in its folder. Pure."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and "\\" not in path and ".." not in parts and ":" not in parts[0]


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write it whole or not at all."""
    path = folder / MANIFEST
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    temporary.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    temporary.replace(path)
    return path


def pin(
    folder: Path,
    model: str,
    *,
    by: str,
    licence: str = "",
    origins: tuple[Origin, ...] = (),
    told: Told = lambda done, total: None,
) -> Manifest:
    """Return a manifest of everything that lies in `folder`, read from disk."""
    paths = [folder / name for name in files_in(folder)]
    digests = sha256_of_all(paths, DigestCache(None), told)
    files = tuple(
        PinnedFile(path=path.relative_to(folder).as_posix(), size=path.stat().st_size, sha256=sha256)
        for path, sha256 in digests.items()
    )
    return with_licence(
        folder, Manifest(model=model, licence=licence or UNKNOWN, origins=origins, pinned_by=by, files=files)
    )


def with_licence(folder: Path, manifest: Manifest) -> Manifest:
    """Return the manifest with the licence's text named by digest, and its name from the model card if not known."""
    names = sorted(file.path for file in manifest.files if LICENCE_NAMES.fullmatch(PurePosixPath(file.path).name))
    digests = manifest.by_path()
    card = folder / "README.md"
    if manifest.licence == UNKNOWN and card.is_file():
        said = _CARD_LICENCE.search(card.read_text(encoding="utf-8", errors="replace")[:4000])
        manifest = msgspec.structs.replace(manifest, licence=said[1] if said else UNKNOWN)
    if not names:
        return manifest
    first = min(names, key=lambda name: (name.count("/"), name))
    return msgspec.structs.replace(manifest, licence_file=first, licence_sha256=digests[first].sha256)


def files_in(folder: Path) -> list[str]:
    """Return every file that counts, relative and sorted: no manifest, no hidden file, nothing half downloaded."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        path.as_posix()
        for path in found
        if path.name != MANIFEST
        and path.suffix not in LEFT_OUT
        and not any(part.startswith(".") for part in path.parts)
    )


def compare(
    folder: Path,
    manifest: Manifest,
    *,
    files: Iterable[str] | None = None,
    cache: DigestCache,
    told: Told = lambda done, total: None,
) -> list[Difference]:
    """Return what differs. `files`: only these (what is about to be loaded); default: all that the manifest names."""
    pinned = manifest.by_path()
    wanted = list(pinned) if files is None else list(files)
    differences = []
    present = []
    for name in wanted:
        path = folder / name
        if name not in pinned:
            differences.append(Difference(name, "unpinned"))
        elif not path.is_file():
            differences.append(Difference(name, "missing"))
        elif path.stat().st_size != pinned[name].size:
            differences.append(Difference(name, "size", str(pinned[name].size), str(path.stat().st_size)))
        else:
            present.append(path)
    digests = sha256_of_all(present, cache, told)
    for path, sha256 in digests.items():
        expected = pinned[path.relative_to(folder).as_posix()].sha256
        if sha256 != expected:
            differences.append(Difference(path.relative_to(folder).as_posix(), "digest", expected, sha256))
    return sorted(differences, key=lambda difference: difference.path)
