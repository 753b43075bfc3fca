"""The registry of a daemon that follows a studio authority: the papers of the snapshot that it holds, read only.

The tables of its own registry stay as they are; a view of this connection alone lies over `papers` and shows what the
snapshot holds, beside the recipients, which are this daemon's own: it is here that pictures are handed over. So
whatever a registry can be asked is asked of the snapshot, and SQLite itself refuses to write through a view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, get_args

import msgspec

from understudy.bridge.client import Client
from understudy.bridge.errors import RequestError
from understudy.bridge.settings import UserSettings
from understudy.inference.authority.held import Held, Holding
from understudy.inference.authority.ledger import Ledger, utc_now
from understudy.inference.authority.papers import ApprovalKind, Paper, Snapshot, Waiver, word_for
from understudy.inference.authority.registry import Change, Registry, about
from understudy.inference.authority.studio import StudioContents, approval_elsewhere, approval_mark, withdrawn_mark

_VIEW = """
CREATE TEMP TABLE held (kind TEXT, id TEXT, about TEXT NOT NULL, body BLOB NOT NULL, changed_at TEXT NOT NULL,
  PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
CREATE INDEX temp.held_about ON held (kind, about);
CREATE TEMP VIEW papers AS SELECT * FROM held UNION ALL SELECT * FROM main.papers WHERE kind = 'recipient';
"""
OWN = frozenset({"recipient"})
"""Kinds of paper that a follower keeps itself."""
POST_TIMEOUT_SECONDS = 10.0
_Paper = TypeVar("_Paper", bound=Paper)


def open_registry(settings: UserSettings, ledger: Ledger, clock: Callable[[], str] = utc_now) -> Registry:
    """Return the registry of these settings: this daemon's own, or what the authority that it follows says."""
    if not settings.authority:
        return Registry(settings.home, ledger, clock)
    return FollowedRegistry(settings, ledger, clock)


def holding_of(settings: UserSettings) -> Holding:
    """Return the snapshot that a follower with these settings holds."""
    from pathlib import Path

    return Holding(settings.home, Path(settings.authority).expanduser())


class FollowedRegistry(Registry):
    """Reads what the authority signed. Thread-safe."""

    def __init__(self, settings: UserSettings, ledger: Ledger, clock: Callable[[], str] = utc_now) -> None:
        super().__init__(settings.home, ledger, clock)
        self.holding = holding_of(settings)
        self._taken = ""
        with self._lock:
            self._tables.execute("PRAGMA temp_store=MEMORY")  # it is about people: nothing of it in a temporary file
            for statement in filter(str.strip, _VIEW.split(";")):
                self._tables.execute(statement)

    def in_use(self) -> bool:
        """Say yes: who follows an authority takes no record at its word."""
        return True

    def standing(self) -> tuple[str, str]:
        held = self.holding.now()
        return self._stale(held), held.remedy

    def stamp(self) -> str:
        held = self.holding.now()
        return f"{held.digest} {held.stale}"

    def packs(self) -> dict[str, str]:
        snapshot = self.holding.now().snapshot
        return dict(snapshot.contents.packs) if snapshot is not None else {}

    def snapshot(
        self,
        talents: Iterable[str],
        consents: Iterable[str],
        record_id: str = "",
        files: frozenset[str] = frozenset(),
        project: str | None = None,
        approvals: Iterable[str] = (),
    ) -> Snapshot:
        held = self._take_up()
        named, references = tuple(dict.fromkeys(talents)), tuple(dict.fromkeys(approvals))
        known = super().snapshot(named, consents, record_id, files, project, references)
        contents = held.snapshot.contents if held.snapshot is not None else StudioContents()
        gone = tuple(one for one in named if withdrawn_mark(contents.salt, one) in contents.withdrawn)
        elsewhere = tuple(
            approval_elsewhere(kind, one)
            for one in references
            for kind in get_args(ApprovalKind)
            if approval_mark(contents.salt, kind, one) in contents.elsewhere
        )
        return msgspec.structs.replace(
            known,
            approvals=(*known.approvals, *elsewhere),
            consents_known=max(1, contents.consents_known),
            withdrawn=gone,
            authority=held.authority,
            stale=self._stale(held),
            stale_remedy=held.remedy,
        )

    def write(self, actor: str, changes: Sequence[Change]) -> None:
        """Store recipients; ask the authority for waivers. Raises RequestError for whatever else is changed there."""
        if all(change.kind in OWN for change in changes):
            super().write(actor, changes)
            return
        for change in changes:
            if not isinstance(change.paper, Waiver) or change.event != "requested":
                raise RequestError(
                    f"this daemon follows the studio authority {self.holding.address}: {change.kind} "
                    f"{change.paper.id} is not changed here",
                    remedy=f"Say the same on the authority's machine ({self.holding.address}); it is here within "
                    "seconds.",
                )
        with Client.connect(self.holding.connection(), POST_TIMEOUT_SECONDS) as client:
            for change in changes:
                client.post_waiver(msgspec.json.encode(change.paper))

    def _stale(self, held: Held) -> str:
        said = f"the snapshot of the studio authority {self.holding.address} does not hold: {held.stale}"
        return said if held.stale else ""

    def _read(self, sql: str, values: tuple[object, ...]) -> list[tuple[bytes, ...]]:
        self._take_up()
        return super()._read(sql, values)

    def _take_up(self) -> Held:
        """Have the view show what is held now."""
        held = self.holding.now()
        with self._lock:
            if held.digest != self._taken:
                rows = [(word_for(type(one)), one.id, about(one), msgspec.json.encode(one), "") for one in held.papers]
                self._tables.execute("BEGIN")
                self._tables.execute("DELETE FROM held")
                self._tables.executemany("INSERT INTO held VALUES (?, ?, ?, ?, ?)", rows)
                self._tables.execute("COMMIT")
                self._taken = held.digest
        return held
