"""`understudy watermark read`: what it says of movies, stills and what is neither."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from terminal_rig import Terminal

from understudy.inference.picture.review import write_review
from understudy.inference.provenance.watermark import Marker
from understudy.inference.provenance.watermark_key import make_key, read_key


@pytest.fixture
def review(home: Path, tmp_path: Path) -> Path:
    """Return a marked review of 6 frames, made with the key of this home."""
    random = np.random.default_rng(2)
    shapes = cv2.resize(random.random((9, 16, 3), dtype=np.float32) * 255, (640, 360)).astype(np.uint8)
    marker = Marker(read_key(make_key(home)), 0x00C0FFEE)
    path = tmp_path / "review.mp4"
    write_review(path, (marker.mark(np.roll(shapes, 5 * step, axis=1)) for step in range(6)), Fraction(24), 640, 360)
    return path


def test_the_mark_is_told_with_its_certainty_and_its_frames(terminal: Terminal, review: Path) -> None:
    ended = terminal("watermark", "read", review)
    assert ended.code == 0
    assert "content id 00c0ffee of key" in ended.out
    assert "6 frames, whole" in ended.out


def test_a_script_gets_every_number(terminal: Terminal, review: Path) -> None:
    said = terminal("watermark", "read", review, "--frames", 3, "--json").json
    assert (said["found"], said["content_id"], said["frames"]) == (True, "00c0ffee", 3)
    assert said["false_positive_at_most"] < 1e-6


def test_a_still_of_the_movie_is_enough(terminal: Terminal, review: Path, tmp_path: Path, home: Path) -> None:
    movie = cv2.VideoCapture(str(review))
    cv2.imwrite(str(tmp_path / "still.png"), movie.read()[1])
    movie.release()
    assert terminal("watermark", "read", tmp_path / "still.png", "--json").json["content_id"] == "00c0ffee"


def test_when_the_key_is_another_then_nothing_is_claimed_and_the_code_says_so(
    terminal: Terminal, review: Path, tmp_path: Path
) -> None:
    ended = terminal("watermark", "read", review, "--key", make_key(tmp_path / "other"), "--no-search")
    assert ended.code == 1
    assert "does not prove that there is none" in ended.out


@pytest.mark.parametrize("name", ["layer.exr", "notes.mp4", "picture.png"])
def test_when_a_file_is_no_movie_then_it_is_named(terminal: Terminal, home: Path, tmp_path: Path, name: str) -> None:
    make_key(home)
    (tmp_path / name).write_bytes(b"not a picture at all")
    ended = terminal("watermark", "read", tmp_path / name)
    assert ended.code not in (0, 1)
    assert name in ended.err


def test_when_there_is_no_file_then_it_is_named(terminal: Terminal, home: Path, tmp_path: Path) -> None:
    make_key(home)
    for name in ("gone.mp4", "gone.png"):
        ended = terminal("watermark", "read", tmp_path / name)
        assert ended.code not in (0, 1)
        assert name in ended.err


def test_when_there_is_no_key_yet_then_the_remedy_says_where_it_comes_from(terminal: Terminal, home: Path) -> None:
    ended = terminal("watermark", "read", "review.mp4")
    assert "UNDERSTUDY_HOME" in ended.err
