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
from understudy.inference.provenance.opened import Fault, Kind, Opened, Said, is_plain
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
    if opened.version is None:
        return _by_content(opened, book)
    delivery = book.delivery(*opened.version)
    if delivery is None:
        return Said(notes=(_unknown(book, *opened.version),))
    return _by_delivery(opened, book, delivery)


def _by_delivery(opened: Opened, book: Book, delivery: Delivery) -> Said:
    """Judge files whose job and version are said by somebody: by their list, or by themselves."""
    damage = _damage(opened, book)
    try:
        delivered = book.files_of(delivery)
    except (ValueError, msgspec.MsgspecError) as problem:
        fault = Fault(kind="altered", file=f"{FOLDER}/lists/{delivery.files}.json", words=str(problem), layer=LEDGER)
        return Said((*damage, fault), ours=True)
    if delivered is None:
        words = f"delivered on {delivery.time}, entry {delivery.entry}; the ledger's list of its files was erased"
        return Said(damage, (words,), ours=True)
    if opened.subject.seal is None:
        faults, vouched, notes = _alone(opened, delivery, delivered)
    else:
        faults, vouched, notes = _in_its_version(opened, delivery, delivered)
    return Said((*damage, *faults), (*notes, *_recalled(delivery)), frozenset() if damage else vouched, ours=True)


def _in_its_version(
    opened: Opened, delivery: Delivery, delivered: dict[str, str]
) -> tuple[tuple[Fault, ...], frozenset[str], tuple[str, ...]]:
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
    return tuple(faults), frozenset(same), (note,)


def _alone(
    opened: Opened, delivery: Delivery, delivered: dict[str, str]
) -> tuple[tuple[Fault, ...], frozenset[str], tuple[str, ...]]:
    """Judge files that left their version: what they say of themselves is of this delivery, so must their bytes be."""
    faults, vouched, notes = [], set(), []
    names = {digest: name for name, digest in delivered.items()}
    for path, file in opened.found.items():
        if file.sha256 in names:
            vouched.add(path)
            notes.append(_delivered_as(path, names[file.sha256], delivery))
        else:
            faults.append(_fault("altered", path, f"no file with this SHA-256 was delivered on {delivery.time}"))
    return tuple(faults), frozenset(vouched), tuple(notes)


def _by_content(opened: Opened, book: Book) -> Said:
    """Find files that say nothing of themselves by their bytes alone, in the newest delivery that has them."""
    wanted = {file.sha256: name for name, file in opened.found.items() if file.sha256}
    vouched, notes, faults = set[str](), list[str](), list[Fault]()
    for delivery in book.deliveries:
        hits = _hits(book, delivery, wanted)
        for digest, listed in hits.items():
            path = wanted.pop(digest)
            vouched.add(path)
            if len(opened.subject.paths) > 1 and PurePosixPath(path).name != PurePosixPath(listed).name:
                faults.append(_fault("renamed", path, f"delivered as {listed}"))
            else:
                notes.append(_delivered_as(path, listed, delivery))
        if not wanted:
            break
    damage = _damage(opened, book) if vouched else ()
    return Said((*damage, *faults), tuple(notes), frozenset() if damage else frozenset(vouched), ours=bool(vouched))


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


def _recalled(delivery: Delivery) -> tuple[str, ...]:
    return (f"recalled on {delivery.recalled}: whoever was given it was told so",) if delivery.recalled else ()


def _fault(kind: Kind, file: str, words: str) -> Fault:
    return Fault(kind=kind, file=file, words=words, layer=LEDGER)
