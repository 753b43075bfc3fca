"""A shot of Wan-Animate-2 with less memory than it wants, on a lost GPU, on two processes, with LoRAs and in float8."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tiny_lora import random_pairs, save_diffusers
from tiny_wan2 import make_tiny_checkpoint_2, tiny_transformer_2
from wan_shot import FULL, GONE, fails

from understudy.bridge.errors import EngineError, Finding, JobParked, WeightsError
from understudy.bridge.shot import Settings
from understudy.inference.engines.door import EarlierVersion, Footage, process_is_spent
from understudy.inference.engines.roster import describe_for
from understudy.inference.engines.wan.lessons import read_lessons
from understudy.inference.engines.wan2 import loop, shot_model
from understudy.inference.engines.wan_animate_2 import WanAnimate2Engine
from understudy.inference.segments import plan_segments
from understudy.inference.weights.catalogue import WAN_ANIMATE_2
from understudy.inference.weights.layout import check_layout
from understudy.inference.weights.loading import encoders_awake, load_parts
from understudy.inference.weights.lora_files import Pair
from understudy.inference.weights.placement import Placement

HEIGHT, WIDTH, FRAMES = 32, 48, 12
CALLS_A_SEGMENT = 2  # one step of two passes
CHANGES = {"loras": "style:0.5", "float8": "on", "step_cache": "1", "steps": "3"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_tiny_checkpoint_2(tmp_path_factory.mktemp("weights2"), seed=1)
    (folder / "loras").mkdir()
    save_diffusers(folder / "loras" / "style.safetensors", random_pairs(tiny_transformer_2(), seed=3))
    faces = {"face_adapter.0.to_q": Pair(torch.zeros(4, 24), torch.zeros(24, 4))}
    save_diffusers(folder / "loras" / "faces.safetensors", faces)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("UNDERSTUDY_HOME", str(tmp_path_factory.mktemp("home")))
        environment.setenv("UNDERSTUDY_WEIGHTS", str(checkpoint))
        yield


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    process_is_spent.clear()  # as a fresh process has it


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the plain shot keeps what a redo goes on from."""
    return tmp_path_factory.mktemp("plain")


@pytest.fixture(scope="module")
def plain(kept: Path) -> NDArray[np.float32]:
    """Return the shot as it is made with nothing in the way."""
    made, _ = make(shot(kept))
    return made


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[NDArray[np.float32], Watching]:
    """Return the shot made with all that changes the picture."""
    return make(shot(tmp_path_factory.mktemp("changed"), **CHANGES))


class Watching:
    """Notes findings."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def step(self, stage: str, done: int, total: int) -> None:
        """Nobody stops it."""

    def found(self, finding: Finding) -> None:
        self.findings.append(finding)

    def of(self, rule: str) -> list[str]:
        return [finding.message for finding in self.findings if finding.rule == rule]


def shot(scratch: Path, **options: str) -> Footage:
    generator = np.random.default_rng(5)
    driver = generator.random((FRAMES, HEIGHT, WIDTH, 3), np.float32)
    said = {"steps": "1", "segment_frames": "9", **options}
    return Footage(
        mode="animate", frames=tuple(range(1, FRAMES + 1)), height=HEIGHT, width=WIDTH, rate=Fraction(24),
        settings=Settings(engine="wan-animate-2", mode="animate", seed=7, engine_options=said, prompt="a woman"),
        reference=generator.random((HEIGHT, WIDTH, 4), np.float32), reference_has_alpha=False,
        plate=lambda frame: driver[frame - 1], matte=None, clean_plate=None, holdout=None, keypoints=None,
        scratch=scratch, carried=scratch,
    )  # fmt: skip


def make(footage: Footage, skipped: int = 0) -> tuple[NDArray[np.float32], Watching]:
    """Return the shot's pictures, from the segment behind those that are skipped, and what was told."""
    engine, watching = WanAnimate2Engine(), Watching()
    try:
        engine.prepare(footage, watching)
        segments = plan_segments(footage.frames, describe_for(footage.settings).segment)[skipped:]
        frames = [frame for segment in segments for frame in engine.generate(segment, watching)]
    finally:
        engine.close()
    assert [frame.frame for frame in frames] == [number for segment in segments for number in segment.frames]
    return np.stack([frame.picture for frame in frames if frame.picture is not None]), watching


