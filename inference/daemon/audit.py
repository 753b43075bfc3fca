"""Where a person or a consent went: every job that names them, and every job made from what those made. Reads only.

Works on the store's file, beside a running daemon or without one. What was made from a layer is found by the layer's
digest among the inputs of later jobs, and by the redo that names its version; so a layer that somebody re-rendered
elsewhere is not found here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from understudy.bridge.errors import RequestError
from understudy.bridge.shot import Redo
from understudy.inference.authority.registry import Handed, Registry
from understudy.inference.daemon.lookup import Lookup
from understudy.inference.daemon.tables import JobRow

Subject = Literal["talent", "consent"]


class _Consent(msgspec.Struct):
    consent_id: str
    talent: str = ""


class _Record(msgspec.Struct):
    on_screen: tuple[str, ...] = ()
    performed_by: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    consents: tuple[_Consent, ...] = ()


class _Performer(msgspec.Struct):
    talents: tuple[str, ...] = ()


class _Shot(msgspec.Struct):
    performers: tuple[_Performer, ...] = ()


class _Request(msgspec.Struct):
    """As much of a stored request as says who is in it and what it goes on from; files by the thousand stay encoded."""

    record: _Record
    shot: _Shot
    redo: Redo | None = None


_REQUEST = msgspec.json.Decoder(_Request)


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One job in which the subject is, or in which a layer of such a job is."""

    job: str
    version: int
    state: str
    project: str
    shot: str
    user: str
    created_at: str
    because: str
    """`names ana`, `made from v001 of JOB`, `redoes v001 of JOB`, `has the pictures of JOB`."""
    layers: tuple[str, ...]
    files: int
    folder: str
    """Where the version lies; empty where nothing was delivered."""
    recipients: tuple[Handed, ...] = ()


@dataclass
class _Search:
    """What was found so far: job to why."""

    because: dict[str, str] = field(default_factory=dict)

    def take(self, job_id: str, why: str) -> bool:
        if job_id in self.because:
            return False
        self.because[job_id] = why
        return True


def audit(store: Lookup, registry: Registry, kind: Subject, subject: str) -> tuple[Use, ...]:
    """Return every use of a talent or a consent, the oldest job first, derived ones included however far."""
    rows = {row.job_id: row for row in store.jobs() if row.state != "refused"}
    requests = {job_id: _REQUEST.decode(store.encoded_request(job_id)) for job_id in rows}
    search = _Search()
    frontier = [job_id for job_id, request in requests.items() if _names(request, kind, subject)]
    for job_id in frontier:
        search.take(job_id, f"names {subject}")
    while frontier:
        frontier = [
            job_id for source in frontier for job_id, why in _derived(store, rows, requests, rows[source])
            if search.take(job_id, why)
        ]  # fmt: skip
    found = [rows[job_id] for job_id in search.because]
    found.sort(key=lambda row: row.number)
    return tuple(_use(store, registry, row, search.because[row.job_id]) for row in found)


def open_store(home: Path) -> Lookup:
    """Return the jobs of a HOME. Raises RequestError where no daemon ever ran."""
    path = home / "store.sqlite"
    if not path.is_file():
        raise RequestError(f"there is no job store {path}", remedy="Say this on the daemon's machine.")
    return Lookup(path)


def _names(request: _Request, kind: Subject, subject: str) -> bool:
    record = request.record
    if kind == "consent":
        return any(consent.consent_id == subject for consent in record.consents)
    performers = (talent for performer in request.shot.performers for talent in performer.talents)
    granted = (consent.talent for consent in record.consents)
    return subject in (*record.on_screen, *record.performed_by, *record.replaced, *performers, *granted)


def _derived(
    store: Lookup, rows: dict[str, JobRow], requests: dict[str, _Request], source: JobRow
) -> Iterator[tuple[str, str]]:
    """Yield the jobs that took a file of `source` in, or make a segment of it again, each with why."""
    digests = [file.file for file in store.outputs(source.job_id)]
    for job_id in store.jobs_with_files(digests):
        if job_id in rows and job_id != source.job_id:
            yield job_id, f"made from v{source.version:03} of {source.job_id}"
    for row in rows.values():
        if source.cache_key and row.cache_key == source.cache_key and row.job_id != source.job_id:
            yield row.job_id, f"has the pictures of {source.job_id}"
    for job_id, request in requests.items():
        if request.redo is not None and request.redo.job_id == source.job_id:
            yield job_id, f"redoes v{request.redo.version:03} of {source.job_id}"


def _use(store: Lookup, registry: Registry, row: JobRow, because: str) -> Use:
    files = store.outputs(row.job_id)
    delivered = row.state == "delivered"
    return Use(
        job=row.job_id, version=row.version, state=row.state, project=row.project or "", shot=row.shot, user=row.user,
        created_at=row.created_at, because=because, layers=_layers(file.layer for file in files), files=len(files),
        folder=str(Path(row.folder) / row.version_name) if delivered else "",
        recipients=tuple(registry.handed(row.job_id)),
    )  # fmt: skip


def _layers(names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
