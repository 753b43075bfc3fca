"""Following the performer from frame to frame: optical flow inside the matte, held to outline and home frame.

All at tracking size. A frame's motion follows from the frames between it and the home frame alone, so it is the same
whichever segment asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.fitting import Fit, attract
from understudy.inference.engines.limbs import joint_motion
from understudy.inference.engines.silhouette import outline_points
from understudy.inference.engines.smooth import blur, blur_known, disc, grey_levels, grown, shrink, spread, worn
from understudy.inference.engines.warp import PlateFitter, bend, chain, enlarge, local_area, places, sample_points

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]

TRACKING_AREA_PIXELS = 320 * 180
OUTLINE_LANDMARKS = 72
OUTLINE_STIFFNESSES = np.geomspace(1.0, 0.15, 4)
OUTLINE_GAIN = 0.35
"""Share of the outline's error that one frame mends: a matte that flickers is averaged over a few frames."""
HOME_ROUNDS = 8
"""So often the home frame's outline is mended, so that the frames beside it do not see it settle."""
OUTLINE_LEAK = 0.97
"""Share of the outline's correction kept from one frame to the next: what is no longer needed dies away."""
LEAST_PIXELS = 30
LIMB_SPACING = 11
"""A performer is this many landmarks across, where motion is carried over to another body."""
LIMB_STIFFNESS = 0.3
THICK, THIN = 0.2, 0.09
"""Half a body part's thickness over the figure's size: from the first on it is stiff, under the second a limb."""
LEAST_GIVE = 0.02
"""A limb's stiffness, as a share of a trunk's."""
JOINT_WEIGHT = 2.0
"""Joints are exact: the sweep follows them before the flow."""
HOME_GAIN = 0.5
"""Share of the drift against the home frame that one frame mends."""
LIKENESS_LEVELS = 10.0
"""Grey levels (of 255) of difference at which a match with the home frame is trusted by 1/e."""
UNLIKE_LEVELS = 22.0
"""Grey levels of difference from the home frame at which a motion's weight has fallen to 1/e."""
LEAST_WEIGHT = 0.12
LEAST_AREA = 1.0 / 16.0
"""Least local area, as a share, that the map may leave of the performer: below it the picture would fold."""


@dataclass(frozen=True, slots=True)
class View:
    """One frame as the tracker sees it."""

    grey: Array
    """(h, w), 0 to 255; the performer goes on past the outline, so that no background moves with it."""
    matte: Array
    """(h, w), 0 to 1."""
    inside: Array
    """(h, w): 1 where the picture surely shows the performer."""
    covered: Array
    """(h, w): 1 at and beside what passes in front; an outline there is not the performer's."""
    joints: Array
    """(n, 3): x, y at tracking size and confidence, always the same n joints; n may be 0."""


def tracking_size(height: int, width: int) -> tuple[int, int]:
    """Return the (height, width) at which motion is followed; even, never larger than the picture."""
    factor = min(1.0, float(np.sqrt(TRACKING_AREA_PIXELS / (height * width))))
    return max(16, 2 * round(height * factor / 2)), max(16, 2 * round(width * factor / 2))


def view_of(picture: Array, matte: Array, holdout: Array | None, joints: Array) -> View | None:
    """Return what the tracker needs of a frame at tracking size; None where the matte shows nothing to follow."""
    covered = np.zeros_like(matte)
    if holdout is not None:
        covered = grown((holdout > 0.05).astype(np.uint8), 5).astype(np.float32)
    inside = worn((matte > 0.9).astype(np.uint8), 3).astype(np.float32) * (1.0 - covered)
    if float(inside.sum()) < LEAST_PIXELS:
        return None
    return View(spread(grey_levels(picture), inside), matte, inside, covered, joints)


def flow(here: Array, there: Array, start: Array | None = None) -> Array:
    """Return the field from each pixel of `here` to the same thing in `there` (both 0 to 255), by DIS optical flow."""
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    finder.setFinestScale(1)
    first, second = (np.clip(grey, 0, 255).astype(np.uint8) for grey in (here, there))
    begin = np.zeros((*here.shape, 2), np.float32) if start is None else start.copy()
    return np.asarray(finder.calc(first, second, begin), np.float32)


@dataclass(frozen=True, slots=True)
class Pose:
    """What is kept of a frame: under 64 KB at 1280x720."""

    motion: NDArray[np.float16]
    """(h/2, w/2, 2): to the home frame, as measured."""
    outline: NDArray[np.float16]
    """(h/8, w/8, 2): what brings the character's outline to the matte's."""


