"""Making the same numbers sooner: compiled blocks, and convolutions that lie as the GPU's matrix units take them.

Exact but for the order in which bfloat16 sums are taken, so it is on by default; docs/wan-animate.md has the figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch

from understudy.inference.weights.loading import block_lists

SIZES_COMPILED = 256
"""So many shapes a worker may meet in its life. PyTorch's limit is 8: the ninth would end the job (`fullgraph`)."""


def compile_blocks(transformer: Any) -> None:
    """Compile the blocks and face adapters, each kind once. The first step of each size takes half a minute longer."""
    compile_many_sizes()
    transformer.compile_repeated_blocks(fullgraph=True, dynamic=False)
    for adapter in getattr(transformer, "face_adapter", ()):
        adapter.compile(fullgraph=True, dynamic=False)


def as_written(transformer: Any) -> None:
    """Undo `compile_blocks`: a compiled block knows neither float8 nor weights that come and go."""
    for part in chain(*block_lists(transformer)):
        for module in part.modules():
            module._compiled_call_impl = None  # what `nn.Module.compile` sets; it has no way back of its own


def repeatable_convolutions() -> None:
    """Have cuDNN take the same algorithm in every process, one that adds in the same order every time."""
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True


def compile_many_sizes() -> None:
    """Have this process keep compiled code for every size that its jobs bring."""
    from torch._dynamo import config  # loads the compiler

    config.recompile_limit = config.accumulated_recompile_limit = SIZES_COMPILED


@contextmanager
def uncompiled(transformer: Any) -> Iterator[None]:
    """Have compiled blocks compute as they were written for the time of the block."""
    if all(block._compiled_call_impl is None for block in transformer.blocks):
        yield  # asking the compiler for less loads it
        return
    with torch.compiler.set_stance("force_eager"):
        yield


def quick_convolutions(vae: Any) -> None:
    """Keep the channels of the VAE's 3D convolutions next to each other: a quarter quicker to encode on an H200.

    Each process finds the quickest algorithm anew, and may find another one: not the same bits from one to the next.
    """
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = True, False
    for module in vae.modules():
        if isinstance(module, torch.nn.Conv3d):
            module.to(memory_format=torch.channels_last_3d)
