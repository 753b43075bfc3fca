"""One look of the Wan-Animate transformer at a segment, with everything that stays the same over the steps taken out.

The stock model encodes faces, text, pose and positions anew at every denoising step, though only the latents and the
time change. `encode` makes those once a segment; `predict` then does the same sums as
`WanAnimateTransformer3DModel.forward` (diffusers 0.42). What happens between the embedding
and the output is a `Blocks`, so that step caches and several GPUs can take that part over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

Transformer: TypeAlias = Any
"""A WanAnimateTransformer3DModel; its type says of its parts no more than "tensor or module"."""


@dataclass(frozen=True, slots=True)
class Faces:
    """The driver's expressions as the face adapters read them: (1, latent frames + 1, heads + 1, width)."""

    tokens: Tensor


@dataclass(frozen=True, slots=True)
class Guide:
    """What text and reference say: (1, image tokens + text tokens, width). Once a shot."""

    tokens: Tensor


@dataclass(frozen=True, slots=True)
class Encoded:
    """Everything of a segment that does not change from step to step."""

    guide: Guide
    faces: Faces
    pose: Tensor
    """(1, width, latent frames, rows, columns): the skeleton after its patch embedding."""
    positions: tuple[Tensor, Tensor]
    """Cosines and sines of the rotary embedding, (1, tokens, 1, head width) each."""
    grid: tuple[int, int, int]
    """Latent frames with the reference's, rows, columns: how the tokens lie."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of one step, embedded."""

    embedded: Tensor
    modulation: Tensor
    """(1, 6, width): shift, scale and gate of attention and of the feed-forward."""


Blocks: TypeAlias = Callable[[Transformer, Tensor, Encoded, Moment], Tensor]
"""Tokens (1, tokens, width) in, tokens out: all transformer blocks with their face adapters."""
OneBlock: TypeAlias = Callable[[Transformer, int, Tensor, Encoded, Moment], Tensor]
"""The same for the block of a number."""


def encode_guide(transformer: Transformer, text: Tensor, image: Tensor) -> Guide:
    """Return what conditions every block. text: (1, 512, 4096) of umT5; image: (1, 257, 1280) of CLIP."""
    embedder = transformer.condition_embedder
    return Guide(torch.concat([embedder.image_embedder(image), embedder.text_embedder(text)], dim=1))


def encode_faces(transformer: Transformer, faces: Tensor, batch: int | None = None) -> Faces:
    """Return the expressions of a segment. faces: (1, 3, frames, 512, 512), -1 to 1, in the transformer's dtype.

    batch: how many pictures at once; less needs less memory and gives the same.
    """
    pictures = faces.permute(0, 2, 1, 3, 4).flatten(0, 1)
    motion = torch.cat(
        [
            transformer.motion_encoder(some)
            for some in torch.split(pictures, batch or transformer.config.motion_encoder_batch_size)
        ]
    )
    tokens = transformer.face_encoder(motion.view(1, len(pictures), -1))
    return Faces(torch.cat([torch.zeros_like(tokens[:, :1]), tokens], dim=1))  # the reference's frame has no face


def encode(transformer: Transformer, guide: Guide, faces: Faces, pose: Tensor, latents: Tensor) -> Encoded:
    """Return a segment's constants. pose: (1, 16, latent frames, height, width); latents: as `predict` takes them."""
    _, rows, columns = transformer.config.patch_size
    grid = (latents.shape[2], latents.shape[3] // rows, latents.shape[4] // columns)
    return Encoded(guide, faces, transformer.pose_patch_embedding(pose), transformer.rope(latents), grid)


def predict(
    transformer: Transformer, latents: Tensor, time: Tensor, encoded: Encoded, blocks: Blocks | None = None
) -> Tensor:
    """Return the predicted noise (1, 16, latent frames + 1, height, width) of one step.

    latents: (1, 36, latent frames + 1, height, width), noise and conditions, in the transformer's dtype; time: (1,).
    """
    moment = embed_time(transformer, time, encoded.guide.tokens.dtype)
    tokens = (blocks or run_blocks)(transformer, embed(transformer, latents, encoded), encoded, moment)
    return _to_latents(transformer, tokens, encoded, moment)


def embed(transformer: Transformer, latents: Tensor, encoded: Encoded) -> Tensor:
    """Return the tokens (1, tokens, width): patches, with the skeleton laid over all but the reference's."""
    patches: Tensor = transformer.patch_embedding(latents)
    patches[:, :, 1:] += encoded.pose
    return patches.flatten(2).transpose(1, 2).contiguous()  # one layout for all sizes: compiled blocks stay compiled


def embed_time(transformer: Transformer, time: Tensor, dtype: torch.dtype) -> Moment:
    embedder = transformer.condition_embedder
    waves = embedder.timesteps_proj(time).to(embedder.time_embedder.linear_1.weight.dtype)
    embedded = embedder.time_embedder(waves).to(dtype)
    return Moment(embedded, embedder.time_proj(embedder.act_fn(embedded)).unflatten(1, (6, -1)))


def run_blocks(
    transformer: Transformer,
    tokens: Tensor,
    encoded: Encoded,
    moment: Moment,
    one: OneBlock | None = None,
) -> Tensor:
    """Run the blocks one after another; `one` runs each, on this GPU alone unless said otherwise."""
    for number in range(len(transformer.blocks)):
        tokens = (one or run_block)(transformer, number, tokens, encoded, moment)
    return tokens


def run_block(transformer: Transformer, number: int, tokens: Tensor, encoded: Encoded, moment: Moment) -> Tensor:
    """Run one block and, behind every fifth, its face adapter."""
    tokens = transformer.blocks[number](tokens, encoded.guide.tokens, moment.modulation, encoded.positions)
    every = transformer.config.inject_face_latents_blocks
    if number % every == 0:
        tokens = transformer.face_adapter[number // every](tokens, encoded.faces.tokens) + tokens
    return tokens


def _to_latents(transformer: Transformer, tokens: Tensor, encoded: Encoded, moment: Moment) -> Tensor:
    table: Tensor = transformer.scale_shift_table
    shift, scale = (table + moment.embedded.unsqueeze(1)).chunk(2, dim=1)
    normal = (transformer.norm_out(tokens.float()) * (1 + scale) + shift).to(tokens.dtype)
    patches: Tensor = transformer.proj_out(normal).unflatten(1, encoded.grid)
    frames, rows, columns = transformer.config.patch_size
    patches = patches.view(1, *encoded.grid, frames, rows, columns, -1)  # batch, T, H, W, t, h, w, channels
    return patches.permute(0, 7, 1, 4, 2, 5, 3, 6).flatten(6, 7).flatten(4, 5).flatten(2, 3)
