"""One transaction of the job store: the rows and events that it writes. Only store.py opens one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from understudy.bridge.errors import ErrorReport, Finding
from understudy.bridge.messages import Event, Finished, Found, FrameFinished
from understudy.bridge.shot import JobRequest, Output, Redo
from understudy.inference.authority.head import AdmittedPapers
from understudy.inference.daemon.lookup import by_number
from understudy.inference.daemon.tables import JobRow, Told, What, version_scope

Change = tuple[JobRow, tuple[Told, ...]]
"""A job after a change, and the events that may now be told."""


class Place(NamedTuple):
    """Where a job's versions go: an absolute folder, and the templates of what lies in it, as in a WorkOrder."""

    folder: str
    version_folder: str = "v{version:03}"
    layer_file: str = "{layer}/{layer}.{frame:04}.exr"


@dataclass(frozen=True, slots=True)
class NewJob:
    """What the service knows of a job when admission has spoken. `state`: uploading, or refused with `error`."""

    job_id: str
    user: str
    token: str
    job: JobRequest
    place: Place
    cache_key: str
    admission: tuple[Finding, ...]
    state: str = "uploading"
    error: ErrorReport | None = None
    papers: AdmittedPapers = field(default_factory=AdmittedPapers)


class Writing:
    """What one transaction does to one job. A job's row is written once, when everything else is."""

    def __init__(self, tables: sqlite3.Connection, clock: Callable[[], str], row: JobRow | None) -> None:
        self.tables = tables
        self._clock = clock
        self._row = row
        self._changed: dict[str, Any] = {}
        self._heard: list[Told] = []

    @property
    def has_row(self) -> bool:
        return self._row is not None

    @property
    def row(self) -> JobRow:
        """The job as it will be."""
        if self._row is None:
            raise ValueError("this transaction is about no job")
        return self._row

    @row.setter
    def row(self, row: JobRow) -> None:
        self._row = row

    @property
    def change(self) -> Change:
        return self.row, tuple(self._heard)

    def set(self, **columns: Any) -> None:
        """Change columns of the job."""
        if columns:
            self._row = msgspec.structs.replace(self.row, **columns)
            self._changed.update(columns)

    def tell(self, what: What, **columns: Any) -> None:
        """Add one event and what hangs on it; change columns with it."""
        row, at = self.row, self._clock()
        number = self.tables.execute(
            "INSERT INTO events (job, at, what) VALUES (?, ?, ?)", (row.number, at, msgspec.json.encode(what))
        ).lastrowid
        if number is None:
            raise sqlite3.OperationalError("an event got no number")
        if isinstance(what, FrameFinished):
            columns |= self._add_frame(what.frame, number)
        elif isinstance(what, Found):
            self.tables.execute("INSERT INTO findings VALUES (?, ?)", (row.number, number))
        elif isinstance(what, Finished):
            columns["finished_event"] = number
        self.set(last_event=number, changed_at=at, **columns)
        self._heard.append(Told(Event(number=number, job_id=row.job_id, at=at, what=what), row.user, row.project))

    def flush(self) -> None:
        """Write the job's changed columns."""
        if not self._changed:
            return
        error = self._changed.get("error")
        values = {**self._changed, "error": msgspec.json.encode(error)} if error is not None else self._changed
        columns = ", ".join(f"{name} = ?" for name in values)
        self.tables.execute(
            f"UPDATE jobs SET {columns} WHERE number = ?",  # noqa: S608 - names of columns, never of a client
            (*values.values(), self.row.number),
        )

    def _add_frame(self, frame: int, event: int) -> dict[str, Any]:
        """Note that a frame is whole; the same frame told again after a crash counts once."""
        row = self.row
        at = (row.number, row.version, frame)
        known = self.tables.execute("SELECT 1 FROM frames WHERE job = ? AND version = ? AND frame = ?", at).fetchone()
        self.tables.execute("INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?)", (*at, event))
        return {} if known is not None else {"frames_done": row.frames_done + 1, "crashes": 0}


def hand_out_version(tables: sqlite3.Connection, scope: str) -> int:
    """Return the next version within `scope`; no other transaction will ever get it."""
    ((version,),) = tables.execute(
        "INSERT INTO versions VALUES (?, 1) ON CONFLICT (scope) DO UPDATE SET last = last + 1 RETURNING last", (scope,)
    ).fetchall()
    return int(version)


class _Requested(msgspec.Struct):
    """As much of a stored request as says where its versions are numbered."""

    output: Output
    redo: Redo | None = None


def next_version(tables: sqlite3.Connection, row: JobRow) -> int:
    """Hand out another version to a job that is tried again."""
    ((request,),) = tables.execute("SELECT request FROM requests WHERE number = ?", (row.number,)).fetchall()
    asked = msgspec.json.decode(request, type=_Requested)
    return hand_out_version(tables, version_scope(row.job_id, row.user, row.shot, asked.output, asked.redo))


def insert_job(tables: sqlite3.Connection, new: NewJob, now: str) -> JobRow:
    """Write a job with its request and the files that it needs; return its row."""
    job, project = new.job, new.job.output.project
    # What admission refuses never had pictures: it takes no number from the shot.
    takes_version = new.state != "refused"
    scope = version_scope(new.job_id, new.user, job.shot.name, job.output, job.redo)
    version = hand_out_version(tables, scope) if takes_version else 0
    number = tables.execute(
        "INSERT INTO jobs (job_id, user, project, shot, engine, mode, clearance, folder, version_folder, layer_file,"
        " cache_key, token, created_at, frames_total, state, version, priority, changed_at)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            new.job_id, new.user, project, job.shot.name, job.settings.engine, job.settings.mode,
            job.record.clearance, *new.place, new.cache_key, new.token, now, len(job.shot.range), new.state, version,
            job.priority, now,
        ),
    ).lastrowid  # fmt: skip
    admission = msgspec.json.encode(new.admission)
    asked = (number, msgspec.json.encode(job), admission, msgspec.json.encode(new.papers))
    tables.execute("INSERT INTO requests VALUES (?, ?, ?, ?)", asked)
    tables.executemany(
        "INSERT OR IGNORE INTO files VALUES (?, ?, ?, ?, ?)",
        (
            (number, bytes.fromhex(file.file), bytes.fromhex(file.picture), file.frame, file.size)
            for pictures in job.shot.roles().values()
            for file in pictures.files
        ),
    )
    return by_number(tables, number)
