"""The review movie: every picture of the cut, at its rate, in memory that does not grow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.bridge.errors import JobError
from understudy.inference.picture.movies import MovieReader
from understudy.inference.picture.review import write_review


def pictures(count: int) -> Iterator[NDArray[np.uint8]]:
    for number in range(count):
        yield np.full((90, 160, 3), (40 + number, 90, 200 - number), np.uint8)


def test_when_a_review_is_written_then_it_has_every_picture_at_the_rate_with_its_papers(tmp_path: Path) -> None:
    papers = {"comment": "preview, not final", "understudy/view": "ACES 2.0 - SDR 100 nits (Rec.709)"}
    path = tmp_path / "review.mp4"
    assert write_review(path, pictures(108), Fraction(24), 160, 90, papers, "00:00:02:08") == 108
    with MovieReader(path) as movie:
        assert (movie.count, movie.rate, movie.timecode) == (108, 24, "00:00:02:08")
        assert movie.header.attributes["movie/understudy/view"] == papers["understudy/view"]
        for number in (0, 53, 107):
            np.testing.assert_allclose(movie.read(number)[45, 80] * 255, (40 + number, 90, 200 - number), atol=3)


def test_when_there_is_no_picture_then_no_movie_is_made(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"review\.mp4"):
        write_review(tmp_path / "review.mp4", pictures(0), Fraction(24), 160, 90)
    assert list(tmp_path.iterdir()) == []


def test_when_a_picture_cannot_be_made_then_its_own_error_comes_through_and_no_movie_is_left(tmp_path: Path) -> None:
    def failing() -> Iterator[NDArray[np.uint8]]:
        yield from pictures(3)
        raise LookupError("frame 4")

    with pytest.raises(LookupError, match="frame 4"):
        write_review(tmp_path / "review.mp4", failing(), Fraction(24), 160, 90)
    assert list(tmp_path.iterdir()) == []


def test_when_a_review_is_seven_times_longer_then_it_needs_no_more_memory(tmp_path: Path) -> None:
    program = """
import resource, sys
from fractions import Fraction
import numpy as np
from understudy.inference.picture.review import write_review
frames = (np.full((180, 320, 3), number % 256, np.uint8) for number in range(int(sys.argv[2])))
write_review(sys.argv[1], frames, Fraction(24), 320, 180)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    peaks = [
        int(subprocess.check_output([sys.executable, "-c", program, str(tmp_path / "r.mp4"), str(count)]))
        for count in (100, 700)
    ]
    assert peaks[1] < peaks[0] * 1.10
