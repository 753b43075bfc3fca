"""Checks before a run: what keypoints and faces say. Each returns one finding or None. Pure."""

from __future__ import annotations

import itertools

import numpy as np

from understudy.bridge.errors import Finding
from understudy.inference.controls.face_plan import LOOK_THERE
from understudy.inference.controls.preflight_facts import PreflightFacts, share
from understudy.inference.controls.proportions import typical_size
from understudy.inference.controls.skeleton import CONFIDENT, HANDS
from understudy.inference.controls.survey import WholeBox
from understudy.inference.controls.wholebody import BODY, LEFT_WRIST, RIGHT_WRIST, Points

FRAMED_APART = 1.5
"""A reference whose character is this much larger or smaller than the performer: the body comes out misproportioned."""
SMALLEST_FACE_PIXELS = 64
"""A face of fewer is enlarged more than eight times for the motion encoder: its expression is guesswork."""
SURE_HAND = 0.3
"""Mean confidence of the 21 points of a hand; the same bound as for a face."""
IN_THE_MATTE = 0.5
"""Of the body's sure points, this many lie in the box of the conditioning matte when both are of one person."""
JUMP = 1.0
"""Sizes of the body a frame; a sprinter whose head and shoulders fill the picture makes half of it."""
FEWEST_POINTS = 4


def nobody_found(shot: PreflightFacts) -> Finding | None:
    found = shot.frames(lambda points: not (points[BODY, 2] >= CONFIDENT).any())
    frames = tuple(frame for frame in found if frame not in shot.survey.empty)
    if not frames:
        return None
    return Finding(
        rule="body_is_seen",
        outcome="warn",
        message=f"no body was found in {share(frames, shot.keypoints)}: the model is shown no pose there",
        remedy="Give keypoints of your own with --keypoints.",
        frames=frames,
    )


def body_outside(shot: PreflightFacts) -> Finding | None:
    def outside(points: Points) -> bool:
        body = points[BODY]
        sure = body[:, 2] >= CONFIDENT
        return bool(sure.any()) and not (sure & shot.inside(body)).any()

    frames = shot.frames(outside)
    if not frames:
        return None
    return Finding(
        rule="body_in_the_picture",
        outcome="warn",
        message=f"no point of the body lies inside the picture in {share(frames, shot.keypoints)}",
        remedy="Check the size that the keypoints state, or frame the reference wider.",
        frames=frames,
    )


def pose_of_somebody_else(shot: PreflightFacts) -> Finding | None:
    def elsewhere(frame: int, box: WholeBox | None) -> bool:
        body = shot.keypoints[frame][BODY]
        body = body[(body[:, 2] >= CONFIDENT) & shot.inside(body)]
        if box is None or not body.size:
            return False
        within = (body[:, :2] >= np.array(box[:2]) - 0.5) & (body[:, :2] < np.array(box[2:]) - 0.5)
        return float(within.all(axis=1).mean()) < IN_THE_MATTE

    survey = shot.survey
    frames = tuple(frame for frame, box in zip(survey.frames, survey.used, strict=False) if elsewhere(frame, box))
    if not frames:
        return None
    return Finding(
        rule="pose_in_the_matte",
        outcome="warn",
        message=f"the pose lies outside the matte in {share(frames, survey.frames)}: it may be somebody else's",
        remedy="Give keypoints of the performer with --keypoints, or check that the matte is theirs.",
        frames=frames,
    )


def pose_jumps(shot: PreflightFacts) -> Finding | None:
    """Tell where the tracker seems to go over to another person; a cut is told as such."""
    pairs = itertools.pairwise(sorted(shot.keypoints))
    frames = tuple(
        later
        for earlier, later in pairs
        if later not in shot.survey.cuts and _jump(shot.keypoints[earlier][BODY], shot.keypoints[later][BODY]) > JUMP
    )
    if not frames:
        return None
    return Finding(
        rule="pose_is_steady",
        outcome="warn",
        message=f"the pose jumps by more than a body's size {'once' if len(frames) == 1 else f'{len(frames)} times'}: "
        "the tracker may have gone over to somebody else",
        remedy="Look at the layer skeleton there; keypoints of your own with --keypoints mend it.",
        frames=frames,
    )


def reference_framed_apart(shot: PreflightFacts) -> Finding | None:
    found = typical_size(shot.reference, shot.keypoints) if shot.reference is not None else None
    if found is None or 1 / FRAMED_APART < found[0] < FRAMED_APART:
        return None
    size, basis = found
    larger = size > 1
    return Finding(
        rule="reference_scale",
        outcome="warn",
        message=f"the reference shows its character {size if larger else 1 / size:.1f} times "
        f"{'larger' if larger else 'smaller'} than the performer is in the picture, by the {basis}",
        remedy="Leave more room around the character." if larger else "Crop the reference closer to the character.",
        facts={"reference over performer": f"{size:.3f}", "measured by": basis},
    )


def small_faces(shot: PreflightFacts) -> Finding | None:
    sides = {
        frame: min(box.right - box.left, box.bottom - box.top)
        for frame, box in shot.faces.boxes.items()
        if box is not None
    }
    small = tuple(frame for frame, side in sides.items() if side < SMALLEST_FACE_PIXELS)
    if not small:
        return None
    return Finding(
        rule="face_is_large_enough",
        outcome="note",
        message=f"the face is only {min(sides.values())} pixels at its smallest, in {share(small, sides)} under "
        f"{SMALLEST_FACE_PIXELS}: its expression is hard to read",
        remedy=f"{LOOK_THERE}. A tighter matte or a larger area makes it larger; in mode animate, "
        "larger pictures of the driver.",
        frames=small,
    )


def hands_outside(shot: PreflightFacts) -> Finding | None:
    def outside(points: Points) -> bool:
        wrists = points[[LEFT_WRIST, RIGHT_WRIST]]
        return bool(((wrists[:, 2] >= CONFIDENT) & ~shot.inside(wrists)).any())

    frames = shot.frames(outside)
    if not frames:
        return None
    return Finding(
        rule="hands_in_the_picture",
        outcome="note",
        message=f"a hand is out of the picture in {share(frames, shot.keypoints)}",
        remedy="What comes back into the picture is invented: look at the hands there.",
        frames=frames,
    )


def hands_unsure(shot: PreflightFacts) -> Finding | None:
    def unsure(points: Points) -> bool:
        wrists = points[[LEFT_WRIST, RIGHT_WRIST]]
        seen = (wrists[:, 2] >= CONFIDENT) & shot.inside(wrists)
        return any(wrist and float(points[hand, 2].mean()) < SURE_HAND for wrist, hand in zip(seen, HANDS, strict=True))

    frames = shot.frames(unsure)
    if not frames:
        return None
    return Finding(
        rule="hands_are_seen",
        outcome="note",
        message=f"a hand is in the picture and its fingers are not known in {share(frames, shot.keypoints)}",
        remedy="The model invents them: look at the hands there, or give keypoints of your own with --keypoints.",
        frames=frames,
    )


def _jump(before: Points, after: Points) -> float:
    """Return how far the points that both frames are sure of went together, in sizes of the body they span."""
    sure = (before[:, 2] >= CONFIDENT) & (after[:, 2] >= CONFIDENT)
    if int(sure.sum()) < FEWEST_POINTS:
        return 0.0
    was, now = before[sure, :2], after[sure, :2]
    size = float(max(np.ptp(was, axis=0).max(), np.ptp(now, axis=0).max()))
    return float(np.hypot(*(now.mean(axis=0) - was.mean(axis=0)))) / size if size > 0 else 0.0
