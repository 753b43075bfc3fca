"""`understudy verify` without its terminal: ask every checker, and say what was found."""

from __future__ import annotations

from pathlib import Path

import msgspec

from understudy.inference.provenance.checkers import CHECKERS
from understudy.inference.provenance.opened import Fault, Opened, Said, is_development, open_subject
from understudy.inference.provenance.subject import Subject, subject_of

NOTES_LIMIT = 20
NOBODY = "no proof"


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed, as their certificate says it."""

    name: str
    trusted: bool
    """Whether their chain ends at a root that is trusted here and stands for somebody."""
    development: bool
    files: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of what was asked about."""

    asked: str
    what: str
    files: int
    intact: bool
    """Whether every file is what was signed, whoever signed."""
    trusted: bool
    """Whether it is intact and everyone who signed is trusted here; a development certificate never is."""
    signers: tuple[Signer, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]
    recalled: str = ""
    """When somebody was told to give it back, by this machine's ledger; empty = never, as far as is known here."""


def verify(path: Path, anchors: bytes, home: Path | None = None) -> Verdict:
    """Return what is known of a file, a sequence (`name.####.exr`) or a folder. Reads every byte of it.

    `anchors`: PEM roots that are trusted here. `home`: of this machine's daemon; with it, its ledger is asked, and its
    mark looked for where a movie's or a still's credentials are gone or do not hold: seconds.
    Raises RequestError where there is nothing to look at.
    """
    subject = subject_of(path)
    opened = open_subject(subject, anchors, home)
    said = [check(opened) for check in CHECKERS]
    faults = _in_order([fault for one in said for fault in one.faults], subject, said)
    signers = _signers(said)
    notes = [note for one in said for note in one.notes]
    left = len(notes) - NOTES_LIMIT
    intact = bool(subject.paths) and not faults
    return Verdict(
        asked=in_unicode(subject.asked),
        what=_what(opened, any(one.ours for one in said)),
        files=len(subject.paths),
        intact=intact,
        trusted=intact and bool(signers) and all(signer.trusted for signer in signers),
        signers=signers,
        faults=tuple(msgspec.structs.replace(fault, file=in_unicode(fault.file)) for fault in faults),
        notes=(*map(in_unicode, notes[:NOTES_LIMIT]), *([f"and {left} more of the kind"] if left > 0 else ())),
        recalled=next((one.recalled for one in said if one.recalled), ""),
    )


def in_unicode(name: str) -> str:
    """Return a file's name as text that can be printed: bytes that are no UTF-8 as \\xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _in_order(faults: list[Fault], subject: Subject, said: list[Said]) -> list[Fault]:
    """Return all faults by file, and one for each file that nobody vouches for and nobody faults."""
    known = {name for one in said for name in one.vouched} | {fault.file for fault in faults}
    words = "nothing proves it: no credentials, and it stands in no signed list"
    faults += [
        Fault(kind="unproven", file=name, words=words, layer=NOBODY) for name in subject.paths if name not in known
    ]
    if not subject.paths and not faults:
        faults.append(Fault(kind="missing", file=subject.asked, words="there is no file to look at", layer=NOBODY))
    return sorted(faults, key=lambda fault: (fault.file, fault.layer, fault.words))


def _signers(said: list[Said]) -> tuple[Signer, ...]:
    readings = [reading for one in said for reading in one.signers if not reading.tampered]
    by_name: dict[tuple[str, bool], Signer] = {}
    for reading in readings:
        name, development = reading.signer or "no name", is_development(reading)
        trusted = reading.state == "Trusted" and not development
        before = by_name.get((name, trusted))
        by_name[name, trusted] = Signer(
            name=name, trusted=trusted, development=development, files=1 + (before.files if before else 0)
        )
    return tuple(by_name.values())


def _what(opened: Opened, ours: bool) -> str:
    subject, listed = opened.subject, opened.listed
    if subject.seal is None:
        what = "files without a signed list beside or above them" if len(subject.paths) != 1 else "a file by itself"
        return what if ours else f"{what}; nothing in it or known here says that Understudy made it"
    if listed is None:
        return "a version whose list of files cannot be read"
    part = "" if subject.whole else f"{len(subject.paths)} files of "
    if not listed.version:
        return f"{part}a published final"
    shot = f", shot {opened.seal.says['shot']}" if opened.seal is not None and "shot" in opened.seal.says else ""
    return f"{part}version {listed.version} of job {listed.job}{shot}"
