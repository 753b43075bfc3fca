"""Which face the model is shown in every frame of a shot, decided before a picture is read. Pure.

The policy, for frames in which no face is found (turned away, out of the picture, too unsure):

- a gap of at most HOLD_FRAMES keeps looking where the face must be: the box goes straight from the last one seen to the
  next, and at either end of the shot the nearest one stands still; what the picture shows there is what is cropped;
- in a longer gap the face is neutral, which is what the model knows as "no expression": black.

Keypoints that have no face points in any frame, as a rig of bones, are another matter: the box is then judged from the
eyes and ears. All three are listed with their frames. docs/decisions/0013-a-face-that-is-not-seen.md has the reasons.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.inference.controls.face import SEEN, FaceBox, face_box, has_face_points, head_box
from understudy.inference.controls.wholebody import Points

HOLD_FRAMES = 12
"""Half a second at 24: a blink of the tracker, a hand before the face, a quick turn; not a walk with the back to us."""

Look = Literal["seen", "judged", "held", "neutral"]
LOOK_LEVELS: Mapping[Look, float] = {"seen": 1.0, "judged": 0.75, "held": 0.5, "neutral": 0.0}
"""How bright a box is in the layer `face_box`: the surer, the brighter."""
LOOK_THERE = "Look at the layer face there (in mode animate it comes with `--option face_layer=on`)"
_LISTED: tuple[Look, ...] = ("judged", "held", "neutral")


@dataclass(frozen=True, slots=True)
class FacePlan:
    """The box of every frame, None where the face is neutral, and how it came about. Immutable; any thread."""

    boxes: Mapping[int, FaceBox | None]
    looks: Mapping[int, Look]
    hold_frames: int = HOLD_FRAMES
    has_pictures: bool = True
    nobody: frozenset[int] = frozenset()
    """Frames in which nobody is to be seen: what their faces lack is no finding."""

    def frames(self, look: Look) -> tuple[int, ...]:
        return tuple(frame for frame, found in self.looks.items() if found == look)

    def header(self, frame: int) -> str:
        """Return what headers say of this frame's face, as JSON: the box as left, right, top, bottom in pixels of the
        picture that it was cut from, or null; and `seen`, `judged`, `held` or `neutral`."""
        return msgspec.json.encode({"box": self.boxes[frame], "face": self.looks[frame]}).decode()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return what the artist should know: at most one finding for each way to do without."""
        judged, held, neutral = (
            tuple(frame for frame in self.frames(look) if frame not in self.nobody) for look in _LISTED
        )
        found = []
        if judged:
            found.append(_judged(judged, len(self.boxes)))
        if held:
            found.append(_held(held, len(self.boxes)))
        if neutral and not self.has_pictures:
            found.append(_pictureless(neutral))
        elif neutral:
            found.append(_neutral(neutral, len(self.boxes), self.hold_frames))
        return tuple(found)


def plan_faces(
    keypoints: Mapping[int, Points],
    height: int,
    width: int,
    *,
    hold_frames: int = HOLD_FRAMES,
    seen: float = SEEN,
    cuts: Collection[int] = (),
    nobody: Collection[int] = (),
) -> FacePlan:
    """Return the plan for the frames of `keypoints`, in the order of their numbers.

    keypoints: by frame (133, 3) in pixels of the pictures of `height` x `width` that faces are cut from.
    hold_frames: the longest gap in which a box is held; 0 holds none. cuts: frames that begin another shot, over which
    no box is held. nobody: frames in which nobody is to be seen.
    """
    frames = sorted(keypoints)
    boxes: dict[int, FaceBox | None] = {}
    looks: dict[int, Look] = {}
    told = any(has_face_points(points) for points in keypoints.values())
    for frame in frames:
        points = keypoints[frame]
        box = boxes[frame] = face_box(points, height, width, seen) if told else head_box(points, height, width)
        looks[frame] = "neutral" if box is None else "seen" if told else "judged"
    for shot in _shots(frames, cuts):
        for gap in _gaps(shot, boxes):
            held = _across(gap, shot, boxes) if len(gap) <= hold_frames else {}
            boxes.update(held)
            looks.update(dict.fromkeys(held, "held"))
    return FacePlan(boxes, looks, hold_frames, nobody=frozenset(nobody))


