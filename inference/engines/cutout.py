"""The character, cut out of its image: by its alpha where it has one, else by what stands out from the picture's rim.

Everything here sees one still and runs once a shot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import EngineError, Finding
from understudy.inference.engines.segmentation import segment
from understudy.inference.engines.smooth import grown, shrink, spread, worn

Array = NDArray[np.float32]

LARGEST_SIDE = 1600
"""A reference larger than this is shrunk: no previz picture shows more of it."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """`colour` (h, w, 3) straight, continued past the edge so that no background shines through; `alpha` (h, w)."""

    colour: Array
    alpha: Array
    backdrop: Array
    """The whole image without the character, filled in; (h, w, 3)."""
    findings: tuple[Finding, ...] = ()


def cut_out(reference: Array, has_alpha: bool) -> Cutout:
    """Cut the character out of `reference`, (h, w, 4) straight. Raises EngineError when nothing is left to show."""
    picture = _shrunk(np.nan_to_num(reference.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0))
    colour, alpha = np.ascontiguousarray(picture[..., :3]), np.clip(picture[..., 3], 0.0, 1.0)
    findings: tuple[Finding, ...] = ()
    if not has_alpha:
        alpha, findings = segment(colour)
    if float((alpha > 0.5).mean()) < 0.002:
        raise EngineError(
            "the reference shows no character: its alpha is empty",
            remedy="Give a reference with the character in it, cut out by alpha or standing clear of the background.",
        )
    inside = worn((alpha > 0.97).astype(np.uint8), 3).astype(np.float32)
    outside = worn((alpha < 0.02).astype(np.uint8), 5).astype(np.float32)
    if float(inside.sum()) < 16.0:
        inside = (alpha > 0.5).astype(np.float32)
    # Only the soft edge takes its colour from the inside; a transparent part of the body keeps its own.
    edge = grown((alpha < 0.02).astype(np.uint8), 13).astype(np.float32)
    own = np.maximum(inside, (1.0 - edge) * (alpha > 0.2))
    backdrop = spread(colour, outside) if float(outside.sum()) >= 16.0 else np.zeros_like(colour)
    return Cutout(spread(colour, own.astype(np.float32)), alpha.astype(np.float32), backdrop, findings)


def _shrunk(picture: Array) -> Array:
    height, width = picture.shape[:2]
    factor = LARGEST_SIDE / max(height, width)
    if factor >= 1.0:
        return picture
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    weighted = np.dstack([picture[..., :3] * picture[..., 3:4], picture[..., 3]])
    small = shrink(weighted, size)
    plain = shrink(picture[..., :3], size)
    alpha = small[..., 3:4]
    colour = np.where(alpha > 1e-3, small[..., :3] / np.maximum(alpha, 1e-3), plain)
    return np.dstack([colour, alpha[..., 0]]).astype(np.float32)
