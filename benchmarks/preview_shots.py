"""Shots as an engine sees them, for measuring `preview`: drawn, a lit ball, and real footage where it is named."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.shot import Settings
from understudy.inference.drawn_shot import draw_shot
from understudy.inference.engines.door import Footage
from understudy.inference.picture.images import read_image, read_matte
from understudy.inference.picture.movies import MovieReader
from understudy.inference.picture.tone import encode

Array = NDArray[np.float32]
FOOTAGE_VARIABLE = "UNDERSTUDY_TEST_PLATES"
MARKET_FIRST, MARKET_LAST = 56, 163


def footage_of(
    frames: tuple[int, ...],
    plate: Callable[[int], Array] | None,
    matte: Callable[[int], Array] | None,
    reference: Array,
    size: tuple[int, int],
    folder: Path,
) -> Footage:
    """Return a shot in mode replace whose reference has alpha; `size` is (height, width)."""
    return Footage(
        mode="replace",
        frames=frames,
        height=size[0],
        width=size[1],
        rate=Fraction(24),
        settings=Settings(),
        reference=reference,
        reference_has_alpha=True,
        plate=plate,
        matte=matte,
        clean_plate=None,
        holdout=None,
        keypoints=None,
        scratch=folder,
    )


def drawn_footage(folder: Path, frames: int, width: int, height: int) -> tuple[Footage, Callable[[int], Array]]:
    """Draw the demonstration shot into `folder`; return it, and the truth about its background."""
    shot = draw_shot(folder, frames=frames, width=width, height=height)
    points = json.loads(Path(shot.keypoints).read_text())["frames"]

    def picture(pattern: str, frame: int) -> Array:
        pixels = read_image(pattern.replace("####", f"{frame:04d}")).pixels[..., :3]
        return np.asarray(encode(pixels.astype(np.float32)), np.float32)

    still = read_image(shot.reference)
    footage = footage_of(
        tuple(range(shot.first, shot.last + 1)),
        lambda frame: picture(shot.plate, frame),
        lambda frame: read_matte(shot.matte.replace("####", f"{frame:04d}"))[0],
        np.asarray(still.pixels, np.float32),
        (height, width),
        folder,
    )
    keypoints: Callable[[int], Array] = lambda frame: np.array(points[str(frame)], np.float32).reshape(-1, 3)  # noqa: E731
    return replace(footage, keypoints=keypoints), lambda frame: picture(shot.clean_plate, frame)


def market_footage(folder: Path) -> Footage | None:
    """Return the real footage in its display-referred code; None where the folder of test plates is not named."""
    named = os.environ.get(FOOTAGE_VARIABLE)
    if not named:
        return None
    market = Path(named) / "market"
    movie = MovieReader(market / "plate.mp4")
    still = np.asarray(read_image(market / "reference.jpeg").pixels[..., :3], np.float32)
    footage = footage_of(
        tuple(range(MARKET_FIRST, MARKET_LAST + 1)),
        movie.read,
        lambda frame: read_matte(market / "matte" / f"matte.{frame:04d}.png")[0],
        np.dstack([still, np.ones(still.shape[:2], np.float32)]),
        (movie.height, movie.width),
        folder,
    )
    return replace(footage, reference_has_alpha=False)


def own_cut_out(footage: Footage, frame: int) -> Footage:
    """Return the same shot with the performer's own cut-out of one frame as the reference."""
    assert footage.plate is not None
    assert footage.matte is not None
    reference = np.dstack([footage.plate(frame), footage.matte(frame)]).astype(np.float32)
    return replace(footage, reference=reference, reference_has_alpha=True)


def ball_footage(direction: tuple[float, float, float], folder: Path, frames: int = 4) -> tuple[Footage, Array]:
    """Return a ball lit from `direction` (x right, y down, z to the camera) before a wall, a flat ball as the
    reference, and the ball's true normals (h, w, 3), zero outside it. The ball drifts to the right."""
    height, width, radius = 180, 320, 60.0
    light = np.array(direction) / np.linalg.norm(direction)
    random = np.random.default_rng(5)
    wall = cv2.GaussianBlur(random.uniform(0.2, 0.5, (height, width, 3)).astype(np.float32), (0, 0), 2.0)

    def ball(frame: int) -> tuple[Array, Array]:
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        across, down = (columns - width / 2 - 2.0 * frame) / radius, (rows - height / 2) / radius
        away = np.hypot(across, down)
        toward = np.sqrt(np.maximum(0.0, 1.0 - away**2))
        cover = np.clip((1.0 - away) * radius + 0.5, 0.0, 1.0)
        return np.dstack([across, down, toward]).astype(np.float32) * (away < 1.0)[..., None], cover.astype(np.float32)

    def plate(frame: int) -> Array:
        normals, cover = ball(frame)
        luminance = 0.05 + 0.5 * np.maximum(0.0, normals @ light.astype(np.float32))
        lit = np.asarray(encode(np.repeat(luminance[..., None], 3, axis=2).astype(np.float32)), np.float32)
        return wall + (lit - wall) * cover[..., None]

    _, standing = ball(0)
    reference = np.dstack([np.full((height, width, 3), 0.5, np.float32), standing])
    footage = footage_of(tuple(range(frames)), plate, lambda frame: ball(frame)[1], reference, (height, width), folder)
    return footage, ball(frames - 1)[0]
