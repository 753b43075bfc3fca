"""What the daemon tells the process that makes proxies, and what comes back: MessagePack, its length before it.

Neither side trusts the other's length: the daemon reads at most `ANSWER_LIMIT_BYTES` of a process that may have been
talked into anything by a hostile file.
"""

from __future__ import annotations

import msgspec

from understudy.bridge.errors import ErrorReport
from understudy.bridge.frames import FrameRange
from understudy.bridge.shot import Pictures

LENGTH_BYTES = 4
ANSWER_LIMIT_BYTES = 64 * 1024 * 1024
MODULE = "understudy.inference.proxies"


class InputSource(msgspec.Struct, frozen=True, kw_only=True):
    """An input out of the vault: its files, how to read them, and in which config."""

    role: str
    pictures: Pictures
    """Cut to the one file that is needed."""
    frames: FrameRange
    pixel_aspect: float | None
    paths: dict[str, str]
    """File digest to path."""
    colour_config: str
    archive: Pictures | None
    """The job's own config, in `paths` too."""
    context: dict[str, str]
    into: str
    """The take's working space; empty = what the input is comped in."""


class ProxyOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One picture: a layer's file, or an input."""

    tag: str
    frame: int
    width: int = 0
    """Make a proxy no wider than this; 0 = tell the pixel."""
    at: tuple[int, int] = (0, 0)
    path: str = ""
    source: InputSource | None = None


class ProxyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order."""

    picture: bytes = b""
    channels: tuple[str, ...] = ()
    values: bytes = b""
    error: ErrorReport | None = None
