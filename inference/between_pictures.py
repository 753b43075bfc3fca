"""The picture of a frame that no picture was made for: one held, or two brought together by their motion. Pure.

Only what an engine made is held or interpolated: the plate, its matte and its holdout are the frame's own, so outside
the effective matte an in-between holds its own plate's bits like any other frame.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.door import GeneratedFrame, Picture
from understudy.inference.engines.flow import flow
from understudy.inference.engines.warp import bend
from understudy.inference.picture.crop import CropPath

Field = NDArray[np.float32]

LUMA = np.array((0.2126, 0.7152, 0.0722), np.float32)
"""Weights of Rec.709, whose primaries the model's encoding has (ITU-R BT.709)."""
CODES = np.float32(255)
GREY = np.float32(0.5)
"""Behind a character whose motion is looked for: neither dark nor light hair is lost in it."""
LEAST_COVERAGE = np.float32(1 / 255)
"""Below it nothing of the character is seen, and its colour is not told by a division."""


def held(made: GeneratedFrame, frame: int, crop: CropPath) -> GeneratedFrame:
    """Return what was made for another frame as that of `frame`: it stands still on the plate, not in the crop.

    The arrays are shared wherever the crop stands still. Where the crop has moved on, a picture goes on as its edge
    and a coverage as nothing.
    """
    across, down = crop.transform(frame)[:, 2] - crop.transform(made.frame)[:, 2]

    def moved(pixels: Picture | None, beyond: int = cv2.BORDER_REPLICATE) -> Picture | None:
        if pixels is None or (across == 0 and down == 0):
            return pixels
        matrix = np.array([[1, 0, across], [0, 1, down]], np.float64)
        height, width = pixels.shape[:2]
        shifted = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=beyond)
        return np.asarray(shifted, np.float32)

    coverage = moved(made.coverage, cv2.BORDER_CONSTANT)
    assert coverage is not None  # noqa: S101 - there always is one
    layers = {name: moved(pixels, cv2.BORDER_CONSTANT) for name, pixels in (made.layers or {}).items()}
    return dataclasses.replace(
        made,
        frame=frame,
        coverage=coverage,
        picture=moved(made.picture),
        character=moved(made.character),
        clean=moved(made.clean),
        layers={name: pixels for name, pixels in layers.items() if pixels is not None} or made.layers,
    )


def interpolated(
    before: GeneratedFrame, after: GeneratedFrame, frame: int, share: float, crop: CropPath
) -> GeneratedFrame:
    """Return the picture of `frame`, which lies by `share` (0 to 1) on the way from one made frame to another.

    Both are brought to the moment by the optical flow between them and mixed: the character by its own flow, looked at
    over grey so that a background which moves otherwise does not tear its edge, then laid over the mixed pictures.
    `skeleton` and other layers are data and are those of `after`. Needs a `picture` of both.
    """
    first, second = held(before, frame, crop), held(after, frame, crop)
    if first.picture is None or second.picture is None:
        raise ValueError("an in-between is interpolated from whole pictures")
    moment = np.float32(share)

    def mixed(one: Picture, other: Picture, ways: tuple[Field, Field]) -> Picture:
        return np.asarray(bend(one, ways[0]) * (1 - moment) + bend(other, ways[1]) * moment, np.float32)

    alone, other = _alone(first), _alone(second)
    seen = fields(_over_grey(alone, first.coverage), _over_grey(other, second.coverage), share)
    coverage = np.clip(mixed(first.coverage, second.coverage, seen), 0, 1)
    opaque, colour = coverage[:, :, None], mixed(alone, other, seen)
    around = fields(first.picture, second.picture, share)
    whole = mixed(first.picture, second.picture, around)
    rest = mixed(first.picture - alone, second.picture - other, around)
    open_ = mixed(1 - first.coverage, 1 - second.coverage, around)[:, :, None]
    behind = (rest + LEAST_COVERAGE * whole) / (open_ + LEAST_COVERAGE)
    picture = np.asarray(colour + behind * (1 - opaque), np.float32)
    character = np.where(opaque > LEAST_COVERAGE, colour / np.maximum(opaque, LEAST_COVERAGE), picture)
    return dataclasses.replace(second, coverage=coverage, picture=picture, character=character, clean=None)


def _alone(made: GeneratedFrame) -> Picture:
    """Return the character premultiplied by its coverage, as its picture shows it where the engine says no more."""
    colour = made.picture if made.character is None else made.character
    if colour is None:
        raise ValueError("an in-between is interpolated from whole pictures")
    return colour * made.coverage[:, :, None]


def _over_grey(alone: Picture, coverage: Picture) -> Picture:
    return alone + GREY * (1 - coverage[:, :, None])


def fields(first: Picture, second: Picture, share: float) -> tuple[Field, Field]:
    """Return where the pixels of the moment between come from, in the first picture and in the second.

    DIS optical flow both ways, brought to the moment by its linear approximation (Jiang et al., Super SloMo, 2018,
    equation 4): F(t,0) = -(1-t) t F(0,1) + t^2 F(1,0), and F(t,1) = (1-t)^2 F(0,1) - t (1-t) F(1,0).
    """
    one, other = ((picture @ LUMA) * CODES for picture in (first, second))
    forwards, backwards = flow(one, other), flow(other, one)
    here, rest = np.float32(share), np.float32(1 - share)
    return here * here * backwards - rest * here * forwards, rest * rest * forwards - here * rest * backwards
