"""Light and colour: which way the performer is lit, and the character brought into that light. Pure.

Shape is guessed from the outline alone: a body swells where its silhouette is wide. That tells left from right and
above from below, which is all that a blocking pass needs; it knows no nose and no fold.
Luminance is worked on in linear light, taken from the model's encoding by a plain 2.2 power (see `to_linear`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import blur, clusters, fitted

Array = NDArray[np.float32]

SHAPE_SIDE = 112
"""Longest side at which shape is guessed and light is measured."""
MATERIALS = 5
LEAST_SHADE, GREATEST_SHADE = 0.35, 1.6
GREATEST_KEY = 1.5
"""A key light stronger than this over the body's mean luminance is not believed."""
UNSURE_SHARE, SURE_SHARE = 0.08, 0.38
"""Share of a body's shading that one light explains: below the first it is pattern, from the second on light."""
DIRECTIONS = 240
EXPOSURE_STRENGTH, COLOUR_STRENGTH = 0.65, 0.6
GREATEST_STOPS = 1.2
GREATEST_COLOUR = 0.3
"""Greatest natural logarithm by which one channel moves against the others."""
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True, slots=True)
class Light:
    """How somebody is lit: by a key light, by light from everywhere, in a colour."""

    key: NDArray[np.float64]
    """(3,): points at the key light (x right, y down, z to the camera); its length is the key's strength as a share of
    the body's mean luminance."""
    mean: float
    """Geometric mean of the linear luminance."""
    colour: NDArray[np.float64]
    """(3,), mean 1."""


def to_linear(code: Array) -> Array:
    """Return roughly linear light. The real curve is the pipeline's; here only ratios near the middle count."""
    return np.maximum(code, 0.0) ** np.float32(2.2)


def swell(coverage: Array) -> Array:
    """Return normals (h, w, 3), unit length, for a body with this silhouette; (0, 0, 1) outside.

    The height is the root of the solution of Poisson's equation over the silhouette, which is exact for a ball.
    """
    # Past the picture's edge the body goes on.
    pad = 1
    inside = np.pad((coverage > 0.5).astype(np.float32), pad, mode="edge")
    solution = _poisson(inside)
    top = np.sqrt(np.maximum(solution, 0.0)).astype(np.float32)
    # The slope of the height squared is smooth up to the outline, where the height's own slope is infinite.
    down, across = np.gradient(blur(solution, 0.7))
    normal = np.dstack([-across / 2.0, -down / 2.0, top])[pad:-pad, pad:-pad]
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    normal = np.where(length > 1e-4, normal / np.maximum(length, 1e-4), np.array([0, 0, 1], np.float32))
    return np.where(inside[pad:-pad, pad:-pad, None] > 0, normal, np.array([0, 0, 1], np.float32)).astype(np.float32)


def _poisson(inside: Array) -> Array:
    """Solve laplace(u) = -4, u = 0 outside, from coarse to fine with damped sweeps at each size."""
    height, width = inside.shape
    if min(height, width) > 12:
        small = cv2.resize(inside, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
        coarse = _poisson((small > 0.5).astype(np.float32))
        solution = 4.0 * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR) * inside
    else:
        solution = np.zeros_like(inside)
    cross = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4.0
    for _ in range(24):
        # Beyond the picture's edge the body goes on, so the solution does.
        solution = (cv2.filter2D(solution, -1, cross, borderType=cv2.BORDER_REPLICATE) + 1.0) * inside
    return solution


def measure_light(picture: Array, coverage: Array, scene: Array | None, normals: Array | None = None) -> Light:
    """Return how the body under `coverage` (h, w) of `picture` (h, w, 3, model encoding) is lit.

    `scene` (n, 3) holds colours of what stands around it, from which the light's colour is judged; None = itself.
    """
    small, cover = _small(picture, coverage)
    normal = swell(cover) if normals is None else normals
    body = cover > 0.95
    if int(body.sum()) < 40:
        return Light(np.zeros(3), 0.18, np.ones(3))
    linear = to_linear(small)
    luminance = linear @ LUMINANCE
    key = _key(linear[body], luminance[body], normal[body])
    mean = float(np.exp(np.log(luminance[body] + 0.004).mean()))
    around = linear[body] if scene is None else to_linear(scene.astype(np.float32))
    return Light(key, mean, _light_colour(around))


def _small(picture: Array, coverage: Array) -> tuple[Array, Array]:
    return fitted(picture, SHAPE_SIDE), fitted(coverage, SHAPE_SIDE)


