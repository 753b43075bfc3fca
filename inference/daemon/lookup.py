"""Looking things up in the job store: reads only, on a connection of their own that never waits for a writer."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from understudy.bridge.errors import Finding, RequestError
from understudy.bridge.keys import User
from understudy.bridge.messages import Finished, Found, FrameFinished
from understudy.bridge.record import RECORD_SCHEMA
from understudy.bridge.record_file import UPGRADES, upgrade
from understudy.bridge.shot import JobRequest, OutputFile, Redo, Settings
from understudy.inference.authority.head import AdmittedPapers, LedgerHead
from understudy.inference.daemon.tables import COLUMNS, JobRow, Told, decode_what, job_row, told


class _Redoing(msgspec.Struct):
    """As much of a stored request as says what it makes again: files by the thousand stay undecoded."""

    redo: Redo | None = None


class _Chosen(msgspec.Struct):
    """The same for what was chosen."""

    settings: Settings


_CHOSEN = msgspec.json.Decoder(_Chosen)
_REDOING = msgspec.json.Decoder(_Redoing)
_REQUEST = msgspec.json.Decoder(JobRequest)
_FINDINGS = msgspec.json.Decoder(tuple[Finding, ...])
_PAPERS = msgspec.json.Decoder(AdmittedPapers | None)
BUSY_TIMEOUT_SECONDS = 10.0
"""Only a second process that looks into the store (`sqlite3 store.sqlite`) can make us wait."""
DIGESTS_AT_ONCE = 500
"""SQLite takes 32,766 values in a statement; fewer keep one reading short."""
CACHE_KIBIBYTES = 256
"""Pages that a connection keeps: the rows in use. SQLite's own 2 MB are filled by one long job; the kernel has them."""

_EVENTS = """
SELECT e.number, j.job_id, e.at, e.what, j.user, j.project FROM events e JOIN jobs j ON j.number = e.job
WHERE e.number > ? {only} ORDER BY e.number LIMIT ?
"""
_OF_JOBS = """
AND e.job IN (SELECT number FROM jobs WHERE job_id IN ({marks}))
AND e.number BETWEEN (SELECT min(first_event) FROM jobs WHERE job_id IN ({marks}))
AND (SELECT max(last_event) FROM jobs WHERE job_id IN ({marks}))
"""
"""An index of events by job would be written with every commit; the span of a job's own events is as good a guide."""


_RECORD_ID = "json_extract(CAST(r.request AS TEXT), '$.record.record_id')"
"""SQLite reads it out of every stored request without holding Python meanwhile."""
_HAS_RECORD = f"instr(r.request, ?) > 0 AND {_RECORD_ID} = ?"
"""A request of megabytes is only parsed where the id stands in it somewhere."""


