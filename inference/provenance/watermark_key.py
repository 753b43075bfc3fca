"""The secret that a home's review movies are marked with, and what a job's mark says. Opens no picture.

Whoever has the key can read the marks, put false ones and take ours out: the file is its owner's alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from understudy.bridge.errors import KeyRefused, RequestError
from understudy.bridge.private_files import locked, make_private_folder, read_private, write_private
from understudy.inference.provenance.content_id import content_id, mark_words
from understudy.inference.work_order import WorkOrder

KEY_FILE = "watermark.key"
KEY_BYTES = 32
LEAST_SIZE = (320, 180)
"""Width and height under which a picture has not the waves that carry the mark."""


@dataclass(frozen=True, slots=True)
class ReviewMark:
    """What is put into the review of one version."""

    key: bytes = field(repr=False)
    content_id: int

    @property
    def words(self) -> str:
        """Return the content id as files write it."""
        return id_words(self.content_id)

    @property
    def key_id(self) -> str:
        """Return the name by which files know the key."""
        return key_id(self.key)


def content_id_of(job_id: str, version: int) -> int:
    """Return what a mark says of a job's version: the first 32 bits of its content id."""
    return int(mark_words(content_id(job_id, version)), 16)


def id_words(content_id: int) -> str:
    """Return what a mark says as people and files write it: the first eight digits of a content id."""
    return f"{content_id:08x}"


def make_key(home: Path) -> Path:
    """Return the path of the home's key; the first call makes it. Raises KeyRefused when others could read it."""
    path = home / KEY_FILE
    make_private_folder(home)
    with locked(home):
        if path.exists():
            read_key(path)
        else:
            write_private(path, os.urandom(KEY_BYTES).hex().encode() + b"\n")
    return path


def read_key(path: Path) -> bytes:
    """Return the 32 bytes of a key. Raises RequestError where there is none, KeyRefused when others could read it."""
    try:
        key = bytes.fromhex(read_private(path, limit=4 * KEY_BYTES).decode("ascii").strip())
    except OSError as problem:
        raise RequestError(
            f"the watermark's key {path} cannot be read: {problem.strerror}",
            remedy="The daemon makes one in its home (UNDERSTUDY_HOME) when its first job runs; a farm's node needs "
            "that home at the same path. Or set `watermark` to false.",
        ) from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyRefused(
            f"{path} holds no watermark key: {2 * KEY_BYTES} hexadecimal digits are one",
            remedy="Put back the file from a copy: with another key, no review that was marked before can be read.",
        )
    return key


def key_id(key: bytes) -> str:
    """Return eight digits that name a key and say nothing of it."""
    return blake3(b"understudy watermark key id", key=key).hexdigest(length=4)


def mark_of(order: WorkOrder) -> ReviewMark | None:
    """Return what the review of an order is marked with, None where no mark was asked for. Raises as `read_key` does.

    The same order has the same mark: a job that was killed goes on to the same bytes.
    """
    if not order.watermark_key:
        return None
    return ReviewMark(read_key(Path(order.watermark_key)), content_id_of(order.job_id, order.version))


def can_carry(width: int, height: int) -> bool:
    """Return whether a picture of this size can be marked."""
    return width >= LEAST_SIZE[0] and height >= LEAST_SIZE[1]
