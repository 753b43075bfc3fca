"""Two processes that share a segment give what one gives; here by gloo on the processor, by NCCL on GPUs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import split_process
import torch
import torch.distributed as distributed
from hypothesis import given
from hypothesis import strategies as st
from studio_rig import free_port
from tiny_wan import tiny_transformer

from understudy.inference.engines.wan.exchange import share_of, shares
from understudy.inference.engines.wan.several_gpus import SplitBlocks
from understudy.inference.engines.wan.split_vae import strip_of


@given(st.integers(0, 5000), st.integers(1, 8))
def test_shares_are_even_and_leave_nothing_out(count: int, processes: int) -> None:
    each = shares(count, processes)
    assert sum(each) == count
    assert max(each) - min(each) <= 1
    ends = [share_of(count, rank, processes) for rank in range(processes)]
    assert [first for first, _ in ends] == [0, *(end for _, end in ends[:-1])]


@given(st.integers(8, 300), st.integers(0, 20), st.integers(1, 8))
def test_a_strip_holds_its_own_columns_and_a_margin_within_the_picture(columns: int, margin: int, count: int) -> None:
    for rank in range(count):
        strip = strip_of(columns, margin, rank, count)
        assert 0 <= strip.left <= strip.first <= strip.end <= strip.right <= columns
        assert strip.first - strip.left == min(margin, strip.first)


def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    script = Path(split_process.__file__)
    said = [sys.executable, script, str(free_port()), str(tmp_path)]
    assert subprocess.run(said, cwd=script.parent, check=False, timeout=200).returncode == 0
    for rank in range(2):
        told = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(told["split"], told["whole"], rtol=0, atol=1e-5)
        torch.testing.assert_close(told["cached"], told["cached alone"], rtol=0, atol=1e-5)
        torch.testing.assert_close(told["encoded split"], told["encoded"], rtol=0, atol=1e-5)
        torch.testing.assert_close(told["decoded split"], told["decoded"], rtol=0, atol=1e-5)
        assert told["whole"].std() > 0.01
        assert told["decoded"].std() > 0.01


def test_when_heads_cannot_be_shared_out_then_it_is_a_value_error(tmp_path: Path) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    try:
        transformer = tiny_transformer()
        transformer.register_to_config(num_attention_heads=0.5)
        with pytest.raises(ValueError, match="heads"):
            SplitBlocks(transformer)
    finally:
        distributed.destroy_process_group()
