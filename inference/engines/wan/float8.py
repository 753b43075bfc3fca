"""Linear layers of the transformer's blocks in float8: half the memory. Approximate, off by default, said in the marks.

Weights are kept as float8 e4m3 with one scale a row; each token gets a scale of its own as it comes in. GPUs that
multiply float8 (compute capability 8.9 and newer) do so; others turn the weights back first.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch
from diffusers.models.attention import FeedForward
from torch import Tensor, nn
from torch.nn import functional

from understudy.inference.weights.loading import block_lists

TURNS = 4
LARGEST = torch.finfo(torch.float8_e4m3fn).max
SMALLEST_SCALE = 1e-12
MULTIPLIES_FLOAT8 = (8, 9)
"""CUDA compute capability from which `torch._scaled_mm` takes a scale a row."""


class Float8Linear(nn.Module):
    """A drop-in for nn.Linear. Inputs and outputs keep their type."""

    weight: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight, scale = _quantised(linear.weight.detach())
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale)
        self.register_buffer("bias", linear.bias.detach() if linear.bias is not None else None)

    def forward(self, given: Tensor) -> Tensor:
        if not _multiplies_float8(given):
            return functional.linear(given, (self.weight.float() * self.scale).to(given.dtype), self.bias)
        rows, scales = _quantised(given.reshape(-1, self.in_features))
        made = torch._scaled_mm(
            rows, self.weight.t(), scale_a=scales, scale_b=self.scale.t(), bias=self.bias, out_dtype=given.dtype,
            use_fast_accum=True,
        )  # fmt: skip
        return made.view(*given.shape[:-1], self.out_features)


class TokensInTurn(nn.Module):
    """A feed-forward that widens a share of the tokens at a time: each token's numbers are its own.

    At 1280 x 720 x 77 the widened tokens take 2.1 GB, and half as much again in float8; that was the peak of a step.
    """

    def __init__(self, forward: nn.Module) -> None:
        super().__init__()
        self.inner = forward

    def forward(self, tokens: Tensor) -> Tensor:
        """Return what the feed-forward makes of (batch, tokens, width)."""
        return torch.cat([self.inner(some) for some in tokens.chunk(TURNS, dim=1)], dim=1)


def quantise_blocks(transformer: Any, device: torch.device | None = None) -> None:
    """Turn the linear layers of blocks and face adapters into float8, one at a time: two copies never stand at once.

    Feed-forwards take the tokens in turn from then on: who needs float8 needs the room.

    `device`: where each is turned and then stays, for blocks that rest on the CPU since they would not fit there as
    they are; None = where it is. LoRAs must be on by then; their own thin matrices stay as they are.
    """
    for block in chain(*block_lists(transformer)):
        for owner in list(block.modules()):
            # peft keeps the matrices of a layer's LoRAs in dictionaries, and reads in which numbers they are. And a
            # model that ran out of memory half way may come again.
            if isinstance(owner, nn.ModuleDict | TokensInTurn):
                continue
            for name, child in list(owner.named_children()):
                if isinstance(child, nn.Linear):
                    setattr(owner, name, Float8Linear(child if device is None else child.to(device)))
                elif isinstance(child, FeedForward):
                    setattr(owner, name, TokensInTurn(child))


def _quantised(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return rows of float8 and the (rows, 1) float32 that they are multiplied by."""
    scale = (values.abs().amax(dim=-1, keepdim=True).float() / LARGEST).clamp_min(SMALLEST_SCALE)
    return (values.float() / scale).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn), scale


def _multiplies_float8(given: Tensor) -> bool:
    return given.is_cuda and torch.cuda.get_device_capability(given.device) >= MULTIPLIES_FLOAT8
