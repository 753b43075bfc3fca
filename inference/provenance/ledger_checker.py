"""The proof that no signature gives: what this machine's own ledger says was delivered, byte for byte.

It sees what C2PA does not (padding, a free box, a movie's brand), a list that somebody signed anew, and a file that has
lost everything but its bytes. Where no daemon ever ran it says nothing; another house's version it leaves to its seal.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import msgspec

from understudy.inference.authority.head import LedgerHead
from understudy.inference.authority.ledger import ENTRIES_FILE, FOLDER
from understudy.inference.provenance.deliveries import Book, Delivery, damage_of, open_book
from understudy.inference.provenance.frame_list import sha256_of
from understudy.inference.provenance.opened import Fault, Kind, Opened, Said, is_plain, version_said
from understudy.inference.provenance.subject import SEALS

LEDGER = "ledger"
MANIFEST_NAME = "manifest.json"  # as compliance/manifest.py has it, which stands above this
MANIFEST_LIMIT_BYTES = 64 * 2**20
CHAIN = f"{FOLDER}/{ENTRIES_FILE}"


class _Anchored(msgspec.Struct):
    """As much of a manifest as names a head."""

    ledger_head: LedgerHead | None = None


def check_ledger(opened: Opened) -> Said:
    """Hold the files against the delivery that the ledger knows of, and the chain against the version's own head."""
    if opened.home is None or opened.subject.seal == SEALS[1]:  # a final is published by others: no ledger knows it
        return Said()
    try:
        book = open_book(opened.home)
    except OSError as problem:
        return Said(notes=(f"this machine's ledger cannot be read by you: {problem.strerror}",))
    if book is None:
        return Said()
    if opened.subject.seal is None:
        return _without_list(opened, book)
    if opened.version is None:  # its list does not read: that is the list's own fault
        return Said()
    delivery = book.delivery(*opened.version)
    return Said(notes=(_unknown(book, *opened.version),)) if delivery is None else _by_delivery(opened, book, delivery)


def _by_delivery(opened: Opened, book: Book, delivery: Delivery) -> Said:
    """Judge a version, or a part of one, whose list says job and version."""
    damage = _damage(opened, book)
    delivered = _delivered(book, delivery)
    if isinstance(delivered, Fault):
        return Said((*damage, delivered), ours=True)
    recalled = delivery.recalled
    if delivered is None:
        return Said(damage, (_erased(delivery), *_recalled(delivery)), ours=True, recalled=recalled)
    faults, vouched, note = _in_its_version(opened, delivery, delivered)
    return Said(
        (*damage, *faults), (note, *_recalled(delivery)), frozenset() if damage else vouched, ours=True,
        recalled=recalled,
    )  # fmt: skip


def _delivered(book: Book, delivery: Delivery) -> dict[str, str] | Fault | None:
    """Return the SHA-256 of every file of a delivery by its path; None where that was erased."""
    try:
        return book.files_of(delivery)
    except (ValueError, msgspec.MsgspecError) as problem:
        return _fault("altered", f"{FOLDER}/lists/{delivery.files}.json", str(problem))


def _in_its_version(
    opened: Opened, delivery: Delivery, delivered: dict[str, str]
) -> tuple[tuple[Fault, ...], frozenset[str], str]:
    subject = opened.subject
    on_disk = {name: file.sha256 for name, file in opened.found.items()}
    if subject.whole and subject.seal is not None:
        on_disk |= {name: sha256_of(subject.base / name) for name in subject.seal if is_plain(subject, name)}
    meant = {name: digest for name, digest in delivered.items() if subject.inside(name)}
    meant = meant if subject.whole else {name: one for name, one in meant.items() if name not in SEALS[0]}
    same = {name for name, digest in meant.items() if on_disk.get(name) == digest}
    since = f"delivered on {delivery.time}"
    faults = [_fault("altered", name, f"{since} with another SHA-256") for name in meant if name in on_disk]
    faults = [fault for fault in faults if fault.file not in same]
    faults += [_fault("missing", name, since) for name in meant if name not in on_disk]
    faults += [_fault("added", name, f"not among what was {since}") for name in on_disk if name not in meant]
    listed = len(meant.keys() - set(SEALS[0]))
    note = f"{since}: entry {delivery.entry} of this machine's ledger lists {listed} of these files"
    return tuple(faults), frozenset(same), note


