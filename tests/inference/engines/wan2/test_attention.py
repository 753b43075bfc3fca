"""Attention by moments is attention under the mask that the stock processor describes."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from understudy.inference.engines.wan2.attention import BlockReference, attend_by_moment, positions_of, turned

CPU = torch.device("cpu")


def drawn(tokens: int, seed: int) -> torch.Tensor:
    return torch.randn((1, tokens, 2, 12), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("grid", [(1, 2, 3), (2, 2, 3), (5, 1, 1), (6, 4, 3)])
def test_a_latent_frame_sees_its_segment_and_the_driver_of_its_own_moment(grid: tuple[int, int, int]) -> None:
    moment = grid[1] * grid[2]
    tokens = grid[0] * moment
    query, key, value = drawn(tokens, 1), drawn(tokens, 2), drawn(tokens, 3)
    reference = drawn(tokens - moment, 4), drawn(tokens - moment, 5)
    at = torch.arange(tokens) // moment
    seen = torch.cat([torch.ones(tokens, tokens).bool(), at[:, None] == at[None, : tokens - moment] + 1], dim=1)
    keys, values = torch.cat([key, reference[0]], dim=1), torch.cat([value, reference[1]], dim=1)
    masked = functional.scaled_dot_product_attention(
        query.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2), attn_mask=seen
    ).transpose(1, 2)
    torch.testing.assert_close(attend_by_moment(query, key, value, *reference, moment), masked, rtol=0, atol=1e-6)


def test_when_the_reference_is_of_another_length_then_it_is_refused() -> None:
    query = drawn(12, 1)
    with pytest.raises(ValueError, match="12 tokens of reference for 6"):
        attend_by_moment(query, query, query, query, query, 6)


def test_when_nothing_was_looked_at_then_there_is_no_reference() -> None:
    with pytest.raises(RuntimeError, match="reference pass"):
        BlockReference(CPU).take(CPU)


def test_positions_turn_a_pair_of_channels_by_time_times_the_wave_of_its_channel() -> None:
    cosines, sines = positions_of((3, 1, 1), 12, (1, 0, 0), 2, CPU)
    ones = torch.zeros((1, 3, 1, 12))
    ones[..., 0::2] = 1
    made = turned(ones, (cosines, sines))[0, :, 0]
    time = torch.tensor([1.0, 3.0, 5.0])  # two apart, from 1
    torch.testing.assert_close(made[:, 0], time.cos())
    torch.testing.assert_close(made[:, 1], time.sin())
    torch.testing.assert_close(made[:, 2], (time / 100).cos())  # 10,000 to the half
    torch.testing.assert_close(made[:, 4:], ones[0, :, 0, 4:])
