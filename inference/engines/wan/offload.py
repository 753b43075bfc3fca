"""Blocks that lie in CPU memory and come to the GPU one at a time, for a card that cannot hold the transformer.

Diffusers' group offload brings what stands outside the blocks, and looks ahead, only when the model's own `forward` is
called, which our loop never does. Here what stands outside stays on the GPU, and a block's weights are copied there
before it runs and forgotten behind it: never copied back, since nothing changes them. The same numbers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from understudy.inference.weights.loading import BLOCKS, block_lists


def offload_blocks(transformer: Any, device: torch.device) -> None:
    """Let the blocks come from CPU memory; everything else moves to `device`. Not for compiled blocks."""
    for blocks in block_lists(transformer):
        for block in blocks:
            _Visitor(block.to("cpu"), device)
    for name, child in transformer.named_children():
        if name not in BLOCKS:
            child.to(device)
    for tensor in (*transformer.parameters(recurse=False), *transformer.buffers(recurse=False)):
        tensor.data = tensor.data.to(device)


class _Visitor:
    """One block that computes on a device on which it does not live."""

    def __init__(self, block: nn.Module, device: torch.device) -> None:
        self._device = device
        self._tensors = [*block.parameters(), *block.buffers()]
        self._kept = [tensor.data.pin_memory() if device.type == "cuda" else tensor.data for tensor in self._tensors]
        self._leave()
        block.register_forward_pre_hook(self._come)
        block.register_forward_hook(self._leave, always_call=True)

    def _come(self, *_: Any) -> None:
        for tensor, kept in zip(self._tensors, self._kept, strict=True):
            # On the stream that computes: the block waits for the copy, and the copy for the block before.
            tensor.data = kept.to(self._device, non_blocking=True)

    def _leave(self, *_: Any) -> None:
        for tensor, kept in zip(self._tensors, self._kept, strict=True):
            tensor.data = kept
