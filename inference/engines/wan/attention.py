"""Self-attention of the Wan transformer's blocks by the quickest kernel that this machine has.

Three quarters of a step at 720p are this one product. PyTorch's own is always there; FlashAttention 4 is used where the
studio has installed it (`pip install flash-attn-4`, Hopper and newer) and where it is measured to be quicker.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

Attend: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Query, key, value and result: (1, tokens, heads, width of a head)."""
TRIES = 2


class Exchange(Protocol):
    """How processes that share the tokens of a segment trade all heads of some for some heads of all."""

    def heads(self, tokens: Tensor) -> Tensor:
        """Own tokens (1, own, heads, n) in, own heads (1, all, heads / processes, n) out."""
        ...

    def tokens(self, heads: Tensor) -> Tensor:
        """The way back."""
        ...


class SelfAttention:
    """A diffusers attention processor for `attn1` of a Wan block; the same sums as diffusers' own."""

    def __init__(self, attend: Attend, exchange: Exchange | None = None) -> None:
        self._attend, self._exchange = attend, exchange

    def __call__(
        self,
        attention: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Return (1, tokens, width). The names are diffusers'; a block gives tokens and positions and nothing else."""
        if rotary_emb is None or encoder_hidden_states is not None or attention_mask is not None:
            raise ValueError("self-attention of a Wan block takes tokens and positions alone")
        query, key, value = by_heads(attention, hidden_states)
        query, key = _turned(query, rotary_emb), _turned(key, rotary_emb)
        if self._exchange is None:
            attended = self._attend(query, key, value)
        else:
            query, key, value = self._exchange.heads(torch.cat([query, key, value], dim=-1)).chunk(3, dim=-1)
            attended = self._exchange.tokens(self._attend(query, key, value))
        return put_out(attention, attended, hidden_states.dtype)


def by_heads(attention: Any, hidden_states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return query, key and value of tokens (1, tokens, width): (1, tokens, heads, width of a head) each."""
    query, key, value = (
        made.unflatten(2, (attention.heads, -1))
        for made in (
            attention.norm_q(attention.to_q(hidden_states)),
            attention.norm_k(attention.to_k(hidden_states)),
            attention.to_v(hidden_states),
        )
    )
    return query, key, value


def put_out(attention: Any, attended: Tensor, kind: torch.dtype) -> Tensor:
    """Return what the heads found as the block's tokens take it: (1, tokens, width)."""
    project, drop_out = attention.to_out
    made: Tensor = drop_out(project(attended.flatten(2).to(kind)))
    return made


def _turned(tokens: Tensor, positions: tuple[Tensor, Tensor]) -> Tensor:
    """Return queries or keys turned by their positions: pairs of channels, cosines and sines repeated for both."""
    cosines, sines = positions[0][..., 0::2], positions[1][..., 1::2]
    even, odd = tokens[..., 0::2], tokens[..., 1::2]
    turned = torch.stack([even * cosines - odd * sines, even * sines + odd * cosines], dim=-1)
    return turned.flatten(-2).to(tokens.dtype)


def attend_by_torch(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
    return functional.scaled_dot_product_attention(query, key, value).transpose(1, 2)


@torch.library.custom_op("understudy::flash_attention_4", mutates_args=())
def attend_by_flash_4(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """A custom operation, so that a compiled block calls it instead of looking into it."""
    from flash_attn.cute import flash_attn_func

    attended = flash_attn_func(query.contiguous(), key.contiguous(), value.contiguous())
    made: Tensor = attended[0] if isinstance(attended, tuple) else attended
    return made


@attend_by_flash_4.register_fake
def _(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return torch.empty_like(query)


PYTORCH = "torch"
KERNELS: dict[str, Attend] = {PYTORCH: attend_by_torch, "flash attention 4": attend_by_flash_4}


def kernels_here() -> tuple[str, ...]:
    """Return the names of what is installed, without importing it."""
    there = importlib.util.find_spec("flash_attn") is not None and importlib.util.find_spec("cutlass") is not None
    return ("torch", "flash attention 4") if there and torch.cuda.is_available() else ("torch",)


def time_kernels(transformer: Any, tokens: int) -> dict[str, float]:
    """Return the seconds of one attention over so many tokens by each kernel that works here."""
    shape = (1, tokens, *shape_of_heads(transformer.config))
    query = torch.randn(shape, device=transformer.device, dtype=transformer.dtype)
    taken: dict[str, float] = {}
    for name in kernels_here():
        try:
            taken[name] = _seconds(KERNELS[name], query)
        except (RuntimeError, ImportError, AssertionError):  # this card or this type of number is not for it
            continue
    return taken


def shape_of_heads(config: Any) -> tuple[int, int]:
    """Return how many heads the blocks of a transformer have, and the width of each."""
    if "num_heads" in config:  # Wan-Animate-2's own words
        return config.num_heads, config.dim // config.num_heads
    return config.num_attention_heads, config.attention_head_dim


def use_kernel(transformer: Any, name: str, exchange: Exchange | None = None) -> None:
    """Let every block attend by the kernel of that name."""
    for block in transformer.blocks:
        block.attn1.set_processor(SelfAttention(KERNELS[name], exchange))


def _seconds(attend: Attend, query: Tensor) -> float:
    attend(query, query, query)
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(TRIES):
        attend(query, query, query)
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / TRIES
