"""The transformer of Wan-Animate-2: the reference pass over the driver, and one look at a segment.

Text and image are embedded once, where `WanAnimate2Transformer3DModel.forward` (diffusers 0.42) does so at every step;
what comes out is the same but for the order in which attention sums (`attention.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from understudy.inference.engines.wan2.attention import (
    BlockReference,
    Grid,
    Positions,
    ReferenceAttention,
    positions_of,
)

Transformer: TypeAlias = Any
"""A WanAnimate2Transformer3DModel; its type says of its parts no more than "tensor or module"."""

SKIPPED_UNGUIDED = 9
"""The block that the pass without guidance leaves out: a fixed number in the stock model."""
REFERENCE_TIME = 1.0
"""The time at which the reference pass looks at the driver: almost clean. Fixed in the stock model too."""


@dataclass(frozen=True, slots=True)
class Guide:
    """What conditions every block, embedded: text (1, 512, width) and image (1, 257, width). Once a shot."""

    text: Tensor
    image: Tensor


@dataclass(frozen=True, slots=True)
class Reference:
    """The driver's segment as the blocks see it."""

    blocks: tuple[BlockReference, ...]


def use_our_attention(transformer: Transformer) -> None:
    """Have every block attend as `attention.py` says. The stock forward pass cannot be used after it."""
    for block in transformer.blocks:
        block.self_attn.set_processor(ReferenceAttention())


def encode_guide(transformer: Transformer, text: Tensor, image: Tensor) -> Guide:
    """text: (1, 512, 4096) of umT5, zeros behind its end; image: (1, 257, 1280) of CLIP; in the transformer's dtype."""
    return Guide(transformer.text_embedding(text), transformer.img_emb(image))


def extract(transformer: Transformer, driver: Tensor, guide: Guide, rest: torch.device) -> Reference:
    """Return the reference of a segment. driver: (36, latent frames, height, width), latents and their condition."""
    tokens, grid = _embed(transformer, driver)
    time = torch.full((1,), REFERENCE_TIME, device=driver.device, dtype=driver.dtype)
    reference = Reference(tuple(BlockReference(rest) for _ in transformer.blocks))
    positions = _positions(transformer, grid, _offsets(transformer, grid), transformer.config.refer_stride)
    _run(transformer, tokens, _embed_time(transformer, time)[1], guide, reference, "extract", positions, grid)
    return reference


def predict(
    transformer: Transformer,
    latents: Tensor,
    time: Tensor,
    guide: Guide,
    reference: Reference,
    skipped: int | None = None,
) -> Tensor:
    """Return the predicted noise of one step, (16, latent frames + 1, height, width) float32.

    latents: (36, latent frames + 1, height, width), noise and condition, in the transformer's dtype; time: (1,).
    """
    tokens, grid = _embed(transformer, latents)
    embedded, modulation = _embed_time(transformer, time)
    positions = _positions(transformer, grid, (0, 0, 0), 1)
    tokens = _run(transformer, tokens, modulation, guide, reference, "cached", positions, grid, skipped)
    noise: Tensor = transformer.unpatchify(transformer.head(tokens, embedded), torch.tensor([grid]))[0]
    return noise.float()


def _run(
    transformer: Transformer,
    tokens: Tensor,
    modulation: Tensor,
    guide: Guide,
    reference: Reference,
    mode: str,
    positions: Positions,
    grid: Grid,
    skipped: int | None = None,
) -> Tensor:
    for number, block in enumerate(transformer.blocks):
        if number == skipped:
            continue
        tokens = block(
            tokens,
            temb=modulation,
            encoder_hidden_states=guide.text,
            encoder_hidden_states_image=guide.image,
            kv_cache=reference.blocks[number],
            kv_cache_mode=mode,
            rotary_emb=positions,
            grid_sizes=grid,
        )
    return tokens


def _embed(transformer: Transformer, latents: Tensor) -> tuple[Tensor, Grid]:
    patches: Tensor = transformer.patch_embedding(latents[None])
    frames, rows, columns = patches.shape[2:]
    return patches.flatten(2).transpose(1, 2), (frames, rows, columns)


def _embed_time(transformer: Transformer, time: Tensor) -> tuple[Tensor, Tensor]:
    """Return the time as the head and as the blocks take it: (1, width) and (1, 6, width)."""
    kind = next(transformer.time_embedding.parameters()).dtype
    embedded = transformer.time_embedding(transformer.timesteps_proj(time).to(kind))
    return embedded, transformer.time_projection(embedded).unflatten(1, (6, -1))


def _positions(transformer: Transformer, grid: Grid, offsets: Grid, stride: int) -> Positions:
    width = transformer.config.dim // transformer.config.num_heads
    return positions_of(grid, width, offsets, stride, transformer.patch_embedding.weight.device)


def _offsets(transformer: Transformer, grid: Grid) -> Grid:
    """Return where the driver's tokens stand beside the segment's; -1 in the config means behind the grid's end."""
    config = transformer.config
    said = (config.refer_offset_t, config.refer_offset_h, config.refer_offset_w)
    time, row, column = (offset if offset >= 0 else size for offset, size in zip(said, grid, strict=True))
    return time, row, column
