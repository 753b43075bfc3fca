"""The layers of proof, one checker each: add one to CHECKERS and `understudy verify` asks it too.

A checker reads and never raises for what it reads. What it says is a fault (somebody changed something), a note, or the
names of files that it vouches for; a file that nobody vouches for is a fault as well.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from understudy.bridge.errors import PlateError
from understudy.bridge.exr_file import read_attribute
from understudy.inference.provenance.credentials import MOVIES, Reading, media_type, read_credentials
from understudy.inference.provenance.frame_list import (
    LIST_LIMIT_BYTES,
    Differences,
    FrameList,
    differences,
    look_at,
    read_list,
)
from understudy.inference.provenance.subject import SEALS, Subject
from understudy.inference.provenance.trust import DEVELOPMENT_NAME

Kind = Literal["altered", "missing", "added", "renamed", "unsigned", "unproven"]
CREDENTIALS, LIST, ATTRIBUTES = "C2PA", "file list SHA-256", "EXR attributes"
EXPIRED = "signingCredential.expired"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it was signed."""

    kind: Kind
    file: str
    words: str
    layer: str
    """Which proof caught it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A subject with what several checkers need of it, read once."""

    subject: Subject
    anchors: bytes
    listed: FrameList | None
    list_problem: str
    """Why the list cannot be read; empty where it can, or where there is none."""
    seal: Reading | None
    """The credentials of the list."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one checker says."""

    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    vouched: frozenset[str] = frozenset()
    signers: tuple[Reading, ...] = ()


Checker = Callable[[Opened], Said]


def open_subject(subject: Subject, anchors: bytes) -> Opened:
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
    return Opened(subject, anchors, listed, problem, seal)


def check_credentials(opened: Opened) -> Said:
    """The signatures: that of the list, and those that movies and pictures carry in themselves."""
    subject = opened.subject
    faults: list[Fault] = []
    signers = [opened.seal] if opened.seal is not None else []
    if subject.seal is not None:
        faults += _list_faults(opened, subject.seal)
    vouched, notes = set(), []
    for name in subject.paths:
        kind = media_type(name)
        if not kind or not _is_plain(subject, name):
            continue
        reading = _read(subject.base / name, opened.anchors)
        if reading is None:
            if subject.whole and name.endswith(MOVIES):
                faults.append(
                    Fault(kind="unsigned", file=name, words="its credentials were removed", layer=CREDENTIALS)
                )
        elif reading.tampered:
            faults.append(_not_as_signed(name, reading))
        else:
            vouched.add(name)
            signers.append(reading)
    if any(EXPIRED in reading.failures for reading in signers):
        notes.append("a signer's certificate has expired, and no time stamp says that it signed before that")
    return Said(tuple(faults), tuple(notes), frozenset(vouched), tuple(signers))


def check_list(opened: Opened) -> Said:
    """The list: every file by its SHA-256, none missing, none more, none under another name."""
    subject, listed = opened.subject, opened.listed
    if listed is None or subject.seal is None:
        return Said()
    meant = msgspec.structs.replace(listed, files=tuple(file for file in listed.files if subject.inside(file.path)))
    found = look_at(subject.base, subject.paths)
    if subject.seal == SEALS[1]:  # a final lies among other files: only those that it names are its own
        names = {file.path for file in listed.files}
        found = {name: file for name, file in found.items() if name in names}
    differ = differences(meant, found)
    proven = opened.seal is not None and not opened.seal.tampered
    same = {file.path for file in meant.files} - set(differ.altered) - set(differ.missing)
    return Said(_faults_of(differ), (), frozenset(same - {was for was, _ in differ.renamed}) if proven else frozenset())


