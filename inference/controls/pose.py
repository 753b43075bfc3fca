"""Three sources of poses behind one door, and the poses of a whole shot: found, followed, kept, smoothed.

    the host's keypoints    exact, where a rig or an artist gives them: they always win, and are never smoothed
    ViTPose                 the networks that Wan-Animate was prepared with, where their files are
    MediaPipe               where its environment is

There is never silently none: without any of the three it is an error that says what each one lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import EngineError, Finding, RequestError
from understudy.inference.controls.following import SURE_POINT
from understudy.inference.controls.matte import FAINT
from understudy.inference.controls.mediapipe_client import MediaPipe
from understudy.inference.controls.person_box import Box, Detection
from understudy.inference.controls.pose_cache import PoseCache, pose_key
from understudy.inference.controls.sides import keep_sides
from understudy.inference.controls.smoothing import smooth
from understudy.inference.controls.vitpose import (
    CHECKPOINT_FOLDER,
    DETECTOR_FILE,
    POSE_FILE,
    OfficialFiles,
    VitPose,
    official_files_here,
)
from understudy.inference.controls.wholebody import BODY, Points, no_points
from understudy.inference.picture.display import to_bytes

Picture = NDArray[np.uint8]
Matte = NDArray[np.float32]
Step = Callable[[int, int], None]
Wish = Literal["auto", "vitpose", "mediapipe", "keypoints"]


class PoseSource(Protocol):
    """Finds one person in one picture. The same picture and matte give the same points."""

    name: str
    identity: str
    """What decides the answer besides the picture: the source, its version, the digests of its models."""

    @property
    def troubles(self) -> tuple[str, ...]:
        """What went wrong and was mended, such as a process that was started again."""
        ...

    def detect(self, picture: Picture, matte: Matte | None) -> Detection:
        """Return (133, 3) float32: x, y in pixels, the centre of the first pixel is 0, 0; confidence 0 to 1.

        And the boxes of everybody who was seen, where the source can tell.
        picture: (height, width, 3) uint8 RGB. matte: (height, width), who is meant of several. Raises EngineError.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class HostKeypoints:
    """Keypoints that the host gives: frame number to (133, 3), in pixels of the pictures that are looked at."""

    read: Callable[[int], Points]
    name: str = "keypoints"

    def close(self) -> None:
        """Nothing to end."""


@dataclass(frozen=True, slots=True)
class Poses:
    """The poses of a shot."""

    frames: tuple[int, ...]
    points: NDArray[np.float32]
    """(frames, 133, 3), smoothed where they were detected."""
    source: str
    findings: tuple[Finding, ...]
    people: dict[int, tuple[Box, ...]] | None = None
    """Everybody who was seen, by frame; None where the source cannot tell. `Box.edges` gives plain numbers."""

    def of(self, frame: int) -> Points:
        points: Points = self.points[self.frames.index(frame)]
        return points


def choose_source(
    wish: str, *, keypoints: Callable[[int], Points] | None, weights: Path | None, mediapipe: Path | None
) -> PoseSource | HostKeypoints:
    """Return the source to use, opened; `close` it in the end.

    keypoints: the host's, which win over every wish. weights: the checkpoint's folder. mediapipe: the Python of its
    environment. Raises RequestError for a wish that is none, EngineError when what was wished for is not here.
    """
    if wish not in get_args(Wish):
        raise RequestError(f"'{wish}' is no source of poses", remedy=f"Choose one of: {', '.join(get_args(Wish))}.")
    if keypoints is not None:
        return HostKeypoints(keypoints)
    files = official_files_here(weights)
    if wish in ("auto", "vitpose") and files is not None:
        return VitPose(files)
    if wish in ("auto", "mediapipe") and mediapipe is not None:
        return MediaPipe(mediapipe)
    raise _no_source(wish, weights)


def _no_source(wish: str, weights: Path | None) -> EngineError:
    where = "no folder of weights is known" if weights is None else f"{weights} lacks {DETECTOR_FILE} or {POSE_FILE}"
    lies_there = weights is not None and OfficialFiles.find(weights) is not None
    lacks = {
        "vitpose": f"ViTPose: {'onnxruntime is not installed' if lies_there else where}",
        "mediapipe": "MediaPipe: its environment is not there",
        "keypoints": "the host gave no keypoints",
    }
    remedies = {
        "vitpose": f"put {CHECKPOINT_FOLDER} of Wan2.2-Animate's checkpoint into the weights folder and install "
        "understudy[wan]",
        "mediapipe": "run `understudy pose install`",
        "keypoints": "give a rig's points with --keypoints",
    }
    wished = [wish] if wish in lacks else list(lacks)
    remedy = ", or ".join(remedies[name] for name in wished)
    return EngineError(
        f"nothing can tell the performer's pose. {'; '.join(lacks[name] for name in wished)}",
        remedy=f"{remedy[0].upper()}{remedy[1:]}.",
    )


