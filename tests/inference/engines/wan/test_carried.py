"""What a segment leaves for the next is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from understudy.bridge.errors import EngineError
from understudy.inference.engines.door import EarlierVersion
from understudy.inference.engines.wan.carried import CarriedPictures, refuse_another_take


def test_what_was_kept_comes_back_to_the_bit_and_by_its_number(tmp_path: Path) -> None:
    kept, pictures = CarriedPictures(tmp_path, "a"), torch.randn(1, 3, 5, 8, 8)
    kept.save(3, pictures)
    found = CarriedPictures(tmp_path, "a").load(3)
    assert found is not None
    assert torch.equal(found, pictures)
    assert kept.load(2) is None


def test_what_was_made_under_other_settings_is_not_found(tmp_path: Path) -> None:
    CarriedPictures(tmp_path, "a").save(0, torch.zeros(1, 3, 1, 2, 2))
    assert CarriedPictures(tmp_path, "b").load(0) is None


def test_a_damaged_or_half_written_file_counts_as_absent(tmp_path: Path) -> None:
    kept = CarriedPictures(tmp_path, "a")
    kept.save(0, torch.zeros(1, 3, 1, 16, 16))
    (path,) = tmp_path.glob("*.npy")
    whole = path.read_bytes()
    for damaged in (b"", whole[:50], whole[: len(whole) // 2], b"\x00" * len(whole)):
        path.write_bytes(damaged)
        assert kept.load(0) is None
    assert not list(tmp_path.glob("*.part"))


def test_a_kept_segment_that_would_end_otherwise_is_never_made_again(tmp_path: Path) -> None:
    earlier = EarlierVersion(tmp_path, frozenset({0, 1}), repeatable=False)
    with pytest.raises(EngineError, match="segment 3 goes on from are no longer kept") as problem:
        refuse_another_take(earlier, 1)
    assert "Redo from segment 2" in problem.value.remedy
    refuse_another_take(earlier, 2)
    refuse_another_take(EarlierVersion(tmp_path, frozenset({0, 1}), repeatable=True), 1)
    refuse_another_take(None, 1)


def test_a_kept_segment_that_is_made_again_with_less_than_the_settings_say_is_refused_with_what_it_was(
    tmp_path: Path,
) -> None:
    repeatable = EarlierVersion(tmp_path, frozenset({0, 1}), repeatable=True)
    with pytest.raises(EngineError, match="today it is made with float8 weights"):
        refuse_another_take(repeatable, 1, "float8 weights")
    refuse_another_take(None, 1, "float8 weights")
    known = EarlierVersion(tmp_path, frozenset({0, 1}), repeatable=False, unrepeatable="other options (steps)")
    with pytest.raises(EngineError, match=r"end in others: other options \(steps\)"):
        refuse_another_take(known, 1)
