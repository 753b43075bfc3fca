"""The formulas of the layers over one box of pixels. Pure; `composite` is the door to it.

m is the effective matte as it is stored, c the coverage, G the generated picture, P the plate. All arithmetic is
float32 in the order in which docs/layers.md writes it, each layer is rounded once, and those made from another layer
read its rounded values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.picture.half_floats import to_float, to_half
from understudy.inference.picture.repair import repaired

Floats = NDArray[np.float32]
Stored = NDArray[np.float16] | NDArray[np.float32]
Store = Callable[[Floats], Stored]

ONE = np.float32(1)


def store_half(pixels: Stored) -> Stored:
    """Return `pixels` rounded to half; what is beyond the largest half is held at it."""
    return to_half(pixels, saturate=True)


def store_float(pixels: Stored) -> Stored:
    """Return `pixels` as float; a half plate is widened."""
    return pixels if pixels.dtype == np.float32 else to_float(pixels)


@dataclass(frozen=True, slots=True)
class Blend:
    """The plate and the effective matte in one box."""

    plate: Floats
    """P: (height, width, 3 or 4), finite."""
    effective: Stored
    mask: NDArray[np.bool_]
    """Where m is above 0."""
    weight: Floats
    """m in as many channels as the plate has."""
    rest: Floats
    """1 - m likewise; exact for half, whose least step is 2**-24."""
    store: Store

    @classmethod
    def of(cls, plate: Stored, matte_effective: Floats, store: Store) -> Blend:
        """Take a box of the plate (as stored) and of the matte."""
        effective = store(np.clip(matte_effective, 0, 1))
        m = to_float(effective)
        weight = spread(m, plate.shape[2])
        return cls(repaired(to_float(plate)), effective, m > 0, weight, ONE - weight, store)


@dataclass(frozen=True, slots=True)
class Made:
    """What an engine made in the box, finite and in range; `character` is straight colour."""

    coverage: Floats
    picture: Floats | None
    character: Floats | None
    clean: Floats | None

    def whole(self, behind: Floats) -> Floats:
        """Return G: the picture, or the character over its clean plate, over `behind` where it has none."""
        if self.picture is not None:
            return self.picture
        if self.character is None:
            raise ValueError("an engine gives a picture, or a character, or both")
        c: Floats = spread(self.coverage, 3)
        whole: Floats = self.character * c
        whole += (behind if self.clean is None else self.clean) * (ONE - c)
        return whole


def blend_layers(made: Made, blend: Blend) -> dict[str, Stored]:
    """Return each layer over the box; where m is 0 they say nothing, for the plate stands there."""
    store = blend.store
    weight = blend.weight if blend.plate.shape[2] == 3 else np.ascontiguousarray(blend.weight[..., :3])
    whole = made.whole(blend.plate[..., :3])
    colour = store(whole * weight)
    patch = with_alpha(colour, blend.effective)
    comp = store(over(to_float(colour if blend.plate.shape[2] == 3 else patch), blend))
    matte = store(made.coverage * weight[..., 0])
    layers = {
        "patch": patch,
        "character": with_alpha(store(_premultiplied(made, whole, weight, matte)), matte),
        "comp": comp,
        "matte": spread(matte, 3),
        "matte_effective": spread(blend.effective, 3),
        "difference": store((to_float(comp) - blend.plate)[..., :3]),
    }
    if made.clean is not None:
        generated = made.clean * weight
        front = generated if weight is blend.weight else with_alpha(generated, blend.weight[..., 3])
        layers["clean"] = store(over(front, blend))
    return layers


def spread(plane: Stored, channels: int) -> Any:
    """Return (height, width, channels): the same values in every channel."""
    bits: NDArray[Any] = plane.view(np.uint16) if plane.dtype == np.float16 else plane
    return cv2.merge((np.ascontiguousarray(bits),) * channels).view(plane.dtype)


def with_alpha(colour: Stored, alpha: Stored) -> Any:
    """Return (height, width, 4). Both of one type; OpenCV moves halves as the 16-bit codes they are."""
    if colour.dtype == np.float16:
        return cv2.merge((*cv2.split(colour.view(np.uint16)), alpha.view(np.uint16))).view(np.float16)
    return cv2.merge((*cv2.split(colour), np.ascontiguousarray(alpha)))


def over(front: Floats, blend: Blend) -> Floats:
    """Return front + P (1 - m): the over of a premultiplied front whose alpha is m."""
    result = blend.plate * blend.rest
    result += front
    return result


def _premultiplied(made: Made, whole: Floats, weight: Floats, matte: Stored) -> Floats:
    """Return the character's colour times its matte.

    An engine that gives a picture and a clean plate has said the colour without naming it: what the clean plate does
    not explain, m (G - (1 - c) clean); there is no division in it. With a picture alone, its own colour stands.
    """
    alpha: Floats = spread(to_float(matte), 3)
    if made.character is not None or made.clean is None:
        return (whole if made.character is None else made.character) * alpha
    own: Floats = whole - made.clean * (ONE - spread(made.coverage, 3))
    own *= weight
    own[alpha == 0] = 0
    return own