def drawn_box(plan: FacePlan, frame: int, height: int, width: int) -> NDArray[np.float32]:
    """Return (height, width): the level of the frame's look inside its box, 0 elsewhere."""
    drawn, box = np.zeros((height, width), np.float32), plan.boxes[frame]
    if box is not None:
        drawn[box.top : box.bottom, box.left : box.right] = LOOK_LEVELS[plan.looks[frame]]
    return drawn


def no_faces(frames: Iterable[int]) -> FacePlan:
    """Return the plan of a shot without any pictures of a performer: neutral all through."""
    numbers = tuple(frames)
    return FacePlan(dict.fromkeys(numbers), dict.fromkeys(numbers, "neutral"), has_pictures=False)


def _shots(frames: list[int], cuts: Collection[int]) -> list[list[int]]:
    """Return the frames from each cut to the next."""
    starts = itertools.accumulate(frame in cuts for frame in frames)
    runs = itertools.groupby(zip(starts, frames, strict=True), key=lambda pair: pair[0])
    return [[frame for _, frame in run] for _, run in runs]


def _gaps(frames: list[int], boxes: Mapping[int, FaceBox | None]) -> list[list[int]]:
    """Return runs of frames without a box."""
    runs = itertools.groupby(frames, key=lambda frame: boxes[frame] is None)
    return [list(run) for empty, run in runs if empty]


def _across(gap: list[int], frames: list[int], boxes: Mapping[int, FaceBox | None]) -> dict[int, FaceBox]:
    """Return boxes on the straight way over `gap`; the one neighbour's where there is only one, none without any."""
    first = frames.index(gap[0])
    before = boxes[frames[first - 1]] if first else None
    last = first + len(gap)
    after = boxes[frames[last]] if last < len(frames) else None
    if before is None and after is None:
        return {}
    ends = (0.0, len(gap) + 1.0)
    steps = np.arange(1.0, len(gap) + 1)
    sides = zip(before or after or (), after or before or (), strict=True)
    # Rounded, not truncated: a held box of equal ends is that box, whatever the last bit of the sum.
    ways = np.rint([np.interp(steps, ends, pair) for pair in sides]).astype(int).T
    return {frame: FaceBox(*way) for frame, way in zip(gap, ways.tolist(), strict=True)}


def _judged(frames: tuple[int, ...], of: int) -> Finding:
    return Finding(
        rule="face_is_seen",
        outcome="note",
        message=f"the keypoints have no face points in {_share(frames, of)}: the crop goes by eyes and ears",
        remedy=f"{LOOK_THERE}; keypoints of your own with --keypoints mend it.",
        frames=frames,
        facts={"shown": "a box judged from eyes and ears"},
    )


def _held(frames: tuple[int, ...], of: int) -> Finding:
    return Finding(
        rule="face_is_seen",
        outcome="note",
        message=f"no face was found in {_share(frames, of)}, in short gaps: the crop stays where it must be",
        remedy=f"{LOOK_THERE}; keypoints of your own with --keypoints mend it.",
        frames=frames,
        facts={"shown": "the box between the nearest faces"},
    )


def _neutral(frames: tuple[int, ...], of: int, hold_frames: int) -> Finding:
    where = "in any frame" if len(frames) == of else f"in {_share(frames, of)}"
    return Finding(
        rule="face_is_seen",
        outcome="warn",
        message=f"no face was found {where}: the character has no expression there",
        remedy="That is right where the performer turns away; else give keypoints of the face with --keypoints.",
        frames=frames,
        facts={"shown": "a neutral face", "longest gap in which a box is held": f"{hold_frames} frames"},
    )


def _pictureless(frames: tuple[int, ...]) -> Finding:
    return Finding(
        rule="face_is_seen",
        outcome="note",
        message="keypoints alone drive the character: its face stays neutral",
        remedy="Give the driver's pictures with --plate to carry the expression over.",
        frames=frames,
        facts={"shown": "a neutral face"},
    )


def _share(some: tuple[int, ...], of: int) -> str:
    return f"all {of} frames" if len(some) == of else f"{len(some)} of {of} frames"
