"""Steps that can be foretold are, and only those."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from tiny_wan import IMAGE_WIDTH, TEXT_WIDTH, tiny_transformer

from understudy.inference.engines.wan.model import Encoded, encode, encode_faces, encode_guide, predict, run_block
from understudy.inference.engines.wan.step_cache import StepCache

STEPS = 12


@pytest.fixture(scope="module")
def transformer() -> Any:
    torch.manual_seed(0)
    return tiny_transformer().requires_grad_(False)


@pytest.fixture(scope="module")
def encoded(transformer: Any) -> Encoded:
    torch.manual_seed(1)
    guide = encode_guide(transformer, torch.randn(1, 512, TEXT_WIDTH), torch.randn(1, 257, IMAGE_WIDTH))
    faces = encode_faces(transformer, torch.randn(1, 3, 13, 16, 16))
    return encode(transformer, guide, faces, torch.randn(1, 16, 4, 6, 6), torch.randn(1, 36, 5, 6, 6))


def run(
    transformer: Any, encoded: Encoded, cache: StepCache[Any, Any] | None, jump: int | None = None
) -> list[torch.Tensor]:
    """Predict along a path that bends slowly, and at `jump` leaps."""
    torch.manual_seed(2)
    start, end, elsewhere = (torch.randn(1, 36, 5, 6, 6) for _ in range(3))
    made = []
    for step in range(STEPS):
        share = step / STEPS
        latents = torch.lerp(start, end, 0.3 * share * share)
        if jump is not None and step >= jump:
            latents = elsewhere
        made.append(predict(transformer, latents, torch.tensor([1000.0 * (1 - share)]), encoded, cache))
    return made


def test_with_a_threshold_of_nothing_every_step_is_computed_and_equal(transformer: Any, encoded: Encoded) -> None:
    cache = StepCache(0.0, longest=4, one=run_block)
    made, exact = run(transformer, encoded, cache), run(transformer, encoded, None)
    assert cache.computed == list(range(STEPS))
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(made, exact, strict=True))


def test_a_slow_path_is_mostly_foretold_and_stays_near(transformer: Any, encoded: Encoded) -> None:
    cache = StepCache(0.2, longest=3, one=run_block)
    made, exact = run(transformer, encoded, cache), run(transformer, encoded, None)
    assert cache.computed[:2] == [0, 1]
    assert len(cache.computed) <= STEPS // 2
    error = max(float((one - other).norm() / other.norm()) for one, other in zip(made, exact, strict=True))
    assert error < 0.2


def test_never_more_steps_in_a_row_than_said_are_foretold(transformer: Any, encoded: Encoded) -> None:
    cache = StepCache(1e9, longest=3, one=run_block)
    run(transformer, encoded, cache)
    assert cache.computed == [0, 1, 5, 9]


def test_a_leap_is_not_foretold(transformer: Any, encoded: Encoded) -> None:
    cache = StepCache(0.1, longest=9, one=run_block)
    run(transformer, encoded, cache, jump=6)
    assert 6 in cache.computed


def test_a_new_segment_begins_without_memory(transformer: Any, encoded: Encoded) -> None:
    cache = StepCache(1e9, longest=3, one=run_block)
    first = run(transformer, encoded, cache)
    cache.begin()
    again = run(transformer, encoded, cache)
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))


def test_the_passes_of_a_step_are_told_apart_and_foretold_each_from_its_own_past(
    transformer: Any, encoded: Encoded
) -> None:
    torch.manual_seed(3)
    text, image = torch.randn(1, 512, TEXT_WIDTH), torch.randn(1, 257, IMAGE_WIDTH)
    other = replace(encoded, guide=encode_guide(transformer, text, image))
    both = StepCache(1e9, longest=3, one=run_block)
    alone = [StepCache(1e9, longest=3, one=run_block) for _ in range(2)]
    for step in range(4):
        latents, time = torch.randn(1, 36, 5, 6, 6), torch.tensor([1000.0 - step])
        for told, cache in zip((encoded, other), alone, strict=True):
            made, wanted = (predict(transformer, latents, time, told, one) for one in (both, cache))
            assert torch.equal(made, wanted)
    assert both.computed == [0, 0, 1, 1]
