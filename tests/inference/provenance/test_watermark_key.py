"""The key of a home's marks: its owner's alone, one a home, never in what is printed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from understudy.bridge.errors import KeyRefused, RequestError
from understudy.inference.provenance.watermark_key import ReviewMark, can_carry, key_id, make_key, read_key


def test_a_home_keeps_the_key_that_was_made_first(tmp_path: Path) -> None:
    first = make_key(tmp_path / "home")
    key = read_key(first)
    assert read_key(make_key(tmp_path / "home")) == key
    assert len(key) == 32
    assert first.stat().st_mode & 0o777 == 0o600


def test_two_homes_have_two_keys(tmp_path: Path) -> None:
    one, other = (read_key(make_key(tmp_path / name)) for name in ("one", "other"))
    assert one != other
    assert key_id(one) != key_id(other)


def test_when_there_is_no_key_then_the_remedy_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as problem:
        read_key(tmp_path / "watermark.key")
    assert "UNDERSTUDY_HOME" in problem.value.remedy


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")
def test_when_others_can_read_the_key_then_it_is_refused(tmp_path: Path) -> None:
    path = make_key(tmp_path / "home")
    path.chmod(0o644)
    for use in (lambda: read_key(path), lambda: make_key(tmp_path / "home")):
        with pytest.raises(KeyRefused, match="others can read"):
            use()


@pytest.mark.parametrize("content", [b"", b"abc", b"zz" * 32, b"00" * 31, b"00" * 33, b"\xff" * 64])
def test_when_the_file_holds_no_key_then_it_is_refused_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    path = make_key(tmp_path / "home")
    path.write_bytes(content)
    with pytest.raises(KeyRefused, match="64 hexadecimal digits"):
        make_key(tmp_path / "home")
    assert path.read_bytes() == content


def test_the_key_stands_in_no_repr() -> None:
    key = b"\xab" * 32
    assert "ab" * 8 not in repr(ReviewMark(key, 5))
    assert repr(key) not in repr(ReviewMark(key, 5))


@pytest.mark.parametrize(("size", "carries"), [((320, 180), True), ((319, 180), False), ((320, 179), False)])
def test_a_picture_that_is_too_small_carries_no_mark(size: tuple[int, int], carries: bool) -> None:
    assert can_carry(*size) is carries
