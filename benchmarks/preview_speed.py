"""How fast `preview` alone is: a 1280x720 shot whose pictures are already in memory, so that no decoding is counted."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.preview_quality import Silent
from benchmarks.preview_shots import drawn_footage, market_footage
from benchmarks.table import Row, at_least, at_most
from understudy.inference.engines.descriptions import PREVIEW
from understudy.inference.engines.door import Footage
from understudy.inference.engines.preview import PreviewEngine
from understudy.inference.segments import plan_segments

Array = NDArray[np.float32]
GOAL_FRAMES_PER_SECOND = 8.0
GOAL_FIRST_SECONDS = 1.5
"""Of the three seconds in which the client wants its first frame, this much is the engine's."""
FRAMES = 48


def measure() -> list[Row]:
    """Time the preparation with the first frame, then the frames after it; the best of two runs of each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        market = market_footage(folder)
        footage = market or drawn_footage(folder / "drawn", FRAMES, 1280, 720)[0]
        footage = _in_memory(replace(footage, frames=footage.frames[:FRAMES], keypoints=None))
        runs = [_timed(footage, folder / f"run{number}") for number in range(2)]
    what = "market" if market else "drawn shot"
    first, rate = min(run[0] for run in runs), max(run[1] for run in runs)
    return [
        at_least(f"preview alone, 1280x720, {what}", rate, GOAL_FRAMES_PER_SECOND, "frames/s", 1.0),
        at_most(f"preview's own part of the first frame, {what}", first, GOAL_FIRST_SECONDS, "s", 1.0),
    ]


def _in_memory(footage: Footage) -> Footage:
    """Decode once: 8-bit codes, as a movie has them, take a sixth of the room of a half-float plate."""
    assert footage.plate is not None
    assert footage.matte is not None
    plates = {frame: _codes(footage.plate(frame)) for frame in footage.frames}
    mattes = {frame: _codes(footage.matte(frame)) for frame in footage.frames}
    return replace(
        footage,
        plate=lambda frame: plates[frame].astype(np.float32) / np.float32(255.0),
        matte=lambda frame: mattes[frame].astype(np.float32) / np.float32(255.0),
    )


def _codes(picture: Array) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(picture, 0.0, 1.0) * 255.0), np.uint8)


def _timed(footage: Footage, scratch: Path) -> tuple[float, float]:
    """Return seconds to the first frame, and frames a second from the second one on."""
    engine, watcher, start = PreviewEngine(), Silent(), time.monotonic()
    engine.prepare(replace(footage, scratch=scratch), watcher)
    first = 0.0
    for segment in plan_segments(footage.frames, PREVIEW.segment):
        for _ in engine.generate(segment, watcher):
            first = first or time.monotonic() - start
    return first, (len(footage.frames) - 1) / (time.monotonic() - start - first)
