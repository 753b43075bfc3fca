"""Our loop gives what the stock modular pipeline gives, on the same tiny weights, seed and inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from tiny_wan2 import make_tiny_checkpoint_2, open_tiny_pipeline_2

from understudy.inference.engines.wan.noise import NoiseStream
from understudy.inference.engines.wan.spans import Span
from understudy.inference.engines.wan.step_cache import StepCache
from understudy.inference.engines.wan2.loop import Sampling, SegmentLoop, Shot, read_shot
from understudy.inference.engines.wan2.model import run_block
from understudy.inference.weights.catalogue import WAN_ANIMATE_2, WAN_ANIMATE_2_DISTILLED
from understudy.inference.weights.layout import check_layout
from understudy.inference.weights.loading import Parts, load_parts
from understudy.inference.weights.placement import ON_CPU

HEIGHT, WIDTH, LENGTH, SEED = 32, 48, 13, 7
PROMPT, NEGATIVE = "a woman dancing", "night"
UNFUSED = "ignore:flex_attention called without torch.compile"
"""The stock pipeline attends by it: slow without a compiler, and the same."""
SILENT = lambda *_: None  # noqa: E731
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_checkpoint_2(tmp_path_factory.mktemp("tiny2"), seed=3)


@pytest.fixture(scope="module")
def distilled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_checkpoint_2(tmp_path_factory.mktemp("tiny2-distilled"), seed=4, distilled=True)


@pytest.fixture
def parts(checkpoint: Path) -> Parts:
    return load_parts(check_layout(checkpoint, WAN_ANIMATE_2), ON_CPU)


class Pictures:
    """A driver and a character of noise: every pixel matters. 8 bits, as the stock pipeline takes them."""

    def __init__(self, frames: int) -> None:
        generator = np.random.default_rng(frames)
        self.frames = frames
        self.driver = generator.integers(0, 256, (frames, HEIGHT, WIDTH, 3), np.uint8)
        self.character = generator.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)

    def of(self, span: Span) -> torch.Tensor:
        return signed(self.driver[list(span.positions)])


def signed(pictures: NDArray[np.uint8]) -> torch.Tensor:
    codes = torch.from_numpy(pictures.astype(np.float32) / np.float32(255))
    return codes.permute(3, 0, 1, 2).unsqueeze(0) * 2 - 1


def stock_spans(frames: int) -> list[Span]:
    """Cut a shot as the stock pipeline does: segments of one length, the tail mirrored with its last frame twice."""
    spans: list[Span] = []
    for start in range(0, frames - 1, LENGTH - 1):
        taken = 1 if spans else 0
        positions = tuple(at if at < frames else 2 * frames - 1 - at for at in range(start, start + LENGTH))
        spans.append(Span(len(spans), positions, taken, min(LENGTH - taken, frames - start - taken)))
    return spans


def by_stock(folder: Path, pictures: Pictures, sampling: Sampling) -> torch.Tensor:
    pipeline = open_tiny_pipeline_2(folder)
    pipeline.guider.guidance_scale = sampling.guidance
    made = pipeline(
        image=Image.fromarray(pictures.character), driving_video=[Image.fromarray(one) for one in pictures.driver],
        prompt=PROMPT, negative_prompt=NEGATIVE, height=HEIGHT, width=WIDTH, segment_frame_length=LENGTH,
        num_inference_steps=sampling.steps, generator=torch.Generator().manual_seed(SEED), output_type="pt",
        output="videos",
    )  # fmt: skip
    return made[0] * 2 - 1


def open_loop(parts: Parts, pictures: Pictures, sampling: Sampling) -> tuple[SegmentLoop, Shot]:
    loop = SegmentLoop(parts, parts.scheduler, (HEIGHT, WIDTH), sampling)
    character, first = signed(pictures.character[None])[0, :, 0], signed(pictures.driver[:1])[0, :, 0]
    read = read_shot(parts, character, first, (PROMPT, NEGATIVE), guided=sampling.guidance > 1)
    return loop, loop.encode_shot(read, character)


def by_us(parts: Parts, pictures: Pictures, sampling: Sampling, spans: list[Span] | None = None) -> torch.Tensor:
    loop, shot = open_loop(parts, pictures, sampling)
    spans = spans or stock_spans(pictures.frames)
    noise = NoiseStream(SEED, [loop.noise_shape(span) for span in spans])
    made, last = [], None
    for span in spans:
        pixels = loop.run(shot, span, pictures.of(span), noise.segment(span.index), last, SILENT)
        last = pixels[:, :, -1:]
        made.append(pixels[:, :, : span.own])
    return torch.cat(made, dim=2)[0].transpose(0, 1)


@pytest.mark.filterwarnings(UNFUSED)
@pytest.mark.parametrize(("frames", "segments"), [(10, 1), (13, 1), (20, 2), (32, 3)])
def test_a_shot_of_any_length_is_what_the_stock_pipeline_makes(
    checkpoint: Path, parts: Parts, frames: int, segments: int
) -> None:
    pictures, sampling = Pictures(frames), Sampling(steps=2)
    ours = by_us(parts, pictures, sampling)
    assert len(stock_spans(frames)) == segments
    assert ours.shape == (frames, 3, HEIGHT, WIDTH)
    assert ours.std() > 0.01
    torch.testing.assert_close(ours, by_stock(checkpoint, pictures, sampling), rtol=0, atol=1e-5)


@pytest.mark.filterwarnings(UNFUSED)
def test_the_distilled_model_is_the_stock_one_too(distilled: Path) -> None:
    parts = load_parts(check_layout(distilled, WAN_ANIMATE_2_DISTILLED), ON_CPU)
    pictures, sampling = Pictures(20), Sampling(steps=3, guidance=1.0)
    torch.testing.assert_close(
        by_us(parts, pictures, sampling), by_stock(distilled, pictures, sampling), rtol=0, atol=1e-5
    )


def test_guidance_changes_the_picture(parts: Parts) -> None:
    pictures = Pictures(13)
    made = [by_us(parts, pictures, Sampling(steps=2, guidance=guidance)) for guidance in (1.0, 3.0)]
    assert (made[0] - made[1]).abs().max() > 1e-3


def test_every_input_is_seen_in_the_picture(parts: Parts) -> None:
    plain = by_us(parts, Pictures(13), Sampling(steps=2))
    for name in ("driver", "character"):
        changed = Pictures(13)
        setattr(changed, name, 255 - getattr(changed, name))
        assert (by_us(parts, changed, Sampling(steps=2)) - plain).abs().max() > 1e-4, name


def test_when_a_step_says_stop_then_nothing_more_is_computed(parts: Parts) -> None:
    class Stopped(Exception):
        pass

    told: list[tuple[int, int]] = []

    def step(done: int, total: int) -> None:
        told.append((done, total))
        if done == 1:
            raise Stopped

    pictures = Pictures(13)
    (span,) = stock_spans(13)
    loop, shot = open_loop(parts, pictures, Sampling(steps=4))
    with pytest.raises(Stopped):
        loop.run(shot, span, pictures.of(span), torch.zeros(loop.noise_shape(span)), None, step)
    assert told == [(0, 4), (0, 4), (1, 4)], "before the reference pass, and before each step"


def test_a_segment_made_again_alone_is_the_same_to_the_bit(parts: Parts) -> None:
    pictures, spans = Pictures(32), stock_spans(32)
    loop, shot = open_loop(parts, pictures, Sampling(steps=2))
    shapes = [loop.noise_shape(span) for span in spans]
    noise = NoiseStream(SEED, shapes)
    made, last = [], None
    for span in spans:
        made.append(loop.run(shot, span, pictures.of(span), noise.segment(span.index), last, SILENT))
        last = made[-1][:, :, -1:].clone()
    fresh = NoiseStream(SEED, shapes).segment(2)
    again = loop.run(shot, spans[2], pictures.of(spans[2]), fresh, made[1][:, :, -1:], SILENT)
    assert torch.equal(again, made[2])


def test_steps_can_be_foretold_with_guidance_too(parts: Parts) -> None:
    pictures, (span,) = Pictures(13), stock_spans(13)
    loop, shot = open_loop(parts, pictures, Sampling(steps=3))
    noise = NoiseStream(SEED, [loop.noise_shape(span)]).segment(0)
    exact = loop.run(shot, span, pictures.of(span), noise, None, SILENT)
    loop.blocks = cache = StepCache(1e9, 4, run_block)
    made = loop.run(shot, span, pictures.of(span), noise, None, SILENT)
    assert cache.computed == [0, 0, 1, 1]
    assert 0 < (made - exact).norm() / exact.norm() < 0.5


def test_what_is_taken_over_is_seen_in_the_picture(parts: Parts) -> None:
    pictures, span = Pictures(20), stock_spans(20)[1]
    loop, shot = open_loop(parts, pictures, Sampling(steps=2))
    noise = NoiseStream(SEED, [loop.noise_shape(span)]).segment(0)
    black, white = (
        loop.run(shot, span, pictures.of(span), noise, torch.full((1, 3, 1, HEIGHT, WIDTH), level), SILENT)
        for level in (-1.0, 1.0)
    )
    assert black.shape[2] == LENGTH - 1
    assert (black - white).abs().max() > 1e-4
