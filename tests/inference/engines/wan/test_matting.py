"""Edges are taken apart in linear light: how much is covered, and what colour the character has there."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.inference.engines.smooth import blur
from understudy.inference.engines.wan.matting import Decided, Matted, composed, taken_apart
from understudy.inference.picture.tone import decode, encode

Array = NDArray[np.float32]
SIZE = (80, 120)


def disc_over(softness: float) -> tuple[Array, Array, Array]:
    """Return a soft disc's coverage, the ground, and the disc over the ground, mixed in linear light."""
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    coverage = np.clip((25 - np.hypot(rows - 40, columns - 60)) / softness + 0.5, 0, 1).astype(np.float32)
    ground = np.full((*SIZE, 3), (0.2, 0.3, 0.5), np.float32)
    back, front = decode(ground), decode(np.array([0.8, 0.5, 0.2], np.float32))
    return coverage, ground, encode(np.asarray(back + (front - back) * coverage[..., None], np.float32))


def taken(picture: Array, decided: Array, behind: Array, known: float) -> Matted:
    used, still = np.ones(SIZE, bool), np.zeros(SIZE, np.float32)
    return taken_apart(Decided(picture, decided, behind, np.full(SIZE, known, np.float32), used, still), 1.0)


@pytest.mark.parametrize("known", [0.0, 1.0])
def test_when_an_edge_is_soft_then_its_coverage_is_found_though_the_decision_is_hard(known: float) -> None:
    coverage, ground, picture = disc_over(4.0)
    made = taken(picture, (coverage > 0.5).astype(np.float32), ground, known)
    assert np.abs(made.coverage - coverage).max() < 0.12


def test_when_colours_are_mixed_then_the_character_gets_its_own_back() -> None:
    coverage, ground, picture = disc_over(4.0)
    made = taken(picture, (coverage > 0.5).astype(np.float32), ground, 1.0)
    edge = (coverage > 0.2) & (coverage < 0.8)
    assert np.abs(made.character[edge] - (0.8, 0.5, 0.2)).max() < 0.13


def test_when_put_together_again_then_the_picture_comes_back() -> None:
    coverage, ground, picture = disc_over(3.0)
    made = taken(picture, (coverage > 0.5).astype(np.float32), ground, 1.0)
    assert np.abs(composed(made) - picture).max() < 0.02


def test_when_both_sides_look_alike_then_the_decision_stands() -> None:
    coverage, ground, _ = disc_over(4.0)
    made = taken(ground, coverage, ground, 1.0)
    assert np.abs(made.coverage - coverage).mean() < 0.02


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_when_nothing_or_everything_is_decided_then_the_coverage_is_that(value: float) -> None:
    _, ground, picture = disc_over(2.0)
    made = taken(picture, np.full(SIZE, value, np.float32), ground, 0.0)
    assert (made.coverage == value).all()
    assert np.isfinite(made.character).all()


@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_when_a_part_is_thinner_than_the_band_then_it_keeps_its_coverage(thickness: int) -> None:
    ground = np.full((*SIZE, 3), 0.2, np.float32)
    strand = np.zeros(SIZE, np.float32)
    strand[:, 60 : 60 + thickness] = 1.0
    picture = blur(ground + strand[..., None] * np.float32(0.5), 0.4)
    made = taken(picture, strand, ground, 1.0)
    assert float(made.coverage[10:-10].sum()) == pytest.approx(float(strand[10:-10].sum()), rel=0.3)
