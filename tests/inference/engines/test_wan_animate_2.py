"""Wan-Animate-2 behind the engine door: whole jobs on a small checkpoint of the official classes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import tiny_wan2
from spine_rig import Told, gathered, order_of
from tiny_wan2 import make_tiny_checkpoint_2
from wan_shot import FIRST, HEIGHT, WIDTH, draw_wan_shot, header, layer, run

from understudy.bridge.errors import Finding, JobCancelled
from understudy.bridge.options import JobOptions
from understudy.bridge.shot import Settings
from understudy.inference.engines.roster import describe_for
from understudy.inference.engines.wan.spans import span_of
from understudy.inference.segments import plan_segments
from understudy.inference.work_order import WorkerFrame, WorkOrder
from understudy.inference.worker import Reporter, perform

SMALL = ["steps=2", "segment_frames=9"]
LAYERS = ("beauty", "character", "matte")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_checkpoint_2(tmp_path_factory.mktemp("weights2"), seed=1)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UNDERSTUDY_WEIGHTS", str(checkpoint))


def order(options: JobOptions, folder: Path, *more: str, **changed: Any) -> WorkOrder:
    """Return the order of an animate job that the shot's plate drives."""
    animate: dict[str, Any] = {
        "engine": "wan-animate-2", "mode": "animate", "matte": None, "keypoints": None, "format": "64x96",
        "prompt": "a woman dancing",
    }  # fmt: skip
    return order_of(gathered(options, **{**animate, "option": [*SMALL, *more], **changed}), folder)


def test_when_the_model_is_not_here_then_the_job_fails_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_WEIGHTS", str(tmp_path / "nothing"))
    end, told = run(order(draw_wan_shot(tmp_path / "shot", 3), tmp_path / "out"))
    assert end.state == "failed"
    assert end.error is not None
    assert "understudy weights pull wan2.2-animate-2-14b" in end.error.remedy
    assert not told.of(WorkerFrame)
    assert not list((tmp_path / "out").rglob("*.exr"))


def test_when_the_folder_is_of_the_other_model_then_both_are_named(tmp_path: Path) -> None:
    end, _ = run(order(draw_wan_shot(tmp_path / "shot", 2), tmp_path / "out", "model=distilled"))
    assert end.state == "failed"
    assert end.error is not None
    assert "says WanAnimate2Blocks" in end.error.message
    assert "Wan2.2-Animate-2-14B-Distilled-Diffusers" in end.error.remedy


@pytest.mark.parametrize("frames", [1, 2, 8, 9, 10, 17, 18])
def test_as_many_frames_come_back_as_went_in_under_their_own_numbers(tmp_path: Path, frames: int) -> None:
    end, told = run(order(draw_wan_shot(tmp_path / "shot", frames), tmp_path / "out"))
    assert end.state == "delivered", end.error
    expected = list(range(FIRST, FIRST + frames))
    assert [message.frame for message in told.of(WorkerFrame)] == expected
    for name in LAYERS:
        files = sorted((tmp_path / "out" / "v001" / name).glob("*.exr"))
        assert [int(path.name.split(".")[-2]) for path in files] == expected
    assert layer(tmp_path / "out", "beauty", FIRST).shape == (HEIGHT, WIDTH, 3)


def test_segments_of_81_come_back_whole_too(tmp_path: Path) -> None:
    end, told = run(order(draw_wan_shot(tmp_path / "shot", 82), tmp_path / "out", option=["steps=1"], format="32x32"))
    assert end.state == "delivered", end.error
    assert len(told.of(WorkerFrame)) == 82


@pytest.mark.parametrize("count", [1, 2, 80, 81, 82, 161, 162, 1000])
def test_every_frame_is_in_one_segment_of_a_length_that_the_model_takes(count: int) -> None:
    frames = tuple(range(FIRST, FIRST + count))
    segments = plan_segments(frames, describe_for(Settings(engine="wan-animate-2", mode="animate", seed=1)).segment)
    spans = [span_of(segment, frames) for segment in segments]
    assert sum(span.own for span in spans) == count
    assert all(span.length % 4 == 1 and span.length <= 81 for span in spans)
    assert [span.carried for span in spans] == [0] + [1] * (len(spans) - 1)


