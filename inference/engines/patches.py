"""Filling what no frame shows with pieces of what surrounds it: patch search and voting, coarse to fine. Pure.

After Barnes and others, PatchMatch, SIGGRAPH 2009, and Wexler and others, Space-Time Completion of Video, PAMI 2007.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import grown, resized, shrink, spread

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Places = NDArray[np.int64]

REACH = 3
"""A patch is 7 x 7 pixels: large enough to carry a plank or a fold at the coarse size."""
COARSEST_SIDE = 40
FINEST_SIDE = 160
ROUNDS = 3
NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0))


def fill_from_surroundings(picture: Array, known: Mask, seed: int) -> Array:
    """Return `picture` (h, w, 3) with every pixel that is not `known` invented from known ones.

    Deterministic for a seed. With less than 5 % known, or nothing to fill, a smooth spread is all that is done.
    """
    smooth = _spread_coarsely(picture, known)
    share = float(known.mean())
    if share < 0.05 or share == 1.0:
        return smooth
    random = np.random.default_rng(seed)
    height, width = known.shape
    sides = [side for side in (COARSEST_SIDE, 80, FINEST_SIDE) if side <= max(height, width)] or [max(height, width)]
    guess: Array | None = None
    offsets: Places | None = None
    for side in sides:
        factor = side / max(height, width)
        size = (max(8, round(height * factor)), max(8, round(width * factor)))
        sure = shrink(known.astype(np.float32), size) > 0.999
        start = shrink(smooth, size)
        if guess is not None:
            start = np.where(sure[..., None], start, resized(guess, *size))
        found = _improve(start, sure, offsets, random)
        if found is None:
            return smooth
        guess, offsets = found
    return smooth if offsets is None else _at_full_size(picture, smooth, known, offsets)


def _improve(
    picture: Array, known: Mask, before: Places | None, random: np.random.Generator
) -> tuple[Array, Places] | None:
    """Search and vote a few times; return the filled picture and, for each pixel, where its patch was found (y, x)."""
    height, width = known.shape
    pad = REACH
    usable = cv2.erode(np.pad(known, pad).astype(np.uint8), np.ones((2 * pad + 1, 2 * pad + 1), np.uint8))[
        pad : pad + height, pad : pad + width
    ].astype(bool)
    sources = np.argwhere(usable)
    if len(sources) < 30:
        return None
    # Every pixel whose patch touches the hole takes part.
    targets = np.argwhere(cv2.dilate((~known).astype(np.uint8), np.ones((2 * pad + 1, 2 * pad + 1), np.uint8)) > 0)
    row_of = np.full((height, width), -1, np.int64)
    row_of[targets[:, 0], targets[:, 1]] = np.arange(len(targets))
    nearest = _nearest(usable)
    found = _starting_places(targets, before, (height, width), nearest, sources, random)
    for _ in range(ROUNDS):
        cost = _cost(picture, targets, found)
        for step in NEIGHBOURS:
            beside = targets - step
            inside = (beside >= 0).all(axis=1) & (beside[:, 0] < height) & (beside[:, 1] < width)
            row = np.where(
                inside, row_of[np.clip(beside[:, 0], 0, height - 1), np.clip(beside[:, 1], 0, width - 1)], -1
            )
            offered = np.where((row >= 0)[:, None], found[row] + step, found)
            found, cost = _better(picture, targets, found, cost, _usable(offered, usable, nearest))
        radius = max(height, width) // 2
        while radius >= 1:
            shift = random.integers(-radius, radius + 1, size=found.shape)
            found, cost = _better(picture, targets, found, cost, _usable(found + shift, usable, nearest))
            radius //= 3
        picture = _vote(picture, known, targets, found, cost)
    rows, columns = np.mgrid[0:height, 0:width]
    whole = np.dstack([rows, columns]).astype(np.int64)
    whole[targets[:, 0], targets[:, 1]] = found
    return picture, whole


def _nearest(usable: Mask) -> Places:
    """Return for every pixel the usable one next to it."""
    _, labels = cv2.distanceTransformWithLabels(
        (~usable).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.zeros((int(labels.max()) + 1, 2), np.int64)
    places[labels[usable]] = np.argwhere(usable)
    return np.asarray(places[labels], np.int64)


def _starting_places(
    targets: Places,
    before: Places | None,
    size: tuple[int, int],
    nearest: Places,
    sources: Places,
    random: np.random.Generator,
) -> Places:
    if before is None:
        return np.asarray(sources[random.integers(0, len(sources), len(targets))], np.int64)
    ratio = np.array(size) / np.array(before.shape[:2])
    coarse = np.minimum((targets / ratio).astype(int), np.array(before.shape[:2]) - 1)
    offset = (before[coarse[:, 0], coarse[:, 1]] - coarse) * ratio
    there = np.clip(np.rint(targets + offset).astype(np.int64), 0, np.array(size) - 1)
    return np.asarray(nearest[there[:, 0], there[:, 1]], np.int64)


def _usable(places: Places, usable: Mask, nearest: Places) -> Places:
    clipped = np.clip(places, 0, np.array(usable.shape) - 1)
    return np.asarray(nearest[clipped[:, 0], clipped[:, 1]], np.int64)


def _patches(picture: Array, places: Places) -> Array:
    """Return the patches around `places` as (n, 7 * 7 * 3); past the edge the edge goes on."""
    steps = np.arange(-REACH, REACH + 1)
    rows = np.clip(places[:, 0, None] + steps, 0, picture.shape[0] - 1)
    columns = np.clip(places[:, 1, None] + steps, 0, picture.shape[1] - 1)
    return np.asarray(picture[rows[:, :, None], columns[:, None, :]].reshape(len(places), -1), np.float32)


def _cost(picture: Array, targets: Places, places: Places) -> Array:
    difference = _patches(picture, targets) - _patches(picture, places)
    # A piece from nearby is likelier to belong: light and perspective change over a picture.
    distance = ((targets - places).astype(np.float32) ** 2).sum(axis=1) / picture.shape[1] ** 2
    return np.asarray(np.einsum("np,np->n", difference, difference) + 0.6 * distance, np.float32)


def _better(picture: Array, targets: Places, found: Places, cost: Array, offered: Places) -> tuple[Places, Array]:
    fresh = _cost(picture, targets, offered)
    wins = fresh < cost
    return np.where(wins[:, None], offered, found), np.where(wins, fresh, cost)


def _vote(picture: Array, known: Mask, targets: Places, found: Places, cost: Array) -> Array:
    """Return the picture with each hole pixel averaged over all patches that lie over it, good ones weighing more."""
    height, width = known.shape
    scale = max(float(np.percentile(cost, 60)), 1e-6)
    weight = np.exp(-cost / (2.0 * scale)).astype(np.float32) + 1e-6
    total = np.zeros((height + 2 * REACH, width + 2 * REACH, 4), np.float32)
    steps = np.arange(-REACH, REACH + 1)
    for down in steps:
        for across in steps:
            rows = np.clip(found[:, 0] + down, 0, height - 1)
            columns = np.clip(found[:, 1] + across, 0, width - 1)
            colour = picture[rows, columns]
            # Each target occurs once, so plain indexing adds exactly once.
            total[targets[:, 0] + down + REACH, targets[:, 1] + across + REACH] += np.column_stack(
                [colour * weight[:, None], weight]
            )
    inner = total[REACH : REACH + height, REACH : REACH + width]
    voted = inner[..., :3] / np.maximum(inner[..., 3:], 1e-9)
    return np.where(known[..., None] | (inner[..., 3:] <= 0), picture, voted).astype(np.float32)


def _spread_coarsely(picture: Array, known: Mask) -> Array:
    """Return the picture with a soft filling: worked out at a small size, since it holds no detail anyway."""
    height, width = known.shape
    factor = min(1.0, 2 * FINEST_SIDE / max(height, width))
    size = (max(8, round(height * factor)), max(8, round(width * factor)))
    weight = shrink(known.astype(np.float32), size)
    colour = shrink(picture * known[..., None].astype(np.float32), size)
    filled = spread(np.asarray(colour / np.maximum(weight, 1e-6)[..., None], np.float32), weight)
    return np.where(known[..., None], picture, resized(filled, height, width)).astype(np.float32)


def _at_full_size(picture: Array, smooth: Array, known: Mask, places: Places) -> Array:
    """Copy full-size pixels along the coarse offsets, the four nearest blended, and match their level at the rim."""
    height, width = known.shape
    rows, columns = np.mgrid[0 : places.shape[0], 0 : places.shape[1]].astype(np.float32)
    ratio = (height / places.shape[0], width / places.shape[1])
    offset = np.dstack([(places[..., 1] - columns) * ratio[1], (places[..., 0] - rows) * ratio[0]]).astype(np.float32)
    top, bottom, left, right = _box(~known, 8)
    across, down = np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32))
    grid_across, grid_down = (across + 0.5) / ratio[1] - 0.5, (down + 0.5) / ratio[0] - 0.5
    total, weights = np.zeros((*across.shape, 3), np.float32), np.zeros((*across.shape, 1), np.float32)
    for dx in (0, 1):
        for dy in (0, 1):
            column, row = np.floor(grid_across) + dx, np.floor(grid_down) + dy
            near = (1 - np.abs(grid_across - column)) * (1 - np.abs(grid_down - row)) + 1e-4
            there = cv2.remap(offset, column, row, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
            piece = cv2.remap(
                smooth,
                across + there[..., 0],
                down + there[..., 1],
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT_101,
            )
            total += piece * near[..., None]
            weights += near[..., None]
    filled = total / weights
    inner = known[top:bottom, left:right]
    rim = np.asarray((grown((~inner).astype(np.uint8), 9) > 0) & inner, np.float32)
    difference = picture[top:bottom, left:right] - filled
    level = spread(np.asarray(difference * rim[..., None], np.float32), rim)
    result = picture.copy()
    result[top:bottom, left:right][~inner] = (filled + level)[~inner]
    return result


def _box(mask: Mask, margin: int) -> tuple[int, int, int, int]:
    """Return (top, bottom, left, right) around the True pixels."""
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    top, bottom = max(0, int(rows[0]) - margin), min(mask.shape[0], int(rows[-1]) + 1 + margin)
    left, right = max(0, int(columns[0]) - margin), min(mask.shape[1], int(columns[-1]) + 1 + margin)
    return top, bottom, left, right
