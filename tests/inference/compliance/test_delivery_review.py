"""Delivery, of the review movie: it shows the cut at its rate and carries its own invisible mark."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from delivery_rig import Take, cut_short

from understudy.bridge.frames import FrameRange
from understudy.inference.picture.review import write_review
from understudy.inference.provenance.watermark import Marker
from understudy.inference.provenance.watermark_key import content_id_of, make_key, read_key


@pytest.mark.parametrize(("count", "rate"), [(3, Fraction(24)), (4, Fraction(25))])
def test_when_the_review_is_short_or_runs_at_another_rate_then_it_is_refused(
    take: Take, count: int, rate: Fraction
) -> None:
    take.review(count, rate)
    assert take.refusals() == ["review_shows_the_cut"]


@pytest.mark.parametrize("harm", [cut_short, Path.unlink])
def test_when_the_review_cannot_be_shown_then_it_is_refused(take: Take, harm: Callable[[Path], None]) -> None:
    harm(take.folder / "review.mp4")
    assert take.refusals() == ["review_shows_the_cut"]


@pytest.fixture
def watermarked(on_disk: Any, make: Any, say: Any, tmp_path: Path) -> Take:
    folder = tmp_path / "v001"
    folder.mkdir()
    return Take(on_disk, make.PREVIEW, say, folder, watermark_key=str(make_key(tmp_path / "keys")))


def write_marked(take: Take, key: Path, content_id: int) -> None:
    picture = Marker(read_key(key), content_id).mark(np.full((180, 320, 3), 90, np.uint8))
    write_review(take.folder / "review.mp4", (picture for _ in range(4)), Fraction(24), 320, 180)


def test_a_review_that_says_its_own_content_id_passes(watermarked: Take, tmp_path: Path) -> None:
    write_marked(watermarked, tmp_path / "keys" / "watermark.key", content_id_of("job0001", 1))
    found = watermarked.judge()["review_carries_its_mark"]
    assert found.outcome == "pass"
    assert float(found.facts["false_positive_at_most"]) < 1e-6


def test_when_the_review_carries_the_mark_of_another_version_then_it_is_refused(
    watermarked: Take, tmp_path: Path
) -> None:
    write_marked(watermarked, tmp_path / "keys" / "watermark.key", content_id_of("job0001", 2))
    assert watermarked.refusals() == ["review_carries_its_mark"]


def test_when_no_mark_reads_back_from_the_review_then_it_is_listed_and_the_take_passes(
    watermarked: Take, tmp_path: Path
) -> None:
    write_marked(watermarked, make_key(tmp_path / "other_keys"), content_id_of("job0001", 1))
    found = watermarked.judge()["review_carries_its_mark"]
    assert (found.outcome, found.message.partition(":")[0]) == ("warn", "no mark reads back from review.mp4")
    assert watermarked.refusals() == []


def test_when_the_review_is_too_small_for_a_mark_then_none_is_missed(watermarked: Take) -> None:
    assert watermarked.refusals() == []
    assert watermarked.judge()["review_carries_its_mark"].message == "review.mp4 is too small to carry a mark"


def test_a_review_shows_the_cut_and_not_the_handles(on_disk: Any, make: Any, say: Any, tmp_path: Path) -> None:
    (tmp_path / "v001").mkdir()
    job = make.job(FrameRange(1, 4, head=1, tail=1))
    take = Take(on_disk, make.PREVIEW, say, tmp_path / "v001", job=job)
    assert take.refusals() == ["review_shows_the_cut"]
    take.review(2)
    assert take.refusals() == []
