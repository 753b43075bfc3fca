"""Everything that drives an engine like Wan-Animate, for a shot of one size: skeleton, face, background, matte.

What is decided over the whole shot (face boxes, the retarget, findings) is small and is made at once; pictures are made
when they are asked for, one frame at a time, from readers like those of an engine's Footage, and none is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.bridge.shot import Mode
from understudy.inference.controls.background import conditioning_background
from understudy.inference.controls.face import crop_face, neutral_face
from understudy.inference.controls.face_plan import HOLD_FRAMES, FacePlan, no_faces, plan_faces
from understudy.inference.controls.grid import Grid
from understudy.inference.controls.keypoints import POINTS
from understudy.inference.controls.preflight import preflight
from understudy.inference.controls.preflight_facts import PreflightFacts
from understudy.inference.controls.retarget import Retarget, plan_retarget
from understudy.inference.controls.skeleton import Points, draw_skeleton
from understudy.inference.controls.survey import People, Step, survey

Picture = NDArray[np.float32]
Reader = Callable[[int], Picture]


@dataclass(frozen=True, slots=True)
class Material:
    """What controls are made from. Readers take a frame of `frames`, in any order, as those of an engine's Footage.

    Pictures are (height, width, 3) float32 in the model's encoding, mattes (height, width) float32, 0 to 1; keypoints
    (133, 3) float32 in pixels of those pictures, where the centre of the first pixel is 0, 0. A frame without keypoints
    has nobody in it. Mode replace needs a plate and a matte. `reference`: (133, 3) in the letterboxed reference.
    """

    mode: Mode
    frames: tuple[int, ...]
    height: int
    width: int
    keypoints: Mapping[int, Points]
    plate: Reader | None = None
    """In mode animate the driver's pictures; without any, faces are neutral."""
    matte: Reader | None = None
    clean_plate: Reader | None = None
    reference: Points | None = None
    people: People | None = None
    """Who was detected in each frame, if anybody looked: to tell two people in one matte."""
    plate_scale: float | None = None
    """Model pixels a plate pixel."""


@dataclass(frozen=True, slots=True)
class ControlPictures:
    """The pictures of one frame. In mode animate `background` and `matte_used` are None."""

    skeleton: NDArray[np.uint8]
    """(height, width, 3) RGB on black."""
    face: Picture
    """(512, 512, 3), 0 to 1, the model's encoding."""
    background: Picture | None
    """(height, width, 3), 0 to 1, the model's encoding."""
    matte_used: Picture | None
    """(height, width), 0 or 1."""


@dataclass(frozen=True, slots=True)
class Controls:
    """One shot's controls. Immutable; as many threads as the readers bear. KeyError for a frame that is not here."""

    material: Material
    """With keypoints for every frame."""
    grid: Grid
    faces: FacePlan
    retarget: Retarget | None
    findings: tuple[Finding, ...]

    def keypoints(self, frame: int) -> Points:
        """Return the points that the skeleton is drawn from: (133, 3), retargeted where a retarget is planned."""
        points = self.material.keypoints[frame]
        return points if self.retarget is None else self.retarget.keypoints(points, frame)

    def skeleton(self, frame: int) -> NDArray[np.uint8]:
        """Return (height, width, 3) RGB on black, as `draw_skeleton`."""
        return draw_skeleton(self.keypoints(frame), self.material.height, self.material.width)

    def face(self, frame: int) -> Picture:
        """Return (512, 512, 3) float32, 0 to 1."""
        return self._face(frame, None if self.faces.boxes[frame] is None else self._plate(frame))

    def matte_used(self, frame: int) -> Picture:
        """Return (height, width) float32, 0 or 1. Raises ValueError in mode animate."""
        if self.material.matte is None or self.material.mode == "animate":
            raise ValueError("mode animate has no matte")
        return self.grid.used(self._sized(self.material.matte(frame), frame, "matte"))

    def background(self, frame: int) -> Picture:
        """Return (height, width, 3) float32, 0 to 1. Raises ValueError in mode animate."""
        return self._background(frame, self._plate(frame), self.matte_used(frame))

    def pictures(self, frame: int) -> ControlPictures:
        """Return all of a frame, its plate and its matte read once."""
        replaces = self.material.mode == "replace"
        used = self.matte_used(frame) if replaces else None
        plate = self._plate(frame) if replaces or self.faces.boxes[frame] is not None else None
        background = self._background(frame, plate, used) if plate is not None and used is not None else None
        return ControlPictures(self.skeleton(frame), self._face(frame, plate), background, used)

    def _face(self, frame: int, plate: Picture | None) -> Picture:
        box = self.faces.boxes[frame]
        if box is None or plate is None:
            return neutral_face()
        crop = crop_face(plate, box)
        return np.clip(crop, 0, 1, out=crop)

    def _background(self, frame: int, plate: Picture, used: Picture) -> Picture:
        clean_plate = self.material.clean_plate
        clean = None if clean_plate is None else self._sized(clean_plate(frame), frame, "clean plate")
        return conditioning_background(plate, used, clean)

    def _plate(self, frame: int) -> Picture:
        if self.material.plate is None:
            raise ValueError("a driver of keypoints alone has no pictures")
        return self._sized(self.material.plate(frame), frame, "plate")

    def _sized(self, picture: Picture, frame: int, what: str) -> Picture:
        wanted = (self.material.height, self.material.width)
        if picture.shape[:2] != wanted:
            raise ValueError(f"frame {frame}: the {what} is {picture.shape[:2]}, the controls are {wanted}")
        return picture


