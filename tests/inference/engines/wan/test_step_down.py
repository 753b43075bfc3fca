"""A job that runs out of memory is made all the same; one whose GPU is lost waits for a fresh process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import OpenEXR
import pytest
import torch
from numpy.typing import NDArray
from redo_rig import keeping, redo_of
from spine_rig import Told, gathered, order_of
from tiny_wan import make_tiny_checkpoint, tiny_transformer, tiny_vae
from wan_shot import FIRST, FULL, GONE, draw_wan_shot, fails

from understudy.bridge.exr_file import read_attribute
from understudy.inference.compliance.manifest import Approximation, approximations_in
from understudy.inference.compliance.marks import APPROXIMATE
from understudy.inference.engines.door import process_is_spent
from understudy.inference.engines.wan import devices, loop, shot_model
from understudy.inference.engines.wan.acceleration import as_written, compile_blocks
from understudy.inference.engines.wan.lessons import FILE, Lessons, read_lessons, write_lessons
from understudy.inference.engines.wan.offload import offload_blocks
from understudy.inference.weights.memory_plan import TILE_SIDE_PIXELS, MemoryPlan, approximations
from understudy.inference.work_order import WorkerEnd, WorkOrder
from understudy.inference.worker import Reporter, perform


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_checkpoint(tmp_path_factory.mktemp("weights"), seed=1)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("UNDERSTUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UNDERSTUDY_WEIGHTS", str(checkpoint))
    yield
    process_is_spent.clear()  # as a fresh process has it


def work(tmp_path: Path, frames: int, out: str, *more: str, longest: int = 9) -> WorkOrder:
    options = draw_wan_shot(tmp_path / "shot", frames)
    return order_of(gathered(options, option=["steps=2", f"segment_frames={longest}", *more]), tmp_path / out)


def run(order: WorkOrder) -> WorkerEnd:
    return perform(order, Reporter(Told().append))


def steps_down(end: WorkerEnd) -> list[str]:
    return [finding.message for finding in end.findings if finding.rule == "memory_step_down"]


def comp(folder: Path, frame: int) -> NDArray[np.float16]:
    with OpenEXR.File(str(folder / "v001" / "comp" / f"comp.{frame:04}.exr"), separate_channels=True) as file:
        return np.dstack([file.channels()[channel].pixels for channel in "RGB"])


def test_when_memory_runs_out_in_a_segment_then_it_is_made_again_with_less_and_the_job_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run(work(tmp_path, 12, "plain"))
    monkeypatch.setattr(loop, "predict", fails(loop.predict, FULL, {4}))  # two steps a segment: in the second one
    order = work(tmp_path, 12, "short")
    end = run(order)
    assert (plain.state, end.state) == ("delivered", "delivered"), end.error
    (said,) = steps_down(end)
    assert "in segment 2 of 2 (denoising)" in said
    assert "blocks from CPU memory" in said
    assert "memory_step_down" in (tmp_path / "short" / "v001" / "report.html").read_text()
    for frame in range(FIRST, FIRST + 12):
        one, other = (comp(tmp_path / name, frame).view(np.uint16) for name in ("plain", "short"))
        assert np.array_equal(one, other), frame


def test_when_float8_was_allowed_then_it_comes_before_blocks_from_the_cpu_and_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "predict", fails(loop.predict, FULL, {2, 3}))
    end = run(work(tmp_path, 3, "out", "float8=allowed"))
    assert end.state == "delivered", end.error
    first, second = steps_down(end)
    assert "float8 weights" in first
    assert "blocks from CPU memory" not in first
    assert "float8 weights, blocks from CPU memory" in second


def test_when_not_even_float8_can_be_made_in_what_is_left_then_the_way_after_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "predict", fails(loop.predict, FULL, {2}))
    monkeypatch.setattr(devices, "quantise_blocks", fails(devices.quantise_blocks, FULL, {1}))
    end = run(work(tmp_path, 3, "out", "float8=allowed"))
    assert end.state == "delivered", end.error
    first, second = steps_down(end)
    assert "float8 weights" in first
    assert "float8 weights, blocks from CPU memory" in second


def said_in(folder: Path, frame: int) -> str | None:
    return read_attribute(folder / "v001" / "comp" / f"comp.{frame:04}.exr", APPROXIMATE)


def test_when_float8_was_taken_for_want_of_memory_then_its_frames_the_manifest_and_the_report_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "predict", fails(loop.predict, FULL, {4}))  # in the second of two segments: 7 and 5
    end = run(work(tmp_path, 12, "out", "float8=allowed"))
    assert end.state == "delivered", end.error
    spared = tuple(range(FIRST + 7, FIRST + 12))
    frames = range(FIRST, FIRST + 12)
    assert [frame for frame in frames if said_in(tmp_path / "out", frame) == "float8 weights"] == list(spared)
    assert [frame for frame in frames if said_in(tmp_path / "out", frame) is None] == list(range(FIRST, FIRST + 7))
    version = tmp_path / "out" / "v001"
    assert approximations_in(version) == (Approximation(words="float8 weights", frames=spared),)
    (finding,) = [one for one in end.findings if one.rule == "approximate"]
    assert finding.frames == spared
    assert "no other job is answered with these pixels" in (version / "report.html").read_text()
    with av.open(str(version / "review.mp4")) as movie:
        assert movie.metadata["understudy_approximate"] == "float8 weights"


@pytest.mark.parametrize("said", ["float8=on", "float8=allowed"])
def test_when_nothing_was_spared_that_the_settings_do_not_say_then_no_file_says_so(tmp_path: Path, said: str) -> None:
    end = run(work(tmp_path, 2, "out", said))
    assert end.state == "delivered", end.error
    assert approximations_in(tmp_path / "out" / "v001") == ()
    assert said_in(tmp_path / "out", FIRST) is None


@pytest.fixture
def taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[WorkOrder, WorkerEnd]:
    """Return a job whose first worker took to float8 and then lost its GPU, and how the second one ended."""
    real = loop.predict
    monkeypatch.setattr(loop, "predict", fails(fails(real, FULL, {1}), GONE, {4}))
    order = keeping(work(tmp_path, 12, "out", "float8=allowed"))
    assert run(order).state == "parked"
    process_is_spent.clear()
    monkeypatch.setattr(loop, "predict", real)
    return order, run(order)


def test_what_a_worker_spared_that_is_gone_is_told_and_a_redo_keeps_it_with_its_frames(
    tmp_path: Path, taken_up: tuple[WorkOrder, WorkerEnd]
) -> None:
    before, end = taken_up
    assert end.state == "delivered", end.error
    assert len(steps_down(end)) == 1
    frames = tuple(range(FIRST, FIRST + 12))
    assert approximations_in(tmp_path / "out" / "v001") == (Approximation(words="float8 weights", frames=frames),)
    why = "7 frames, from 1001 on, were made with float8 weights because memory ran short"
    end = run(redo_of(before, tmp_path / "again", 2, seed=7, repeatable=False, unrepeatable=why))
    assert end.state == "delivered", end.error
    kept = (Approximation(words="float8 weights", frames=frames[:7]),)
    assert approximations_in(tmp_path / "again" / "v002") == kept
    (finding,) = [one for one in end.findings if one.rule == "not_repeatable"]
    assert why in finding.message


def test_when_no_way_takes_less_then_the_job_fails_with_smaller_segments_and_finished_frames_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "predict", fails(loop.predict, FULL, set(range(1, 100))))
    end = run(work(tmp_path, 12, "out", longest=33))
    assert end.state == "failed"
    assert end.error is not None
    assert "even at its most frugal" in end.error.message
    assert "segment_frames=13" in end.error.remedy
    assert "preset=draft" in end.error.remedy


def test_when_memory_runs_out_while_the_model_is_loaded_then_it_is_loaded_with_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shot_model, "open_model", fails(shot_model.open_model, FULL, {1, 2}))
    end = run(work(tmp_path, 2, "out"))
    assert end.state == "delivered", end.error
    first, second = steps_down(end)
    assert "while the model was loaded" in first
    assert "encoders in turn" in first
    assert "encoders on the CPU" in second


def test_when_the_gpu_is_lost_then_the_job_is_parked_the_process_is_spent_and_a_fresh_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loop.predict
    monkeypatch.setattr(loop, "predict", fails(real, GONE, {3}))
    order = work(tmp_path, 12, "out")
    end = run(order)
    assert (end.state, end.spent) == ("parked", True)
    assert end.error is not None
    assert "illegal memory access" in end.error.message
    assert "goes on by itself" in end.error.remedy
    kept = sorted((tmp_path / "out").rglob("comp.*.exr"))
    assert len(kept) == 7
    process_is_spent.clear()
    monkeypatch.setattr(loop, "predict", real)
    again = run(order)
    assert (again.state, again.spent) == ("delivered", False), again.error
    assert read_lessons(Path(order.scratch)).losses == 0


def test_when_a_segment_loses_its_gpu_again_and_again_then_the_job_fails_instead_of_going_round_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "predict", fails(loop.predict, GONE, set(range(1, 100))))
    order = work(tmp_path, 2, "out")
    assert [run(order).state for _ in range(3)] == ["parked", "parked", "failed"]


def test_when_the_slots_gpu_is_gone_then_the_job_is_parked_and_never_made_on_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_GPUS", "0")
    end = run(work(tmp_path, 2, "out"))
    assert (end.state, end.spent) == ("parked", True)
    assert end.error is not None
    assert "the settings name 0" in end.error.message


def test_what_a_try_taught_is_there_for_the_next_and_half_a_file_is_nothing(tmp_path: Path) -> None:
    known = Lessons(plan=MemoryPlan(vae_tiled=True), losses=1)
    write_lessons(tmp_path, known)
    assert read_lessons(tmp_path) == known
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:20])
    assert read_lessons(tmp_path) == Lessons()


def test_blocks_that_come_and_go_give_the_same_and_lie_where_they_lay() -> None:
    """On a processor: that they come to another device is for a GPU to show."""
    transformer = tiny_transformer()
    kept = [tensor.data_ptr() for block in transformer.blocks for tensor in block.parameters()]
    given = torch.randn(1, 8, 24)
    before = transformer.blocks[0].ffn(given)
    offload_blocks(transformer, torch.device("cpu"))
    assert torch.equal(transformer.blocks[0].ffn(given), before)
    assert all(block._forward_pre_hooks and block._forward_hooks for block in transformer.blocks)
    assert [tensor.data_ptr() for one in transformer.blocks for tensor in one.parameters()] == kept


def test_a_compiled_block_can_be_had_as_it_was_written() -> None:
    transformer = tiny_transformer()
    compile_blocks(transformer)
    assert transformer.blocks[0]._compiled_call_impl is not None
    as_written(transformer)
    modules = [module for part in (*transformer.blocks, *transformer.face_adapter) for module in part.modules()]
    assert all(module._compiled_call_impl is None for module in modules)


def test_a_vae_in_tiles_changes_a_picture_that_is_larger_than_a_tile_and_no_other() -> None:
    """By which `approximations` judges what a plan changes."""
    plan = MemoryPlan(vae_tiled=True)
    for width in (TILE_SIDE_PIXELS, TILE_SIDE_PIXELS + 16):
        picture = torch.rand(1, 3, 1, 16, width, generator=torch.Generator().manual_seed(3)) * 2 - 1
        whole, tiled = tiny_vae(), tiny_vae()
        tiled.load_state_dict(whole.state_dict())
        tiled.enable_tiling()
        with torch.no_grad():
            one, other = (vae.encode(picture).latent_dist.mode() for vae in (whole, tiled))
        said = approximations(plan, 16, width, float8=False)
        assert torch.equal(one, other) is (said == ())
        assert said == approximations(plan, width, 16, float8=False)


def test_float8_is_an_approximation_only_where_nobody_asked_for_it() -> None:
    plan = MemoryPlan(float8=True, offloaded=True, encoders="on the CPU")
    assert approximations(plan, 720, 1280, float8=False) == ("float8 weights",)
    assert approximations(plan, 720, 1280, float8=True) == ()
    assert approximations(MemoryPlan(vae_tiled=True), 720, 1280, float8=True) == ("VAE in tiles",)
