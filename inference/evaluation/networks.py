"""LPIPS and FVD by networks that the user has: ONNX files, run by onnxruntime on the processor. Nothing is downloaded.

docs/evaluate.md says how the published weights become such a file.

LPIPS  inputs (1, 3, height, width) twice, float32 display codes from -1 to 1; one output that holds one number.
FVD    input (1, 3, 16, 224, 224), float32 codes from -1 to 1; output (1, features).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding, RequestError
from understudy.inference.evaluation.rows import Number
from understudy.inference.networks import Floats, Network

Doubles = NDArray[np.float64]

CLIP_FRAMES, CLIP_SIDE = 16, 224
"""What the I3D network of FVD was trained and is quoted with (Unterthiner et al., 2018)."""
ENOUGH_CLIPS = 2  # a covariance needs two
REMEDY = "docs/evaluate.md says which inputs and outputs such a file must have."


@dataclass(frozen=True, slots=True)
class PictureDistance:
    """LPIPS of two pictures (Zhang et al., 2018), by a network that was given."""

    network: Network

    @classmethod
    def open(cls, path: Path) -> PictureDistance:
        """Raises RequestError, EngineError."""
        return cls(_open(path, ranks=(4, 4)))

    def __call__(self, result: Floats, plate: Floats) -> float:
        """Return the distance of two pictures of display codes (height, width, 3). Raises EngineError."""
        found = self.network.run([_planes(codes)[None] for codes in (result, plate)])
        if found.size != 1:
            raise self.network.unfit(f"it gives {found.size} numbers for a pair of pictures")
        return float(found.reshape(-1)[0])


class VideoDistance:
    """FVD of the shot's clips: 16 frames each, one after the other, by a network of features that was given.

    Holds one clip of small pictures, and a row of features a clip.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._clip: list[tuple[Floats, Floats]] = []
        self._last: int | None = None
        self._features: list[tuple[Doubles, Doubles]] = []

    @classmethod
    def open(cls, path: Path) -> VideoDistance:
        """Raises RequestError, EngineError."""
        return cls(_open(path, ranks=(5,)))

    def add(self, frame: int, result: Floats, plate: Floats) -> None:
        """Take the next frame's display codes; a frame that is missing begins a new clip."""
        if self._last is not None and frame != self._last + 1:
            self._clip.clear()
        self._last = frame
        self._clip.append((_small(result), _small(plate)))
        if len(self._clip) == CLIP_FRAMES:
            pictures = zip(*self._clip, strict=True)
            here, there = (self._features_of(np.stack(clip, axis=1)) for clip in pictures)
            self._features.append((here, there))
            self._clip.clear()

    def distance(self) -> tuple[Number, tuple[Finding, ...]]:
        """Return the Fréchet distance of the two sets of features, and what to know of it."""
        clips = len(self._features)
        if clips < ENOUGH_CLIPS:
            told = f"FVD needs {ENOUGH_CLIPS} clips of {CLIP_FRAMES} frames without a gap, and there are {clips}"
            return None, (Finding(rule="fvd_not_measured", outcome="note", message=told),)
        told = f"FVD of {clips} clips of one shot: compare takes of this shot with it, and no published figure"
        here, there = (np.stack(side) for side in zip(*self._features, strict=True))
        return frechet_distance(here, there), (Finding(rule="fvd_of_few_clips", outcome="note", message=told),)

    def _features_of(self, clip: Floats) -> Doubles:
        return self._network.run([clip[None]]).reshape(-1).astype(np.float64)


def frechet_distance(here: Doubles, there: Doubles) -> float:
    """Return the squared Fréchet distance of two Gaussians that were fitted to rows of features (clips, features).

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)); the last trace is the sum of the singular values of A B^T for centred
    features A and B over their count less one, which needs no root of a singular covariance.
    """
    between = here.mean(axis=0) - there.mean(axis=0)
    first, second = (features - features.mean(axis=0) for features in (here, there))
    spread = (np.square(first).sum() + np.square(second).sum()) / (len(here) - 1)
    shared = np.linalg.svd(first @ second.T, compute_uv=False).sum() / (len(here) - 1)
    return max(0.0, float(between @ between + spread - 2 * shared))


def _open(path: Path, ranks: tuple[int, ...]) -> Network:
    """Open a network whose inputs have so many dimensions each. Raises RequestError, EngineError."""
    if path.suffix.lower() != ".onnx":
        raise RequestError(
            f"{path} is no ONNX file", remedy="Checkpoints (.pth, .pt, .pkl) are not opened: docs/evaluate.md says how "
            "to make an ONNX file of one.",
        )  # fmt: skip
    if not path.is_file():
        raise RequestError(f"there is no file {path}", remedy="Check the path of the network.")
    network = Network.open(path, REMEDY)
    takes = tuple(len(shape) for shape in network.takes())
    if takes != ranks:
        raise network.unfit(f"it takes inputs of {takes} dimensions, wanted are {ranks}")
    return network


def _planes(codes: Floats) -> Floats:
    """Return (3, height, width) from -1 to 1 of display codes (height, width, 3)."""
    return np.ascontiguousarray(codes.transpose(2, 0, 1) * np.float32(2) - np.float32(1))


def _small(codes: Floats) -> Floats:
    return _planes(np.asarray(cv2.resize(codes, (CLIP_SIDE, CLIP_SIDE), interpolation=cv2.INTER_AREA), np.float32))
