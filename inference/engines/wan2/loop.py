"""A segment of Wan-Animate-2, from the driver's pictures to the character's: encode, look, denoise, decode.

The same numbers as `WanAnimate2ModularPipeline` (diffusers 0.42) on the same weights, seed and inputs: its public
functions encode, this loop owns what happens between them. Only one segment is ever on the device. Pictures are
float32, -1 to 1, until a part takes them in its own type. One thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from diffusers.modular_pipelines.wan_animate_2.denoise import decode_vae
from diffusers.modular_pipelines.wan_animate_2.encoders import (
    clip_visual_encode,
    encode_vae,
    get_i2v_mask,
    get_t5_prompt_embeds,
)
from torch import Tensor

from understudy.inference.engines.wan.spans import Span
from understudy.inference.engines.wan2.model import (
    SKIPPED_UNGUIDED,
    Blocks,
    Guide,
    Reference,
    Shares,
    encode,
    encode_guide,
    extract,
    predict,
    use_our_attention,
)
from understudy.inference.weights.loading import Parts, Scheduler

Step: TypeAlias = Callable[[int, int], None]
"""Told before the reference pass and before every step how many are done of how many; raises to stop there."""

TEXT_TOKENS = 512
DRIVER_PROMPT = "人物动作的参考视频"
"""What the model was told of every driver ("a reference video of a person's actions"): the stock pipeline's default."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How noise becomes a picture. The defaults are those of the base model; the distilled one takes 10 and 1."""

    steps: int = 40
    guidance: float = 3.0
    """1 is off; above it every step costs twice."""


@dataclass(frozen=True, slots=True)
class Read:
    """What the two encoders make of a shot; they may rest after it."""

    text: Tensor
    negative: Tensor | None
    driver_text: Tensor
    character: Tensor
    driver: Tensor


@dataclass(frozen=True, slots=True)
class Shot:
    """What is encoded once a shot."""

    character: Tensor
    """(20, 1, latent height, latent width): mask and latents of the character's image."""
    guide: Guide
    unguided: Guide | None
    driver: Guide


def read_shot(parts: Parts, character: Tensor, first: Tensor, words: tuple[str, str], guided: bool) -> Read:
    """Return what the encoders say, where they stand. words: the prompt and the negative prompt.

    character, first: (3, height, width), -1 to 1: the character's image, letterboxed, and the driver's first picture.
    """
    device = torch.device(parts.placement.encoders_device)

    def read(said: str) -> Tensor:
        return get_t5_prompt_embeds(parts.text_encoder, parts.tokenizer, said, TEXT_TOKENS, device)

    def seen(picture: Tensor) -> Tensor:
        encoder = parts.image_encoder
        return clip_visual_encode(encoder, picture.to(device, torch.float32), device, encoder.dtype)

    prompt, negative = words
    with torch.no_grad():
        without = read(negative) if guided else None
        return Read(read(prompt), without, read(DRIVER_PROMPT), seen(character), seen(first))


