"""A digest is read once and believed until the file changes in size, time or inode."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.digests import DigestCache, set_digest, sha256_of, sha256_of_all


def truth(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def reads(path: Path, cache: DigestCache) -> tuple[str, int]:
    """Return the digest, and in how many steps it was told: a remembered one is told in one."""
    told: list[int] = []
    return sha256_of(path, cache, told.append), len(told)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shard.safetensors"
    path.write_bytes(b"weights" * 3_000_000)  # three chunks
    return path


def test_when_a_file_is_unchanged_then_it_is_read_once(file: Path, tmp_path: Path) -> None:
    cache = DigestCache(tmp_path / "digests")
    assert reads(file, cache) == (truth(file.read_bytes()), 3)
    assert reads(file, cache) == (truth(file.read_bytes()), 1)


def test_when_a_file_is_overwritten_by_one_of_its_size_then_it_is_read_again(file: Path, tmp_path: Path) -> None:
    cache = DigestCache(tmp_path / "digests")
    reads(file, cache)
    file.write_bytes(b"WEIGHTS" * 3_000_000)
    assert reads(file, cache)[0] == truth(b"WEIGHTS" * 3_000_000)


def test_when_another_file_takes_its_place_with_the_same_time_then_it_is_read_again(file: Path, tmp_path: Path) -> None:
    cache = DigestCache(tmp_path / "digests")
    reads(file, cache)
    times = file.stat()
    other = tmp_path / "other"
    other.write_bytes(b"WEIGHTS" * 3_000_000)
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(file)
    assert file.stat().st_mtime_ns == times.st_mtime_ns
    assert reads(file, cache)[0] == truth(b"WEIGHTS" * 3_000_000)


def test_when_what_was_remembered_is_damaged_then_the_file_is_read(file: Path, tmp_path: Path) -> None:
    cache = DigestCache(tmp_path / "digests")
    reads(file, cache)
    for kept in (tmp_path / "digests").iterdir():
        kept.write_bytes(b"{")
    assert reads(file, cache) == (truth(file.read_bytes()), 3)


def test_when_a_file_is_reached_by_a_link_then_it_is_not_read_twice(file: Path, tmp_path: Path) -> None:
    cache = DigestCache(tmp_path / "digests")
    reads(file, cache)
    (tmp_path / "link").symlink_to(file)
    assert reads(tmp_path / "link", cache)[1] == 1


def test_when_nothing_is_to_be_remembered_then_every_time_is_a_reading(file: Path) -> None:
    cache = DigestCache(None)
    assert [reads(file, cache)[1] for _ in range(2)] == [3, 3]


def test_when_a_file_is_not_there_then_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"gone\.safetensors cannot be read"):
        sha256_of(tmp_path / "gone.safetensors", DigestCache(None))


def test_when_many_files_are_read_then_every_byte_is_told_once(file: Path, tmp_path: Path) -> None:
    files = [file, *(tmp_path / f"{number}" for number in range(5))]
    for number, path in enumerate(files[1:]):
        path.write_bytes(bytes([number]) * 1000)
    told: list[tuple[int, int]] = []
    digests = sha256_of_all(files, DigestCache(None), lambda done, total: told.append((done, total)))
    assert digests == {path: truth(path.read_bytes()) for path in files}
    assert max(told) == (21_005_000, 21_005_000)


@given(files=some.dictionaries(some.text("abc/", min_size=1), some.text("0123456789abcdef", min_size=1), max_size=5))
def test_the_digest_of_a_set_depends_on_its_files_and_not_on_their_order(files: dict[str, str]) -> None:
    assert set_digest(files) == set_digest(dict(reversed(files.items())))
    assert set_digest({**files, "further": "0"}) != set_digest(files)
