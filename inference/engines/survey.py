"""A first look at a shot: a few frames over its length, read once each. Only small things are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.light import Light, blend, measure_light
from understudy.inference.engines.smooth import disc
from understudy.inference.engines.view import View

Array = NDArray[np.float32]

SURVEY_FRAMES = 5
"""Odd, so that the median background of a still camera is one of them. Each costs one decoded picture."""
NEAR_FRAMES = 12
"""A home frame this far in costs the first finished frame about a second."""
FIRST_BONUS, LIKE_ENOUGH = 0.02, 0.93
ENTERED = 0.8
"""The performer is fully in the picture where the matte reaches this share of its greatest area."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What is kept of one surveyed frame."""

    position: int
    area: float
    view: View | None
    light: Light | None


def survey_positions(count: int) -> tuple[int, ...]:
    """Return which of `count` frames are looked at, in order, the first and the last among them."""
    return tuple(sorted({round(place) for place in np.linspace(0, count - 1, SURVEY_FRAMES)}))


def glance(position: int, picture: Array, matte: Array, view: View | None) -> Glance:
    """Look at one frame at tracking size: picture (h, w, 3), matte (h, w)."""
    area = float(matte.sum())
    if view is None:
        return Glance(position, area, None, None)
    around = cv2.dilate((matte > 0.02).astype(np.uint8), disc(5)) == 0
    scene = picture[around][::7] if int(around.sum()) > 200 else None
    return Glance(position, area, view, measure_light(picture, matte * view.inside, scene))


def choose_home(glances: list[Glance], likeness: Callable[[Glance], float]) -> Glance | None:
    """Return the frame to which all others are tracked: the likest of those near the first that shows all of the
    performer. None when no surveyed frame shows anybody.

    Near, because the frames between the first and home must be read before the first one can be made.
    """
    shown = [found for found in glances if found.view is not None]
    if not shown:
        return None
    enough = ENTERED * max(found.area for found in shown)
    whole = [found for found in shown if found.area >= enough]
    near = [found for found in whole if found.position <= whole[0].position + NEAR_FRAMES]
    if likeness(near[0]) >= LIKE_ENOUGH:
        return near[0]
    # The first stays unless another is clearly better: it costs nothing to begin with.
    return max(near, key=lambda found: likeness(found) + (FIRST_BONUS if found is near[0] else 0.0))


class Lights:
    """The light over the shot: measured in the surveyed frames, gliding from one to the next."""

    def __init__(self, glances: list[Glance]) -> None:
        known = [(found.position, found.light) for found in glances if found.light is not None]
        # Each is smoothed with its neighbours, so that one odd frame does not swing the light.
        self._known: list[tuple[int, Light]] = []
        for index, (position, light) in enumerate(known):
            before, after = known[max(0, index - 1)][1], known[min(len(known) - 1, index + 1)][1]
            self._known.append((position, blend(light, blend(before, after, 0.5), 0.5)))

    def at(self, position: int) -> Light | None:
        """Return the light at a frame's place in the shot; None where no frame showed anybody."""
        if not self._known:
            return None
        for (start, first), (end, second) in zip(self._known, self._known[1:], strict=False):
            if position <= end:
                return blend(first, second, float(np.clip((position - start) / max(end - start, 1), 0.0, 1.0)))
        return self._known[-1][1]
