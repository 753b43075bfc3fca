"""The exposure of a shot: a few frames of the plate, inside its matte."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from understudy.inference.picture.layers import fit_window
from understudy.inference.picture.matte_reader import MatteReader
from understudy.inference.picture.plate import PlateReader
from understudy.inference.picture.tone import ModelColour, measure_exposure

SAMPLED_FRAMES = 5
"""Spread evenly over the shot: light that changes is caught, and a UHD plate costs well under a second."""


def shot_exposure(plate: PlateReader, matte: MatteReader | None, frames: tuple[int, ...] | None = None) -> float:
    """Return the stops that the model's picture of this shot is brightened by; recorded, and undone on the way back.

    frames: those to choose the samples from (the plate's own by default). Without a matte the whole picture counts.
    A display-referred plate is 0 stops and no frame of it is read. See tone.measure_exposure for the rule.
    """
    chosen = _spread(frames or tuple(plate.frames))
    return measure_exposure(_samples(plate, matte, chosen), display_referred=plate.display_referred)


def _spread(frames: tuple[int, ...]) -> list[int]:
    places = np.linspace(0, len(frames) - 1, min(SAMPLED_FRAMES, len(frames)))
    return [frames[round(float(place))] for place in places]


def _samples(
    plate: PlateReader, matte: MatteReader | None, frames: list[int]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    colour = ModelColour(plate.config, plate.working_space)
    for number in frames:
        held = plate.frame(number)
        light = fit_window(colour.to_linear(held.pixels), held.data, plate.display)
        inside = matte.frame(number) if matte is not None else np.ones(light.shape[:2], np.float32)
        yield light, inside
