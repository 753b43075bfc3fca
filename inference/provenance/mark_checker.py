"""The invisible mark, asked where credentials are gone or do not hold: a re-encoded review still leads to its job.

Not asked of anything else: looking for a mark takes seconds. A mark proves where pictures are from, never that they are
unchanged, so it vouches for nothing.
"""

from __future__ import annotations

from pathlib import Path

from understudy.bridge.errors import UnderstudyError
from understudy.inference.provenance.content_id import content_id, mark_words
from understudy.inference.provenance.credentials import MOVIES
from understudy.inference.provenance.deliveries import Delivery, open_book
from understudy.inference.provenance.opened import Fault, Opened, Said, is_plain
from understudy.inference.provenance.subject import SEALS

MARK = "invisible mark"
FILES_LIMIT = 3
"""So many are looked at: a search takes up to eight seconds a file."""
REVIEW_NAME = "review.mp4"  # of a version, it alone is marked
PICTURES = (*MOVIES, ".m4v", ".mkv", ".webm", ".avi", ".mxf", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
KEY_FILE = "watermark.key"


def check_mark(opened: Opened) -> Said:
    """Say of which job a movie or a still is that has no credentials which hold."""
    if opened.home is None or not (opened.home / KEY_FILE).is_file():
        return Said()
    unproven = [name for name in opened.subject.paths if _is_asked(opened, name)]
    said = [_look(opened, name, opened.home) for name in unproven[:FILES_LIMIT]]
    left = len(unproven) - FILES_LIMIT
    more = (f"the mark was not looked for in {left} more: `understudy watermark read FILE`",) if left > 0 else ()
    return Said(
        tuple(fault for one in said for fault in one.faults),
        (*(note for one in said for note in one.notes), *more),
        ours=any(one.ours for one in said),
    )


def _is_asked(opened: Opened, name: str) -> bool:
    if not name.lower().endswith(PICTURES) or not is_plain(opened.subject, name):
        return False
    if opened.subject.seal == SEALS[0] and name != REVIEW_NAME:
        return False
    reading = opened.credentials.get(name)
    return reading is None or reading.tampered


def _look(opened: Opened, name: str, home: Path) -> Said:
    try:
        from understudy.inference.provenance.watermark_key import id_words, key_id, read_key
        from understudy.inference.provenance.watermark_movies import read_file

        key = read_key(home / KEY_FILE)
        reading = read_file(opened.subject.base / name, key).reading
    except ImportError as problem:
        return Said(notes=(f"{name}: the mark was not looked for: {problem.name} is not installed",))
    except UnderstudyError as problem:
        return Said(notes=(f"{name}: the mark was not looked for: {problem}",))
    if not reading.found or reading.content_id is None:
        return Said(notes=(f"{name}: no mark of this machine's key {key_id(key)} in {reading.frames} frames",))
    words = id_words(reading.content_id)
    says = f"its invisible mark says content id {words} (by chance: {reading.chance:.0e} at most)"
    whose = _delivery_of(home, words)
    if whose is not None:
        says += f": job {whose.job}, version {whose.version}, delivered on {whose.time}"
    if opened.version is not None and words != mark_words(content_id(*opened.version)):
        return Said((Fault(kind="altered", file=name, words=f"of another version: {says}", layer=MARK),), ours=True)
    return Said(notes=(f"{name}: {says}",), ours=True)


def _delivery_of(home: Path, words: str) -> Delivery | None:
    """Return the delivery whose content id begins so, by the ledger; None where it knows none."""
    try:
        book = open_book(home)
    except OSError:
        return None
    deliveries = book.deliveries if book is not None else ()
    return next((one for one in deliveries if mark_words(content_id(one.job, one.version)) == words), None)
