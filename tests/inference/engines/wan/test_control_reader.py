"""What drives a segment as tensors: each frame at its place, read once, and nothing held twice."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from understudy.inference.engines.wan.control_reader import CODES, ControlReader, signed
from understudy.inference.engines.wan.spans import Span

MIRRORED = Span(0, (0, 1, 2, 3, 4, 3, 2), 1, 4)
SIZE = 64


class DrawnControls:
    """What is asked of a shot's controls here: random pictures, and how often each was read."""

    def __init__(self, mode: str) -> None:
        self.material = SimpleNamespace(frames=tuple(range(101, 106)), mode=mode)
        self.read: Counter[int] = Counter()

    def pictures(self, frame: int) -> Any:
        self.read[frame] += 1
        drawn = np.random.default_rng(frame)
        return SimpleNamespace(
            skeleton=drawn.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8),
            face=drawn.random((SIZE, SIZE, 3), np.float32),
            background=drawn.random((SIZE, SIZE, 3), np.float32) if self.material.mode == "replace" else None,
            matte_used=drawn.random((SIZE, SIZE), np.float32) if self.material.mode == "replace" else None,
        )


@pytest.mark.parametrize("mode", ["replace", "animate"])
def test_each_frame_lies_at_every_place_it_has_and_is_read_once(mode: str) -> None:
    drawn = DrawnControls(mode)
    reader = ControlReader(drawn, SIZE)  # type: ignore[arg-type]
    found = reader.read(MIRRORED, None)
    reader.close()
    assert set(drawn.read.values()) == {1}
    shown = [drawn.pictures(101 + position) for position in MIRRORED.positions]
    assert torch.equal(found.pose, signed(np.stack([one.skeleton for one in shown]).astype(np.float32) / CODES))
    assert torch.equal(found.faces, signed(np.stack([one.face for one in shown])))
    assert (found.background is None, found.generate is None) == ((mode == "animate"),) * 2
    if found.background is not None and found.generate is not None:
        assert torch.equal(found.background, signed(np.stack([one.background for one in shown])))
        assert torch.equal(found.generate[0, 0], torch.from_numpy(np.stack([one.matte_used for one in shown])))


def test_a_segment_is_held_once_while_it_is_read() -> None:
    """Of 77 frames at 1280 x 720 it has 2.2 GB, and the next one is read while this one is computed."""
    reader = ControlReader(DrawnControls("replace"), SIZE)  # type: ignore[arg-type]
    span = Span(0, (0, 1, 2, 3, 4) * 8, 0, 40)
    reader.read(Span(0, (0,), 0, 1), None)
    tracemalloc.start()
    try:
        found = reader.read(span, None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        reader.close()
    held = sum(part.nbytes for part in (found.pose, found.faces, found.background, found.generate) if part is not None)
    assert peak < 1.2 * held
