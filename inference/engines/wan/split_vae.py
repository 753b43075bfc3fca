"""The VAE of one segment on several GPUs: each makes a strip of columns, as wide as its part and what reaches into it.

All of the Wan VAE but the attention in its middle is local: convolutions, and norms over channels alone. So the middle
is computed whole on every GPU, and before (encoder) or behind it (decoder) each computes its own columns with a margin
as wide as the convolutions reach; the margin is cut off and the strips are put together. Exact but for the order in
which a convolution sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch.distributed as distributed
from torch import Tensor

from understudy.inference.engines.wan.exchange import gathered, share_of, shares
from understudy.inference.weights.memory_plan import MemoryPlan

Vae: TypeAlias = Any

DECODER_MARGIN = 14
"""Latent columns that reach into a strip behind the decoder's middle. AutoencoderKLWan has three residual blocks of two
3 x 3 convolutions a level and one convolution between levels: 6 + 7 / 2 + 7 / 4 + 8 / 8 = 12.25."""
ENCODER_MARGIN = 12
"""Latent columns that reach into a strip before the encoder's middle: two blocks a level and a convolution of stride 2
between levels, 1 + 6 + 6 * 2 + 6 * 4 + 4 * 8 = 75 pixels of 8 a column."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Latent columns of one process: `first` to `end` are its own, `left` to `right` what it computes."""

    first: int
    end: int
    left: int
    right: int


def strip_of(columns: int, margin: int, rank: int, processes: int) -> Strip:
    first, end = share_of(columns, rank, processes)
    return Strip(first, end, max(0, first - margin), min(columns, end + margin))


def shared_vae(vae: Vae, plan: MemoryPlan) -> AbstractContextManager[None]:
    """Share the VAE out unless it works in tiles: then each process makes all of them."""
    return nullcontext() if plan.vae_tiled else split_vae(vae)


@contextmanager
def split_vae(vae: Vae) -> Iterator[None]:
    """Within it, `vae.encode` and `vae.decode` of every process do a part each and give all of them the whole.

    Every process of the default group calls both with the same inputs.
    """
    rank, processes = distributed.get_rank(), distributed.get_world_size()
    scale = vae.config.scale_factor_spatial
    whole_encode, whole_decode = vae.encoder.forward, vae.decoder.forward

    def encode(pictures: Tensor, **told: Any) -> Tensor:
        strip = strip_of(pictures.shape[-1] // scale, ENCODER_MARGIN, rank, processes)
        mine = pictures[..., strip.left * scale : strip.right * scale].contiguous()

        def put_together(_: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
            own = given[0][..., strip.first - strip.left : strip.end - strip.left]
            return (gathered(own, shares(pictures.shape[-1] // scale, processes), -1), *given[1:])

        hook = vae.encoder.mid_block.register_forward_pre_hook(put_together)
        try:
            return whole_encode(mine, **told)
        finally:
            hook.remove()

    def decode(latents: Tensor, **told: Any) -> Tensor:
        columns = latents.shape[-1]
        strip = strip_of(columns, DECODER_MARGIN, rank, processes)

        def cut(_: Any, __: Any, whole: Tensor) -> Tensor:
            return whole[..., strip.left : strip.right].contiguous()

        hook = vae.decoder.mid_block.register_forward_hook(cut)
        try:
            wide = whole_decode(latents, **told)
        finally:
            hook.remove()
        own = wide[..., (strip.first - strip.left) * scale : (strip.end - strip.left) * scale]
        return gathered(own, [count * scale for count in shares(columns, processes)], -1)

    vae.encoder.forward, vae.decoder.forward = encode, decode
    try:
        yield
    finally:
        vae.encoder.forward, vae.decoder.forward = whole_encode, whole_decode