def test_wherever_memory_runs_out_it_is_made_again_with_less_and_with_the_same_bits(
    tmp_path: Path, plain: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shot_model, "open_model", fails(shot_model.open_model, FULL, {1}))
    monkeypatch.setattr(loop, "extract", fails(loop.extract, FULL, {1}))
    monkeypatch.setattr(loop, "predict", fails(loop.predict, FULL, {CALLS_A_SEGMENT + 1}))
    made, told = make(shot(tmp_path))
    loading, looking, stepping = told.of("memory_step_down")
    assert "while the model was loaded" in loading
    assert "encoders in turn" in loading
    assert "in segment 1 of 2 (denoising)" in looking
    assert "the reference in CPU memory" in looking
    assert "blocks from CPU memory" not in looking
    assert "in segment 2 of 2 (denoising)" in stepping
    assert "the reference in CPU memory, VAE in tiles, blocks from CPU memory" in stepping
    assert np.array_equal(made, plain)
    known = read_lessons(tmp_path).plan
    assert known is not None
    assert (known.reference_rests, known.offloaded) == (True, True)


def test_when_no_way_takes_less_then_what_to_ask_for_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "predict", fails(loop.predict, FULL, set(range(1, 100))))
    with pytest.raises(EngineError, match=r"even at its most frugal") as raised:
        make(shot(tmp_path, segment_frames="33"))
    assert "segment_frames=13" in raised.value.remedy
    assert "preset=draft" in raised.value.remedy
    assert "float8=allowed" in raised.value.remedy


def test_a_segment_made_again_goes_on_from_the_kept_one_and_with_the_same_seed_has_the_same_bits(
    tmp_path: Path, kept: Path, plain: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fails(loop.predict, RuntimeError("the kept segment is made again"), {CALLS_A_SEGMENT + 1})
    monkeypatch.setattr(loop, "predict", asked)
    earlier = EarlierVersion(carried=kept, kept=frozenset({0}), repeatable=False)
    made, _ = make(replace(shot(tmp_path), earlier=earlier), skipped=1)
    assert np.array_equal(made, plain[-len(made) :])


def test_encoders_and_blocks_can_take_turns_in_a_model_without_face_adapters(checkpoint: Path) -> None:
    parts = load_parts(check_layout(checkpoint, WAN_ANIMATE_2), Placement(encoders_in_turn=True))
    with encoders_awake(parts):
        assert next(parts.transformer.blocks.parameters()).device.type == "cpu"


def test_when_the_gpu_is_lost_then_the_job_is_parked_and_the_process_is_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "predict", fails(loop.predict, GONE, {2}))
    with pytest.raises(JobParked, match="illegal memory access") as raised:
        make(shot(tmp_path))
    assert "goes on by itself" in raised.value.remedy
    assert process_is_spent.is_set()


def test_when_a_lora_does_not_fit_then_the_layer_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"would change face_adapter\.0\.to_q, which is no linear layer"):
        make(shot(tmp_path, loras="faces"))


def test_what_changes_the_picture_is_said_and_a_lora_is_named_by_digest(
    tmp_path: Path, plain: NDArray[np.float32], changed: tuple[NDArray[np.float32], Watching]
) -> None:
    made, told = changed
    assert np.abs(made - plain).max() > 1e-3
    assert len(told.of("approximate")) == 2
    digests = WanAnimate2Engine().weights(shot(tmp_path, **CHANGES).settings, Watching())
    assert sorted(digests) == ["style.safetensors x 0.5", "wan2.2-animate-2-14b"]


def test_two_processes_make_what_one_makes(
    tmp_path: Path, changed: tuple[NDArray[np.float32], Watching], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_GPUS_PER_SLOT", "2")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    made, _ = make(shot(tmp_path, **CHANGES))
    assert np.abs(made - changed[0]).max() <= 1e-5
    assert not process_is_spent.is_set()