def _may_see(user: str, projects: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the condition on `j` by which a key may know of a job (`jobs.may_see`), and its values."""
    if not projects:
        return "1", ()
    return f"(j.user = ? OR j.project IN ({marks(projects)}))", (user, *projects)


def read_request(data: bytes) -> JobRequest:
    """Return a stored request; the record of one that was stored before today's schema is carried up to it."""
    try:
        return _REQUEST.decode(data)
    except msgspec.ValidationError:
        document = msgspec.json.decode(data)
        document["record"] = upgrade(document["record"], UPGRADES, RECORD_SCHEMA)
        return msgspec.convert(document, JobRequest)


class Lookup:
    """What the store knows, for any thread. A value read is a committed one."""

    def __init__(self, path: Path) -> None:
        self._read_lock = threading.Lock()
        self._reader = connect(path)
        self._reader.execute("PRAGMA query_only=ON")

    def close(self) -> None:
        with self._read_lock:
            self._reader.close()

    def job(self, job_id: str) -> JobRow:
        """Raises RequestError for a job that is not here."""
        with self._read_lock:
            return known_job(self._reader, job_id)

    def job_by_token(self, user: str, token: str) -> JobRow | None:
        with self._read_lock:
            return one_job(self._reader, "user = ? AND token = ?", (user, token))

    def jobs(
        self, states: Iterable[str] = (), *, user: str = "", projects: tuple[str, ...] = (), limit: int = -1
    ) -> list[JobRow]:
        """Return the newest jobs first; with `projects`, only those of these projects or of `user`."""
        clauses, values = ["1"], list[Any]()
        if wanted := list(states):
            clauses.append(f"state IN ({marks(wanted)})")
            values += wanted
        if projects:
            clauses.append(f"(user = ? OR project IN ({marks(projects)}))")
            values += [user, *projects]
        where = " AND ".join(clauses)
        return self._rows(f"{where} ORDER BY number DESC LIMIT ?", (*values, limit))

    def _rows(self, where: str, values: tuple[Any, ...]) -> list[JobRow]:
        with self._read_lock:
            found = self._reader.execute(f"SELECT {COLUMNS} FROM jobs WHERE {where}", values).fetchall()  # noqa: S608
        return [job_row(values) for values in found]

    def request(self, job_id: str) -> tuple[JobRequest, tuple[Finding, ...]]:
        """Return what was asked, and what admission said to it."""
        return read_request(self.encoded_request(job_id)), self.admission(job_id)

    def sent(self, job_id: str) -> JobRequest:
        """Return what was asked as it was sent: its record without what the registry filled in."""
        job, record = self.request(job_id)[0], self.papers(job_id).record
        return job if record is None else msgspec.structs.replace(job, record=record)

    def encoded_request(self, job_id: str) -> bytes:
        """Return what was asked, its record filled in, as JSON for the wire."""
        sql = "SELECT r.request FROM requests r JOIN jobs j USING (number) WHERE j.job_id = ?"
        return bytes(self._read(sql, (job_id,))[0][0])

    def with_record(self, user: str, projects: tuple[str, ...], record_id: str) -> list[JobRow]:
        """Return the jobs with this record, the newest first: of `user` or of `projects`; of everyone where there are
        none.
        """
        seen, values = _may_see(user, projects)
        found = f"SELECT j.number FROM jobs j JOIN requests r USING (number) WHERE {seen} AND {_HAS_RECORD}"  # noqa: S608
        return self._rows(
            f"number IN ({found}) ORDER BY number DESC", (*values, msgspec.json.encode(record_id), record_id)
        )

    def records_seen(self, user: User, among: Iterable[str]) -> frozenset[str]:
        """Return which of these records have a job that `user` may see."""
        return self._records(user, among, "{seen}")

    def records_hidden(self, user: User, among: Iterable[str]) -> frozenset[str]:
        """Return which of these records have a job that `user` may not see: the id alone does not say whose it is."""
        return self._records(user, among, "NOT coalesce({seen}, 0)")

    def _records(self, user: User, among: Iterable[str], which: str) -> frozenset[str]:
        wanted = tuple(filter(None, among))
        seen, values = _may_see(user.name, user.projects)
        sql = (
            f"SELECT DISTINCT {_RECORD_ID} FROM jobs j JOIN requests r USING (number)"  # noqa: S608
            f" WHERE {which.format(seen=seen)} AND {_RECORD_ID} IN ({marks(wanted)})"
        )
        return frozenset(str(record_id) for (record_id,) in self._read(sql, (*values, *wanted)))

    def redo(self, job_id: str) -> Redo | None:
        """Return what a job makes again of which version; None for one that makes everything."""
        return _REDOING.decode(self.encoded_request(job_id)).redo

    def settings(self, job_id: str) -> Settings:
        """Return the engine of a job and what was chosen of it."""
        return _CHOSEN.decode(self.encoded_request(job_id)).settings

    def admission(self, job_id: str) -> tuple[Finding, ...]:
        """Return what admission said of a job."""
        sql = "SELECT r.admission FROM requests r JOIN jobs j USING (number) WHERE j.job_id = ?"
        return _FINDINGS.decode(self._read(sql, (job_id,))[0][0])

    def papers(self, job_id: str) -> AdmittedPapers:
        """Return how a job's papers stood when it was accepted; nothing is known of a job older than the ledger."""
        sql = "SELECT r.papers FROM requests r JOIN jobs j USING (number) WHERE j.job_id = ?"
        return _PAPERS.decode(self._read(sql, (job_id,))[0][0] or b"null") or AdmittedPapers()

    def ledger_heads(self, limit: int = -1) -> list[LedgerHead]:
        """Return the heads that jobs carried away from the ledger, the newest job's first."""
        sql = "SELECT papers FROM requests WHERE papers IS NOT NULL ORDER BY number DESC LIMIT ?"
        papers = [_PAPERS.decode(stored) for (stored,) in self._read(sql, (limit,))]
        return [one.ledger_head for one in papers if one is not None and one.ledger_head is not None]

    def findings(self, job_id: str) -> tuple[Finding, ...]:
        """Return admission's findings and those of every later stage, in order."""
        sql = (
            "SELECT e.what FROM findings f JOIN events e ON e.number = f.event JOIN jobs j ON j.number = f.job"
            " WHERE j.job_id = ? ORDER BY e.number"
        )
        later = [decode_what(what) for (what,) in self._read(sql, (job_id,))]
        return self.admission(job_id) + tuple(f for what in later if isinstance(what, Found) for f in what.findings)

    def outputs(self, job_id: str) -> tuple[OutputFile, ...]:
        """Return the files of the job's version: the final list once finished, else those of every finished frame."""
        row = self.job(job_id)
        if row.finished_event is not None:
            ((what,),) = self._read("SELECT what FROM events WHERE number = ?", (row.finished_event,))
            finished = decode_what(what)
            return finished.files if isinstance(finished, Finished) else ()
        sql = (
            "SELECT e.what FROM frames f JOIN events e ON e.number = f.event"
            " WHERE f.job = ? AND f.version = ? ORDER BY f.frame"
        )
        frames = [decode_what(what) for (what,) in self._read(sql, (row.number, row.version))]
        return tuple(file for what in frames if isinstance(what, FrameFinished) for file in what.files)

    def versions_begun(self, row: JobRow) -> set[int]:
        """Return the versions in which a job finished a frame: one that is tried again may have several."""
        sql = "SELECT DISTINCT version FROM frames WHERE job = ?"
        return {int(version) for (version,) in self._read(sql, (row.number,))}

    def events_after(self, after: int, job_ids: Iterable[str] = (), limit: int = 500) -> list[Told]:
        """Return events in order, of these jobs or of all; who may hear them is for the caller to decide."""
        names = list(job_ids)
        only = _OF_JOBS.format(marks=marks(names)) if names else ""
        sql = _EVENTS.format(only=only)
        return [told(*values) for values in self._read(sql, (after, *names * 3, limit))]

    def last_event(self) -> int:
        return int(self._read("SELECT coalesce(max(number), 0) FROM events")[0][0])

    def newest_time(self) -> str:
        """Return when the newest event was stored; empty where there is none."""
        return str((self._read("SELECT at FROM events ORDER BY number DESC LIMIT 1") or [("",)])[0][0])

    def settled_since(self, row: JobRow) -> str:
        """Return since when a job stands as it does: never before what was stored earlier, whatever the clock said."""
        return str(self._read("SELECT max(changed_at) FROM jobs WHERE last_event <= ?", (row.last_event,))[0][0])

    def runs(self, engine: str = "") -> list[tuple[str, bytes]]:
        """Return what ended jobs cost, the newest first, each with what tells those that are alike."""
        return self._read("SELECT alike, run FROM runs WHERE ? IN ('', engine) ORDER BY number DESC", (engine,))

    def last_turns(self) -> dict[str, int]:
        """Return each user's newest start, as a number that grows."""
        return dict(self._read("SELECT user, event FROM turns"))

    def delivered_twins(self, cache_key: str, scope: str, not_job: str) -> list[JobRow]:
        """Return delivered jobs with the same pictures and settings within one project or user, the newest first."""
        rows = self._rows(
            "cache_key = ? AND state = 'delivered' AND job_id != ? ORDER BY number DESC", (cache_key, not_job)
        )
        return [row for row in rows if row.scope == scope]

    def blobs(self, job_id: str) -> dict[str, str | None]:
        """Return each file of a job and the file that stands for it: itself or one with the same picture and frame.

        None where nobody of the job's project (or its user) has shown to possess it.
        """
        row = self.job(job_id)
        sql = (
            "SELECT f.file, h.file, p.file FROM files f"
            " LEFT JOIN held h ON h.file = f.file AND h.scope = ?2"
            " LEFT JOIN pictures p ON p.picture = f.picture AND p.frame = f.frame AND p.scope = ?2 WHERE f.job = ?1"
        )
        with self._read_lock:  # row by row: all rows of a long job at once are a megabyte
            found = self._reader.execute(sql, (row.number, row.scope))
            return {file.hex(): (own or twin).hex() if own or twin else None for file, own, twin in found}

    def size_of(self, job_id: str, file: str) -> int | None:
        """Return the size that a job states for one of its files; None for a file that it has not."""
        sql = "SELECT f.size FROM files f JOIN jobs j ON j.number = f.job WHERE j.job_id = ? AND f.file = ?"
        found = self._read(sql, (job_id, bytes.fromhex(file)))
        return int(found[0][0]) if found else None

    def sizes(self, job_id: str) -> dict[str, int]:
        """Return the size of every file of a job by its digest."""
        sql = "SELECT f.file, f.size FROM files f JOIN jobs j ON j.number = f.job WHERE j.job_id = ?"
        return {file.hex(): size for file, size in self._read(sql, (job_id,))}

    def jobs_with_files(self, files: Iterable[str]) -> list[str]:
        """Return the jobs that have any of these files among their inputs, the oldest first."""
        found: set[tuple[int, str]] = set()
        digests = [bytes.fromhex(file) for file in files]
        for start in range(0, len(digests), DIGESTS_AT_ONCE):
            some = tuple(digests[start : start + DIGESTS_AT_ONCE])
            wanted = f"f.file IN ({marks(some)})"
            sql = f"SELECT j.number, j.job_id FROM files f JOIN jobs j ON j.number = f.job WHERE {wanted}"  # noqa: S608
            found.update((number, job_id) for number, job_id in self._read(sql, some))
        return [job_id for _, job_id in sorted(found)]

    def live_files(self) -> set[str]:
        """Return every file that a job which has not ended needs, and the files that stand in for one."""
        alive = "j.state NOT IN ('delivered', 'refused', 'quarantined', 'cancelled', 'failed')"
        own = f"SELECT f.file FROM jobs j JOIN files f ON f.job = j.number WHERE {alive}"  # noqa: S608
        twins = (
            "SELECT p.file FROM jobs j JOIN files f ON f.job = j.number"  # noqa: S608
            f" JOIN pictures p ON p.picture = f.picture AND p.frame = f.frame WHERE {alive}"
        )
        return {file.hex() for (file,) in self._read(f"{own} UNION {twins}")}

    def _read(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._read_lock:
            return self._reader.execute(sql, values).fetchall()


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_SECONDS)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KIBIBYTES}")
    return connection


def marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)


def one_job(tables: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> JobRow | None:
    found = tables.execute(f"SELECT {COLUMNS} FROM jobs WHERE {where}", values).fetchone()  # noqa: S608
    return job_row(found) if found is not None else None


def by_number(tables: sqlite3.Connection, number: int | None) -> JobRow:
    row = one_job(tables, "number = ?", (number,))
    assert row is not None  # noqa: S101 - we just wrote it
    return row


def known_job(tables: sqlite3.Connection, job_id: str) -> JobRow:
    row = one_job(tables, "job_id = ?", (job_id,))
    if row is None:
        raise unknown_job(job_id)
    return row


def unknown_job(job_id: str) -> RequestError:
    """Return the one answer for a job that is not here and for one that a key may not see."""
    return RequestError(f"there is no job '{job_id}'", remedy="`understudy jobs` lists the jobs that your key may see.")
