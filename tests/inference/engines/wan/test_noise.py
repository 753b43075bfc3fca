"""The noise of a segment is the same whatever was made before."""

from __future__ import annotations

import torch

from understudy.inference.engines.wan.noise import NoiseStream

SHAPES = [(1, 16, 5, 4, 4), (1, 16, 5, 4, 4), (1, 16, 4, 4, 4)]


def test_segments_are_drawn_one_after_another_from_one_generator() -> None:
    generator = torch.Generator().manual_seed(11)
    stream = NoiseStream(11, SHAPES)
    for index, shape in enumerate(SHAPES):
        assert torch.equal(stream.segment(index), torch.randn(shape, generator=generator))


def test_a_segment_drawn_alone_again_or_backwards_is_the_same() -> None:
    in_order = NoiseStream(11, SHAPES)
    expected = [in_order.segment(index) for index in range(3)]
    other = NoiseStream(11, SHAPES)
    for index in (2, 0, 0, 1, 2):
        assert torch.equal(other.segment(index), expected[index])


def test_a_seed_of_its_own_changes_that_segment_and_no_other() -> None:
    plain, changed = NoiseStream(11, SHAPES), NoiseStream(11, SHAPES, {1: 99})
    same = [torch.equal(plain.segment(index), changed.segment(index)) for index in range(3)]
    assert same == [True, False, True]