def test_every_file_names_the_model_by_digest_and_the_trained_source_type(tmp_path: Path) -> None:
    run(order(draw_wan_shot(tmp_path / "shot", 2), tmp_path / "out"))
    said = header(tmp_path / "out", "beauty", FIRST)
    assert len(json.loads(said["understudy/weights"])["wan2.2-animate-2-14b"]) == 64
    assert said["understudy/digital_source_type"].endswith("rainedAlgorithmicMedia")
    assert '"steps":"2"' in said["understudy/settings"]


def test_when_the_rate_is_not_the_models_and_nothing_is_described_then_both_are_told(tmp_path: Path) -> None:
    end, told = run(order(draw_wan_shot(tmp_path / "shot", 2), tmp_path / "out", rate="25", prompt=""))
    assert end.state == "delivered", end.error
    found = {finding.rule: finding for message in told for finding in findings_of(message)}
    assert "this shot has 25" in found["native_rate"].message
    assert "--prompt" in found["prompt"].remedy


def findings_of(message: Any) -> tuple[Finding, ...]:
    return tuple(getattr(message, "findings", ()) or ())


def test_when_it_is_cancelled_then_no_further_segment_is_made_and_finished_frames_stay(tmp_path: Path) -> None:
    told = Told()
    reporter: Reporter

    def tell(message: Any) -> None:
        told.append(message)
        if isinstance(message, WorkerFrame):
            reporter.stop(JobCancelled("enough"))

    reporter = Reporter(tell)
    end = perform(order(draw_wan_shot(tmp_path / "shot", 18), tmp_path / "out"), reporter)
    assert end.state == "cancelled"
    assert 1 <= len(told.of(WorkerFrame)) < 18
    assert [path.name[-8:-4] for path in tmp_path.rglob("carried-*.npy")] == ["0000"]


KILLED = """
import os, signal, sys
from pathlib import Path
import msgspec
import tiny_wan2  # keeps torch on one core
from understudy.inference.work_order import WorkOrder, WorkerFrame
from understudy.inference.worker import Reporter, perform
order = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=WorkOrder)
def tell(message):
    if isinstance(message, WorkerFrame) and message.frame == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
perform(order, Reporter(tell))
"""


def test_a_job_that_was_killed_goes_on_from_the_last_segment_with_the_same_bits(tmp_path: Path) -> None:
    options = draw_wan_shot(tmp_path / "shot", 12)
    whole, _ = run(order(options, tmp_path / "whole"))
    assert whole.state == "delivered", whole.error
    broken = order(options, tmp_path / "broken")
    (tmp_path / "order.json").write_bytes(msgspec.json.encode(broken))
    rigs = {**os.environ, "PYTHONPATH": str(Path(tiny_wan2.__file__).parent)}
    said = [sys.executable, "-c", KILLED, str(tmp_path / "order.json"), str(FIRST + 9)]
    done = subprocess.run(said, check=False, env=rigs)
    assert done.returncode == -signal.SIGKILL
    (kept,) = (tmp_path / "broken").rglob("carried-*-0000.npy")
    before, seen = kept.stat().st_mtime_ns, []

    def tell(message: Any) -> None:
        if isinstance(message, WorkerFrame):
            seen.append(kept.stat().st_mtime_ns)

    end = perform(broken, Reporter(tell))
    assert end.state == "delivered", end.error
    assert set(seen) == {before}, "the first segment is not made again"
    for name in LAYERS:
        for frame in range(FIRST, FIRST + 12):
            one, other = layer(tmp_path / "whole", name, frame), layer(tmp_path / "broken", name, frame)
            assert np.array_equal(one.view(np.uint16), other.view(np.uint16)), (name, frame)
