"""The layers of proof, one checker each: add one to CHECKERS and `understudy verify` asks it too.

A checker reads and never raises for what it reads. What it says is a fault (somebody changed something), a note, or the
names of files that it vouches for; a file that nobody vouches for is a fault as well.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from understudy.bridge.errors import PlateError
from understudy.bridge.exr_file import read_attributes
from understudy.inference.provenance.credentials import MOVIES, Reading
from understudy.inference.provenance.frame_list import Differences, FrameList, differences
from understudy.inference.provenance.ledger_checker import check_ledger
from understudy.inference.provenance.mark_checker import check_mark
from understudy.inference.provenance.opened import Fault, Kind, Opened, Said, is_plain
from understudy.inference.provenance.subject import SEALS

CREDENTIALS, LIST, ATTRIBUTES = "C2PA", "file list SHA-256", "EXR attributes"
FIELDS = ("job", "version", "record", "state")
"""Attributes of an EXR that must say what its list and its papers say."""
EXPIRED = "signingCredential.expired"

Checker = Callable[[Opened], Said]


def check_credentials(opened: Opened) -> Said:
    """The signatures: that of the list, and those that movies and pictures carry in themselves."""
    subject = opened.subject
    faults: list[Fault] = []
    signers = [opened.seal] if opened.seal is not None else []
    if subject.seal is not None:
        faults += _list_faults(opened, subject.seal)
    vouched, notes = set(), []
    for name, reading in opened.credentials.items():
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
    ours = any(reading.says for reading in signers)
    return Said(tuple(faults), tuple(notes), frozenset(vouched), tuple(signers), ours)


def check_list(opened: Opened) -> Said:
    """The list: every file by its SHA-256, none missing, none more, none under another name."""
    subject, listed = opened.subject, opened.listed
    if listed is None or subject.seal is None:
        return Said()
    meant = msgspec.structs.replace(listed, files=tuple(file for file in listed.files if subject.inside(file.path)))
    found = opened.found
    if subject.seal == SEALS[1]:  # a final lies among other files: only those that it names are its own
        names = {file.path for file in listed.files}
        found = {name: file for name, file in found.items() if name in names}
    differ = differences(meant, found)
    proven = opened.seal is not None and not opened.seal.tampered
    same = {file.path for file in meant.files} - set(differ.altered) - set(differ.missing)
    return Said(_faults_of(differ), (), frozenset(same - {was for was, _ in differ.renamed}) if proven else frozenset())


def check_attributes(opened: Opened) -> Said:
    """What each EXR says of itself: a hint that anyone can write, so it vouches for nothing, but it must not differ."""
    faults, notes, ours = [], [], False
    listed, seal = opened.listed, opened.seal
    record = str(seal.says.get("record_blake3", "")) if seal is not None else ""
    for name in opened.subject.paths:
        if not name.endswith(".exr") or not is_plain(opened.subject, name):
            continue
        try:
            found = read_attributes(opened.subject.base / name, (f"understudy/{field}" for field in FIELDS))
            said = {field: found.get(f"understudy/{field}", "") for field in FIELDS}
        except (PlateError, OSError) as problem:
            words = f"it cannot be read as an EXR: {' '.join(str(problem).split())[:200]}"
            faults.append(Fault(kind="altered", file=name, words=words, layer=ATTRIBUTES))
            continue
        ours = ours or bool(said["job"])
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
    return Said(tuple(faults), tuple(notes), ours=ours)


CHECKERS: tuple[Checker, ...] = (check_credentials, check_list, check_attributes, check_ledger, check_mark)
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
