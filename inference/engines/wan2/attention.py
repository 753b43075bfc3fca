"""What a token of Wan-Animate-2 looks at, by PyTorch's own attention.

The driver's segment goes through the transformer once, and every block's keys and values are kept: the reference.
While the character is denoised, a token sees all tokens of its own segment and, of the reference, those of its own
moment: the latent frame i looks at the driver's latent frame i - 1, because the first one holds the character's image
and has no driver.

The stock processor says that with a block mask, which only flex attention takes: that must be compiled, or it writes
the whole matrix of scores into memory. Here each latent frame asks for itself, with its moment of the reference laid
behind the segment's keys: the same sums by the ordinary kernels, and no mask. Reference keys are kept with their
positions applied, where the stock processor applies them anew at every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from understudy.inference.engines.wan.attention import KERNELS, PYTORCH, Exchange, by_heads, put_out

Grid: TypeAlias = tuple[int, int, int]
"""Latent frames, rows, columns: how the tokens lie."""
Seen: TypeAlias = tuple[Tensor, Tensor]
"""Keys and values that the reference pass kept: (1, tokens, heads, width of a head)."""
Positions: TypeAlias = tuple[Tensor, Tensor]
"""Cosines and sines of the rotary embedding: (1, tokens, 1, half the width of a head) float64."""


@dataclass(slots=True)
class BlockReference:
    """The driver's keys and values in one block: (1, tokens, heads, width of a head). For one segment; one thread.

    `rest`: where they lie between the steps. On the GPU they are 62 GB at 1280 x 720 and 81 frames; in CPU memory every
    block fetches its own when it is its turn, which takes time and changes nothing.
    """

    rest: torch.device
    key: Tensor | None = None
    value: Tensor | None = None

    def keep(self, key: Tensor, value: Tensor) -> None:
        self.key, self.value = key.to(self.rest), value.to(self.rest)

    def take(self, device: torch.device) -> Seen:
        """Raises RuntimeError before the reference pass has kept anything."""
        if self.key is None or self.value is None:
            raise RuntimeError("the reference pass comes before the first step")
        return self.key.to(device), self.value.to(device)


class ReferenceAttention:
    """A diffusers attention processor for `self_attn` of a WanAnimate2 block; the names are diffusers'."""

    def __init__(self, kernel: str = PYTORCH, exchange: Exchange | None = None) -> None:
        """kernel: of `wan.attention.KERNELS`. exchange: for several GPUs; each then keeps the driver's heads that are
        its own.
        """
        self._kernel, self._exchange = kernel, exchange

    def __call__(
        self,
        attention: Any,
        hidden_states: Tensor,
        rotary_emb: Positions,
        grid_sizes: Grid,
        kv_cache: BlockReference | Seen,
        kv_cache_mode: str,
        **_: Any,
    ) -> Tensor:
        """Return (1, tokens, width). What else the block passes says the same in other words, for the stock mask.

        kv_cache: where to keep keys and values (mode `extract`), or what was kept, on this device (mode `cached`).
        """
        query, key, value = by_heads(attention, hidden_states)
        query, key = turned(query, rotary_emb), turned(key, rotary_emb)
        if self._exchange is not None:
            query, key, value = self._exchange.heads(torch.cat([query, key, value], dim=-1)).chunk(3, dim=-1)
        if isinstance(kv_cache, BlockReference):
            kv_cache.keep(key, value)
            attended = KERNELS[self._kernel](query, key, value)
        else:
            attended = attend_by_moment(query, key, value, *kv_cache, grid_sizes[1] * grid_sizes[2], self._kernel)
        if self._exchange is not None:
            attended = self._exchange.tokens(attended)
        return put_out(attention, attended, hidden_states.dtype)


@torch.library.custom_op("understudy::attend_by_moment", mutates_args=())
def attend_by_moment(
    query: Tensor, key: Tensor, value: Tensor, seen_key: Tensor, seen_value: Tensor, moment: int, attends: str = PYTORCH
) -> Tensor:
    """Return (1, tokens, heads, width). seen_key, seen_value: of one latent frame fewer; moment: tokens of one.

    attends: the name of a kernel; PyTorch's compiler calls the operation itself `kernel` and takes no second one.
    A custom operation, so that a compiled block calls it instead of unrolling its moments.
    """
    tokens, attend = query.shape[1], KERNELS[attends]
    if seen_key.shape[1] != tokens - moment:
        raise ValueError(f"{seen_key.shape[1]} tokens of reference for {tokens - moment} of the segment")
    keys, values = (_with_room(made, moment) for made in (key, value))
    made = [attend(query[:, :moment], key, value)]
    for start in range(moment, tokens, moment):
        then = slice(start - moment, start)
        keys[:, tokens:], values[:, tokens:] = seen_key[:, then], seen_value[:, then]
        made.append(attend(query[:, start : start + moment], keys, values))
    return torch.cat(made, dim=1).contiguous()


@attend_by_moment.register_fake
def _(query: Tensor, *_: Any) -> Tensor:
    return query.new_empty(query.shape)


def turned(tokens: Tensor, positions: Positions) -> Tensor:
    """Return queries or keys turned by their positions: neighbouring channels are the two parts of one number.

    Computed in numbers twice as wide as the tokens'. The stock model takes float64 always: what that adds to bfloat16
    is rounded away, and at 1280 x 720 it is ten gigabytes.
    """
    wide = torch.float64 if tokens.dtype == torch.float32 else torch.float32
    cosines, sines = (part.to(wide) for part in positions)
    even, odd = tokens[..., 0::2].to(wide), tokens[..., 1::2].to(wide)
    return (
        torch.stack([even * cosines - odd * sines, even * sines + odd * cosines], dim=-1).flatten(-2).to(tokens.dtype)
    )


def positions_of(grid: Grid, width: int, offsets: Grid, stride: int, device: torch.device) -> Positions:
    """Return the rotary embedding of a grid whose first token stands at `offsets`; time goes in steps of `stride`.

    width: of a head; a third of it tells rows, a third columns, the rest time. Base 10,000, computed in float64.
    """
    side = 2 * (width // 6)
    widths = (width - 2 * side, side, side)
    angles = []
    for axis, (count, share, offset) in enumerate(zip(grid, widths, offsets, strict=True)):
        places = torch.arange(count, dtype=torch.float64) * (stride if axis == 0 else 1) + offset
        waves = 1.0 / torch.pow(10_000, torch.arange(0, share, 2, dtype=torch.float64) / share)
        shape = [count if axis == other else 1 for other in range(3)]
        angles.append(torch.outer(places, waves).view(*shape, -1).expand(*grid, -1))
    angle = torch.cat(angles, dim=-1).flatten(0, 2)[None, :, None]
    return angle.cos().to(device), angle.sin().to(device)


def _with_room(tokens: Tensor, more: int) -> Tensor:
    """Return a copy with room for `more` tokens behind it."""
    room = tokens.new_empty((tokens.shape[0], tokens.shape[1] + more, *tokens.shape[2:]))
    room[:, : tokens.shape[1]] = tokens
    return room
