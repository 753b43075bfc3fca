"""Looking at a job's pictures from afar: small ones to scrub through, and one pixel of a whole frame (docs/viewer.md).

A client names a job, a layer and a frame, never a path. `plate`, `clean_plate`, `reference` and `reference.2` are the
job's inputs in the vault; every other name is a layer of its version.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

JobId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-z]{4,40}\Z")]
LayerName = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z][A-Za-z0-9_]*(\.[0-9]{1,3})?)?\Z", max_length=64)]
FrameNumber = Annotated[int, msgspec.Meta(ge=-(10**9), le=10**9)]
"""As far as `frames.FRAME_LIMIT`."""
PROXY_WIDTH_PIXELS = 1280
"""Unless asked otherwise: half the pixels of a 2560 px window, 0.5 to 3 MB."""
PROXY_WIDTH_LIMIT_PIXELS = 2048
"""RGBA half of that width, 16:9, zip, is under 16 MB even where nothing can be compressed."""


class AskProxy(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A frame made smaller by a whole factor: each pixel the mean of its cell, in the take's working space."""

    job_id: JobId
    layer: LayerName = ""
    """Empty = the finished picture: `comp`, else `beauty`."""
    frame: FrameNumber | None = None
    """None = the middle one of those that there are."""
    width: Annotated[int, msgspec.Meta(ge=16, le=PROXY_WIDTH_LIMIT_PIXELS)] = PROXY_WIDTH_PIXELS
    """No wider than this. A smaller frame comes as it is."""
    known: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """The tag of the proxy that the asker holds: it is not sent again while it is the same."""
    place: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Where it is to be seen. A newer wish of the same key for the same place drops an older one that still waits."""
    ahead: bool = False
    """Nobody looks at it yet: it is made when nothing else waits, and dropped first."""


class AskPixel(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What is stored at one pixel of a whole frame; x and y in the display window's own coordinates."""

    job_id: JobId
    layer: LayerName
    frame: FrameNumber
    x: Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
    y: Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]


class Proxy(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An OpenEXR file, half floats, zip, with the frame's own marks and `understudy/proxy` (docs/viewer.md)."""

    tag: str = ""
    """Changes whenever the frame, or how it is made small, does."""
    picture: bytes = b""
    """Empty where `known` is still right, or where it was dropped."""
    dropped: bool = False
    """A newer wish took its place before it was begun."""


class Pixel(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The values of one pixel, exact."""

    channels: tuple[str, ...]
    """R, G, B and A where there is one, or the one channel that there is."""
    values: bytes
    """Four bytes a channel: IEEE 754, little-endian; halves are widened without rounding. Empty = outside the data
    window."""
