"""A frame as a small picture to know a shot again by, not to judge: the sRGB curve (IEC 61966-2-1) on linear values.

Any thread.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.ui.frames.remote import proxy_picture


class Small(NamedTuple):
    """Eight-bit sRGB codes, rows of `width` RGB pixels from the top, without padding."""

    codes: bytes
    width: int
    height: int


def small_proxy(data: bytes, width: int) -> Small | None:
    """Return a proxy's colours; None for what is no colour picture."""
    try:
        picture = proxy_picture(data, "the thumbnail")
    except PlateError:
        return None
    return small(picture.pixels, width) if len(picture.channels) >= 3 else None


def read_small(path: Path, width: int) -> Small | None:
    """Return an EXR's colours, at most about `width` pixels wide; None where it does not read as a picture just now."""
    try:
        with OpenEXR.File(str(path), separate_channels=False) as file:
            channels = file.channels()
            pixels = (channels.get("RGB") or channels["RGBA"]).pixels
    except (OSError, RuntimeError, KeyError):  # still being written, or moved into its version just now
        return None
    return small(pixels, width)


def small(pixels: NDArray[np.floating], width: int) -> Small:
    """Return linear (height, width, 3 or 4) pixels as an sRGB picture of at most about `width` pixels."""
    step = max(1, pixels.shape[1] // width)
    light = np.clip(np.nan_to_num(pixels[::step, ::step, :3].astype(np.float32)), 0.0, 1.0)
    curve = np.where(light <= 0.0031308, light * 12.92, 1.055 * np.power(light, 1 / 2.4) - 0.055)
    codes = np.ascontiguousarray((curve * 255 + 0.5).astype(np.uint8))
    return Small(codes.tobytes(), codes.shape[1], codes.shape[0])
