from __future__ import annotations

import mmap
import sys
from collections.abc import Iterator

import pytest

from understudy.inference.run_meter import GpuPeak, RunMeter, tell_gpu

MEBIBYTE = 2**20


def clock(*times: float) -> Iterator[float]:
    return iter(times)


def test_when_nothing_is_made_anew_then_there_is_no_cost() -> None:
    meter = RunMeter()
    meter.prepared(720, 1280)
    meter.made(0, 108)
    assert meter.cost() is None
    assert RunMeter().cost() is None


def test_when_frames_are_made_then_start_making_and_finish_are_told_apart() -> None:
    times = clock(100, 160, 360, 414)
    meter = RunMeter(lambda: next(times))
    meter.prepared(720, 1280)
    meter.made(100, 108)
    cost = meter.cost()
    assert cost is not None
    assert (cost.start_seconds, cost.frame_seconds, cost.finish_seconds) == (60, 2, 0.5)
    assert (cost.height, cost.width, cost.frames, cost.device, cost.gpu_bytes) == (720, 1280, 100, "CPU", 0)


def test_when_an_engine_leaves_word_of_its_gpu_then_its_peak_is_asked_for_at_the_end() -> None:
    meter = RunMeter()
    tell_gpu(GpuPeak("NVIDIA H200", lambda: 22 * MEBIBYTE))
    meter.prepared(16, 16)
    meter.made(1, 1)
    cost = meter.cost()
    assert cost is not None
    assert (cost.device, cost.gpu_bytes) == ("NVIDIA H200", 22 * MEBIBYTE)


def test_when_the_next_job_uses_no_gpu_then_the_one_before_has_left_it_no_word() -> None:
    tell_gpu(GpuPeak("NVIDIA H200", lambda: 1))
    meter = RunMeter()
    meter.prepared(16, 16)
    meter.made(1, 1)
    cost = meter.cost()
    assert cost is not None
    assert cost.device == "CPU"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts a process's peak anew")
def test_when_a_job_held_much_then_the_job_after_it_does_not_count_it() -> None:
    def peak(bytes_held: int) -> int:
        meter = RunMeter()
        with mmap.mmap(-1, bytes_held) as held:  # the system's own pages: the heap may have as much to give back
            for page in range(0, bytes_held, mmap.PAGESIZE):
                held[page] = 1  # pages that are written are held
            meter.prepared(16, 16)
            meter.made(1, len(held))
            cost = meter.cost()
        assert cost is not None
        return cost.host_bytes

    much, little = peak(300 * MEBIBYTE), peak(1)
    assert much - little > 250 * MEBIBYTE
