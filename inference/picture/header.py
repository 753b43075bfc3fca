"""What is known of a picture file before and after its pixels are decoded: plain frozen values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels. `x` and `y` are its top left corner, rows count downwards, and both may be negative."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture file says of itself.

    `data` is where pixels are, `display` the picture's frame; equal in formats that know only one.
    `channels` are the file's own names, in its own order. `attributes` holds the file's metadata as its library gives
    it (for EXR the values may be handed back to the OpenEXR module as they are).
    """

    path: str
    format: str
    """`exr`, `dpx`, `cineon`, `png`, `tiff`, `jpeg`, `webp`, `hdr`, or `movie`."""
    pixel_type: str
    """`half`, `float`, `uint8`, `uint10`, `uint12` or `uint16`: of the channels that the chosen layer and view name."""
    display: Window
    data: Window
    channels: tuple[str, ...]
    pixel_aspect: float
    attributes: dict[str, Any] = field(default_factory=dict)
    colour_hint: str | None = None
    """The colour space by the file's own tags, as a name, alias or interop id of an OCIO config; None = untagged."""
    rate: Fraction | None = None
    timecode: str | None = None
    layer: str | None = None
    """The layer that was chosen, as the file names it; None for a file's plain R, G, B."""
    view: str | None = None
    views: tuple[str, ...] = ()
    alpha_is_premultiplied: bool = False
    """True where R, G, B are already multiplied by A: EXR by its specification, TIFF where its tag says so."""
    repaired_pixels: int = 0
    """How many values `read_matte` replaced by 0 because they were not finite."""


@dataclass(frozen=True, slots=True)
class Image:
    """The pixels of one picture over `header.data`, top row first.

    `channels` is (`R`, `G`, `B`) or (`R`, `G`, `B`, `A`); `pixels` has the shape (height, width, channels). A half EXR
    stays float16 bit for bit, a float EXR float32 bit for bit; integer files are code / maximum as float32, with no
    curve undone.
    """

    header: Header
    channels: tuple[str, ...]
    pixels: NDArray[np.float16] | NDArray[np.float32]


def damaged(path: str, what: str, remedy: str = "") -> PlateError:
    """Return the error for a file that cannot be read whole; every reader words it alike."""
    return PlateError(
        f"{path}: {what}",
        remedy=remedy or "Write or copy this file again; it is damaged or not complete.",
        facts={"file": path},
    )