class Tracker:
    """Where each pixel of a frame was in the home frame. One thread."""

    def __init__(
        self,
        look: Callable[[int], View | None],
        frames: tuple[int, ...],
        home: int,
        fit: Fit,
        *,
        same_surface: bool = False,
    ) -> None:
        """`same_surface`: the character is the performer, so every wrinkle of the motion counts; else its broad sweep
        is what another body can follow."""
        self._same_surface = same_surface
        self._look = look
        self._frames = frames
        self._home = frames.index(home)
        self._fit = fit
        first = look(home)
        if first is None:
            raise ValueError(f"frame {home} shows nobody")
        self._first = first
        height, width = first.grey.shape
        outline = np.zeros((height, width, 2), np.float32)
        for _ in range(HOME_ROUNDS):
            outline = outline + self._pull(first, outline)
        still = np.zeros((height // 2, width // 2, 2), np.float16)
        self._poses = {self._home: Pose(still, shrink(outline, (height // 8, width // 8)).astype(np.float16))}
        self._last: dict[int, tuple[int, View]] = {1: (self._home, first), -1: (self._home, first)}

    def field(self, frame: int) -> Array:
        """Return the (h, w, 2) field from `frame` to the home frame, in pixels at tracking size."""
        position = self._frames.index(frame)
        way = 1 if position >= self._home else -1
        known = self._home
        while known != position and known + way in self._poses:
            known += way
        for step in range(known + way, position + way, way) if known != position else ():
            self._poses[step] = self._follow(step, way)
        return self._whole(self._poses[position], position)

    def _whole(self, pose: Pose, position: int) -> Array:
        height, width = self._first.grey.shape
        motion = enlarge(pose.motion.astype(np.float32), height, width)
        view = self._view(position)
        if view is not None:
            motion = self._followed(motion, view)
        return _unfolded(motion + enlarge(pose.outline.astype(np.float32), height, width))

    def _view(self, position: int) -> View | None:
        for cached_position, view in self._last.values():
            if cached_position == position:
                return view
        return self._look(self._frames[position])

    def _before(self, position: int, way: int) -> View:
        """Return the view of the nearest frame towards home in which somebody was seen."""
        earlier = position - way
        while earlier != self._home:
            view = self._view(earlier)
            if view is not None:
                return view
            earlier -= way
        return self._first

    def _follow(self, position: int, way: int) -> Pose:
        earlier = self._poses[position - way]
        before = self._before(position, way)
        view = self._look(self._frames[position])
        if view is None:
            return earlier
        height, width = view.grey.shape
        motion = chain(_motion(view, before), enlarge(earlier.motion.astype(np.float32), height, width))
        motion = _unfolded(_held_to(self._first, view, motion))
        outline = enlarge(earlier.outline.astype(np.float32), height, width) * OUTLINE_LEAK
        outline = outline + self._pull(view, self._followed(motion, view) + outline)
        self._last[way] = (position, view)
        return Pose(
            shrink(motion, (height // 2, width // 2)).astype(np.float16),
            shrink(outline, (height // 8, width // 8)).astype(np.float16),
        )

    def _pull(self, view: View, field: Array) -> Array:
        """Return what draws the matte's outline towards the character's own, by a stiff plate and only in part.

        What lies inside the matte but shows no character is drawn in too: legs that cross stay whole.
        """
        size = float(np.sqrt(view.matte.sum()))
        outline = outline_points(view.matte, OUTLINE_LANDMARKS)
        if len(outline) > 0:
            outline = outline[sample_points(view.covered, outline) < 0.5]
        if len(outline) < 8:
            return np.zeros_like(field)
        inside, _, thick = _landmarks(view, size)
        shown = sample_points(self._fit.distance, inside + _at(field, inside) + self._fit.pad) > 1.0
        points = np.vstack([outline, inside[~shown]])
        inner = np.arange(len(points)) >= len(outline)
        weights = 1.0 / _give(sample_points(thick, points), size)
        fitter = PlateFitter(points, size)
        moved = attract(
            fitter,
            points,
            self._fit.distance,
            self._fit.pad,
            OUTLINE_STIFFNESSES,
            _at(field, points),
            inner=inner,
            weights=weights,
        )
        pull = fitter.fit(moved * OUTLINE_GAIN, float(OUTLINE_STIFFNESSES[-1]), weights)
        return pull.field(field.shape[0], field.shape[1])

    def _followed(self, motion: Array, view: View) -> Array:
        """Return what of a measured motion the character follows: its sweep, and where it is the performer, all of it.

        What does not look as in the home frame (a hand that came up, an eye that closed) hardly counts.
        """
        expected = bend(self._first.grey, motion)
        error = blur(np.abs(expected - view.grey), 2.0)
        alike = np.exp(-((error / UNLIKE_LEVELS) ** 2)) * view.inside
        swept = self._sweep(motion, view, alike)
        if not self._same_surface:
            return swept
        return np.asarray(swept + (motion - swept) * np.minimum(1.0, 1.5 * blur(alike, 2.0))[..., None], np.float32)

    def _sweep(self, motion: Array, view: View, alike: Array) -> Array:
        """Return the broad sweep of a motion inside the matte, gone on with outside: one stiff plate over the body."""
        height, width = view.matte.shape
        size = float(np.sqrt(view.matte.sum()))
        points, thickness, _ = _landmarks(view, size)
        here, moved = joint_motion(view.joints, self._first.joints)
        if len(points) + len(here) < 6:
            return motion
        values = np.vstack([_at(motion, points), moved])
        likely = LEAST_WEIGHT + (1.0 - LEAST_WEIGHT) * sample_points(alike, points)
        weights = np.concatenate([likely / _give(thickness, size), np.full(len(here), JOINT_WEIGHT / LEAST_GIVE)])
        return PlateFitter(np.vstack([points, here]), size).fit(values, LIMB_STIFFNESS, weights).field(height, width)


def _landmarks(view: View, size: float) -> tuple[Matrix, Matrix, Array]:
    """Return points inside the performer (n, 2), close together on limbs, how thick the body is there (n,), and where
    it is how thick (h, w)."""
    depth = cv2.distanceTransform((view.inside > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    thick = np.asarray(cv2.dilate(depth, disc(0.12 * size)), np.float32)
    found, depths = [], []
    coarse, limit = size / LIMB_SPACING, THIN * size
    for step, low, high in ((coarse, limit, np.inf), (coarse / 2.2, 0.0, limit)):
        rows, columns = (np.arange(step / 2, length, max(2.0, step)) for length in view.matte.shape)
        points = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
        thickness = sample_points(thick, points)
        chosen = (sample_points(view.inside, points) > 0.5) & (thickness >= low) & (thickness < high)
        found.append(points[chosen])
        depths.append(thickness[chosen])
    return np.vstack(found), np.concatenate(depths), thick


def _give(thickness: Matrix, size: float) -> Matrix:
    """Return how stiff a body part is against a trunk."""
    return np.asarray(np.clip((thickness / (THICK * size)) ** 2, LEAST_GIVE, 1.0))


def _at(field: Array, points: Matrix) -> Matrix:
    return np.column_stack([sample_points(np.ascontiguousarray(field[..., axis]), points) for axis in (0, 1)])


def _motion(here: View, there: View) -> Array:
    """Return the field from `here` to `there`: measured inside the performer, smooth beyond the outline."""
    start = np.empty((*here.grey.shape, 2), np.float32)
    start[:] = _centre(there.matte) - _centre(here.matte)
    measured = flow(here.grey, there.grey, start)
    settled = blur_known(measured, here.inside + 1e-4, 1.5)
    return spread(settled, here.inside, stiffness=0.02)


def _held_to(home: View, view: View, field: Array) -> Array:
    """Mend drift: where the performer still looks as in the home frame, go part of the way to a direct match."""
    return chain(HOME_GAIN * drift(view, bend(home.grey, field), bend(home.inside, field)), field)


def _centre(matte: Array) -> Array:
    across, down = places(*matte.shape)
    total = max(float(matte.sum()), 1e-6)
    return np.array([float((across * matte).sum()) / total, float((down * matte).sum()) / total], np.float32)


def drift(view: View, expected: Array, certainty: Array) -> Array:
    """Return the field from a frame to `expected` (grey, 0 to 255), a picture of the same performer that should match.

    Zero where the two do not look alike, where it is far, or where `certainty` (h, w, 0 to 1) is low.
    """
    offset = flow(view.grey, expected)
    error = blur(np.abs(bend(expected, offset) - view.grey), 2.0)
    near = np.exp(-((offset**2).sum(axis=-1)) / 16.0)
    trust = np.exp(-((error / LIKENESS_LEVELS) ** 2)) * near * view.inside * certainty
    return blur_known(offset, trust + 1e-4, 1.5) * np.minimum(1.0, blur(trust, 1.5))[..., None]


def _unfolded(field: Array) -> Array:
    """Smooth the field where it would fold or crush the picture, in wider circles until it does not."""
    for sigma in (3.0, 6.0, 12.0):
        area = local_area(field)
        crushed = (area < LEAST_AREA) | (area > 1.0 / LEAST_AREA)
        if not bool(np.any(crushed)):
            break
        where = np.minimum(1.0, blur(grown(crushed.astype(np.uint8), 4 * sigma).astype(np.float32), sigma))
        field = field + (blur(field, sigma) - field) * where[..., None]
    return field
