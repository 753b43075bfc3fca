"""Everything that drives an engine like Wan-Animate, for a shot of one size: skeleton, face, background, matte.

What is decided over the whole shot (face boxes, the retarget, findings) is small and is made at once; pictures are made
when they are asked for, one frame at a time, from readers like those of an engine's Footage, and none is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.inference.controls.background import conditioning_background
from understudy.inference.controls.face import crop_face, neutral_face, stretch_face
from understudy.inference.controls.face_plan import HOLD_FRAMES, FacePlan, drawn_box, no_faces, plan_faces
from understudy.inference.controls.grid import Grid
from understudy.inference.controls.material import Material, Picture, whole_points
from understudy.inference.controls.people import count_people
from understudy.inference.controls.preflight import preflight
from understudy.inference.controls.preflight_facts import PreflightFacts
from understudy.inference.controls.retarget import Retarget, plan_retarget
from understudy.inference.controls.skeleton import draw_skeleton
from understudy.inference.controls.survey import Step, Survey, survey
from understudy.inference.controls.wholebody import Points


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
        return self._face(frame, None)

    def face_box(self, frame: int) -> Picture:
        """Return (height, width) float32: LOOK_LEVELS inside the box that the face is cut from, 0 elsewhere."""
        return drawn_box(self.faces, frame, self.material.height, self.material.width)

    def matte_used(self, frame: int) -> Picture:
        """Return (height, width) float32, 0 or 1. Raises ValueError in mode animate."""
        if self.material.mode == "animate":
            raise ValueError("mode animate has no matte")
        return self.grid.used(self.material.read_matte(frame))

    def background(self, frame: int) -> Picture:
        """Return (height, width, 3) float32, 0 to 1. Raises ValueError in mode animate."""
        used = self.matte_used(frame)
        return conditioning_background(self.material.read_plate(frame), used, self.material.read_clean_plate(frame))

    def pictures(self, frame: int) -> ControlPictures:
        """Return all of a frame, its plate and its matte read once."""
        skeleton = self.skeleton(frame)
        if self.material.mode == "animate":
            return ControlPictures(skeleton, self.face(frame), None, None)
        plate, used = self.material.read_plate(frame), self.matte_used(frame)
        background = conditioning_background(plate, used, self.material.read_clean_plate(frame))
        return ControlPictures(skeleton, self._face(frame, plate), background, used)

    def _face(self, frame: int, plate: Picture | None) -> Picture:
        """Return the face, from `plate` where it has been read already and faces are cut from it."""
        box, source = self.faces.boxes[frame], self.material.faces
        if box is None:
            return neutral_face()
        if source is not None:
            crop = stretch_face(source.part(frame, box))
        else:
            crop = crop_face(self.material.read_plate(frame) if plate is None else plate, box)
        return np.clip(crop, 0, 1, out=crop)


def make_controls(
    material: Material,
    *,
    grid: Grid | None = None,
    hold_frames: int = HOLD_FRAMES,
    retarget: bool = False,
    looked: Survey | None = None,
    step: Step = lambda done, total: None,
) -> Controls:
    """Look at the whole shot once and decide what is decided over it; every picture and matte is read once.

    retarget: put the motion on the reference's body; for mode animate alone (in mode replace the character stands where
    the performer stood). looked: what `survey` of the same readers and grid found, where it was needed before the
    keypoints were there; then nothing is read again. step(done, total) may raise to stop.
    Raises ValueError where a mode's inputs are lacking, or pictures, mattes or keypoints have another size.
    """
    if material.mode == "replace" and (material.plate is None or material.matte is None):
        raise ValueError("mode replace needs a plate and a matte")
    if retarget and material.mode == "replace":
        raise ValueError("mode replace keeps the performer's own proportions")
    grid = grid or Grid()
    driven = {frame: whole_points(material.keypoints.get(frame), f"frame {frame}") for frame in material.frames}
    reference = None if material.reference is None else whole_points(material.reference, "the reference")
    plate = material.read_plate if material.plate is not None else None
    matte = material.read_matte if material.mode == "replace" else None
    seen = looked or survey(material.frames, plate, matte, grid, step)
    faces = _plan_faces(material, driven, hold_frames, seen)
    way = plan_retarget(reference, driven) if retarget and reference is not None else None
    drawn = driven if way is None else {frame: way.keypoints(points, frame) for frame, points in driven.items()}
    facts = PreflightFacts(
        seen,
        drawn,
        faces,
        material.height,
        material.width,
        grid,
        None if way is not None else reference,
        material.plate_scale,
        count_people(material.people, matte) if matte is not None and material.people is not None else None,
    )
    findings = (*preflight(facts), *faces.findings, *_of_the_retarget(retarget, way))
    return Controls(replace(material, keypoints=driven), grid, faces, way, findings)


def _plan_faces(material: Material, driven: Mapping[int, Points], hold_frames: int, seen: Survey) -> FacePlan:
    source, size = material.faces, material.size
    if source is not None:
        size = source.height, source.width
        driven = {frame: whole_points(source.keypoints.get(frame), f"frame {frame}") for frame in material.frames}
    elif material.plate is None:
        return no_faces(material.frames)
    return plan_faces(driven, *size, hold_frames=hold_frames, cuts=seen.cuts, nobody=seen.empty)


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
