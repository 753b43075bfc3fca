"""The character as a picture that can be bent and lit: drawn where a field says, in the light of a frame. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.cutout import Cutout
from understudy.inference.engines.light import Light, gains, measure_light, shade, swell
from understudy.inference.engines.smooth import blur, fitted, resized, shrink
from understudy.inference.engines.warp import enlarge, places, sample

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]

NORMALS_SIDE = 160
SHRINK_ABOVE = 1.25
"""A character's image this many times finer than the footage is averaged down first, or it would flicker."""
NEAR, FARTHEST = 0.06, 0.11
"""Shares of the figure's size: up to the first the character may stand out of the performer, at the second it ends."""
MODEL_POWER = 1.0 / 2.2
SHOULDER = np.float32(0.72)
"""The code above which relit highlights are held back."""


@dataclass(frozen=True, slots=True)
class Puppet:
    """The character, ready to be drawn. `matrix` takes tracking pixels to pixels of `picture`."""

    picture: Array
    """(h, w, 4): colour, straight and continued past the outline, and coverage."""
    normals: Array
    """(h, w, 3) at a small size, over the whole image."""
    matrix: Matrix
    light: Light
    """How the character is lit in its own image."""


@dataclass(frozen=True, slots=True)
class Drawing:
    colour: Array
    """(h, w, 3) straight."""
    coverage: Array


def make_puppet(cutout: Cutout, matrix: Matrix, tracking_width: int, width: int, scene: Array | None) -> Puppet:
    """`matrix` (2, 3): tracking pixels to the cut-out's pixels. `width`: the footage's. `scene`: see measure_light."""
    spacing = float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))) * tracking_width / width
    colour, alpha = cutout.colour, cutout.alpha
    light = measure_light(colour, alpha, scene)
    normals = swell(fitted(alpha, NORMALS_SIDE))
    onto = matrix
    if spacing > SHRINK_ABOVE:
        size = (max(8, round(alpha.shape[0] / spacing)), max(8, round(alpha.shape[1] / spacing)))
        down, across = size[0] / alpha.shape[0], size[1] / alpha.shape[1]
        onto = np.array([[across, 0, 0.5 * across - 0.5], [0, down, 0.5 * down - 0.5]]) @ np.vstack([matrix, (0, 0, 1)])
        colour, alpha = shrink(colour, size), shrink(alpha, size)
    return Puppet(np.dstack([colour, alpha]).astype(np.float32), normals, onto, light)


def seen_small(puppet: Puppet, field: Array) -> Array:
    """Return the puppet (h, w, 4) at tracking size, bent by `field` (h, w, 2)."""
    across, down = _image_places(puppet.matrix, field)
    return sample(puppet.picture, across, down)


