"""The engine that returns its input."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from understudy.bridge.errors import EngineError, Finding, JobCancelled
from understudy.bridge.shot import Settings
from understudy.inference.engines.door import Footage
from understudy.inference.engines.identity import open_engine
from understudy.inference.segments import Segment


class Quiet:
    """A watcher that listens, and cancels at a step if told to."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.steps: list[tuple[str, int, int]] = []
        self.cancel_at = cancel_at

    def step(self, stage: str, done: int, total: int) -> None:
        if self.cancel_at == len(self.steps):
            raise JobCancelled("cancelled")
        self.steps.append((stage, done, total))

    def found(self, finding: Finding) -> None:
        raise AssertionError(finding)


def picture(frame: int) -> np.ndarray:
    return np.random.default_rng(frame).random((8, 12, 3), np.float32)


def matte(frame: int) -> np.ndarray:
    return picture(frame)[..., 0]


def footage(scratch: Path) -> Footage:
    return Footage(
        mode="replace", frames=(7, 8, 9), height=8, width=12, rate=Fraction(24), settings=Settings(engine="identity"),
        reference=np.zeros((4, 4, 4), np.float32), reference_has_alpha=False, plate=picture, matte=matte,
        clean_plate=None, holdout=None, keypoints=None, scratch=scratch,
    )  # fmt: skip


def test_every_frame_comes_back_with_its_bits_and_the_matte_as_coverage(tmp_path: Path) -> None:
    engine, watcher = open_engine(), Quiet()
    engine.prepare(footage(tmp_path), watcher)
    made = list(engine.generate(Segment(0, (7, 8, 9)), watcher))
    assert [frame.frame for frame in made] == [7, 8, 9]
    for frame in made:
        assert frame.picture is not None
        assert frame.picture.tobytes() == picture(frame.frame).tobytes()
        assert frame.coverage.tobytes() == matte(frame.frame).tobytes()
        assert frame.character is None
        assert frame.clean is None
    assert len(watcher.steps) == 4


def test_when_there_is_no_matte_then_the_whole_picture_is_covered(tmp_path: Path) -> None:
    engine = open_engine()
    engine.prepare(dataclasses.replace(footage(tmp_path), matte=None), Quiet())
    (made,) = engine.generate(Segment(0, (7,)), Quiet())
    assert made.coverage.shape == (8, 12)
    assert (made.coverage == 1).all()


def test_when_the_job_is_cancelled_then_no_further_frame_is_made(tmp_path: Path) -> None:
    engine, watcher = open_engine(), Quiet(cancel_at=2)
    engine.prepare(footage(tmp_path), watcher)
    frames = engine.generate(Segment(0, (7, 8)), watcher)
    assert next(frames).frame == 7
    with pytest.raises(JobCancelled):
        next(frames)


def test_when_there_are_no_pictures_to_return_then_the_error_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as problem:
        open_engine().prepare(dataclasses.replace(footage(tmp_path), plate=None), Quiet())
    assert "--plate" in problem.value.remedy
