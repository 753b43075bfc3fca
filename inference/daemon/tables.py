"""The tables of the job store and the rows that come out of them. No decisions, no connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from understudy.bridge.errors import ErrorReport
from understudy.bridge.messages import Event, Finished, Found, FrameFinished, Progress, StateChanged
from understudy.bridge.shot import Output, Redo
from understudy.bridge.words import Mode, State

What = StateChanged | Progress | FrameFinished | Found | Finished

SCHEMA_VERSION = 3
RUNS = """
CREATE TABLE runs (number INTEGER PRIMARY KEY, alike TEXT NOT NULL, engine TEXT NOT NULL, run BLOB NOT NULL) STRICT;
CREATE INDEX runs_alike ON runs (alike);
"""
"""What ended jobs cost: `alike` is the same for those that a median is taken of (daemon/costs.py)."""
SCHEMA = f"""{RUNS}
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY, job_id TEXT NOT NULL UNIQUE, user TEXT NOT NULL, project TEXT, shot TEXT NOT NULL,
  engine TEXT NOT NULL, mode TEXT NOT NULL, clearance TEXT NOT NULL, cache_key TEXT NOT NULL,
  folder TEXT NOT NULL, version_folder TEXT NOT NULL, layer_file TEXT NOT NULL,
  token TEXT NOT NULL, created_at TEXT NOT NULL, frames_total INTEGER NOT NULL,
  state TEXT NOT NULL, version INTEGER NOT NULL, priority INTEGER NOT NULL, house_priority INTEGER NOT NULL DEFAULT 0,
  changed_at TEXT NOT NULL, frames_done INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0, wish TEXT,
  first_event INTEGER NOT NULL DEFAULT 0, last_event INTEGER NOT NULL DEFAULT 0, finished_event INTEGER, error BLOB,
  UNIQUE (user, token)
) STRICT;
CREATE INDEX jobs_alive ON jobs (state)
  WHERE state NOT IN ('delivered', 'refused', 'quarantined', 'cancelled', 'failed');
CREATE INDEX jobs_delivered ON jobs (cache_key) WHERE state = 'delivered';
CREATE TABLE requests (number INTEGER PRIMARY KEY, request BLOB NOT NULL, admission BLOB NOT NULL, papers BLOB) STRICT;
CREATE TABLE events (number INTEGER PRIMARY KEY, job INTEGER NOT NULL, at TEXT NOT NULL, what BLOB NOT NULL) STRICT;
CREATE TABLE frames (job INTEGER, version INTEGER, frame INTEGER, event INTEGER NOT NULL,
  PRIMARY KEY (job, version, frame)) STRICT, WITHOUT ROWID;
CREATE TABLE findings (job INTEGER, event INTEGER, PRIMARY KEY (job, event)) STRICT, WITHOUT ROWID;
CREATE TABLE files (job INTEGER, file BLOB, picture BLOB NOT NULL, frame INTEGER, size INTEGER NOT NULL,
  PRIMARY KEY (job, file))
  STRICT, WITHOUT ROWID;
CREATE TABLE held (file BLOB, scope TEXT, PRIMARY KEY (file, scope)) STRICT, WITHOUT ROWID;
CREATE TABLE pictures (picture BLOB, frame INTEGER, scope TEXT, file BLOB NOT NULL,
  PRIMARY KEY (picture, frame, scope)) STRICT, WITHOUT ROWID;
CREATE TABLE turns (user TEXT PRIMARY KEY, event INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE versions (scope TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
UPGRADES = {1: "ALTER TABLE requests ADD COLUMN papers BLOB;", 2: RUNS}
"""Schema N to what makes a store of schema N + 1 of it."""
CHANGEABLE = frozenset(
    {"version", "priority", "house_priority", "crashes", "wish", "frames_done", "finished_event", "cache_key"}
)
"""Columns that a caller of the store may set by name; the rest follows from what happens."""

_WHAT: msgspec.json.Decoder[What] = msgspec.json.Decoder(What)
_REPORT = msgspec.json.Decoder(ErrorReport)


class JobRow(msgspec.Struct, frozen=True):
    """One job as the store knows it. Times are ISO 8601 UTC; its events lie between `first_event` and `last_event`."""

    number: int
    job_id: str
    user: str
    project: str | None
    shot: str
    engine: str
    mode: Mode
    clearance: str
    cache_key: str
    folder: str
    version_folder: str
    layer_file: str
    token: str
    created_at: str
    frames_total: int
    state: State
    version: int
    priority: int
    house_priority: int
    changed_at: str
    frames_done: int
    crashes: int
    wish: str | None
    first_event: int
    last_event: int
    finished_event: int | None
    error: ErrorReport | None

    @property
    def scope(self) -> str:
        """Within which pictures count as possessed, and results as known: the project, else the user's own."""
        return scope_of(self.user, self.project)

    @property
    def version_name(self) -> str:
        """Path of the version's folder inside `folder`."""
        return self.version_folder.format(version=self.version)


COLUMNS = ", ".join(JobRow.__struct_fields__)


def job_row(values: tuple[Any, ...]) -> JobRow:
    """Return the row of `SELECT {COLUMNS} FROM jobs`."""
    error = values[-1]
    return JobRow(*(*values[:-1], _REPORT.decode(error) if error is not None else None))


def scope_of(user: str, project: str | None) -> str:
    return f"project {project}" if project is not None else f"user {user}"


def version_scope(job_id: str, user: str, shot: str, output: Output, redo: Redo | None = None) -> str:
    """Return within what a version number is never given twice: a project's shot, a user's series, the job's own.

    A redo's versions count on from the job that it began with.
    """
    if output.project is not None:
        return f"shot {output.project}/{shot}"
    own = job_id if redo is None else redo.first_job_id
    return f"series {user}/{output.series}" if output.series else f"job {own}"


@dataclass(frozen=True, slots=True)
class Told:
    """An event with what decides who may hear of it."""

    event: Event
    user: str
    project: str | None


def told(number: int, job_id: str, at: str, what: bytes, user: str, project: str | None) -> Told:
    """Return an event as stored: its content goes to the wire as it is, a list of all files not through objects."""
    stored: Any = msgspec.Raw(what)
    return Told(Event(number=number, job_id=job_id, at=at, what=stored), user, project)


def decode_what(what: bytes) -> What:
    return _WHAT.decode(what)