def check_attributes(opened: Opened) -> Said:
    """What each EXR says of itself: a hint that anyone can write, so it vouches for nothing, but it must not differ."""
    faults, notes = [], []
    listed, seal = opened.listed, opened.seal
    record = str(seal.says.get("record_blake3", "")) if seal is not None else ""
    for name in opened.subject.paths:
        if not name.endswith(".exr") or not _is_plain(opened.subject, name):
            continue
        try:
            said = {
                field: read_attribute(opened.subject.base / name, f"understudy/{field}") or ""
                for field in ("job", "version", "record", "state")
            }
        except (PlateError, OSError) as problem:
            words = f"it cannot be read as an EXR: {' '.join(str(problem).split())[:200]}"
            faults.append(Fault(kind="altered", file=name, words=words, layer=ATTRIBUTES))
            continue
        if not said["job"]:
            if opened.subject.seal is None:
                notes.append(f"{name} says nothing of Understudy: not made by it, or its attributes were removed")
        elif opened.subject.seal == SEALS[0] and listed is not None:
            wrong = _contradictions(said, listed, record)
            faults += [Fault(kind="altered", file=name, words=words, layer=ATTRIBUTES) for words in wrong]
        else:
            notes.append(
                f"{name} says that it is of job {said['job']}, version {said['version']}, {said['state'].strip()}: "
                "anyone can write that"
            )
    return Said(tuple(faults), tuple(notes))


CHECKERS: tuple[Checker, ...] = (check_credentials, check_list, check_attributes)
"""In the order in which they are asked."""


def _list_faults(opened: Opened, seal: tuple[str, str]) -> list[Fault]:
    name, beside = seal
    if opened.list_problem:
        kind: Kind = "missing" if opened.list_problem == "it is not there" else "altered"
        return [Fault(kind=kind, file=name, words=opened.list_problem, layer=CREDENTIALS)]
    if opened.seal is None:
        return [Fault(kind="missing", file=beside, words="nothing proves the list of files", layer=CREDENTIALS)]
    if opened.seal.tampered:
        return [_not_as_signed(name, opened.seal)]
    if opened.seal.title != name:  # a list of one kind put in the place of the other would be judged by other rules
        words = f"it was signed as {opened.seal.title or 'nothing'}"
        return [Fault(kind="renamed", file=name, words=words, layer=CREDENTIALS)]
    return []


def _not_as_signed(name: str, reading: Reading) -> Fault:
    return Fault(
        kind="altered",
        file=name,
        words=f"not what was signed: {', '.join(reading.damage) or reading.state}",
        layer=CREDENTIALS,
    )


def _faults_of(differ: Differences) -> tuple[Fault, ...]:
    return (
        *(
            Fault(kind="altered", file=name, words="its SHA-256 is not the listed one", layer=LIST)
            for name in differ.altered
        ),
        *(Fault(kind="missing", file=name, words="listed, and not there", layer=LIST) for name in differ.missing),
        *(Fault(kind="added", file=name, words="there, and not listed", layer=LIST) for name in differ.extra),
        *(Fault(kind="renamed", file=now, words=f"listed as {was}", layer=LIST) for was, now in differ.renamed),
    )


def _contradictions(said: dict[str, str], listed: FrameList, record: str) -> list[str]:
    wrong = []
    if (said["job"], said["version"]) != (listed.job, str(listed.version)):
        wrong.append(
            f"it says job {said['job']}, version {said['version']}; the list is of job {listed.job}, "
            f"version {listed.version}"
        )
    if record and said["record"] != record:
        wrong.append("it names other papers than those that were signed")
    if said["state"].strip() == "provisional":
        wrong.append("it says that it is provisional: it never passed the gate")
    return wrong


def _is_plain(subject: Subject, name: str) -> bool:
    try:
        return stat.S_ISREG((subject.base / name).lstat().st_mode)
    except OSError:
        return False


def _read(path: Path, anchors: bytes, sidecar: Path | None = None) -> Reading | None:
    try:
        return read_credentials(path, anchors, sidecar=sidecar)
    except OSError as problem:
        return Reading(state="Unreadable", failures=(f"unreadable: {problem.strerror}",))


def is_development(reading: Reading) -> bool:
    """Say whether a certificate signed that a machine made for itself and that stands for nobody."""
    return reading.signer.startswith(DEVELOPMENT_NAME)
