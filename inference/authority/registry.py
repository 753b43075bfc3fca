"""The registry on disk: SQLite in the daemon's home, every change durable and in the ledger before anyone is told.

Blocks; any thread, any process: the commands of the daemon's machine write while the daemon reads. One table of papers
by kind and id, each as JSON of its Struct: a field that is added has a default, and no table is altered for it. `about`
is the talent of a consent, the record of a waiver, the project of an approval: the gate looks there.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from understudy.bridge.errors import DaemonError, JobParked, KeyRefused, RequestError
from understudy.bridge.private_files import make_private_folder
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.ledger import Ledger, utc_now
from understudy.inference.authority.papers import (
    KINDS,
    Approval,
    Clip,
    Kind,
    Paper,
    RegisteredConsent,
    Snapshot,
    Talent,
    TalentState,
    Waiver,
    ended_on,
    problem_in,
    word_for,
)

FILE = "registry.sqlite"
SCHEMA_VERSION = 1
ERASED = "erased"
"""The event after which nothing of what was there before may be left on the disk."""
_SCHEMA = """
CREATE TABLE papers (kind TEXT, id TEXT, about TEXT NOT NULL, body BLOB NOT NULL, changed_at TEXT NOT NULL,
  PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
CREATE INDEX papers_about ON papers (kind, about);
CREATE TABLE handed (job TEXT, version INTEGER, recipient TEXT, at TEXT NOT NULL, list TEXT NOT NULL,
  recalled_at TEXT NOT NULL, PRIMARY KEY (job, version, recipient)) STRICT, WITHOUT ROWID;
"""
BUSY_TIMEOUT_SECONDS = 10.0
"""How long one writer waits for another: a command's transaction takes milliseconds."""
_Paper = TypeVar("_Paper", bound=Paper)


class Change(msgspec.Struct, frozen=True):
    """One paper as it shall be from now on. `event` says what happened to it: added, changed, revoked."""

    kind: Kind
    paper: Paper
    event: str


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """A version that a party was given."""

    job: str
    version: int
    recipient: str
    at: str
    list: str
    """SHA-256 of the list of its files, kept beside the ledger."""
    recalled_at: str = ""


class Registry:
    """One daemon's registry. Thread-safe; writers of other processes wait for each other."""

    def __init__(self, home: Path, ledger: Ledger, clock: Callable[[], str] = utc_now) -> None:
        """Open or create it. Raises DaemonError for one of a newer version or a damaged one."""
        make_private_folder(home)
        self.path = home / FILE
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        try:
            self._tables = _connect(self.path)
            self._prepare()
        except sqlite3.DatabaseError as problem:
            raise DaemonError(
                f"{self.path} cannot be used as the registry: {problem}",
                remedy="Put a copy back. Without its registry a daemon would take every record at its word.",
            ) from problem

    def _prepare(self) -> None:
        with self._transaction():
            (found,) = self._tables.execute("PRAGMA user_version").fetchone()
            if found == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self._tables.execute(statement)
                self._tables.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        if found not in (0, SCHEMA_VERSION):
            raise DaemonError(
                f"{self.path} was written by another version of understudy (schema {found})",
                remedy="Start the version that wrote it.",
            )

    def close(self) -> None:
        with self._lock:
            self._tables.close()

    def stamp(self) -> str:
        """Return a word that is another one when something was changed, here or by another process."""
        with self._lock:
            return f"{self._tables.execute('PRAGMA data_version').fetchone()[0]}.{self._tables.total_changes}"

    def packs(self) -> dict[str, str]:
        """Return the policy packs that come with the papers, by name; a daemon's own registry brings none."""
        return {}

    def standing(self) -> tuple[str, str]:
        """Return why what is here vouches for nothing now, and what to do; empty where it does, as one's own does."""
        return "", ""

    def in_use(self) -> bool:
        """Say whether any consent or clip is here: without one, no papers of a job can fall."""
        return bool(self._read("SELECT 1 FROM papers WHERE kind IN (?, ?) LIMIT 1", ("consent", "clip")))

    def all(self, kind: type[_Paper]) -> list[_Paper]:
        """Return every paper of a kind, by id."""
        found = self._read("SELECT body FROM papers WHERE kind = ? ORDER BY id", (word_for(kind),))
        return [msgspec.json.decode(body, type=kind) for (body,) in found]

    def find(self, kind: type[_Paper], paper_id: str) -> _Paper | None:
        found = self._read("SELECT body FROM papers WHERE kind = ? AND id = ?", (word_for(kind), paper_id))
        return msgspec.json.decode(found[0][0], type=kind) if found else None

    def get(self, kind: type[_Paper], paper_id: str) -> _Paper:
        """Return one paper. Raises RequestError for one that is not here."""
        paper = self.find(kind, paper_id)
        if paper is None:
            word = word_for(kind)
            raise RequestError(f"there is no {word} '{paper_id}'", remedy=f"`understudy {word} list` shows them.")
        return paper

    def write(self, actor: str, changes: Sequence[Change]) -> None:
        """Store papers, all or none; the ledger says so first. Raises RequestError where one refers to nothing."""
        for change in changes:
            wrong = problem_in(change.paper)
            if wrong is not None:
                raise RequestError(
                    f"{change.kind} {change.paper.id}: `{wrong[0]}`: {wrong[1]}",
                    remedy="Mend that field, say it again.",
                )
        with self._transaction():
            for change in changes:
                self._check_stays_ended(change)
                body = msgspec.json.encode(change.paper)
                self._tables.execute(
                    "INSERT OR REPLACE INTO main.papers VALUES (?, ?, ?, ?, ?)",
                    (change.kind, change.paper.id, about(change.paper), body, self._clock()),
                )
            for change in changes:
                self._check_references(change.paper)
            self._ledger.append(*(self._entry(actor, change) for change in changes))
        if any(change.event == ERASED for change in changes):
            self._read("PRAGMA wal_checkpoint(TRUNCATE)", ())  # the log of changes holds what was there before

    def handed(self, job_id: str) -> list[Handed]:
        """Return to whom versions of a job were given, in order of time."""
        names = Handed.__struct_fields__
        sql = f"SELECT {', '.join(names)} FROM handed WHERE job = ? ORDER BY at, recipient"  # noqa: S608 - our own names
        return [msgspec.convert(dict(zip(names, row, strict=True)), Handed) for row in self._read(sql, (job_id,))]

    def hand(self, actor: str, handed: Handed) -> None:
        """Note that a party was given a version. Raises RequestError for a party that is not here."""
        with self._transaction():
            self._must_exist("recipient", (handed.recipient,), f"the delivery of {handed.job}")
            sql = "INSERT OR REPLACE INTO handed VALUES (?, ?, ?, ?, ?, ?)"
            self._tables.execute(sql, msgspec.structs.astuple(handed))
            self._ledger.append(self._handed_entry("delivery.sent", actor, handed))

    def recall(self, actor: str, handed: Handed) -> None:
        """Note that a party was told to give a version back."""
        with self._transaction():
            sql = "UPDATE handed SET recalled_at = ? WHERE job = ? AND version = ? AND recipient = ?"
            self._tables.execute(sql, (self._clock(), handed.job, handed.version, handed.recipient))
            self._ledger.append(self._handed_entry("delivery.recalled", actor, handed))

    def _handed_entry(self, event: str, actor: str, handed: Handed) -> NewEntry:
        subjects = {"job": handed.job, "version": str(handed.version), "files": handed.list}
        subjects["recipient"] = self.subject("recipient", handed.recipient)
        return NewEntry(event=event, actor=actor, subjects=subjects)

    def snapshot(
        self,
        talents: Iterable[str],
        consents: Iterable[str],
        record_id: str = "",
        files: frozenset[str] = frozenset(),
        project: str | None = None,
        approvals: Iterable[str] = (),
    ) -> Snapshot:
        """Return what is known now of what a job names (see `Snapshot`), in one reading. `files`: digests of its inputs
        and of their pictures; `approvals`: references of those that its record names.
        """
        named, wanted = list(dict.fromkeys(talents)), list(dict.fromkeys(consents))
        with self._lock:
            self._tables.execute("BEGIN")  # one state of the tables for all questions
            try:
                ((count,),) = self._tables.execute("SELECT count(*) FROM papers WHERE kind = 'consent'").fetchall()
                kept = self._consents_of(named, wanted)
                people = self._some(Talent, "id", [*named, *(one.talent for one in kept if one.id in wanted)])
                waivers = self._some(Waiver, "about", [record_id] if record_id else [])
                yeses = self._approvals_of(project, frozenset(approvals))
                clips = self._clips_of(files)
            finally:
                self._tables.execute("ROLLBACK")
        states = tuple(
            TalentState(id=one.id, living=one.living, minor=one.minor, union=one.union) for one in people.values()
        )
        found = Snapshot(
            consents_known=count,
            talents=states,
            consents=kept,
            waivers=tuple(one for one in waivers.values() if one.state == "granted"),
            clips=clips,
            approvals=yeses,
        )
        stated = msgspec.structs.replace(found, consents_known=0)  # how many others there are is not about this job
        return msgspec.structs.replace(found, digest=self._ledger.digest_of(msgspec.json.encode(stated)))

    def _consents_of(self, talents: list[str], consents: list[str]) -> tuple[RegisteredConsent, ...]:
        found = self._some(RegisteredConsent, "about", talents) | self._some(RegisteredConsent, "id", consents)
        return tuple(found[paper_id] for paper_id in sorted(found))

    def _approvals_of(self, project: str | None, references: frozenset[str]) -> tuple[Approval, ...]:
        """Return those of a project and of none, and whatever project's that a record names: of these, too, the
        registry's word counts.
        """
        found = self._some(Approval, "about", ["", *([project] if project else [])])
        if references:
            sql = "SELECT body FROM papers WHERE kind = 'approval'"
            every = (msgspec.json.decode(body, type=Approval) for (body,) in self._tables.execute(sql))
            found |= {one.id: one for one in every if one.reference in references}
        return tuple(found[paper_id] for paper_id in sorted(found))

    def _clips_of(self, files: frozenset[str]) -> tuple[Clip, ...]:
        sql = "SELECT body FROM papers WHERE kind = 'clip' ORDER BY id"
        found = [msgspec.json.decode(body, type=Clip) for (body,) in self._tables.execute(sql)] if files else []
        ours = ((clip, tuple(file for file in clip.files if file in files)) for clip in found)
        return tuple(msgspec.structs.replace(clip, files=among) for clip, among in ours if among)

    def _some(self, kind: type[_Paper], column: str, values: list[str]) -> dict[str, _Paper]:
        """Return the papers of which a column has one of these values, by id, in order. Within a reading."""
        sql = f"SELECT body FROM papers WHERE kind = ? AND {column} = ?"  # noqa: S608 - a column's name, never a user's
        found = [
            msgspec.json.decode(body, type=kind)
            for value in dict.fromkeys(values)
            for (body,) in self._tables.execute(sql, (word_for(kind), value))
        ]
        return {paper.id: paper for paper in sorted(found, key=lambda paper: paper.id)}

    def _entry(self, actor: str, change: Change) -> NewEntry:
        subjects: dict[str, str] = {change.kind: self.subject(change.kind, change.paper.id)}
        if isinstance(change.paper, RegisteredConsent):
            subjects["talent"] = self.subject("talent", change.paper.talent)
        if isinstance(change.paper, Waiver):
            subjects |= {"rule": change.paper.rule, "pack": change.paper.pack}
        facts = self._ledger.digest_of(msgspec.json.encode(change.paper))
        return NewEntry(event=f"{change.kind}.{change.event}", actor=actor, subjects=subjects, facts=facts)

    def subject(self, kind: str, paper_id: str) -> str:
        """Return what stands in the ledger for a paper: a talent's id may be the name that people know them by."""
        return self._ledger.hashed(paper_id) if kind in ("talent", "recipient") else paper_id

    def _check_stays_ended(self, change: Change) -> None:
        sql = "SELECT body FROM papers WHERE kind = ? AND id = ?"
        found = self._tables.execute(sql, (change.kind, change.paper.id)).fetchone()
        before = ended_on(msgspec.json.decode(found[0], type=KINDS[change.kind])) if found else ""
        if before and not ended_on(change.paper):
            raise RequestError(
                f"{change.kind} {change.paper.id} ended on {before}: that is not taken back",
                remedy="A new grant is a new paper: give it an id of its own.",
            )

    def _check_references(self, paper: Paper) -> None:
        if isinstance(paper, RegisteredConsent):
            self._must_exist("talent", (paper.talent,), f"consent {paper.id}")
        elif isinstance(paper, Clip):
            self._must_exist("talent", paper.performers, f"clip {paper.id}")
            self._must_exist("consent", paper.consents, f"clip {paper.id}")

    def _must_exist(self, kind: Kind, ids: Iterable[str], whose: str) -> None:
        for one in ids:
            known = self._tables.execute("SELECT 1 FROM papers WHERE kind = ? AND id = ?", (kind, one)).fetchone()
            if known is None:
                raise RequestError(
                    f"{whose} names the {kind} '{one}', which is not in the registry",
                    remedy=f"Add it first: `understudy {kind} add {one}`.",
                )

    def _read(self, sql: str, values: tuple[object, ...]) -> list[tuple[bytes, ...]]:
        with self._lock:
            return self._tables.execute(sql, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """One transaction, durable when left; nothing of it stays when it raises. Raises JobParked on a full disk."""
        with self._lock:
            try:
                self._tables.execute("BEGIN IMMEDIATE")
                yield
                self._tables.execute("COMMIT")
            except sqlite3.OperationalError as problem:
                raise JobParked(
                    f"the registry cannot be written: {problem}",
                    remedy="Make room on the disk that holds UNDERSTUDY_HOME, then say it again.",
                ) from problem
            finally:
                if self._tables.in_transaction:
                    self._tables.execute("ROLLBACK")


def about(paper: Paper) -> str:
    """Return by what else than its id a paper is looked up."""
    if isinstance(paper, RegisteredConsent):
        return paper.talent
    if isinstance(paper, Approval):
        return paper.project
    return paper.record_id if isinstance(paper, Waiver) else ""


def _connect(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)  # SQLite gives its other files the same mode
    if path.stat().st_mode & 0o077:
        raise KeyRefused(
            f"{path} names people, and others can read it",
            remedy=f"Run `chmod 600 '{path}'`, and tell whom it concerns.",
        )
    tables = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_SECONDS)
    tables.execute("PRAGMA journal_mode=WAL")
    tables.execute("PRAGMA synchronous=FULL")
    tables.execute("PRAGMA secure_delete=ON")  # what is erased is overwritten, not only unlinked
    return tables
