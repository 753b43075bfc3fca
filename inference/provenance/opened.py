"""What is to be verified, with what several proofs need of it read once, and the words in which a proof answers."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from understudy.inference.provenance.credentials import Reading, media_type, read_credentials
from understudy.inference.provenance.frame_list import LIST_LIMIT_BYTES, FrameList, ListedFile, look_at, read_list
from understudy.inference.provenance.subject import Subject
from understudy.inference.provenance.trust import DEVELOPMENT_NAME

Kind = Literal["altered", "missing", "added", "renamed", "unsigned", "unproven"]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it was signed."""

    kind: Kind
    file: str
    words: str
    layer: str
    """Which proof caught it."""


@dataclass(frozen=True)  # no slots: what is read once stays in it
class Opened:
    """A subject with what several checkers need of it."""

    subject: Subject
    anchors: bytes
    home: Path | None
    """The home of this machine's daemon, whose ledger and whose marks are asked; None = neither is."""
    listed: FrameList | None
    list_problem: str
    """Why the list cannot be read; empty where it can, or where there is none."""
    seal: Reading | None
    """The credentials of the list."""

    @cached_property
    def credentials(self) -> dict[str, Reading | None]:
        """What each file says that can carry credentials in itself; None where it has none."""
        names = [name for name in self.subject.paths if media_type(name) and is_plain(self.subject, name)]
        return {name: _read(self.subject.base / name, self.anchors) for name in names}

    @cached_property
    def found(self) -> dict[str, ListedFile]:
        """Every file as it is on disk, by path: all of it is read for this."""
        return look_at(self.subject.base, self.subject.paths)

    @property
    def version(self) -> tuple[str, int] | None:
        """Job and version by the list, or by what a file alone says of itself; None where nothing says it."""
        if self.listed is not None and self.listed.version:
            return self.listed.job, self.listed.version
        return version_said(self.credentials.get(self.subject.paths[0])) if len(self.subject.paths) == 1 else None


@dataclass(frozen=True, slots=True)
class Said:
    """What one checker says."""

    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    vouched: frozenset[str] = frozenset()
    signers: tuple[Reading, ...] = ()
    ours: bool = False
    """Whether anything here says that Understudy made it, proved or not."""
    recalled: str = ""
    """When somebody was told to give it back; empty = never, as far as is known here."""


def open_subject(subject: Subject, anchors: bytes, home: Path | None = None) -> Opened:
    """Read the list and its seal."""
    listed, problem, seal = None, "", None
    if subject.seal is not None:
        path, beside = (subject.base / name for name in subject.seal)
        try:
            if path.lstat().st_size > LIST_LIMIT_BYTES or not stat.S_ISREG(path.lstat().st_mode):
                raise ValueError("it is no list of files")
            listed = read_list(path.read_bytes())
        except FileNotFoundError:
            problem = "it is not there"
        except (OSError, ValueError, msgspec.MsgspecError, RecursionError) as fault:
            problem = str(fault)[:200]
        if not problem.startswith("it is") and beside.is_file() and not beside.is_symlink():
            seal = _read(path, anchors, beside)
    return Opened(subject, anchors, home, listed, problem, seal)


def version_said(reading: Reading | None) -> tuple[str, int] | None:
    """Return the job and the version that credentials of ours name, whether they hold or not."""
    job, version = (reading.says.get("job"), reading.says.get("version")) if reading is not None else (None, None)
    return (job, version) if isinstance(job, str) and isinstance(version, int) else None


def is_plain(subject: Subject, name: str) -> bool:
    """Say whether a path of a subject is a file: no link, no pipe, no device."""
    try:
        return stat.S_ISREG((subject.base / name).lstat().st_mode)
    except OSError:
        return False


def is_development(reading: Reading) -> bool:
    """Say whether a certificate signed that a machine made for itself and that stands for nobody."""
    return reading.signer.startswith(DEVELOPMENT_NAME)


def _read(path: Path, anchors: bytes, sidecar: Path | None = None) -> Reading | None:
    try:
        return read_credentials(path, anchors, sidecar=sidecar)
    except OSError as problem:
        return Reading(state="Unreadable", failures=(f"unreadable: {problem.strerror}",))