def poses(
    source: PoseSource | HostKeypoints,
    frames: tuple[int, ...],
    picture: Callable[[int], NDArray[np.float32]],
    matte: Callable[[int], Matte] | None,
    *,
    rate: Fraction,
    cuts: Collection[int] = (),
    cache: PoseCache | None = None,
    step: Step = lambda done, total: None,
) -> Poses:
    """Return the poses of every frame, each found by itself and then smoothed over time.

    picture: frame number to (height, width, 3) float32 in the model's encoding, which is also what a source sees,
    rounded to 8 bits. matte: who is meant; a frame whose matte is empty has nobody in it, and is not looked at.
    cuts: frames that begin another shot: nothing is carried over from the frame before.
    step(done, total) may raise to stop: what was found by then is in the cache. Raises EngineError.
    """
    if isinstance(source, HostKeypoints):
        given = np.stack([source.read(frame) for frame in frames]).astype(np.float32)
        return Poses(frames, given, source.name, ())
    found: list[Detection | None] = []
    for done, frame in enumerate(frames, start=1):
        found.append(_pose(source, picture, matte, frame, cache))
        step(done, len(frames))
    points, exchanged = _over_time(found, rate, {frames.index(frame) for frame in cuts if frame in frames})
    findings = (*_lost(frames, found, matte), *_exchanged(frames, exchanged), *_mended(source))
    return Poses(frames, points, source.name, findings, _people(frames, found))


def as_seen(picture: NDArray[np.float32]) -> Picture:
    """Return what a source sees of a picture in the model's encoding: 8-bit RGB."""
    return to_bytes(picture.copy())


def _pose(
    source: PoseSource,
    picture: Callable[[int], NDArray[np.float32]],
    matte: Callable[[int], Matte] | None,
    frame: int,
    cache: PoseCache | None,
) -> Detection | None:
    """Return what was found in one frame; None where the matte says that nobody is there."""
    where = matte(frame) if matte is not None else None
    if where is not None and not (where >= FAINT).any():
        return None
    seen = as_seen(picture(frame))
    if cache is None:
        return source.detect(seen, where)
    key = pose_key(seen, where, source.identity)
    found = cache.load(key)
    if found is None:
        found = source.detect(seen, where)
        cache.save(key, found)
    return found


def _people(frames: tuple[int, ...], found: Sequence[Detection | None]) -> dict[int, tuple[Box, ...]] | None:
    seen = {frame: each.people for frame, each in zip(frames, found, strict=True) if each is not None}
    told = {frame: people for frame, people in seen.items() if people is not None}
    return told if told else None


def _over_time(
    found: Sequence[Detection | None], rate: Fraction, cuts: Collection[int]
) -> tuple[NDArray[np.float32], list[int]]:
    """Return (frames, 133, 3) and the indices of frames whose sides were exchanged.

    Every stay of the performer is looked at by itself; there is nothing while nobody is there.
    """
    points = np.stack([no_points() if each is None else each.points for each in found])
    exchanged: list[int] = []
    for stay in _stays(found, cuts):
        kept, turned = keep_sides(points[stay])
        points[stay] = smooth(kept, rate)
        exchanged += [stay[index] for index in turned]
    return points, exchanged


def _stays(found: Sequence[Detection | None], cuts: Collection[int]) -> list[list[int]]:
    """Return the indices of frames that belong together: somebody is there, and no cut between them."""
    stays: list[list[int]] = []
    for index, each in enumerate(found):
        if each is None:
            continue
        if index == 0 or index in cuts or found[index - 1] is None:
            stays.append([])
        stays[-1].append(index)
    return stays


def _lost(
    frames: tuple[int, ...], found: Sequence[Detection | None], matte: Callable[[int], Matte] | None
) -> tuple[Finding, ...]:
    """Return the frames in which somebody should be, but no body point is sure."""
    lost = tuple(
        frame
        for frame, each in zip(frames, found, strict=True)
        if each is not None and each.points[BODY, 2].max() < SURE_POINT
    )
    if not lost:
        return ()
    remedy = "Look at `understudy pose detect --overlay`; correct the file it writes and give it with --keypoints."
    return (
        Finding(
            rule="pose_found",
            outcome="warn",
            message=f"no pose was found in {len(lost)} of {len(frames)} frames: they are driven by their neighbours",
            remedy=remedy if matte is not None else f"Say with --matte who is meant. {remedy}",
            frames=lost,
        ),
    )


def _exchanged(frames: tuple[int, ...], exchanged: Sequence[int]) -> tuple[Finding, ...]:
    if not exchanged:
        return ()
    said = f"left and right were taken for each other in {len(exchanged)} of {len(frames)} frames and put right"
    return (
        Finding(rule="pose_sides", outcome="note", message=said, frames=tuple(frames[index] for index in exchanged)),
    )


def _mended(source: PoseSource) -> tuple[Finding, ...]:
    if not source.troubles:
        return ()
    said = f"{source.name} was started again {len(source.troubles)} times; the first time because {source.troubles[0]}"
    return (Finding(rule="pose_source", outcome="note", message=said),)
