"""Wan2.2-Animate at its real size with random weights, and inputs of its real shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanAnimatePipeline, WanAnimateTransformer3DModel
from torch import Tensor

from understudy.inference.engines.wan.loop import Controls, SegmentLoop, Shot
from understudy.inference.engines.wan.model import encode_guide

FRAMES = 77
TEXT_WIDTH, IMAGE_TOKENS, IMAGE_WIDTH = 4096, 257, 1280
KEPT_IN_FLOAT32 = ("time_embedder", "scale_shift_table", "norm1", "norm2", "norm3", "motion_synthesis_weight", "rope")
"""As diffusers keeps them when it loads the real checkpoint."""


@dataclass(frozen=True, slots=True)
class Size:
    name: str
    height: int
    width: int


SMALL, LARGE = Size("480p", 480, 832), Size("720p", 720, 1280)


def full_size_pipeline(device: torch.device, seed: int = 0) -> Any:
    """Return a WanAnimatePipeline of 17.3 billion random bfloat16 parameters, without text and image encoders."""
    torch.manual_seed(seed)
    transformer = full_size_transformer(device)
    with device, _default(torch.bfloat16):
        vae = AutoencoderKLWan()
    vae.eval().requires_grad_(False)
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0, num_train_timesteps=1000
    )
    return WanAnimatePipeline(
        tokenizer=None, text_encoder=None, vae=vae, scheduler=scheduler, image_processor=None, image_encoder=None,
        transformer=transformer,
    )  # fmt: skip


def full_size_transformer(device: torch.device) -> Any:
    with device, _default(torch.bfloat16):
        transformer = WanAnimateTransformer3DModel(added_kv_proj_dim=5120)
    for name, parameter in transformer.named_parameters():
        if any(part in name for part in KEPT_IN_FLOAT32):
            parameter.data = parameter.data.float()
    transformer.rope = type(transformer.rope)(128, (1, 2, 2), 1024).to(device)
    return transformer.eval().requires_grad_(False)


def shot_of(loop: SegmentLoop, pipeline: Any, size: Size, device: torch.device) -> Shot:
    """Return a shot of random text, image and reference."""
    words = torch.randn(1, 512, TEXT_WIDTH, device=device, dtype=torch.bfloat16)
    seen = torch.randn(1, IMAGE_TOKENS, IMAGE_WIDTH, device=device, dtype=torch.bfloat16)
    picture = torch.rand(1, 3, size.height, size.width, device=device) * 2 - 1
    with torch.no_grad():
        reference = pipeline.prepare_reference_image_latents(picture, device=device)
        return Shot(reference, encode_guide(pipeline.transformer, words, seen), None)


def controls_of(size: Size, frames: int = FRAMES) -> Controls:
    """Return random controls of mode replace, on the CPU."""
    generator = torch.Generator().manual_seed(1)

    def drawn(channels: int, height: int, width: int) -> Tensor:
        return torch.rand((1, channels, frames, height, width), generator=generator)

    return Controls(
        pose=drawn(3, size.height, size.width) * 2 - 1,
        faces=drawn(3, 512, 512) * 2 - 1,
        background=drawn(3, size.height, size.width) * 2 - 1,
        generate=(drawn(1, size.height, size.width) > 0.5).float(),
    )


class _default:  # noqa: N801 - used as a word in a with statement
    def __init__(self, kind: torch.dtype) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        self._before = torch.get_default_dtype()
        torch.set_default_dtype(self._kind)

    def __exit__(self, *_: object) -> None:
        torch.set_default_dtype(self._before)
