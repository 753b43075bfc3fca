"""A segment of Wan-Animate, from its controls to its pictures: encode, denoise, decode.

The same numbers as `WanAnimatePipeline` (diffusers 0.42) on the same weights, seed and inputs: its public parts prepare
the latents, this loop owns what happens between them. Only one segment is ever on the device. Tensors are float32, -1
to 1 for pictures and 0 to 1 for mattes, until a part takes them in its own type. One thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from understudy.inference.engines.wan.model import (
    Blocks,
    Encoded,
    Faces,
    Guide,
    encode,
    encode_faces,
    encode_guide,
    predict,
)
from understudy.inference.engines.wan.spans import Span

Pipeline: TypeAlias = Any
"""A WanAnimatePipeline: its modules, and its public methods that prepare latents."""
Step: TypeAlias = Callable[[int, int], None]
"""Told before every denoising step how many are done of how many; raises to stop there."""

BLANK_FACE = -1.0
"""What the unguided pass sees instead of a face: black, as the stock pipeline gives it."""
TEXT_TOKENS = 512
"""The length that the model was trained with; the attention counts its image tokens from it."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How noise becomes a picture. The defaults are the official ones."""

    steps: int = 20
    guidance: float = 1.0
    """Above 1 every step costs twice: it strengthens expression and text against a pass without either."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What drives one segment, on the CPU: a picture a frame of the span."""

    pose: Tensor
    """(1, 3, frames, height, width), the skeleton on black."""
    faces: Tensor
    """(1, 3, frames, 512, 512)."""
    background: Tensor | None = None
    """(1, 3, frames, height, width): mode replace, the plate where it stays and black or the clean plate elsewhere."""
    generate: Tensor | None = None
    """(1, 1, frames, height, width): mode replace, 1 where the model paints."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What encoders and VAE made of the reference and the words, in the transformer's type."""

    reference: Tensor
    """As in `Shot`."""
    image: Tensor
    """(1, 257, 1280)."""
    text: Tensor
    """(1, 512, 4096); `unguided` too."""
    unguided: Tensor | None


@dataclass(frozen=True, slots=True)
class Shot:
    """What is encoded once a shot."""

    reference: Tensor
    """(1, 20, 1, latent height, latent width): mask and latents of the character's image."""
    guide: Guide
    unguided: Guide | None


