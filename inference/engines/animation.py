"""Mode animate: the character moves in its own picture as the driver's performer does.

The driver's motion away from the frame that is most like the reference's pose is carried over, scaled to the character.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import EngineError, Finding
from understudy.inference.engines.cutout import cut_out
from understudy.inference.engines.door import Footage, GeneratedFrame, Watcher
from understudy.inference.engines.fitting import unbent
from understudy.inference.engines.limbs import JointFollower
from understudy.inference.engines.motion import Tracker
from understudy.inference.engines.patches import fill_from_surroundings
from understudy.inference.engines.puppet import draw, make_puppet
from understudy.inference.engines.shot_reader import ShotReader
from understudy.inference.engines.silhouette import Placing, place
from understudy.inference.engines.smooth import shrink
from understudy.inference.engines.survey import choose_home, glance, survey_positions
from understudy.inference.engines.view import View, view_of
from understudy.inference.engines.warp import places, sample

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]


class Animation:
    """One driver and one character, prepared. One thread."""

    def __init__(self, footage: Footage, watcher: Watcher) -> None:
        """Raises EngineError when nothing drives the character."""
        self._footage = footage
        self._reader = ShotReader(footage)
        watcher.step("cutting out the character", 0, 1)
        cutout = cut_out(footage.reference, footage.reference_has_alpha)
        for finding in cutout.findings:
            watcher.found(finding)
        whole = footage.reference_has_alpha or footage.clean_plate is not None
        self._onto = _framed(cutout.alpha.shape, footage.height, footage.width, whole=whole)
        size = (footage.width, footage.height)
        flags = cv2.INTER_AREA | cv2.WARP_INVERSE_MAP
        backdrop = fill_from_surroundings(cutout.backdrop, cutout.alpha < 0.02, footage.settings.seed)
        self._backdrop = np.asarray(
            cv2.warpAffine(backdrop, self._onto, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
        )
        standing = cv2.warpAffine(cutout.alpha, self._onto, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        self._standing = shrink(np.asarray(standing, np.float32), self._reader.size)
        small = _scaled(self._onto, self._reader.size, footage.height, footage.width)
        self._puppet = make_puppet(cutout, small, self._reader.size[1], footage.width, None)
        self._motion, self._to_driver = self._driver(watcher)

    def frame(self, frame: int) -> GeneratedFrame:
        """Make one frame; the same bits whatever was made before."""
        field = _carried(self._motion(frame), self._to_driver)
        drawing = draw(self._puppet, field, self._footage.height, self._footage.width, None)
        return GeneratedFrame(frame, drawing.coverage, character=drawing.colour, clean=self._backdrop)

    def told(self) -> list[Finding]:
        """Return what was found since this was last asked: nothing, all is said when the shot is prepared."""
        return []

    def _driver(self, watcher: Watcher) -> tuple[Callable[[int], Array], Matrix]:
        """Return what gives a frame's motion towards home, and the map (2, 3) from our pixels to the driver's."""
        footage = self._footage
        if footage.plate is None:
            return self._by_joints(watcher)
        if footage.matte is None:
            watcher.found(_no_matte())
            return self._by_flow(), np.eye(2, 3)
        return self._by_matte(watcher)

    def _by_joints(self, watcher: Watcher) -> tuple[Callable[[int], Array], Matrix]:
        if self._footage.keypoints is None:
            raise EngineError("nothing drives the character", remedy="Give a driver: --plate, or --keypoints.")
        watcher.found(_neutral_face())
        follower = JointFollower(self._footage, self._reader.size)
        return follower.field, place(follower.body(), self._standing).matrix

    def _by_flow(self) -> Callable[[int], Array]:
        """Follow the driver where the character stands, since nothing says where the performer is."""

        def look(frame: int) -> View | None:
            seen, _ = self._reader.small(frame)
            return view_of(seen, self._standing, None, np.zeros((0, 3), np.float32))

        frames = self._footage.frames
        return Tracker(look, frames, frames[0], unbent(self._standing), scratch=self._footage.scratch).field

    def _by_matte(self, watcher: Watcher) -> tuple[Callable[[int], Array], Matrix]:
        frames = self._footage.frames
        glances, placings = [], dict[int, Placing]()
        positions = survey_positions(len(frames))
        for done, position in enumerate(positions):
            watcher.step("looking at the driver", done, len(positions))
            picture, matte = self._reader.small(frames[position])
            found = glance(position, picture, matte, self._reader.view(frames[position]))
            glances.append(found)
            if found.view is not None:
                placings[position] = place(matte, self._standing)
        home = choose_home(glances, lambda found: placings[found.position].overlap)
        if home is None or home.view is None:
            raise EngineError(
                "the matte shows nobody in the frames that were looked at",
                remedy="Check the matte's channel and polarity (--matte-channel, --matte-invert).",
            )
        still = unbent(home.view.matte)
        tracker = Tracker(self._reader.view, frames, frames[home.position], still, scratch=self._footage.scratch)
        return tracker.field, placings[home.position].matrix


def _framed(reference: tuple[int, ...], height: int, width: int, *, whole: bool) -> Matrix:
    """Return the map (2, 3) from the footage's pixels to the reference's, centred.

    A cut-out, or a character before another backdrop, is shown whole and stands on the lower edge; a picture with a
    background of its own fills the frame. Where the format has the reference's shape the two are the same.
    """
    ratios = (reference[1] / width, reference[0] / height)
    scale = max(ratios) if whole else min(ratios)
    left = (reference[1] - scale * width) / 2.0
    top = reference[0] - scale * height if whole else (reference[0] - scale * height) / 2.0
    return np.array([[scale, 0, left + 0.5 * scale - 0.5], [0, scale, top + 0.5 * scale - 0.5]], np.float64)


def _scaled(matrix: Matrix, size: tuple[int, int], height: int, width: int) -> Matrix:
    """Return the same map from tracking pixels."""
    across, down = width / size[1], height / size[0]
    grow = np.array([[across, 0, 0.5 * across - 0.5], [0, down, 0.5 * down - 0.5], [0, 0, 1]], np.float64)
    return np.asarray(matrix @ grow)


def _carried(motion: Array, to_driver: Matrix) -> Array:
    """Return the driver's motion field as one of our own picture."""
    across, down = places(*motion.shape[:2])
    m = to_driver.astype(np.float32)
    there = sample(motion, m[0, 0] * across + m[0, 1] * down + m[0, 2], m[1, 0] * across + m[1, 1] * down + m[1, 2])
    return np.asarray(there @ np.linalg.inv(to_driver[:, :2]).T.astype(np.float32), np.float32)


def _no_matte() -> Finding:
    return Finding(
        rule="driver_matte",
        outcome="warn",
        message="the driver has no matte: its motion is read where the character stands in the reference",
        remedy="Give a matte of the driver's performer with --matte.",
    )


def _neutral_face() -> Finding:
    return Finding(
        rule="driver_keypoints",
        outcome="note",
        message="keypoints alone drive the character: the face stays as it is in the reference",
    )
