"""What is free and what is allowed decide before a job starts; numbers of cards that are not here are given."""

from __future__ import annotations

import pytest
import torch

from understudy.bridge.errors import JobParked, WeightsError
from understudy.bridge.gpu_settings import parse_gpu_memory
from understudy.bridge.shot import Settings
from understudy.inference.engines.wan.devices import GpuMemory, admit
from understudy.inference.engines.wan.options import WanOptions
from understudy.inference.engines.wan.trouble import trouble_in
from understudy.inference.engines.wan2.options import Wan2Options
from understudy.inference.weights.memory_plan import GIB, OFFICIAL, WAN_ANIMATE_2, of_a_job

PRO = (720, 1280)


def options(**said: str) -> WanOptions:
    return WanOptions.of(Settings(engine="wan-animate", mode="replace", seed=1, engine_options=said))


def test_when_a_card_is_free_then_nothing_is_spared() -> None:
    plan = admit([GpuMemory(78 * GIB, 80 * GIB)], None, options(), *PRO)
    assert (plan.encoders, plan.vae_tiled, plan.offloaded, plan.segment_frames) == ("beside", False, False, 77)


def test_when_a_budget_is_smaller_than_what_is_free_then_the_budget_counts() -> None:
    plan = admit([GpuMemory(78 * GIB, 80 * GIB)], parse_gpu_memory("24GiB"), options(), *PRO)
    assert plan.offloaded
    assert plan.peak_bytes < 24 * GIB


def test_when_one_of_two_cards_is_fuller_then_the_fuller_one_decides_for_both() -> None:
    cards = [GpuMemory(78 * GIB, 80 * GIB), GpuMemory(47 * GIB, 80 * GIB)]
    assert admit(cards, None, options(), *PRO).encoders == "in turn"


def test_when_others_hold_the_memory_then_the_job_waits_and_does_not_fail() -> None:
    with pytest.raises(JobParked, match="others hold the rest") as raised:
        admit([GpuMemory(3 * GIB, 80 * GIB)], None, options(), *PRO)
    assert "nvidia-smi" in raised.value.remedy


def test_when_even_an_idle_card_is_too_small_then_it_fails_with_what_to_ask_for_instead() -> None:
    with pytest.raises(WeightsError, match=r"`gpu_memory` allows 6\.0 GiB") as raised:
        admit([GpuMemory(78 * GIB, 80 * GIB)], parse_gpu_memory("6GiB"), options(), *PRO)
    assert "segment_frames=37" in raised.value.remedy
    assert "preset=draft" in raised.value.remedy


def test_the_length_of_the_jobs_own_segments_is_planned_for_and_never_a_shorter_one() -> None:
    """A job is cut into segments long before a GPU is asked: a plan for shorter ones would be a plan for no one."""
    assert admit([GpuMemory(15 * GIB, 80 * GIB)], None, options(segment_frames="25"), *PRO).segment_frames == 25
    with pytest.raises(JobParked):
        admit([GpuMemory(12 * GIB, 80 * GIB)], None, options(), *PRO)


def test_loras_and_the_other_models_estimates_decide_as_well() -> None:
    cards, laid_on = [GpuMemory(58 * GIB, 80 * GIB)], of_a_job(OFFICIAL, lora_bytes=8 * GIB)
    assert admit(cards, None, options(), *PRO).encoders == "beside"
    assert admit(cards, None, options(), *PRO, laid_on).encoders == "in turn"
    second = Wan2Options.of(Settings(engine="wan-animate-2", mode="animate"))
    assert admit(cards, None, second, *PRO, WAN_ANIMATE_2).reference_rests
    with pytest.raises(JobParked, match="others hold the rest"):
        admit([GpuMemory(12 * GIB, 80 * GIB)], None, second, *PRO, WAN_ANIMATE_2)
    with pytest.raises(WeightsError, match="`gpu_memory` allows") as raised:
        admit(cards, parse_gpu_memory("12GiB"), second, *PRO, WAN_ANIMATE_2)
    assert "segment_frames=37" in raised.value.remedy


def test_float8_is_taken_where_it_was_allowed_and_only_where_there_is_no_room_without() -> None:
    small = [GpuMemory(34 * GIB, 40 * GIB)]
    assert not admit(small, None, options(), *PRO).float8
    assert admit(small, None, options(float8="allowed"), *PRO).float8
    assert not admit([GpuMemory(78 * GIB, 80 * GIB)], None, options(float8="allowed"), *PRO).float8
    assert admit([GpuMemory(78 * GIB, 80 * GIB)], None, options(float8="on"), *PRO).float8


@pytest.mark.parametrize(
    ("problem", "meant"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), "memory"),
        (torch.AcceleratorError("CUDA error: out of memory"), "memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "memory"),
        (torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), "lost"),
        (RuntimeError("CUDA error: uncorrectable ECC error encountered"), "lost"),
        (RuntimeError("No CUDA GPUs are available"), "lost"),
        (RuntimeError("NCCL Error 1: unhandled cuda error"), "lost"),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), None),
    ],
)
def test_an_error_of_the_gpu_is_told_from_a_mistake(problem: RuntimeError, meant: str | None) -> None:
    assert trouble_in(problem) == meant