class SegmentLoop:
    """Runs segments of one shot on one device. Holds nothing of a segment."""

    def __init__(
        self,
        parts: Parts,
        scheduler: Scheduler,
        size: tuple[int, int],
        sampling: Sampling,
        rest: torch.device | None = None,
        blocks: Blocks | None = None,
    ) -> None:
        """size: height, width, multiples of 16. rest: where the reference lies between steps, if not on the device.
        blocks: what runs the transformer's blocks, when not this GPU alone.
        """
        self._transformer, self._vae, self._scheduler = parts.transformer, parts.vae, scheduler
        self._size, self._sampling = size, sampling
        self._device = torch.device(parts.placement.device)
        self.rest = rest or self._device
        self.blocks = blocks
        self.shares: Shares | None = None
        """How the reference pass is shared out, where `blocks` shares the steps out."""
        self._pixels = 2 ** len(parts.vae.temperal_downsample)
        self._frames = 2 ** sum(parts.vae.temperal_downsample)
        self.stage = "encoding"
        """What `run` is at, by the names of memory_plan.stages: where it raises, this says in what."""
        use_our_attention(self._transformer)

    @torch.no_grad()
    def encode_shot(self, read: Read, character: Tensor) -> Shot:
        """Return the shot's encodings. character: as `read_shot` was given it."""
        transformer = self._transformer

        def guide(text: Tensor, image: Tensor) -> Guide:
            return encode_guide(transformer, *(made.to(self._device, transformer.dtype) for made in (text, image)))

        latents = encode_vae(self._vae, character.to(self._device, torch.float32)[None, :, None])
        return Shot(
            self._masked(latents, 1),
            guide(read.text, read.character),
            None if read.negative is None else guide(read.negative, read.character),
            guide(read.driver_text, read.driver),
        )

    @torch.no_grad()
    def run(self, shot: Shot, span: Span, driver: Tensor, noise: Tensor, carried: Tensor | None, step: Step) -> Tensor:
        """Return the span's pictures behind its carried ones, (1, 3, frames, height, width) float32, on the device.

        driver: (1, 3, frames of the span, height, width), on the CPU. noise: float32, as `noise_shape` says.
        carried: (1, 3, carried, height, width), the last pictures of the segment before; None for the first.
        """
        step(0, self._sampling.steps)
        self.stage = "encoding"
        conditions, looked = self._conditions(shot, span, carried), self._driver(driver)
        self.stage = "denoising"
        reference = extract(self._transformer, looked, shot.driver, self.rest, self.shares)
        latents = self._denoise(noise.to(self._device), conditions, shot, reference, step)
        del reference, conditions, looked
        self.stage = "decoding"
        pictures: Tensor = decode_vae(self._vae, latents[:, 1:].float())  # without the character's image
        return pictures[:, :, span.carried :].float()

    def noise_shape(self, span: Span) -> tuple[int, ...]:
        height, width = self._size
        latent_frames = span.latent_frames(self._frames) + 1  # the character's image comes first
        return (self._vae.config.z_dim, latent_frames, height // self._pixels, width // self._pixels)

    def _driver(self, driver: Tensor) -> Tensor:
        """Return the driver's latents and their condition, (36, latent frames, height, width)."""
        kind = self._transformer.dtype
        latents = encode_vae(self._vae, driver.to(self._device))
        return torch.cat([latents[0].to(kind), self._masked(latents, driver.shape[2]).to(kind)])

    def _conditions(self, shot: Shot, span: Span, carried: Tensor | None) -> Tensor:
        """Return (20, latent frames + 1, height, width): the character's image, what is taken over, then nothing."""
        known = torch.zeros((1, 3, span.length, *self._size), device=self._device)
        if carried is not None:
            known[:, :, : span.carried] = carried.to(self._device)
        latents = encode_vae(self._vae, known)
        return torch.cat([shot.character, self._masked(latents, span.carried)], dim=1)

    def _masked(self, latents: Tensor, frames: int) -> Tensor:
        """Return latents (1, 16, ...) as a condition (20, ...): above them the mask of how many pictures are known."""
        count, height, width = latents.shape[2:]
        mask = get_i2v_mask(count, height, width, frames, device=latents.device).to(latents.dtype)
        return torch.cat([mask, latents[0]])

    def _denoise(self, latents: Tensor, conditions: Tensor, shot: Shot, reference: Reference, step: Step) -> Tensor:
        transformer, kind = self._transformer, self._transformer.dtype
        guided, unguided = encode(shot.guide, reference), None
        if shot.unguided is not None:
            unguided = encode(shot.unguided, reference, SKIPPED_UNGUIDED)
        self._scheduler.set_timesteps(self._sampling.steps, device=self._device)
        times = self._scheduler.timesteps
        for done, time in enumerate(times):
            step(done, len(times))
            given = torch.cat([latents.to(kind), conditions.to(kind)])
            noise = predict(transformer, given, time.expand(1), guided, self.blocks)
            if unguided is not None:
                without = predict(transformer, given, time.expand(1), unguided, self.blocks)
                noise = without + self._sampling.guidance * (noise - without)
            latents = self._scheduler.step(noise[None], time, latents[None], return_dict=False)[0][0]
        return latents