def make_controls(
    material: Material,
    *,
    grid: Grid | None = None,
    hold_frames: int = HOLD_FRAMES,
    retarget: bool = False,
    step: Step = lambda done, total: None,
) -> Controls:
    """Look at the whole shot once and decide what is decided over it; every picture and matte is read once.

    retarget: put the motion on the reference's body; for mode animate alone (in mode replace the character stands where
    the performer stood). step(done, total) may raise to stop. Raises ValueError where a mode's inputs are lacking
    or keypoints have another shape.
    """
    if material.mode == "replace" and (material.plate is None or material.matte is None):
        raise ValueError("mode replace needs a plate and a matte")
    if retarget and material.mode == "replace":
        raise ValueError("mode replace keeps the performer's own proportions")
    grid = grid or Grid()
    driven = {frame: _whole(material.keypoints.get(frame), frame) for frame in material.frames}
    replaces = material.mode == "replace"
    seen = survey(material.frames, material.plate, material.matte if replaces else None, grid, material.people, step)
    size = (material.height, material.width)
    faces = (
        plan_faces(driven, *size, hold_frames=hold_frames, cuts=seen.cuts)
        if material.plate is not None
        else no_faces(material.frames)
    )
    way = plan_retarget(material.reference, driven) if retarget and material.reference is not None else None
    drawn = driven if way is None else {frame: way.keypoints(points, frame) for frame, points in driven.items()}
    facts = PreflightFacts(
        seen,
        drawn,
        faces,
        *size,
        grid=grid,
        reference=None if way is not None else material.reference,
        plate_scale=material.plate_scale,
    )
    findings = (*preflight(facts), *faces.findings, *_of_the_retarget(retarget, way))
    return Controls(replace(material, keypoints=driven), grid, faces, way, findings)


def _whole(points: Points | None, frame: int) -> Points:
    """Return the points of a frame; none, and one that is not a number, is not there: zeros."""
    if points is None:
        return np.zeros((POINTS, 3), np.float32)
    if points.shape != (POINTS, 3):
        raise ValueError(f"frame {frame}: keypoints are ({POINTS}, 3), not {points.shape}")
    whole = points.astype(np.float32)
    whole[~np.isfinite(whole).all(axis=1)] = 0
    return whole


def _of_the_retarget(wanted: bool, way: Retarget | None) -> tuple[Finding, ...]:
    if way is not None:
        return way.findings
    if not wanted:
        return ()
    return (
        Finding(
            rule="retarget",
            outcome="warn",
            message="the reference and the driver show no limbs that could be compared: the motion is not retargeted",
            remedy="Choose a reference that stands upright, faces the camera and shows at least the shoulders.",
        ),
    )
