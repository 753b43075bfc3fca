"""The first way that fits is taken: never a frugal one without need, never one that does not fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.memory_plan import (
    GIB,
    OFFICIAL,
    WAN_ANIMATE_2,
    Estimates,
    MemoryPlan,
    conditioning_bytes,
    of_a_job,
    plan_memory,
    reference_bytes,
    stages,
    step_down,
    tokens,
)

SIDES = some.integers(4, 120).map(lambda sixteenths: 16 * sixteenths)
CARDS = some.integers(4 * GIB, 200 * GIB)


def test_when_the_card_is_large_then_nothing_is_spared() -> None:
    plan = plan_memory(80 * GIB, 720, 1280)
    assert plan == MemoryPlan(stages=plan.stages)
    assert plan.words().startswith("everything on the GPU; at most ")


def test_when_the_encoders_do_not_fit_beside_the_transformer_then_they_take_turns() -> None:
    plan = plan_memory(48 * GIB, 720, 1280)
    assert (plan.encoders, plan.vae_tiled, plan.offloaded) == ("in turn", False, False)
    assert plan.words().startswith("encoders in turn; at most ")


def test_when_the_encoders_do_not_fit_even_alone_then_they_work_on_the_cpu() -> None:
    assert plan_memory(13 * GIB, 480, 832).encoders == "on the CPU"


def test_when_a_card_is_small_then_float8_is_taken_only_where_it_was_allowed() -> None:
    exact = plan_memory(24 * GIB, 480, 832)
    assert (exact.float8, exact.offloaded, exact.segment_frames) == (False, True, 77)
    allowed = plan_memory(26 * GIB, 480, 832, allow_float8=True)
    assert (allowed.float8, allowed.offloaded) == (True, False)


def test_when_segments_get_shorter_then_it_is_said() -> None:
    plan = plan_memory(12 * GIB, 720, 1280)
    assert plan.segment_frames < 77
    assert f"segments of {plan.segment_frames}" in plan.words()


def test_when_nothing_fits_then_both_numbers_and_every_stage_are_told() -> None:
    with pytest.raises(WeightsError, match=r"the GPU has 4\.0 GiB free") as raised:
        plan_memory(4 * GIB, 1080, 1920)
    assert set(raised.value.facts) == {"prompt and reference", "encoding", "denoising", "decoding"}


def test_the_estimate_agrees_with_the_peak_that_was_measured() -> None:
    """42 GiB at 1280 x 720 x 77 in bfloat16 on an H200: the number that `a_token` was made from."""
    denoising = dict(stages(MemoryPlan(), 720, 1280))["denoising"]
    assert denoising / GIB == pytest.approx(42, abs=0.5)


def test_when_loras_lie_beside_the_weights_then_they_count() -> None:
    assert plan_memory(58 * GIB, 720, 1280).encoders == "beside"
    assert plan_memory(58 * GIB, 720, 1280, estimates=of_a_job(OFFICIAL, lora_bytes=8 * GIB)).encoders == "in turn"


def test_loras_come_and_go_with_the_blocks_that_they_lie_in() -> None:
    def denoising(lora_bytes: int) -> int:
        offloaded = MemoryPlan(offloaded=True)
        return dict(stages(offloaded, 720, 1280, of_a_job(OFFICIAL, lora_bytes=lora_bytes)))["denoising"]

    assert denoising(4 * GIB) - denoising(0) == 4 * GIB * 2 // 40


def test_what_wan_animate_2_keeps_of_a_driver_is_larger_than_the_model() -> None:
    assert reference_bytes(81, 720, 1280, WAN_ANIMATE_2) == 2 * 40 * 21 * 45 * 80 * 5120 * 2
    assert reference_bytes(81, 720, 1280, OFFICIAL) == 0


def test_what_steps_are_foretold_from_counts_by_the_token_and_the_pass() -> None:
    past = [
        dict(stages(MemoryPlan(), 720, 1280, of_a_job(OFFICIAL, foretold_passes=passes)))["denoising"]
        for passes in (0, 1, 2)
    ]
    assert past[1] - past[0] == past[2] - past[1] == 4 * tokens(77, 720, 1280) * 5120 * 2


def test_several_gpus_share_what_was_seen_of_a_driver_and_nothing_else() -> None:
    one, four = (of_a_job(WAN_ANIMATE_2, gpus=gpus) for gpus in (1, 4))
    assert reference_bytes(81, 720, 1280, four) == reference_bytes(81, 720, 1280, one) // 4
    assert of_a_job(OFFICIAL, gpus=4) == OFFICIAL


@pytest.mark.parametrize(
    ("gibibytes", "size", "words"),
    [
        (141, (720, 1280), "everything on the GPU"),
        (79, (720, 1280), "the reference in CPU memory"),
        (79, (480, 832), "everything on the GPU"),
        (47, (480, 832), "encoders in turn, the reference in CPU memory"),
    ],
)
def test_of_wan_animate_2_as_little_is_given_up_as_can_be(gibibytes: int, size: tuple[int, int], words: str) -> None:
    plan = plan_memory(gibibytes * GIB, *size, segment_frames=81, estimates=WAN_ANIMATE_2)
    assert plan.words().partition(";")[0] == words


def test_when_denoising_runs_out_then_wan_animate_2_puts_what_it_saw_aside_before_anything_slower() -> None:
    first = step_down(MemoryPlan(segment_frames=81), "denoising", 720, 1280, estimates=WAN_ANIMATE_2)
    assert first == MemoryPlan(segment_frames=81, reference_rests=True, stages=first.stages if first else ())
    second = step_down(first or MemoryPlan(), "denoising", 720, 1280, estimates=WAN_ANIMATE_2)
    assert second is not None
    assert second.offloaded


def test_tokens_are_counted_as_the_model_lays_them_out() -> None:
    assert tokens(77, 720, 1280) == 21 * 45 * 80
    assert tokens(77, 480, 832) == 21 * 30 * 52
    assert conditioning_bytes(1, 16, 16) == 4 * (7 * 256 + 3 * 512 * 512)


def frugality(plan: MemoryPlan) -> tuple[int, bool, bool, bool, bool, bool, bool]:
    encoders = (plan.encoders == "on the CPU", plan.reference_rests, plan.encoders == "in turn")
    return -plan.segment_frames, plan.offloaded, plan.float8, plan.vae_tiled, *encoders


@given(
    free=CARDS,
    more=some.integers(0, 100 * GIB),
    height=SIDES,
    width=SIDES,
    float8=some.booleans(),
    estimates=some.sampled_from([OFFICIAL, WAN_ANIMATE_2]),
)
def test_a_plan_fits_and_more_memory_never_makes_it_more_frugal(
    free: int, more: int, height: int, width: int, float8: bool, estimates: Estimates
) -> None:
    try:
        plan = plan_memory(free, height, width, allow_float8=float8, estimates=estimates)
    except WeightsError:
        return
    assert plan.peak_bytes + OFFICIAL.reserve <= free
    assert plan.segment_frames % 4 == 1
    richer = plan_memory(free + more, height, width, allow_float8=float8, estimates=estimates)
    assert frugality(richer) <= frugality(plan)


@given(height=SIDES, width=SIDES)
def test_a_larger_picture_never_takes_less(height: int, width: int) -> None:
    larger = stages(MemoryPlan(), height + 16, width)
    assert all(
        before <= after for (_, before), (_, after) in zip(stages(MemoryPlan(), height, width), larger, strict=True)
    )
