"""Our loop gives what the stock pipeline gives, on the same tiny weights, seed and inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from tiny_wan import FACE_SIZE, make_tiny_checkpoint, open_tiny_pipeline

from understudy.inference.engines.wan.attention import use_kernel
from understudy.inference.engines.wan.loop import Controls, Sampling, SegmentLoop
from understudy.inference.engines.wan.noise import NoiseStream
from understudy.inference.engines.wan.spans import Span, mirrored

HEIGHT, WIDTH, LENGTH, SEED = 32, 48, 13, 7
SILENT = lambda *_: None  # noqa: E731
Mode = Literal["animate", "replace"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_checkpoint(tmp_path_factory.mktemp("tiny"), seed=3)


@pytest.fixture
def pipeline(checkpoint: Path) -> Any:
    return open_tiny_pipeline(checkpoint)


class Pictures:
    """A shot of noise: every pixel of every control matters."""

    def __init__(self, frames: int) -> None:
        generator = np.random.default_rng(frames)

        def drawn(height: int, width: int, *channels: int) -> NDArray[np.uint8]:
            return generator.integers(0, 256, (frames, height, width, *channels), np.uint8)

        self.frames = frames
        self.pose, self.background = drawn(HEIGHT, WIDTH, 3), drawn(HEIGHT, WIDTH, 3)
        self.faces = drawn(FACE_SIZE, FACE_SIZE, 3)
        self.generate = np.where(drawn(HEIGHT, WIDTH) > 127, 255, 0).astype(np.uint8)
        self.reference = Image.fromarray(generator.integers(0, 256, (40, 40, 3), np.uint8))

    def stock(self, mode: Mode) -> dict[str, Any]:
        """As the stock pipeline takes them: lists of 8-bit pictures."""
        given = {"pose_video": self.pose, "face_video": self.faces}
        if mode == "replace":
            given |= {"background_video": self.background, "mask_video": self.generate}
        return {name: [Image.fromarray(picture) for picture in pictures] for name, pictures in given.items()}

    def controls(self, span: Span, mode: Mode) -> Controls:
        """As ours takes them: tensors of one segment."""
        replace = mode == "replace"
        at = list(span.positions)
        return Controls(
            _signed(self.pose[at]),
            _signed(self.faces[at]),
            _signed(self.background[at]) if replace else None,
            (_signed(self.generate[at][..., None]) + 1) / 2 if replace else None,
        )


def _signed(pictures: NDArray[np.uint8]) -> torch.Tensor:
    codes = torch.from_numpy(pictures.astype(np.float32) / np.float32(255))
    return codes.permute(3, 0, 1, 2).unsqueeze(0) * 2 - 1


def stock_spans(frames: int, carried: int) -> list[Span]:
    """Cut a shot as the stock pipeline does: segments of one length, the last filled up by mirroring the shot."""
    spans: list[Span] = []
    start = 0
    while start + carried < frames:
        taken = carried if spans else 0
        positions = tuple(mirrored(position, frames) for position in range(start, start + LENGTH))
        spans.append(Span(len(spans), positions, taken, min(LENGTH - taken, frames - start - taken)))
        start += LENGTH - carried
    return spans


def by_stock(pipeline: Any, pictures: Pictures, mode: Mode, carried: int, sampling: Sampling) -> torch.Tensor:
    made = pipeline(
        image=pictures.reference, prompt="people dancing", negative_prompt="night", height=HEIGHT, width=WIDTH,
        segment_frame_length=LENGTH, num_inference_steps=sampling.steps, guidance_scale=sampling.guidance, mode=mode,
        prev_segment_conditioning_frames=carried, generator=torch.Generator().manual_seed(SEED), output_type="pt",
        **pictures.stock(mode),
    )  # fmt: skip
    return made.frames[0] * 2 - 1


def by_us(pipeline: Any, pictures: Pictures, mode: Mode, carried: int, sampling: Sampling) -> torch.Tensor:
    loop = SegmentLoop(pipeline, mode, (HEIGHT, WIDTH), sampling, torch.device("cpu"))
    shot = loop.encode_shot(pictures.reference, "people dancing", "night")
    spans = stock_spans(pictures.frames, carried)
    noise = NoiseStream(SEED, [loop.noise_shape(span) for span in spans])
    made, last = [], None
    for span in spans:
        pixels = loop.run(shot, span, pictures.controls(span, mode), noise.segment(span.index), last, SILENT)
        last = pixels[:, :, -carried:]
        made.append(pixels[:, :, : span.own])
    return torch.cat(made, dim=2)[0].transpose(0, 1)


@pytest.mark.parametrize("mode", ["animate", "replace"])
@pytest.mark.parametrize(
    ("frames", "carried", "segments"), [(2, 1, 1), (13, 1, 1), (30, 1, 3), (44, 1, 4), (13, 5, 1), (30, 5, 4)]
)
def test_a_shot_of_any_length_is_what_the_stock_pipeline_makes(
    pipeline: Any, mode: Mode, frames: int, carried: int, segments: int
) -> None:
    pictures, sampling = Pictures(frames), Sampling(steps=2)
    use_kernel(pipeline.transformer, "torch")
    ours = by_us(pipeline, pictures, mode, carried, sampling)
    assert len(stock_spans(frames, carried)) == segments
    assert ours.shape == (frames, 3, HEIGHT, WIDTH)
    assert ours.std() > 0.01
    torch.testing.assert_close(ours, by_stock(pipeline, pictures, mode, carried, sampling), rtol=0, atol=1e-5)


@pytest.mark.parametrize("mode", ["animate", "replace"])
def test_with_guidance_the_pass_without_text_and_face_is_the_stock_one_too(pipeline: Any, mode: Mode) -> None:
    pictures, sampling = Pictures(21), Sampling(steps=2, guidance=3.0)
    ours = by_us(pipeline, pictures, mode, 1, sampling)
    assert (ours - by_us(pipeline, pictures, mode, 1, Sampling(steps=2))).abs().max() > 1e-3
    torch.testing.assert_close(ours, by_stock(pipeline, pictures, mode, 1, sampling), rtol=0, atol=1e-5)


@pytest.mark.parametrize("control", ["pose", "faces", "background", "generate"])
def test_every_control_is_seen_in_the_picture(pipeline: Any, control: str) -> None:
    pictures = Pictures(5)
    before = by_us(pipeline, pictures, "replace", 1, Sampling(steps=2))
    setattr(pictures, control, 255 - getattr(pictures, control))
    assert (by_us(pipeline, pictures, "replace", 1, Sampling(steps=2)) - before).abs().max() > 1e-5


def test_when_a_step_says_stop_then_nothing_more_is_computed(pipeline: Any) -> None:
    class Stopped(Exception):
        pass

    told: list[tuple[int, int]] = []

    def step(done: int, total: int) -> None:
        told.append((done, total))
        if done == 1:
            raise Stopped

    pictures = Pictures(5)
    (span,) = stock_spans(5, 1)
    loop = SegmentLoop(pipeline, "replace", (HEIGHT, WIDTH), Sampling(steps=4), torch.device("cpu"))
    shot = loop.encode_shot(pictures.reference, "people", "")
    with pytest.raises(Stopped):
        loop.run(shot, span, pictures.controls(span, "replace"), torch.zeros(loop.noise_shape(span)), None, step)
    assert told == [(0, 4), (1, 4)]


def test_a_segment_made_again_alone_is_the_same_to_the_bit(pipeline: Any) -> None:
    pictures = Pictures(30)
    spans = stock_spans(30, 1)
    loop = SegmentLoop(pipeline, "replace", (HEIGHT, WIDTH), Sampling(steps=2), torch.device("cpu"))
    shot = loop.encode_shot(pictures.reference, "people", "")
    noise = NoiseStream(SEED, [loop.noise_shape(span) for span in spans])
    made, last = [], None
    for span in spans:
        made.append(loop.run(shot, span, pictures.controls(span, "replace"), noise.segment(span.index), last, SILENT))
        last = made[-1][:, :, -1:].clone()
    fresh = NoiseStream(SEED, [loop.noise_shape(span) for span in spans]).segment(2)
    again = loop.run(shot, spans[2], pictures.controls(spans[2], "replace"), fresh, made[1][:, :, -1:], SILENT)
    assert torch.equal(again, made[2])
