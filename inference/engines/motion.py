"""Following the performer from frame to frame: optical flow inside the matte, held to outline and home frame.

All at tracking size. A frame's motion follows from the frames between it and the home frame alone, so it is the same
whichever segment asks for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.fitting import Fit, attract
from understudy.inference.engines.flow import drift, motion_to
from understudy.inference.engines.landmarks import LEAST_GIVE, give_of, landmarks, thickness_of
from understudy.inference.engines.limbs import joint_motion
from understudy.inference.engines.poses import Pose, PoseStore
from understudy.inference.engines.silhouette import outline_points
from understudy.inference.engines.smooth import blur, disc, grown, shrink
from understudy.inference.engines.view import View
from understudy.inference.engines.warp import (
    PlateFitter,
    bend,
    chain,
    enlarge,
    places,
    sample,
    sample_field,
    sample_points,
    unfolded,
)

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]

OUTLINE_LANDMARKS, BARE_LANDMARKS, HELD_LANDMARKS = 56, 32, 40
OUTLINE_STIFFNESSES = np.geomspace(1.0, 0.15, 3)
SURPRISE = 0.03
"""An outline farther off than this share of the figure's size is something else: an elbow that comes into view."""
HOLD = 0.3
"""How much the inside, which the flow has followed, holds against the outline's pull."""
OUTLINE_GAIN = 0.35
"""Share of the outline's error that one frame mends: a matte that flickers is averaged over a few frames."""
HOME_ROUNDS = 8
"""So often the home frame's outline is mended, so that the frames beside it do not see it settle."""
OUTLINE_LEAK = 0.97
"""Share of the outline's correction kept from one frame to the next: what is no longer needed dies away."""
LIMB_STIFFNESS = 0.3
JOINT_WEIGHT = 2.0
"""Joints are exact: the sweep follows them before the flow."""
HOME_GAIN = 0.5
"""Share of the drift against the home frame that one frame mends."""
UNLIKE_LEVELS = 22.0
"""Grey levels of difference from the home frame at which a motion's weight has fallen to 1/e."""
CLOSE_GAPS = 0.14
"""Gaps in the character up to this share of the figure's size are closed, where the performer has none."""
LEAST_WEIGHT = 0.12


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
        scratch: Path = Path(),
    ) -> None:
        """`same_surface`: the character is the performer, so every wrinkle of the motion counts; else its broad sweep
        is what another body can follow. `scratch`: a folder of this job, or none."""
        self._same_surface = same_surface
        self._look = look
        self._frames = frames
        self._home = frames.index(home)
        self._fit = fit
        first = look(home)
        if first is None:
            raise ValueError(f"frame {home} shows nobody")
        self._first = first
        self._last: dict[int, tuple[int, View]] = {1: (self._home, first), -1: (self._home, first)}
        self._poses = PoseStore(scratch, self._told_apart())
        outline = np.zeros((*first.grey.shape, 2), np.float32)
        for _ in range(HOME_ROUNDS):
            outline = outline + self._pull(first, outline)
        self._kept: tuple[int, Array] | None = None
        self._poses.save(self._home, Pose(np.stack([_stored(np.zeros_like(outline)), _stored(outline)])))

    def _told_apart(self) -> str:
        """Return a name for all that the poses follow from but the frames' pictures, which a job has only one of."""
        digest = hashlib.blake2b(repr((self._frames, self._home, self._same_surface)).encode(), digest_size=8)
        for part in (self._first.grey, self._fit.distance, self._fit.matrix):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def field(self, frame: int) -> Array:
        """Return the (h, w, 2) field from `frame` to the home frame, in pixels at tracking size."""
        position = self._frames.index(frame)
        way = 1 if position >= self._home else -1
        known = position
        while known != self._home and known not in self._poses:
            known -= way
        for step in range(known + way, position + way, way) if known != position else ():
            self._poses.save(step, self._follow(step, way))
        motion, outline = self._unpacked(self._poses.load(position))
        view = self._view(position)
        if view is None:
            return unfolded(motion + outline)
        return unfolded(self._followed(motion, view, position) + outline)

    def gaps(self, frame: int, field: Array) -> Array:
        """Return the narrow gaps (h, w, 0 to 1) in the character where the performer has none, as between legs that
        cross. Gaps that lie inside the home frame's performer too belong to the character's own outline and stay."""
        view = self._view(self._frames.index(frame))
        if view is None:
            return np.zeros(field.shape[:2], np.float32)
        shown = (self._shown(field) > 0.0).astype(np.uint8)
        wide = CLOSE_GAPS * float(np.sqrt(view.matte.sum()))
        closed = np.asarray(cv2.morphologyEx(shown, cv2.MORPH_CLOSE, disc(wide)), np.float32)
        opened = (bend(self._first.matte, field) < 0.5) & (shown == 0)
        reach = grown((closed * opened).astype(np.uint8), 3).astype(np.float32)
        return np.asarray(blur(reach, 0.7) * np.clip(2.0 * view.matte - 1.0, 0.0, 1.0), np.float32)

    def _shown(self, field: Array) -> Array:
        """Return how far inside the character's outline each pixel lies when it is drawn by `field`."""
        across, down = places(*field.shape[:2])
        pad = self._fit.pad
        return sample(self._fit.distance, across + field[..., 0] + pad, down + field[..., 1] + pad)

    def _unpacked(self, pose: Pose) -> tuple[Array, Array]:
        height, width = self._first.grey.shape
        return enlarge(pose.motion, height, width), enlarge(pose.outline, height, width)

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
        earlier = self._poses.load(position - way)
        before = self._before(position, way)
        view = self._look(self._frames[position])
        if view is None:
            return earlier
        motion, outline = self._unpacked(earlier)
        kept = _stored(unfolded(_held_to(self._first, view, chain(motion_to(view, before), motion))))
        outline = outline * OUTLINE_LEAK
        followed = self._followed(
            enlarge(kept.astype(np.float32), view.grey.shape[0], view.grey.shape[1]), view, position
        )
        outline = outline + self._pull(view, followed + outline)
        self._last[way] = (position, view)
        return Pose(np.stack([kept, _stored(outline)]))

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
        bare, (trunk, _) = self._bare(view, field), landmarks(view, size)
        trunk = trunk[:: max(1, -(-len(trunk) // HELD_LANDMARKS))]
        points = np.vstack([outline, bare, trunk])
        number = np.arange(len(points))
        inner, held = number >= len(outline), number >= len(outline) + len(bare)
        weights = 1.0 / give_of(sample_points(thickness_of(view.inside, size), points), size)
        weights[held] *= HOLD
        fitter = PlateFitter(points, size)
        moved = attract(
            fitter,
            points,
            self._fit.distance,
            self._fit.pad,
            OUTLINE_STIFFNESSES,
            sample_field(field, points),
            inner=inner,
            held=held,
            weights=weights,
            surprise=SURPRISE * size,
        )
        pull = fitter.fit(moved * OUTLINE_GAIN, float(OUTLINE_STIFFNESSES[-1]), weights)
        return pull.field(field.shape[0], field.shape[1])

    def _bare(self, view: View, field: Array) -> Matrix:
        """Return points (n, 2) inside the performer where no character is shown, though the home frame's gap there is
        closed now; at most a few dozen."""
        opened = bend(self._first.matte, field) < 0.5
        bare = np.argwhere((self._shown(field) < 0.0) & (view.inside > 0.5) & opened)[:, ::-1]
        return np.asarray(bare[:: max(1, -(-len(bare) // BARE_LANDMARKS))], np.float64)

    def _followed(self, motion: Array, view: View, position: int) -> Array:
        """Return what of a measured motion the character follows: its sweep, and where it is the performer, all of it.

        What does not look as in the home frame (a hand that came up, an eye that closed) hardly counts. The last answer
        is kept: it is asked for when a frame is followed and again when it is drawn.
        """
        if self._kept is None or self._kept[0] != position:
            self._kept = position, self._worked_out(motion, view)
        return self._kept[1]

    def _worked_out(self, motion: Array, view: View) -> Array:
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
        points, thickness = landmarks(view, size)
        here, moved = joint_motion(view.joints, self._first.joints)
        if len(points) + len(here) < 6:
            return motion
        values = np.vstack([sample_field(motion, points), moved])
        likely = LEAST_WEIGHT + (1.0 - LEAST_WEIGHT) * sample_points(alike, points)
        weights = np.concatenate([likely / give_of(thickness, size), np.full(len(here), JOINT_WEIGHT / LEAST_GIVE)])
        return PlateFitter(np.vstack([points, here]), size).fit(values, LIMB_STIFFNESS, weights).field(height, width)


def _stored(field: Array) -> NDArray[np.float16]:
    """Return a field as it is kept."""
    return shrink(field, (field.shape[0] // 2, field.shape[1] // 2)).astype(np.float16)


def _held_to(home: View, view: View, field: Array) -> Array:
    """Mend drift: where the performer still looks as in the home frame, go part of the way to a direct match."""
    return chain(HOME_GAIN * drift(view, bend(home.grey, field), bend(home.inside, field)), field)