def draw(puppet: Puppet, field: Array, height: int, width: int, gain: Array | None) -> Drawing:
    """Draw the puppet at (height, width), bent by `field` at tracking size.

    gain: (h, w, 3) at tracking size, what to multiply linear colour by; None = the character's own light.
    """
    small = seen_small(puppet, field)[..., 3]
    colour, coverage = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    window = _window(small, height, width)
    if window is None:
        return Drawing(colour, coverage)
    across, down = _full_places(puppet.matrix, field, height, width, window)
    bent = np.asarray(
        cv2.remap(puppet.picture, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32
    )
    if gain is not None:
        encoded = np.maximum(gain, 1e-3) ** np.float32(MODEL_POWER)
        bent[..., :3] = _shouldered(bent[..., :3] * resized(encoded, height, width)[window])
    np.clip(bent, 0.0, 1.0, out=bent)
    colour[window], coverage[window] = bent[..., :3], bent[..., 3]
    return Drawing(colour, coverage)


def _shouldered(code: Array) -> Array:
    """Return codes whose highlights bend towards 1 instead of running into it: a lit edge keeps its hue."""
    over = np.maximum(code - SHOULDER, 0.0)
    room = np.float32(1.0 - SHOULDER)
    return np.asarray(np.minimum(code, SHOULDER) + room * over / (over + room), np.float32)


def within_reach(matte: Array) -> Array:
    """Return (h, w) 1 on and near the performer, fading to 0: far from them nothing says how the character is bent."""
    size = float(np.sqrt(matte.sum()))
    away = cv2.distanceTransform((matte < 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(np.clip((FARTHEST * size - away) / ((FARTHEST - NEAR) * size), 0.0, 1.0), np.float32)


def light_gain(puppet: Puppet, field: Array, wanted: Light, colour: float, light: float) -> Array:
    """Return (h, w, 3), what to multiply linear colour by so that the bent puppet sits in the `wanted` light."""
    across, down = _image_places(puppet.matrix, field)
    height, width = puppet.normals.shape[:2]
    ratio = (width / puppet.picture.shape[1], height / puppet.picture.shape[0])
    small_across, small_down = (across + 0.5) * ratio[0] - 0.5, (down + 0.5) * ratio[1] - 0.5
    normal = _turned(sample(puppet.normals, small_across, small_down), puppet.matrix, field)
    body = sample(np.ascontiguousarray(puppet.picture[..., 3]), across, down)
    shading = blur(shade(normal, body, puppet.light, wanted, light), 1.0)
    return shading[..., None] * gains(puppet.light, wanted, colour).astype(np.float32)


def _image_places(matrix: Matrix, field: Array) -> tuple[Array, Array]:
    across, down = places(*field.shape[:2])
    across, down = across + field[..., 0], down + field[..., 1]
    m = matrix.astype(np.float32)
    return m[0, 0] * across + m[0, 1] * down + m[0, 2], m[1, 0] * across + m[1, 1] * down + m[1, 2]


def _full_places(
    matrix: Matrix, field: Array, height: int, width: int, window: tuple[slice, slice]
) -> tuple[Array, Array]:
    """Return where each full-size pixel of the window lies in the puppet's picture.

    Only the field is enlarged; the matrix is applied exactly, so that nothing is clamped at the picture's edge.
    """
    m = matrix
    linear = np.ascontiguousarray(field @ m[:, :2].T.astype(np.float32))
    grown = enlarge(linear, height, width)[window]
    ratio_across, ratio_down = field.shape[1] / width, field.shape[0] / height
    columns = (np.arange(width)[window[1]] + 0.5) * ratio_across - 0.5
    rows = (np.arange(height)[window[0]] + 0.5) * ratio_down - 0.5
    across = (m[0, 0] * columns)[None] + (m[0, 1] * rows + m[0, 2])[:, None]
    down = (m[1, 0] * columns)[None] + (m[1, 1] * rows + m[1, 2])[:, None]
    return (across + grown[..., 0]).astype(np.float32), (down + grown[..., 1]).astype(np.float32)


def _window(small: Array, height: int, width: int) -> tuple[slice, slice] | None:
    """Return the full-size rows and columns that the small coverage touches."""
    rows, columns = np.nonzero((small > 0.002).any(axis=1))[0], np.nonzero((small > 0.002).any(axis=0))[0]
    if rows.size == 0:
        return None
    down, across = height / small.shape[0], width / small.shape[1]
    top, left = max(0, int((rows[0] - 2) * down)), max(0, int((columns[0] - 2) * across))
    bottom, right = min(height, int((rows[-1] + 3) * down)), min(width, int((columns[-1] + 3) * across))
    return slice(top, bottom), slice(left, right)


def _turned(normal: Array, matrix: Matrix, field: Array) -> Array:
    """Return the normals turned with the body: a rolled head keeps its light from where the lamp is."""
    placed = np.arctan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1])
    curl = np.gradient(field[..., 1], axis=1) - np.gradient(field[..., 0], axis=0)
    # The field leads back to the image, so the picture is turned the other way.
    angle = -(placed + blur(curl.astype(np.float32), 4.0) / 2.0)
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = normal.copy()
    turned[..., 0] = cosine * normal[..., 0] - sine * normal[..., 1]
    turned[..., 1] = sine * normal[..., 0] + cosine * normal[..., 1]
    return turned
