"""Chunks of blobs, by credit, either way: small headers as arrays, the payload as the frame that follows."""

from __future__ import annotations

import msgspec

from understudy.bridge.errors import ErrorReport

CHUNK_BYTES = 1024 * 1024
"""The fastest chunk measured on loopback, with and without CURVE."""
CREDIT_CHUNKS = 12
"""Chunks in flight: 4 to 8 MiB saturate, the rest covers a slow turn of either side."""


class Chunk(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    """Followed by a payload frame. `check` is the payload's xxh3_128, so that a flipped bit is caught at its chunk."""

    job_id: str
    file: str
    offset: int
    total: int
    check: bytes


class Credit(msgspec.Struct, frozen=True, array_like=True, tag="k"):
    """The receiver took everything of `file` before `offset`; as much again may follow."""

    file: str
    offset: int
    again: bool = False
    """True = what came after `offset` was not taken (damaged on the way, or out of order): send again from there."""


class Stored(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """All bytes arrived and their BLAKE3 is the file's name."""

    file: str


class Rejected(msgspec.Struct, frozen=True, array_like=True, tag="r"):
    """This file will not be taken further; what is kept, and what to do, stands in `error`."""

    file: str
    error: ErrorReport


class Pull(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """Send me an output file of a job from `offset`; answered by chunks."""

    job_id: str
    path: str
    offset: int


Bulk = Chunk | Credit | Stored | Rejected | Pull
