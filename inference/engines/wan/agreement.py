"""Character over clean is the picture, to the last bit that counts: after all else has changed it. Pure; any thread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.inference.picture.crop import boxes_from_matte
from understudy.inference.picture.tone import LIMIT, decode, encode

Array = NDArray[np.float32]

MOSTLY = 0.5
"""From this coverage on the character takes what is missing, below it the background: whichever is seen more."""
HARDLY = 0.02
"""What shows by less than this takes nothing more: divided by it, noise would be light."""


def agreed(picture: Array, coverage: Array, character: Array, clean: Array) -> tuple[Array, Array]:
    """Return character and clean (h, w, 3) for which character c + clean (1 - c) is `picture`, in linear light.

    Everything in the model's encoding; coverage (h, w), 0 to 1. Where that is 0, both stay as they are. Neither leaves
    the range of the encoding.
    """
    box = boxes_from_matte(coverage, 0.0)
    if box is None:
        return character, clean
    left, top, right, bottom = box
    there = slice(top, bottom), slice(left, right)
    c = np.ascontiguousarray(coverage[there])[..., None]
    light, front, back = (decode(np.ascontiguousarray(pixels[there])) for pixels in (picture, character, clean))
    mostly, shows = c >= MOSTLY, (c > 0) & (1 - c >= HARDLY)
    front = np.where(mostly, _part(light - back * (1 - c), c), front)
    back = np.where(shows, _part(light - front * c, 1 - c), back)
    # Only where the background has reached an end of its range is anything left for a faint character.
    front = np.where(shows & ~mostly & (c >= HARDLY), _part(light - back * (1 - c), c), front)
    made = []
    for pixels, own in ((character, front), (clean, back)):
        changed = pixels.copy()
        changed[there] = np.where(c > 0, encode(np.asarray(own, np.float32)), pixels[there])
        made.append(changed)
    return made[0], made[1]


def _part(light: Array, share: Array) -> Array:
    """Return what makes up `light` when it shows by `share`, within the range of the encoding."""
    return np.asarray(np.clip(light / np.maximum(share, np.float32(HARDLY)), 0, LIMIT), np.float32)
