"""The model goes on with the next segment while the frames of the last are finished, and stops where it is told to."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import numpy as np
import pytest

from understudy.bridge.errors import EngineError, Finding, JobCancelled
from understudy.bridge.shot import Settings
from understudy.inference.engines.door import DENOISING, Footage, GeneratedFrame, Watcher
from understudy.inference.generation import Generation
from understudy.inference.segments import Segment

PATIENCE_SECONDS = 20
COVERAGE = np.ones((2, 2), np.float32)


class Pictures(np.ndarray):
    """An array that a test can see let go."""


class Model:
    """An engine of which a test decides what happens where a segment is made, and where a frame is finished."""

    def __init__(self, at_segment: Callable[[int, Watcher], None], at_frame: Callable[[int], None]) -> None:
        self._at_segment, self._at_frame = at_segment, at_frame
        self.threads: dict[str, set[int]] = {"segments": set(), "frames": set()}
        self.kept: list[weakref.ref[Pictures]] = []

    def weights(self, settings: Settings, watcher: Watcher) -> Mapping[str, str]:
        return {}

    def prepare(self, footage: Footage, watcher: Watcher) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def generate(self, segment: Segment, watcher: Watcher) -> Iterator[GeneratedFrame]:
        self.threads["segments"].add(threading.get_ident())
        self._at_segment(segment.index, watcher)
        pictures = np.zeros((len(segment.frames), 2, 2, 3), np.float32).view(Pictures)
        self.kept.append(weakref.ref(pictures))
        return self._finish(segment, pictures)

    def _finish(self, segment: Segment, pictures: Pictures) -> Iterator[GeneratedFrame]:
        for frame, picture in zip(segment.frames, pictures, strict=True):
            self.threads["frames"].add(threading.get_ident())
            self._at_frame(frame)
            yield GeneratedFrame(frame, COVERAGE, picture=np.array(picture))


class Ears:
    def __init__(self) -> None:
        self.segment = (0, 0)
        self.steps: list[tuple[str, int, int]] = []
        self.findings: list[Finding] = []

    def check(self) -> None:
        return

    def step(self, stage: str, done: int, total: int) -> None:
        self.steps.append((stage, done, total))

    def found(self, *findings: Finding) -> None:
        self.findings.extend(findings)


def shot(segments: int, each: int = 3) -> list[Segment]:
    return [Segment(index, tuple(range(index * each, (index + 1) * each))) for index in range(segments)]


def nothing(*_: object) -> None:
    return


def generation(model: Model, ears: Ears | None = None) -> Generation:
    return Generation(model, lambda segment: None, ears or Ears())


def numbers(frames: Iterator[GeneratedFrame]) -> list[int]:
    return [generated.frame for generated in frames]


def test_frames_are_finished_while_the_next_segment_is_made() -> None:
    begun = [threading.Event() for _ in range(3)]

    def at_frame(frame: int) -> None:
        following = frame // 3 + 1
        assert following == len(begun) or begun[following].wait(PATIENCE_SECONDS), "the next segment waits for this one"

    model = Model(lambda index, _: begun[index].set(), at_frame)
    assert numbers(generation(model).frames(shot(3), 3, overlapped=True)) == list(range(9))
    assert len(model.threads["segments"]) == len(model.threads["frames"]) == 1
    assert threading.get_ident() not in model.threads["segments"] | model.threads["frames"]
    assert model.threads["segments"] != model.threads["frames"]


def test_no_third_segment_is_begun_before_the_first_is_finished_and_its_pictures_are_let_go() -> None:
    alive: list[int] = []

    def at_segment(index: int, _: Watcher) -> None:
        gc.collect()
        alive.append(sum(kept() is not None for kept in model.kept))

    model = Model(at_segment, nothing)
    numbers(generation(model).frames(shot(6), 6, overlapped=True))
    assert max(alive) <= 1, "besides the segment that is made, one is finished or waits"


def test_an_engine_without_a_gpu_works_on_the_callers_own_thread() -> None:
    model = Model(nothing, nothing)
    assert numbers(generation(model).frames(shot(2), 2, overlapped=False)) == list(range(6))
    assert model.threads["segments"] == model.threads["frames"] == {threading.get_ident()}


@pytest.mark.parametrize("overlapped", [True, False])
def test_when_a_segment_fails_then_the_frames_before_it_come_first(overlapped: bool) -> None:
    def at_segment(index: int, _: Watcher) -> None:
        if index == 1:
            raise EngineError("the GPU ran out of memory")

    frames = generation(Model(at_segment, nothing)).frames(shot(3), 3, overlapped=overlapped)
    assert [next(frames).frame for _ in range(3)] == [0, 1, 2]
    with pytest.raises(EngineError, match="out of memory"):
        next(frames)


def test_closed_early_the_engine_stops_at_its_next_step_and_no_thread_is_left() -> None:
    begun, stopped = threading.Event(), threading.Event()
    goes_on = threading.Event()

    def at_segment(index: int, watcher: Watcher) -> None:
        if index == 1:
            begun.set()
            goes_on.wait(PATIENCE_SECONDS)
            try:
                for done in range(100_000):
                    watcher.step(DENOISING, done, 100_000)
                    stopped.wait(0.001)
            except JobCancelled:
                stopped.set()
                raise

    before = set(threading.enumerate())
    with closing(generation(Model(at_segment, nothing)).frames(shot(3), 3, overlapped=True)) as frames:
        next(frames)
        assert begun.wait(PATIENCE_SECONDS)
        goes_on.set()
    assert stopped.is_set()
    assert not set(threading.enumerate()) - before


def test_what_needs_no_engine_never_reaches_it_and_segments_are_told_by_number() -> None:
    made: list[int] = []
    ears = Ears()

    def at_segment(index: int, _: Watcher) -> None:
        made.append(index)
        assert ears.segment == (index + 1, 9)

    def untouched(segment: Segment) -> list[GeneratedFrame] | None:
        return [GeneratedFrame(frame, COVERAGE) for frame in segment.frames] if segment.index == 1 else None

    frames = Generation(Model(at_segment, nothing), untouched, ears).frames(shot(3), 9, overlapped=True)
    assert numbers(frames) == list(range(9))
    assert made == [0, 2]


def test_only_denoising_is_told_while_segments_are_made_as_the_pipeline_counts_frames_itself() -> None:
    def at_segment(_: int, watcher: Watcher) -> None:
        watcher.step("generating", 1, 3)
        watcher.step(DENOISING, 1, 4)
        watcher.found(Finding(rule="seen", outcome="note", message="a finding"))

    ears = Ears()
    numbers(generation(Model(at_segment, nothing), ears).frames(shot(1), 1, overlapped=True))
    assert ears.steps == [(DENOISING, 1, 4)]
    assert [finding.rule for finding in ears.findings] == ["seen"]
