"""The 64 bits: what comes back after how much harm."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.inference.provenance import watermark_code
from understudy.inference.provenance.watermark_code import CODE_BITS, decode, encode
from understudy.inference.provenance.watermark_key import content_id_of

IDS = st.integers(0, 2**32 - 1)


@given(IDS)
def test_an_id_comes_back_from_its_bits(content_id: int) -> None:
    word = decode(encode(content_id))
    assert word is not None
    assert word.content_id == content_id


@given(IDS, st.sets(st.integers(0, CODE_BITS - 1), min_size=1, max_size=4))
def test_when_four_bits_are_wrong_and_as_sure_as_the_rest_then_the_id_still_comes_back(
    content_id: int, wrong: set[int]
) -> None:
    soft = encode(content_id)
    soft[list(wrong)] *= -1
    # Equal sureness leaves order statistics no clue; the least hint, as any picture gives, is enough.
    soft[list(wrong)] *= 0.9
    word = decode(soft)
    assert word is not None
    assert word.content_id == content_id


def test_when_a_tenth_of_the_bits_is_wrong_by_noise_then_nearly_every_id_comes_back() -> None:
    random = np.random.default_rng(7)
    ids = [int(number) for number in random.integers(0, 2**32, 200)]
    noisy = [encode(one) + random.normal(0, 0.78, CODE_BITS) for one in ids]
    wrong = np.mean([np.mean(np.sign(soft) != encode(one)) for soft, one in zip(noisy, ids, strict=True)])
    assert 0.08 < wrong < 0.12
    read = [word.content_id if (word := decode(soft)) else None for soft in noisy]
    assert np.mean([one == other for one, other in zip(read, ids, strict=True)]) > 0.95


@given(IDS, IDS)
def test_two_words_differ_in_at_least_ten_bits(one: int, other: int) -> None:
    assert one == other or int(np.sum(encode(one) != encode(other))) >= 10


@pytest.mark.parametrize("content_id", [-1, 2**32])
def test_when_an_id_has_more_than_32_bits_then_that_is_said(content_id: int) -> None:
    with pytest.raises(ValueError, match="32 bits"):
        encode(content_id)


def test_the_generator_is_the_product_of_the_minimal_polynomials() -> None:
    """GF(64) by x^6 + x + 1; every root is a power of a whose exponent is 1, 3, 5 or 7 times a power of 2."""
    field = [1]
    for _ in range(62):
        doubled = field[-1] << 1
        field.append(doubled ^ 0b1000011 if doubled & 64 else doubled)
    log = {value: power for power, value in enumerate(field)}

    def times(one: int, other: int) -> int:
        return field[(log[one] + log[other]) % 63] if one and other else 0

    def by_root(polynomial: list[int], power: int) -> list[int]:
        shifted, scaled = [*polynomial, 0], [0, *(times(one, field[power]) for one in polynomial)]
        return [one ^ other for one, other in zip(shifted, scaled, strict=True)]

    roots = sorted({odd * 2**turn % 63 for odd in (1, 3, 5, 7) for turn in range(6)})
    product = reduce(by_root, roots, [1])
    assert set(product) <= {0, 1}
    assert int("".join(map(str, product)), 2) == watermark_code._GENERATOR


def test_a_content_id_follows_from_job_and_version_alone() -> None:
    assert content_id_of("testjob1", 1) == content_id_of("testjob1", 1)
    assert len({content_id_of(job, version) for job in ("a", "b") for version in (1, 2)}) == 4
