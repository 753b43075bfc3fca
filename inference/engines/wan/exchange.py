"""How processes share a row of things out and put it together again."""

from __future__ import annotations

import torch
import torch.distributed as distributed
from torch import Tensor
from torch.nn import functional


def shares(count: int, processes: int) -> list[int]:
    """Return how many of `count` things each process has: as even as can be, the first ones have one more."""
    share, spare = divmod(count, processes)
    return [share + (1 if rank < spare else 0) for rank in range(processes)]


def share_of(count: int, rank: int, processes: int) -> tuple[int, int]:
    """Return the first thing that a process has and the one behind its last."""
    each = shares(count, processes)
    first = sum(each[:rank])
    return first, first + each[rank]


def gathered(own: Tensor, counts: list[int], dimension: int) -> Tensor:
    """Return what all processes have of a tensor, put together along `dimension`, in which each has its count."""
    largest = max(counts)
    rows = own.movedim(dimension, 0)
    rows = functional.pad(rows, (0, 0) * (rows.dim() - 1) + (0, largest - len(rows))).contiguous()
    parts = [torch.empty_like(rows) for _ in counts]
    distributed.all_gather(parts, rows)  # of equal sizes: the only kind that every back end takes
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)]).movedim(0, dimension)
