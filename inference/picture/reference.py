"""The character's image as an engine sees it: straight RGBA in the model's encoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding, PlateError
from understudy.bridge.shot import Character
from understudy.inference.picture.colour import LINEAR_REC709, ColourConfig
from understudy.inference.picture.half_floats import to_float
from understudy.inference.picture.header import Image
from understudy.inference.picture.images import read_image
from understudy.inference.picture.source_colour import decide_colour
from understudy.inference.picture.sources import named_as_typed, path_of
from understudy.inference.picture.tone import encode

Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reference:
    """`pixels`: (height, width, 4) float32, straight RGBA, Rec.709 primaries in the encoding of tone.py.

    `has_alpha` is False where the file has none, or one that is 1 everywhere: then A is 1.
    """

    pixels: Float
    has_alpha: bool
    space: str
    findings: tuple[Finding, ...] = ()


def read_reference(character: Character, paths: Mapping[str, Path | str], config: ColourConfig) -> Reference:
    """Read the character's image. Its colour: declared, else its own tags and ICC profile, else assumed (`findings`).

    Raises PlateError for what is no image, naming it as typed; RequestError for an unknown colour space.
    """
    file = character.pictures.files[0]
    if character.pictures.kind == "movie":
        raise PlateError(
            f"reference {file.typed} is a movie, not an image",
            remedy="Give one still of the character, best a PNG with alpha.",
            facts={"file": file.typed},
        )
    path = path_of(file, paths)
    with named_as_typed(path, file.typed):
        image = read_image(path, layer=character.pictures.layer, view=character.pictures.view)
    space, assumed = decide_colour(image.header, character.pictures, config, "reference")
    if image.header.colour_hint is None and image.header.pixel_type.startswith("uint"):
        assumed = None  # sRGB is what an untagged reference is by contract, not an assumption
    colour, alpha = _straight(image)
    pixels = np.empty((*alpha.shape, 4), np.float32)
    pixels[:, :, :3] = encode(config.convert(colour, space, LINEAR_REC709))
    pixels[:, :, 3] = alpha
    has_alpha = bool(np.any(alpha != 1))
    return Reference(pixels, has_alpha, space, () if assumed is None else (assumed,))


def _straight(image: Image) -> tuple[Float, Float]:
    """Return finite straight colour (height, width, 3) and alpha (height, width) from 0 to 1."""
    held = np.nan_to_num(to_float(image.pixels), copy=False, nan=0.0, posinf=65504.0, neginf=0.0)
    colour = np.ascontiguousarray(held[:, :, :3])
    if "A" not in image.channels:
        return colour, np.ones(held.shape[:2], np.float32)
    alpha: Float = np.clip(held[:, :, 3], 0.0, 1.0)
    if image.header.alpha_is_premultiplied:
        # Where nothing covers, glow may be left in the colour: it has no straight form and stays as it is.
        colour /= np.where(alpha > 0, alpha, np.float32(1))[:, :, None]
    return colour, alpha
