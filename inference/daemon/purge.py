"""Removing what was made on the way to a take: face crops, skeletons, poses, carried pictures, frames never delivered.

Such files show a performer's face and body as much as the take does, and nobody needs them once the take is done. A
delivered version is never looked into. What goes is in the ledger by its digest before it goes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

from blake3 import blake3

from understudy.bridge.errors import JobParked
from understudy.bridge.private_files import locked
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.ledger import ENTRIES_FILE, FOLDER, Ledger, utc_now
from understudy.inference.daemon.house import CARRIED, SCRATCH
from understudy.inference.daemon.jobs import has_ended
from understudy.inference.daemon.lookup import Lookup
from understudy.inference.daemon.tables import JobRow
from understudy.inference.version_lock import VersionLock, writer_of

PURGED = "intermediates.purged"
LOG = "purged.jsonl"
POSES = "poses"
LIVE_STATES = ("draft", "uploading", "queued", "running", "parked", "paused", "checking")
_PROVISIONAL = ".provisional"  # as inference/version.py has it, which opens no door to the daemon's process
_GOING = ".going-"  # as retention.py has it: what is left of a kill is removed with the next look

Kind = Literal["scratch", "carried", "undelivered", "poses"]


@dataclass(frozen=True, slots=True)
class Intermediate:
    """One folder, or some files of one, that may go."""

    kind: Kind
    folder: Path
    files: tuple[Path, ...]
    """Everything in it, in order; of `poses`, those that were not used for long enough."""
    size: int
    row: JobRow | None = None
    """The job as it was when this was found. None for poses: they are kept by what was seen, for whoever saw it."""
    version: Path | None = None
    """Whose writer must not be at work."""

    @property
    def job_id(self) -> str:
        return self.row.job_id if self.row is not None else ""

    @property
    def project(self) -> str:
        return (self.row.project if self.row is not None else None) or ""


@dataclass(frozen=True, slots=True)
class Purged:
    """What went, or would go."""

    kind: Kind
    project: str
    job_id: str
    files: int
    size: int
    digest: str
    """Empty where nothing was removed."""


def purge(
    home: Path,
    store: Lookup,
    days: int,
    *,
    project: str | None = None,
    dry_run: bool = False,
    actor: str = "",
    ledger: Ledger | None = None,
) -> tuple[Purged, ...]:
    """Remove the intermediates of jobs that ended more than `days` ago; return what went. Blocks, for any thread.

    project: only that one's jobs; None = all, and those without a project. Poses that nobody used for so long go with
    any project. Beside a running daemon this is safe: what a live job may read stays, what a job that is tried again
    meanwhile goes on from, and a version in whose folder somebody writes. ledger: the daemon's own; None = the home's,
    where it has one. Raises JobParked when what is to go cannot be written down: it stays.
    """
    oldest = oldest_kept(store, days)
    if ledger is None and not dry_run and (home / FOLDER / ENTRIES_FILE).exists():
        ledger = Ledger(home)
    done = []
    for one in (*_of_jobs(home, store, oldest, project), *_poses(home, oldest)):
        if dry_run:
            done.append(Purged(one.kind, one.project, one.job_id, len(one.files), one.size, ""))
        elif (purged := _remove(home, store, one, days, actor, ledger)) is not None:
            done.append(purged)
    return tuple(done)


def oldest_kept(store: Lookup, days: int) -> str:
    """Return the time before which what is old goes. Time passes by what is stored: a clock that jumps ahead, or a
    machine that wakes up in another year, makes nothing old.
    """
    newest = store.newest_time()
    now = datetime.now(timezone.utc)
    oldest = min(now, datetime.fromisoformat(newest) if newest else now) - timedelta(days=days)
    return oldest.isoformat(timespec="milliseconds")[:23] + "Z"


def record_purge(home: Path, purged: Purged, *, days: int, actor: str, ledger: Ledger | None) -> None:
    """Write down what is about to go, on disk when this returns: in the ledger, or in HOME/purged.jsonl of a home that
    no daemon ever gave one.

    A purge that is killed after its entry is done again, and writes a second one with the same digest.
    """
    facts = {
        "kind": purged.kind,
        "job": purged.job_id,
        "files": str(purged.files),
        "bytes": str(purged.size),
        "digest": purged.digest,
        "older_than_days": str(days),
    }
    if ledger is not None:
        subjects = {name: value for name, value in facts.items() if value}
        ledger.append(NewEntry(event=PURGED, actor=actor, subjects=subjects, outcome="purged"))
    else:
        _add_line(home, {"at": utc_now(), "actor": actor, "project": purged.project, **facts})


def _add_line(home: Path, line: Mapping[str, str]) -> None:
    with locked(home, ".purged.lock"):
        descriptor = os.open(home / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _of_jobs(home: Path, store: Lookup, oldest: str, project: str | None) -> Iterator[Intermediate]:
    needed = _needed(store)
    for row in store.jobs((), projects=() if project is None else (project,)):
        old = has_ended(row.state) and store.settled_since(row) < oldest
        if old and row.job_id not in needed and (project is None or row.project == project):
            yield from _of_job(home, store, row)


def _needed(store: Lookup) -> set[str]:
    """Return the jobs whose pictures a job that has not ended may be reading."""
    names = set[str]()
    for row in store.jobs(LIVE_STATES):
        if row.cache_key:
            names.update(twin.job_id for twin in store.delivered_twins(row.cache_key, row.scope, row.job_id))
        redo = store.redo(row.job_id)
        if redo is not None:
            names.add(redo.job_id)
    return names


def _of_job(home: Path, store: Lookup, row: JobRow) -> Iterator[Intermediate]:
    provisional = Path(row.folder) / _PROVISIONAL
    version = provisional / row.version_name
    folders: list[tuple[Kind, Path]] = [
        ("scratch", home / "jobs" / row.job_id / SCRATCH),
        ("carried", home / "jobs" / row.job_id / CARRIED),
    ]
    # A version that was set aside keeps its frames when the job is tried again in another.
    made = {version, *(provisional / row.version_folder.format(version=one) for one in store.versions_begun(row))}
    folders += [("undelivered", one) for one in sorted(made) if row.state != "delivered" or one != version]
    for kind, folder in folders:
        if folder.is_dir() and not folder.is_symlink():
            files = tuple(sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file()))
            yield Intermediate(kind, folder, files, _size(files), row, version)


def _poses(home: Path, oldest: str) -> Iterator[Intermediate]:
    before = datetime.fromisoformat(oldest).timestamp()
    folder = home / POSES
    if not folder.is_dir():
        return
    files = tuple(sorted(path for path in folder.iterdir() if path.is_file() and path.stat().st_mtime < before))
    if files:
        yield Intermediate("poses", folder, files, _size(files))


def _size(files: tuple[Path, ...]) -> int:
    return sum(path.lstat().st_size for path in files)


def _remove(
    home: Path, store: Lookup, one: Intermediate, days: int, actor: str, ledger: Ledger | None
) -> Purged | None:
    """Write down and remove; None where somebody writes that version, or a job came to need it in the meantime."""
    with ExitStack() as held:
        if one.kind == "undelivered":
            lock = VersionLock(one.folder)
            try:
                lock.acquire()
            except JobParked:
                return None
            held.callback(lock.release)
        elif one.version is not None and writer_of(one.version):
            return None
        purged = Purged(one.kind, one.project, one.job_id, len(one.files), one.size, _digest(one))
        # Only now: what went before this folder, and its digest, took minutes, and nobody held the job meanwhile.
        if one.row is not None and (store.job(one.job_id) != one.row or one.job_id in _needed(store)):
            return None
        record_purge(home, purged, days=days, actor=actor, ledger=ledger)
        _delete(home, one)
    return purged


def _delete(home: Path, one: Intermediate) -> None:
    """Remove what is written down. Under HOME a folder loses its name first, so that nobody finds half of it."""
    if one.kind == "poses":
        for path in one.files:
            path.unlink(missing_ok=True)
    elif one.kind == "undelivered":
        shutil.rmtree(one.folder)
    else:
        going = home / "jobs" / f"{_GOING}{one.job_id}-{os.urandom(4).hex()}"
        one.folder.rename(going)
        shutil.rmtree(going, ignore_errors=True)
        with suppress(OSError):
            one.folder.parent.rmdir()  # fails while anything else of the job lies in it


def _digest(one: Intermediate) -> str:
    """Return one BLAKE3 over the name and the content of every file."""
    whole = blake3()
    for path in one.files:
        part = blake3(str(path.readlink()).encode()) if path.is_symlink() else blake3().update_mmap(path)
        whole.update(f"{path.relative_to(one.folder).as_posix()}\t{part.hexdigest()}\n".encode())
    return whole.hexdigest()