def _without_list(opened: Opened, book: Book) -> Said:
    """Judge files that left their version: by the job that their own credentials name, else by their bytes alone."""
    if not book.deliveries:
        return Said()
    said, wordless = list[Said](), dict[str, str]()
    for path, file in opened.found.items():
        version = version_said(opened.credentials.get(path))
        if version is not None:
            said.append(_one(path, file.sha256, book, version))
        elif file.sha256:
            wordless[file.sha256] = path
    said.append(_by_content(wordless, book, alone=len(opened.subject.paths) == 1))
    vouched = frozenset[str]().union(*(one.vouched for one in said))
    damage = _damage(opened, book) if any(one.ours for one in said) else ()
    faults = (fault for one in said for fault in one.faults)
    notes = tuple(note for one in said for note in one.notes)
    return Said((*damage, *faults), notes, frozenset() if damage else vouched, ours=any(one.ours for one in said))


def _one(path: str, sha256: str, book: Book, version: tuple[str, int]) -> Said:
    """Judge a file by the delivery that its credentials name."""
    delivery = book.delivery(*version)
    if delivery is None:
        return Said(notes=(_unknown(book, *version),))
    delivered = _delivered(book, delivery)
    if isinstance(delivered, Fault):
        return Said((delivered,), ours=True)
    if delivered is None:
        return Said(notes=(_erased(delivery), *_recalled(delivery)), ours=True)
    name = next((name for name, digest in delivered.items() if digest == sha256), None)
    if name is None:
        words = f"no file with this SHA-256 was delivered on {delivery.time}"
        return Said((_fault("altered", path, words),), _recalled(delivery), ours=True)
    return Said((), (_delivered_as(path, name, delivery), *_recalled(delivery)), frozenset({path}), ours=True)


def _by_content(wanted: dict[str, str], book: Book, *, alone: bool) -> Said:
    """Find files that say nothing of themselves, by SHA-256 to path, in the newest delivery that has them."""
    vouched, notes, faults = set[str](), list[str](), list[Fault]()
    for delivery in book.deliveries:
        if not wanted:
            break
        for digest, listed in _hits(book, delivery, wanted).items():
            path = wanted.pop(digest)
            vouched.add(path)
            if not alone and PurePosixPath(path).name != PurePosixPath(listed).name:
                faults.append(_fault("renamed", path, f"delivered as {listed}"))
            else:
                notes.append(_delivered_as(path, listed, delivery))
    return Said(tuple(faults), tuple(notes), frozenset(vouched), ours=bool(vouched))


def _hits(book: Book, delivery: Delivery, wanted: dict[str, str]) -> dict[str, str]:
    """Return the paths under which a delivery has any of these digests. A list that is no longer whole has none."""
    try:
        data = book.list_bytes(delivery)
        if data is None or not any(digest.encode() in data for digest in wanted):
            return {}
        listed = msgspec.json.decode(data, type=dict[str, str])
    except (ValueError, msgspec.MsgspecError):
        return {}
    return {digest: path for path, digest in listed.items() if digest in wanted}


def _damage(opened: Opened, book: Book) -> tuple[Fault, ...]:
    """Return how the chain is not whole, the head that the version's own manifest carries among its anchors."""
    head = _head_of(opened.subject.base / MANIFEST_NAME) if opened.subject.seal is not None else None
    damage = damage_of(book.home, () if head is None else (head,))
    return (_fault("altered", CHAIN, damage),) if damage else ()


def _head_of(manifest: Path) -> LedgerHead | None:
    """Return the head that a manifest carries; None where it does not read: the list judges its bytes."""
    try:
        if manifest.is_symlink() or manifest.stat().st_size > MANIFEST_LIMIT_BYTES:
            return None
        return msgspec.json.decode(manifest.read_bytes(), type=_Anchored).ledger_head
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _unknown(book: Book, job: str, version: int) -> str:
    if job in book.jobs:
        return f"this machine's ledger knows job {job}, and no delivery of its version {version}"
    return f"this machine's ledger knows nothing of job {job}: it was made elsewhere, or the ledger is another"


def _delivered_as(path: str, listed: str, delivery: Delivery) -> str:
    return (
        f"{path} is, byte for byte, {listed} of job {delivery.job}, version {delivery.version}, "
        f"delivered on {delivery.time}: entry {delivery.entry} of this machine's ledger"
    )


def _erased(delivery: Delivery) -> str:
    return f"delivered on {delivery.time}, entry {delivery.entry}; the ledger's list of its files was erased"


def _recalled(delivery: Delivery) -> tuple[str, ...]:
    return (f"recalled on {delivery.recalled}: whoever was given it was told so",) if delivery.recalled else ()


def _fault(kind: Kind, file: str, words: str) -> Fault:
    return Fault(kind=kind, file=file, words=words, layer=LEDGER)
