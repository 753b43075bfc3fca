"""The tiny checkpoint stands in for the real one: same classes, same folder, and no input that it does not hear."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the model's libraries: pip install 'understudy[wan]'")

from PIL import Image  # noqa: E402 - it comes with the model's libraries

FRAMES, SIZE, FACE_PIXELS = 9, 32, 16
HEARD = 1e-3
"""Of a picture from 0 to 1: far above what two orders of the same float32 sums differ by."""


def noise(seed: int, size: int = SIZE, mode: str = "RGB") -> list[Image.Image]:
    random = np.random.default_rng(seed)
    shape = (FRAMES, size, size, 3) if mode == "RGB" else (FRAMES, size, size)
    return [Image.fromarray(picture) for picture in random.integers(0, 256, shape, dtype=np.uint8)]


def inputs() -> dict[str, Any]:
    return {
        "image": noise(0)[0],
        "pose_video": noise(1),
        "face_video": noise(2, FACE_PIXELS),
        "background_video": noise(3),
        "mask_video": noise(4, mode="L"),
        "prompt": "a man dancing in the street",
    }


def generate(pipeline: Any, **changed: Any) -> Any:
    return pipeline(
        **{**inputs(), **changed}, mode="replace", height=SIZE, width=SIZE, segment_frame_length=FRAMES,
        num_inference_steps=2, generator=torch.Generator().manual_seed(3), output_type="pt",
    ).frames[0]  # fmt: skip


def test_when_the_stock_pipeline_opens_the_folder_then_every_input_changes_the_picture(checkpoint: Path) -> None:
    from tiny_wan import open_tiny_pipeline

    pipeline = open_tiny_pipeline(checkpoint)
    picture = generate(pipeline)
    assert picture.shape == (FRAMES, 3, SIZE, SIZE)
    others = {
        "image": noise(10)[0],
        "pose_video": noise(11),
        "face_video": noise(12, FACE_PIXELS),
        "background_video": noise(13),
        "mask_video": noise(14, mode="L"),
        "prompt": "a woman at night",
    }
    heard = {name: (generate(pipeline, **{name: other}) - picture).abs().max().item() for name, other in others.items()}
    assert min(heard.values()) > HEARD, heard


def test_when_the_seed_is_the_same_then_so_is_every_file(checkpoint: Path, tmp_path: Path) -> None:
    from tiny_wan import make_tiny_checkpoint

    def files(of: Path) -> dict[str, str]:
        return {
            str(path.relative_to(of)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in of.rglob("*.safetensors")
        }

    assert files(make_tiny_checkpoint(tmp_path / "again", seed=1)) == files(checkpoint)
    assert files(make_tiny_checkpoint(tmp_path / "other", seed=2)) != files(checkpoint)
