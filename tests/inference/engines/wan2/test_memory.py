"""What of Wan-Animate-2 fits where: the least frugal plan that does, and a message where none does."""

from __future__ import annotations

import pytest

from understudy.bridge.errors import WeightsError
from understudy.inference.engines.wan2.memory import peak_bytes, plan, reference_bytes
from understudy.inference.weights.memory_plan import GIB

PRO, DRAFT = (81, 720, 1280), (81, 480, 832)


def test_the_reference_of_a_whole_segment_is_larger_than_the_model() -> None:
    assert reference_bytes(*PRO) == 2 * 40 * 21 * 45 * 80 * 5120 * 2
    assert 57 < reference_bytes(*PRO) / GIB < 58


@pytest.mark.parametrize(
    ("gibibytes", "size", "words"),
    [
        (141, PRO, "everything on the GPU"),
        (79, PRO, "the reference in CPU memory"),
        (79, DRAFT, "everything on the GPU"),
        (47, DRAFT, "encoders in turn, the reference in CPU memory"),
    ],
)
def test_as_little_is_given_up_as_can_be(gibibytes: int, size: tuple[int, int, int], words: str) -> None:
    found = plan(gibibytes * GIB, *size)
    assert found.words().partition(";")[0] == words
    assert found.peak_bytes == peak_bytes(found, *size) < gibibytes * GIB


def test_when_nothing_fits_then_what_it_takes_and_what_to_do_is_said() -> None:
    with pytest.raises(WeightsError, match=r"needs .* GiB even at its most frugal; the GPU has 24.0 GiB") as raised:
        plan(24 * GIB, *PRO)
    assert "preset=draft" in raised.value.remedy
