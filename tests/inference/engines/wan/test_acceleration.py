"""Compiled code is kept for every size that a worker meets."""

from __future__ import annotations

import pytest
import torch
from torch._dynamo import config
from torch._dynamo.exc import FailOnRecompileLimitHit

from understudy.inference.engines.wan.acceleration import compile_many_sizes


class Doubling(torch.nn.Module):
    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return given * 2


def meet(sizes: int) -> None:
    layer = Doubling()
    layer.compile(fullgraph=True, dynamic=False, backend="eager")
    for rows in range(1, sizes + 1):
        assert layer(torch.zeros(rows, 2)).shape == (rows, 2)


def test_a_worker_that_meets_more_sizes_than_pytorch_keeps_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "recompile_limit", 8)  # what PyTorch comes with; put back afterwards
    monkeypatch.setattr(config, "accumulated_recompile_limit", 256)
    with pytest.raises(FailOnRecompileLimitHit):
        meet(12)
    torch.compiler.reset()
    compile_many_sizes()
    meet(12)
