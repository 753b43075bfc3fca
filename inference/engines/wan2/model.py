"""The transformer of Wan-Animate-2: the reference pass over the driver, and one look at a segment.

Text and image are embedded once, where `WanAnimate2Transformer3DModel.forward` (diffusers 0.42) does so at every step;
what comes out is the same but for the order in which attention sums (`attention.py`). What happens between the
embedding and the output is a `Blocks`, so that step caches and several GPUs can take that part over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor

from understudy.inference.engines.wan.acceleration import uncompiled
from understudy.inference.engines.wan.attention import PYTORCH, Exchange
from understudy.inference.engines.wan.model import Moment
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
    """The driver's segment as the blocks see it, and where the tokens of the character's segment stand beside it."""

    blocks: tuple[BlockReference, ...]
    positions: Positions
    grid: Grid
    """Of the character's segment: one latent frame more than the driver's."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """What does not change over the steps of one pass."""

    guide: Guide
    reference: Reference
    positions: Positions
    """Of the tokens that this process has."""
    skipped: int | None = None
    """A block that is left out."""


Blocks: TypeAlias = Callable[[Transformer, Tensor, Encoded, Moment], Tensor]
"""Tokens (1, tokens, width) in, tokens out: all transformer blocks."""


class Shares(Protocol):
    """How the tokens of a pass are shared out to several processes."""

    def own(self, tokens: Tensor, positions: Positions) -> tuple[Tensor, Positions]:
        """Return this process' tokens and where they stand."""


def use_our_attention(transformer: Transformer, kernel: str = PYTORCH, exchange: Exchange | None = None) -> None:
    """Have every block attend as `attention.py` says. The stock forward pass cannot be used after it."""
    for block in transformer.blocks:
        block.self_attn.set_processor(ReferenceAttention(kernel, exchange))


def encode_guide(transformer: Transformer, text: Tensor, image: Tensor) -> Guide:
    """text: (1, 512, 4096) of umT5, zeros behind its end; image: (1, 257, 1280) of CLIP; in the transformer's dtype."""
    return Guide(transformer.text_embedding(text), transformer.img_emb(image))


def extract(
    transformer: Transformer, driver: Tensor, guide: Guide, rest: torch.device, shares: Shares | None = None
) -> Reference:
    """Return the reference of a segment. driver: (36, latent frames, height, width), latents and their condition.

    Blocks compute as they are written: compiling them a second time, for one pass a segment, would not pay.
    """
    tokens, grid = _embed(transformer, driver)
    time = torch.full((1,), REFERENCE_TIME, device=driver.device, dtype=driver.dtype)
    modulation = embed_time(transformer, time).modulation
    positions = _positions(transformer, grid, _offsets(transformer, grid), transformer.config.refer_stride)
    if shares is not None:
        tokens, positions = shares.own(tokens, positions)
    kept = tuple(BlockReference(rest) for _ in transformer.blocks)
    with uncompiled(transformer):
        for block, keeper in zip(transformer.blocks, kept, strict=True):
            tokens = _through(block, tokens, modulation, guide, keeper, "extract", positions, grid)
    segment = (grid[0] + 1, *grid[1:])
    return Reference(kept, _positions(transformer, segment, (0, 0, 0), 1), segment)


def encode(guide: Guide, reference: Reference, skipped: int | None = None) -> Encoded:
    """Return a pass over a segment."""
    return Encoded(guide, reference, reference.positions, skipped)


def predict(
    transformer: Transformer, latents: Tensor, time: Tensor, encoded: Encoded, blocks: Blocks | None = None
) -> Tensor:
    """Return the predicted noise of one step, (16, latent frames + 1, height, width) float32.

    latents: (36, latent frames + 1, height, width), noise and condition, in the transformer's dtype; time: (1,).
    """
    tokens, grid = _embed(transformer, latents)
    moment = embed_time(transformer, time)
    tokens = (blocks or run_blocks)(transformer, tokens, encoded, moment)
    noise: Tensor = transformer.unpatchify(transformer.head(tokens, moment.embedded), torch.tensor([grid]))[0]
    return noise.float()


def run_blocks(transformer: Transformer, tokens: Tensor, encoded: Encoded, moment: Moment) -> Tensor:
    for number in range(len(transformer.blocks)):
        tokens = run_block(transformer, number, tokens, encoded, moment)
    return tokens


def run_block(transformer: Transformer, number: int, tokens: Tensor, encoded: Encoded, moment: Moment) -> Tensor:
    if number == encoded.skipped:
        return tokens
    reference = encoded.reference
    seen = reference.blocks[number].take(tokens.device)
    return _through(
        transformer.blocks[number], tokens, moment.modulation, encoded.guide, seen, "cached", encoded.positions,
        reference.grid,
    )  # fmt: skip


def _through(
    block: Any,
    tokens: Tensor,
    modulation: Tensor,
    guide: Guide,
    cache: BlockReference | tuple[Tensor, Tensor],
    mode: str,
    positions: Positions,
    grid: Grid,
) -> Tensor:
    made: Tensor = block(
        tokens,
        temb=modulation,
        encoder_hidden_states=guide.text,
        encoder_hidden_states_image=guide.image,
        kv_cache=cache,
        kv_cache_mode=mode,
        rotary_emb=positions,
        grid_sizes=grid,
    )
    return made


def _embed(transformer: Transformer, latents: Tensor) -> tuple[Tensor, Grid]:
    patches: Tensor = transformer.patch_embedding(latents[None])
    frames, rows, columns = patches.shape[2:]
    return patches.flatten(2).transpose(1, 2), (frames, rows, columns)


def embed_time(transformer: Transformer, time: Tensor) -> Moment:
    kind = next(transformer.time_embedding.parameters()).dtype
    embedded = transformer.time_embedding(transformer.timesteps_proj(time).to(kind))
    return Moment(embedded, transformer.time_projection(embedded).unflatten(1, (6, -1)))


def _positions(transformer: Transformer, grid: Grid, offsets: Grid, stride: int) -> Positions:
    width = transformer.config.dim // transformer.config.num_heads
    return positions_of(grid, width, offsets, stride, transformer.patch_embedding.weight.device)


def _offsets(transformer: Transformer, grid: Grid) -> Grid:
    """Return where the driver's tokens stand beside the segment's; -1 in the config means behind the grid's end."""
    config = transformer.config
    said = (config.refer_offset_t, config.refer_offset_h, config.refer_offset_w)
    time, row, column = (offset if offset >= 0 else size for offset, size in zip(said, grid, strict=True))
    return time, row, column