def _key(linear: Array, luminance: Array, normal: Array) -> NDArray[np.float64]:
    """Fit luminance = material * (ambient + key * max(0, normal . direction)), materials told apart by chromaticity.

    Every direction of the front half is tried. The key is weaker where one light explains little of what is seen.
    """
    relative = luminance / np.maximum(_material_level(linear, luminance), 1e-4)
    relative = np.clip(relative, *np.percentile(relative, (3, 97)))
    centred = relative - relative.mean()
    variance = float((centred**2).mean())
    if variance < 1e-6:
        return np.zeros(3)
    directions = _front_directions()
    lit = np.maximum(normal @ directions.T, 0.0)
    lit -= lit.mean(axis=0)
    shared, own = centred @ lit / len(centred), np.maximum((lit**2).mean(axis=0), 1e-6)
    explained = np.where(shared > 0, shared**2 / (own * variance), 0.0)
    # The mean of all directions that explain about as much is steadier than the best one.
    weight = np.maximum(explained - 0.97 * explained.max(), 0.0)
    direction = weight @ directions
    direction = direction / max(float(np.linalg.norm(direction)), 1e-9)
    best = int(np.argmax(explained))
    strength = float(shared[best] / own[best] / max(float(relative.mean()), 1e-3))
    sure = float(np.clip((explained[best] - UNSURE_SHARE) / (SURE_SHARE - UNSURE_SHARE), 0.0, 1.0))
    return np.asarray(direction * min(strength, GREATEST_KEY) * sure, np.float64)


def _front_directions() -> Array:
    """Return unit vectors spread evenly over the half that faces the camera, by the golden angle."""
    index = np.arange(DIRECTIONS) + 0.5
    toward = index / DIRECTIONS
    turn = np.pi * (1.0 + np.sqrt(5.0)) * index
    across = np.sqrt(1.0 - toward**2)
    return np.column_stack([across * np.cos(turn), across * np.sin(turn), toward]).astype(np.float32)


def _material_level(linear: Array, luminance: Array) -> Array:
    """Return for each pixel the typical luminance of its material."""
    total = linear.sum(axis=1, keepdims=True) + 0.01
    chromaticity = (linear / total).astype(np.float32)
    if float(chromaticity.std(axis=0).max()) < 0.015:
        return np.full(luminance.shape, np.median(luminance), np.float32)
    labels, _ = clusters(chromaticity, MATERIALS)
    level = np.zeros_like(luminance)
    for index in range(MATERIALS):
        mine = labels == index
        if mine.any():
            level[mine] = np.median(luminance[mine])
    return level


def _light_colour(linear: Array) -> NDArray[np.float64]:
    """Return the light's colour by shades of grey (Finlayson and Trezzi, CIC 2004, with their p = 6), mean 1."""
    strong = (linear.astype(np.float64) ** 6).mean(axis=0) ** (1 / 6) + 0.5 * linear.mean(axis=0) + 1e-4
    return np.asarray(strong / strong.mean(), np.float64)


def blend(first: Light, second: Light, share: float) -> Light:
    """Return the light a share of the way from the first to the second."""
    return Light(
        first.key + (second.key - first.key) * share,
        float(np.exp((1 - share) * np.log(first.mean) + share * np.log(second.mean))),
        first.colour + (second.colour - first.colour) * share,
    )


def gains(own: Light, wanted: Light, strength: float) -> NDArray[np.float64]:
    """Return what to multiply linear colour by (3,), to go from one light's level and colour towards the other's."""
    stops = np.clip(EXPOSURE_STRENGTH * np.log2(wanted.mean / own.mean), -GREATEST_STOPS, GREATEST_STOPS)
    colour = COLOUR_STRENGTH * np.log(wanted.colour / own.colour)
    colour = np.clip(colour - colour @ LUMINANCE, -GREATEST_COLOUR, GREATEST_COLOUR)
    return np.asarray(np.exp(strength * (colour + stops * np.log(2.0))), np.float64)


def shade(normal: Array, body: Array, own: Light, wanted: Light, strength: float) -> Array:
    """Return (h, w) what to multiply linear colour by so that a body lit by `own` looks lit by `wanted`.

    normal: (h, w, 3). body: (h, w) weight of what is seen of it; over that the mean stays about the same.
    """
    now, then = (_level(normal, body, light.key) for light in (own, wanted))
    ratio = np.maximum(then, 0.12) / np.maximum(now, 0.45)
    return np.asarray(np.clip(1.0 + strength * (ratio - 1.0), LEAST_SHADE, GREATEST_SHADE), np.float32)


def _level(normal: Array, body: Array, key: NDArray[np.float64]) -> Array:
    strength = float(np.linalg.norm(key))
    if strength < 1e-6:
        return np.ones(normal.shape[:2], np.float32)
    lit = np.maximum(normal @ (key / strength).astype(np.float32), 0.0)
    mean = float((lit * body).sum()) / max(float(body.sum()), 1e-6)
    return np.asarray(1.0 + strength * (lit - mean), np.float32)
