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

    The arrays are shared wherever the crop stands still. Where the crop has moved on, a picture goes on as its edge,
    a coverage and data as nothing. A layer of another size than the crop's picture lies nowhere and stays as it is.
    """
    across, down = crop.transform(frame)[:, 2] - crop.transform(made.frame)[:, 2]
    height, width = made.coverage.shape

    def moved(pixels: Picture, beyond: int = cv2.BORDER_REPLICATE) -> Picture:
        if (across == 0 and down == 0) or pixels.shape[:2] != (height, width):
            return pixels
        matrix = np.array([[1, 0, across], [0, 1, down]], np.float64)
        shifted = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=beyond)
        return np.asarray(shifted, np.float32)

    return dataclasses.replace(
        made,
        frame=frame,
        coverage=moved(made.coverage, cv2.BORDER_CONSTANT),
        picture=None if made.picture is None else moved(made.picture),
        character=None if made.character is None else moved(made.character),
        clean=None if made.clean is None else moved(made.clean),
        layers=made.layers and {name: moved(pixels, cv2.BORDER_CONSTANT) for name, pixels in made.layers.items()},
    )


def interpolated(
    before: GeneratedFrame, after: GeneratedFrame, frame: int, share: float, crop: CropPath
) -> GeneratedFrame:
    """Return the picture of `frame`, which lies by `share` (0 to 1) on the way from one made frame to another.

    Both are brought to the moment by the optical flow between them and mixed: the character by its own flow, looked at
    over grey so that a background which moves otherwise does not tear its edge, and laid over the mixed backgrounds,
    each as far as it is seen. The result has the parts that `after` has. `skeleton` and other layers are data and are
    those of `after`.
    """
    one, other = (_Parts.of(held(made, frame, crop)) for made in (before, after))
    moment = np.float32(share)

    def mixed(first: Picture, second: Picture, ways: tuple[Field, Field]) -> Picture:
        return np.asarray(bend(first, ways[0]) * (1 - moment) + bend(second, ways[1]) * moment, np.float32)

    seen = fields(one.over_grey, other.over_grey, share)
    coverage = np.clip(mixed(one.coverage, other.coverage, seen), 0, 1)
    opaque, colour = coverage[:, :, None], mixed(one.character, other.character, seen)
    around = fields(one.whole, other.whole, share)
    rest, open_ = mixed(one.rest, other.rest, around), mixed(one.open, other.open, around)[:, :, None]
    behind = (rest + LEAST_COVERAGE * mixed(one.whole, other.whole, around)) / (open_ + LEAST_COVERAGE)
    picture = np.asarray(colour + behind * (1 - opaque), np.float32)
    made = held(after, frame, crop)
    return dataclasses.replace(
        made,
        coverage=coverage,
        picture=None if after.picture is None else picture,
        character=np.where(opaque > LEAST_COVERAGE, colour / np.maximum(opaque, LEAST_COVERAGE), picture),
        clean=None if after.clean is None else behind,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Parts:
    """A made frame as its parts, whether the engine gave a whole picture or a character and what stands behind it."""

    coverage: Picture
    character: Picture
    """Premultiplied by the coverage."""
    whole: Picture
    rest: Picture
    """What stands behind, as much of it as is known: premultiplied by `open`."""
    open: Picture

    @classmethod
    def of(cls, made: GeneratedFrame) -> _Parts:
        opaque = made.coverage[:, :, None]
        colour = made.picture if made.character is None else made.character
        if colour is None:
            raise ValueError(f"frame {made.frame} has neither a picture nor a character")
        alone = colour * opaque
        if made.clean is not None:
            whole = alone + made.clean * (1 - opaque) if made.picture is None else made.picture
            return cls(made.coverage, alone, whole, made.clean, np.ones_like(made.coverage))
        whole = colour if made.picture is None else made.picture
        return cls(made.coverage, alone, whole, whole - alone, 1 - made.coverage)

    @property
    def over_grey(self) -> Picture:
        return self.character + GREY * (1 - self.coverage[:, :, None])


def fields(first: Picture, second: Picture, share: float) -> tuple[Field, Field]:
    """Return where the pixels of the moment between come from, in the first picture and in the second.

    DIS optical flow both ways, brought to the moment by its linear approximation (Jiang et al., Super SloMo, 2018,
    equation 4): F(t,0) = -(1-t) t F(0,1) + t^2 F(1,0), and F(t,1) = (1-t)^2 F(0,1) - t (1-t) F(1,0).
    """
    one, other = ((picture @ LUMA) * CODES for picture in (first, second))
    forwards, backwards = flow(one, other), flow(other, one)
    here, rest = np.float32(share), np.float32(1 - share)
    return here * here * backwards - rest * here * forwards, rest * rest * forwards - here * rest * backwards
