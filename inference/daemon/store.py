"""The jobs on disk: SQLite, every change one durable commit before anyone is told.

Write-ahead log with `synchronous=FULL`: when a call returns, its change survives `kill -9` and a power cut. Calls block
for the length of one fsync, so asyncio code runs them on a thread; any thread may call, writers wait for each other,
readers never wait for writers. What may follow on what is decided in jobs.py; here it is only made durable.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec

from understudy.bridge.errors import DaemonError, ErrorReport, Finding, JobParked
from understudy.bridge.messages import StateChanged
from understudy.bridge.shot import JobRequest
from understudy.inference.authority.head import AdmittedPapers
from understudy.inference.daemon.jobs import next_state
from understudy.inference.daemon.lookup import Lookup, connect, known_job, one_job
from understudy.inference.daemon.tables import CHANGEABLE, SCHEMA, SCHEMA_VERSION, UPGRADES, JobRow, What
from understudy.inference.daemon.writing import Change, NewJob, Place, Writing, insert_job, next_version

__all__ = ["Change", "NewJob", "Place", "Store", "utc_now"]

ROWS_REMEMBERED = 10_000


def utc_now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")[:23] + "Z"


class Store(Lookup):
    """The job store of one daemon. Thread-safe. A change returns when it is durable, with the events to tell now."""

    def __init__(self, path: Path, clock: Callable[[], str] = utc_now) -> None:
        """Open or create the store. Raises DaemonError for a store of a newer version or a damaged one."""
        self._clock = clock
        self._write_lock = threading.Lock()
        self._kept: dict[str, JobRow] = {}
        try:
            self._writer = connect(path)
            self._prepare(path)
            super().__init__(path)
        except sqlite3.DatabaseError as problem:
            raise DaemonError(
                f"{path} cannot be used as the job store: {problem}",
                remedy="Move it aside; the daemon then starts with an empty store. Delivered layers are not in it.",
            ) from problem

    def _prepare(self, path: Path) -> None:
        (found,) = self._writer.execute("PRAGMA user_version").fetchone()
        if found == 0:
            self._writer.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        while found in UPGRADES:
            step = f"BEGIN IMMEDIATE; {UPGRADES[found]} PRAGMA user_version={found + 1}; COMMIT;"
            self._writer.executescript(step)
            found += 1
        if found not in (0, SCHEMA_VERSION):
            raise DaemonError(
                f"{path} was written by another version of understudy (schema {found}, this one is {SCHEMA_VERSION})",
                remedy="Start the version that wrote it, or set UNDERSTUDY_HOME to another folder.",
            )

    def close(self) -> None:
        super().close()
        with self._write_lock:
            self._writer.close()

    def accept(self, new: NewJob) -> Change:
        """Store a job and hand out its version. The same (user, token) again returns the job it made, no events."""
        with self._transaction() as writing:
            known = one_job(writing.tables, "user = ? AND token = ?", (new.user, new.token))
            if known is not None:
                return known, ()
            writing.row = insert_job(writing.tables, new, self._clock())
            writing.tell(StateChanged(state=new.state, reason=new.error), error=new.error)  # type: ignore[arg-type]
            writing.set(first_event=writing.row.last_event)
        return writing.change

    def move(
        self,
        job_id: str,
        action: str,
        *,
        reason: ErrorReport | None = None,
        before: Iterable[What] = (),
        **columns: Any,
    ) -> Change:
        """Change a job's state by `action`; `before` are events told ahead of it, in the same commit.

        `reason` stays as the job's error while it is in that state. `columns` are set with it; a wish that is not given
        is dropped: the move has answered it. Raises RequestError where the action makes no sense.
        """
        _check(columns)
        with self._transaction(job_id) as writing:
            state = next_state(writing.row.state, action)
            for what in before:
                writing.tell(what)
            columns = {"wish": None, **columns, "state": state, "error": reason}
            writing.tell(StateChanged(state=state, reason=reason), **columns)
            if action == "start":
                turn = (writing.row.user, writing.row.last_event)
                writing.tables.execute("INSERT OR REPLACE INTO turns VALUES (?, ?)", turn)
        return writing.change

    def note(self, job_id: str, *whats: What, **columns: Any) -> Change:
        """Store events that change no state (a finished frame, findings), and columns with them, in one commit."""
        _check(columns)
        with self._transaction(job_id) as writing:
            for what in whats:
                writing.tell(what)
            writing.set(**columns)
        return writing.change

    def retry(
        self,
        job_id: str,
        *,
        new_version: bool,
        job: JobRequest,
        admission: tuple[Finding, ...],
        papers: AdmittedPapers | None = None,
    ) -> Change:
        """Open an ended job again, with what admission and its papers say today; its findings start anew.

        job: the same request; of its record what the registry fills in may be other than it was.
        """
        with self._transaction(job_id) as writing:
            row, tables = writing.row, writing.tables
            state = next_state(row.state, "retry")
            fresh = {"wish": None, "error": None, "crashes": 0, "finished_event": None}
            if new_version:
                fresh |= {"version": next_version(tables, row), "frames_done": 0}
            tables.execute("DELETE FROM findings WHERE job = ?", (row.number,))
            said = (*map(msgspec.json.encode, (job, admission, papers)), row.number)
            tables.execute("UPDATE requests SET request = ?, admission = ?, papers = ? WHERE number = ?", said)
            writing.tell(StateChanged(state=state), state=state, **fresh)
        return writing.change

    def possess(self, job_id: str, file: str) -> None:
        """Note that a job's user proved to have this file by bringing it: somebody is still there for the job."""
        with self._transaction(job_id) as writing:
            held = (bytes.fromhex(file), writing.row.scope)
            writing.tables.execute("INSERT OR IGNORE INTO held VALUES (?, ?)", held)
            writing.set(changed_at=self._clock())

    def know_pictures(self, job_id: str, pictures: Mapping[str, str]) -> None:
        """Note which picture each of these files of a job is, as we computed it: file digest to picture digest."""
        with self._transaction(job_id) as writing:
            row = writing.row
            writing.tables.executemany(
                "INSERT OR REPLACE INTO pictures SELECT ?, frame, ?, file FROM files"
                " WHERE job = ? AND file = ? AND frame IS NOT NULL",
                ((bytes.fromhex(p), row.scope, row.number, bytes.fromhex(f)) for f, p in pictures.items()),
            )

    def keep_run(self, alike: str, engine: str, run: bytes, most: int) -> None:
        """Keep what a job cost, and of those like it no more than the newest `most`."""
        with self._transaction() as writing:
            writing.tables.execute("INSERT INTO runs (alike, engine, run) VALUES (?, ?, ?)", (alike, engine, run))
            older = "SELECT number FROM runs WHERE alike = ? ORDER BY number DESC LIMIT -1 OFFSET ?"
            writing.tables.execute(f"DELETE FROM runs WHERE number IN ({older})", (alike, most))  # noqa: S608

    @contextmanager
    def _transaction(self, job_id: str = "") -> Iterator[Writing]:
        """Yield one transaction, on `job_id` if named. Raises JobParked when the disk is full: nothing was changed."""
        with self._write_lock:
            committed = False
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                row = (self._kept.get(job_id) or known_job(self._writer, job_id)) if job_id else None
                writing = Writing(self._writer, self._clock, row)
                yield writing
                writing.flush()
                self._writer.execute("COMMIT")
                committed = True
            except sqlite3.OperationalError as problem:
                raise JobParked(
                    f"the job store cannot be written: {problem}",
                    remedy="Make room on the disk that holds UNDERSTUDY_HOME; nothing accepted is lost.",
                ) from problem
            finally:
                if not committed:
                    self._undo(job_id)
            self._remember(writing)

    def _undo(self, job_id: str) -> None:
        """End a transaction that came to nothing."""
        self._kept.pop(job_id, None)
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    def _remember(self, writing: Writing) -> None:
        """Keep the row as it was committed: only this process writes, so the next change need not read it."""
        if len(self._kept) >= ROWS_REMEMBERED:
            self._kept.clear()
        if writing.has_row:
            self._kept[writing.row.job_id] = writing.row


def _check(columns: Mapping[str, Any]) -> None:
    if unknown := columns.keys() - CHANGEABLE:
        raise ValueError(f"not a column that may be set: {sorted(unknown)}")