class SegmentLoop:
    """Runs segments of one shot on one device. Holds the shot's encodings and nothing of a segment."""

    def __init__(
        self,
        pipeline: Pipeline,
        mode: Literal["animate", "replace"],
        size: tuple[int, int],
        sampling: Sampling,
        device: torch.device,
        blocks: Blocks | None = None,
    ) -> None:
        """size: height, width, multiples of 16. blocks: what runs the transformer's blocks, when not this GPU alone."""
        self._pipeline, self._mode, self._size = pipeline, mode, size
        self._sampling, self._device, self.blocks = sampling, device, blocks
        self._transformer = pipeline.transformer
        self._blank: dict[int, Faces] = {}
        self.stage = "encoding"
        """What `run` is at, by the names of memory_plan.stages: where it raises, this says in what."""

    def encode_shot(self, image: Any, prompt: str, negative_prompt: str) -> Shot:
        """Return the shot's encodings. image: a PIL picture of the character, RGB; any size, letterboxed on black."""
        return self.guide(self.look(image, prompt, negative_prompt))

    @torch.no_grad()
    def look(self, image: Any, prompt: str, negative_prompt: str) -> Looked:
        """Return what the encoders see and read. The transformer may be elsewhere meanwhile."""
        pipeline, kind = self._pipeline, self._transformer.dtype
        height, width = self._size
        guided = self._sampling.guidance > 1
        text, unguided = pipeline.encode_prompt(
            prompt=prompt,
            negative_prompt=negative_prompt,
            do_classifier_free_guidance=guided,
            max_sequence_length=TEXT_TOKENS,
            device=self._device,
        )
        seen = pipeline.encode_image(image, self._device).to(kind)
        pixels = pipeline.vae_image_processor.preprocess(image, height=height, width=width, resize_mode="fill")
        reference = pipeline.prepare_reference_image_latents(
            pixels.to(self._device, torch.float32), device=self._device
        )
        return Looked(reference, seen, text.to(kind), unguided.to(kind) if guided else None)

    @torch.no_grad()
    def guide(self, looked: Looked) -> Shot:
        """Return what the blocks are told of that. The transformer must be where it computes."""
        guide = encode_guide(self._transformer, looked.text, looked.image)
        other = None if looked.unguided is None else encode_guide(self._transformer, looked.unguided, looked.image)
        return Shot(looked.reference, guide, other)

    @torch.no_grad()
    def run(
        self, shot: Shot, span: Span, controls: Controls, noise: Tensor, carried: Tensor | None, step: Step
    ) -> Tensor:
        """Return the span's pictures behind its carried ones, (1, 3, frames, height, width) float32, on the device.

        noise: float32, as `noise_shape` says. carried: (1, 3, carried, height, width), the last pictures of the
        segment before; None for the first.
        """
        self.stage = "encoding"
        encoded, blank, conditions = self._encode(shot, span, controls, carried)
        self.stage = "denoising"
        latents = self._denoise(noise.to(self._device), conditions, encoded, blank, step)
        del encoded, blank, conditions
        self.stage = "decoding"
        pictures = self._decode(latents)
        return pictures[:, :, span.carried :].float()

    def noise_shape(self, span: Span) -> tuple[int, ...]:
        height, width = self._size
        pipeline = self._pipeline
        spatial = pipeline.vae_scale_factor_spatial
        latent_frames = span.latent_frames(pipeline.vae_scale_factor_temporal) + 1  # the reference's comes first
        return (1, pipeline.vae.config.z_dim, latent_frames, height // spatial, width // spatial)

    def _encode(
        self, shot: Shot, span: Span, controls: Controls, carried: Tensor | None
    ) -> tuple[Encoded, Encoded | None, Tensor]:
        """Return what the model is told of the segment, with guidance and without, and the conditioning latents."""
        pipeline, transformer, device = self._pipeline, self._transformer, self._device
        kind = transformer.dtype
        pose = pipeline.prepare_pose_latents(controls.pose, device=device).to(kind)
        conditions = torch.cat([shot.reference, self._conditions(span, controls, carried)], dim=2)
        shape_only = torch.empty((1, 1, *conditions.shape[2:]), device=device)
        faces = encode_faces(transformer, controls.faces.to(device, kind))
        encoded = encode(transformer, shot.guide, faces, pose, shape_only)
        if shot.unguided is None:
            return encoded, None, conditions
        blank = encode(transformer, shot.unguided, self._blank_faces(controls.faces), pose, shape_only)
        return encoded, blank, conditions

    def _conditions(self, span: Span, controls: Controls, carried: Tensor | None) -> Tensor:
        height, width = self._size
        # The first segment of mode replace begins with the background's own first pictures; how many does not matter.
        count = span.carried or 1
        conditions: Tensor = self._pipeline.prepare_prev_segment_cond_latents(
            carried if carried is None else carried.to(self._device),
            background_video=_on(self._device, controls.background),
            mask_video=_on(self._device, controls.generate),
            segment_frame_length=span.length,
            start_frame=1 if span.carried else 0,
            height=height,
            width=width,
            prev_segment_cond_frames=count,
            task=self._mode,
            device=self._device,
        )
        return conditions

    def _denoise(
        self, latents: Tensor, conditions: Tensor, encoded: Encoded, blank: Encoded | None, step: Step
    ) -> Tensor:
        scheduler, kind = self._pipeline.scheduler, self._transformer.dtype
        scheduler.set_timesteps(self._sampling.steps, device=self._device)
        for done, time in enumerate(scheduler.timesteps):
            step(done, len(scheduler.timesteps))
            given = torch.cat([latents, conditions], dim=1).to(kind)
            noise = predict(self._transformer, given, time.expand(1), encoded, self.blocks)
            if blank is not None:
                without = predict(self._transformer, given, time.expand(1), blank, self.blocks)
                noise = without + self._sampling.guidance * (noise - without)
            latents = scheduler.step(noise, time, latents, return_dict=False)[0]
        return latents

    def _decode(self, latents: Tensor) -> Tensor:
        vae = self._pipeline.vae
        latents = latents[:, :, 1:].to(vae.dtype)  # without the reference's
        mean, spread = (
            torch.tensor(values, device=latents.device, dtype=latents.dtype).view(1, -1, 1, 1, 1)
            for values in (vae.config.latents_mean, vae.config.latents_std)
        )
        pictures: Tensor = vae.decode(latents / (1.0 / spread) + mean, return_dict=False)[0]
        return pictures

    def _blank_faces(self, faces: Tensor) -> Faces:
        frames = faces.shape[2]
        if frames not in self._blank:
            black = torch.full_like(faces, BLANK_FACE, device=self._device, dtype=self._transformer.dtype)
            self._blank = {frames: encode_faces(self._transformer, black)}
        return self._blank[frames]


def _on(device: torch.device, pictures: Tensor | None) -> Tensor | None:
    return None if pictures is None else pictures.to(device)
