"""Brings a model's folder here from the hub: only what lacks, each file checked, a manifest written at the end."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from understudy.bridge.errors import RequestError, WeightsError
from understudy.inference.weights.catalogue import Model
from understudy.inference.weights.digests import DigestCache, Told, sha256_of
from understudy.inference.weights.hub import HALF_ENDING, HubFile, HubList, fetch_file, list_files
from understudy.inference.weights.manifest import Manifest, PinnedFile, read_manifest, with_licence, write_manifest

LOCK = ".understudy-pull.lock"
SPARE_BYTES = 2**30
"""Left free on the disk: a full one stops everything else on the machine."""


def pull(
    model: Model,
    folder: Path,
    *,
    cache: DigestCache,
    endpoint: str | None = None,
    told: Told = lambda done, total: None,
) -> Manifest:
    """Make `folder` what the hub lists and return its manifest. A pull that stopped goes on, killed or not.

    Files that lie there already and digest right are kept; one that does not is fetched anew. Raises WeightsError, and
    RequestError where another pull writes the same folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        listed = list_files(model, endpoint)
        digests = _kept(listed, folder, cache)
        lacking = [file for file in listed.files if file.path not in digests]
        _require_room(folder, lacking)
        progress = _Progress(sum(file.size for file in listed.files), told)
        progress.add(sum(file.size for file in listed.files if file.path in digests))
        for file in lacking:
            digests[file.path] = fetch_file(file, folder, endpoint=endpoint, told=progress.add)
        manifest = _manifest(model, folder, listed, digests)
        write_manifest(folder, manifest)
    return manifest


def _kept(listed: HubList, folder: Path, cache: DigestCache) -> dict[str, str]:
    """Return the digests of files that need no fetching: large ones by the hub's SHA-256, small ones by a manifest."""
    manifest = read_manifest(folder)
    pinned = manifest.by_path() if manifest is not None and manifest.origins == listed.origins else {}
    kept = {}
    for file in listed.files:
        path = folder / file.path
        expected = file.sha256 or (pinned[file.path].sha256 if file.path in pinned else "")
        if expected and path.is_file() and path.stat().st_size == file.size and sha256_of(path, cache) == expected:
            kept[file.path] = expected
    return kept


def _require_room(folder: Path, lacking: list[HubFile]) -> None:
    halves = [folder / f"{file.path}{HALF_ENDING}" for file in lacking]
    here = sum(half.stat().st_size for half in halves if half.is_file())
    wanted, free = sum(file.size for file in lacking) - here, shutil.disk_usage(folder).free
    if wanted and wanted + SPARE_BYTES > free:
        raise WeightsError(
            f"{folder} has {free / 2**30:.1f} GiB free; {wanted / 2**30:.1f} GiB are to come, and 1 GiB stays free",
            remedy="Free space, or name a folder on another disk with --to.",
        )


def _manifest(model: Model, folder: Path, listed: HubList, digests: dict[str, str]) -> Manifest:
    files = tuple(PinnedFile(path=file.path, size=file.size, sha256=digests[file.path]) for file in listed.files)
    manifest = Manifest(model=model.name, licence=listed.licence, origins=listed.origins, pinned_by="hub", files=files)
    return with_licence(folder, manifest)


class _Progress:
    """Adds up bytes for whoever watches."""

    def __init__(self, total: int, told: Told) -> None:
        self._done, self._total, self._told = 0, total, told

    def add(self, size: int) -> None:
        self._done += size
        self._told(self._done, self._total)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder against another pull; a pull that died has let go. Windows has no such lock and goes without."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RequestError(
                f"another pull is writing {folder}", remedy="Wait for it, or name another folder with --to."
            ) from None
        yield
