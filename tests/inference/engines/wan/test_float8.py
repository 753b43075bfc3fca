"""Float8 halves what the blocks weigh and changes little."""

from __future__ import annotations

import torch
from diffusers.models.attention import FeedForward
from tiny_wan import tiny_transformer
from torch import nn

from understudy.inference.engines.wan.float8 import Float8Linear, TokensInTurn, quantise_blocks


def test_a_layer_gives_nearly_what_it_gave() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(64, 48)
    given = torch.randn(3, 10, 64)
    exact, made = linear(given), Float8Linear(linear)(given)
    assert made.shape == exact.shape
    assert (made - exact).norm() / exact.norm() < 0.04  # e4m3 keeps three bits behind the first: 1/16 at most a weight


def test_rows_of_very_different_size_and_of_zeros_keep_their_scale() -> None:
    linear = nn.Linear(4, 3, bias=False)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1e-6] * 4, [0.0] * 4, [1e4] * 4]))
    made = Float8Linear(linear)(torch.ones(1, 4))
    torch.testing.assert_close(made, torch.tensor([[4e-6, 0.0, 4e4]]), rtol=0.01, atol=0)


def test_blocks_weigh_half_of_bfloat16_and_nothing_else_changes() -> None:
    torch.manual_seed(0)
    transformer = tiny_transformer().to(torch.bfloat16).requires_grad_(False)
    head = transformer.proj_out.weight.clone()
    before = [part.weight.numel() for part in transformer.blocks.modules() if isinstance(part, nn.Linear)]
    quantise_blocks(transformer)
    after = [part for part in transformer.blocks.modules() if isinstance(part, Float8Linear)]
    assert sum(part.weight.nbytes for part in after) == sum(before)
    assert not any(isinstance(part, nn.Linear) for part in transformer.blocks.modules())
    assert torch.equal(transformer.proj_out.weight, head)


def test_a_feed_forward_that_takes_tokens_in_turn_gives_what_it_gave() -> None:
    torch.manual_seed(0)
    whole = FeedForward(16, inner_dim=48, activation_fn="gelu-approximate").requires_grad_(False)
    in_turn = TokensInTurn(whole)
    for count in (1, 3, 4, 10, 101):  # fewer than turns, no multiple of them
        tokens = torch.randn(1, count, 16)
        torch.testing.assert_close(in_turn(tokens), whole(tokens), rtol=0, atol=1e-6)


def test_every_feed_forward_of_a_block_in_float8_takes_its_tokens_in_turn() -> None:
    transformer = tiny_transformer().requires_grad_(False)
    quantise_blocks(transformer)
    assert all(isinstance(block.ffn, TokensInTurn) for block in transformer.blocks)
    quantise_blocks(transformer)  # as after running out of memory half way
    assert not any(isinstance(block.ffn.inner, TokensInTurn) for block in transformer.blocks)
