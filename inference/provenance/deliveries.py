"""What a machine's ledger says of delivered versions: which files with which SHA-256, and whether the chain is whole.

Reads the ledger's own files; opens no picture, needs no key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from understudy.bridge.errors import UnderstudyError
from understudy.inference.authority.entries import Entry
from understudy.inference.authority.head import LedgerHead
from understudy.inference.authority.ledger import ENTRIES_FILE, FOLDER, LISTS, judge_ledger, read_ledger

SEALED, RECALLED = "delivery.sealed", "delivery.recalled"
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One version as it left, by the ledger."""

    job: str
    version: int
    files: str
    """SHA-256 of the list of its files."""
    entry: int
    time: str
    recalled: str = ""
    """When somebody was told to give it back; empty = never."""


@dataclass(frozen=True, slots=True)
class Book:
    """A ledger as far as it reads."""

    home: Path
    deliveries: tuple[Delivery, ...]
    """The newest first; of a version that stands twice, the later."""
    jobs: frozenset[str]
    """Every job that it names at all."""
    trouble: str
    """Where it does not read; empty where all of it does. Its chain is judged by `damage_of`."""

    def delivery(self, job: str, version: int) -> Delivery | None:
        return next((one for one in self.deliveries if (one.job, one.version) == (job, version)), None)

    def list_bytes(self, delivery: Delivery) -> bytes | None:
        """Return the list of a delivery's files; None where it was erased. Raises ValueError for one that is not what
        the chain names.
        """
        if not _SHA256.match(delivery.files):
            raise ValueError("the entry names no list")
        try:
            data = (self.home / FOLDER / LISTS / f"{delivery.files}.json").read_bytes()
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise ValueError(f"the list cannot be read: {problem.strerror}") from None
        if hashlib.sha256(data).hexdigest() != delivery.files:
            raise ValueError("the list kept beside the ledger is not the one that its entry names")
        return data

    def files_of(self, delivery: Delivery) -> dict[str, str] | None:
        """Return the SHA-256 of every file of a delivery by its path. None and ValueError as `list_bytes` has them."""
        data = self.list_bytes(delivery)
        return None if data is None else msgspec.json.decode(data, type=dict[str, str])


def open_book(home: Path) -> Book | None:
    """Return the ledger of a home; None where there is none. Raises OSError for one that this user may not read."""
    path = home / FOLDER / ENTRIES_FILE
    if not path.exists():
        return None
    with path.open("rb"):
        pass  # else what may not be read would look like what is not there
    jobs: set[str] = set()
    sealed: dict[tuple[str, int], Delivery] = {}
    recalled: dict[tuple[str, int], str] = {}
    trouble = ""
    try:
        for entry in read_ledger(home):
            subjects = entry.subjects
            if "job" in subjects:
                jobs.add(subjects["job"])
            if entry.event == SEALED:
                one = _delivery(entry)
                sealed[one.job, one.version] = one
            elif entry.event == RECALLED:
                recalled[subjects.get("job", ""), _number(subjects.get("version", ""))] = entry.time
    except UnderstudyError as problem:
        trouble = str(problem)
    newest = sorted(sealed.values(), key=lambda one: -one.entry)
    with_recalls = (replace(one, recalled=recalled.get((one.job, one.version), "")) for one in newest)
    return Book(home, tuple(with_recalls), frozenset(jobs), trouble)


def damage_of(home: Path, heads: Iterable[LedgerHead]) -> str:
    """Return where a ledger is not what was written, or lacks a head that was kept elsewhere; empty for a whole one."""
    found = judge_ledger(home, heads)
    return "" if found.damage is None else f"line {found.damage.line}: {found.damage.what}"


def _delivery(entry: Entry) -> Delivery:
    subjects = entry.subjects
    return Delivery(
        job=subjects.get("job", ""),
        version=_number(subjects.get("version", "")),
        files=subjects.get("files", ""),
        entry=entry.seq,
        time=entry.time,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
