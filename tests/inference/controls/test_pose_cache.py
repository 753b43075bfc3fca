"""The cache of poses: found by what was looked at, bounded, and never trusted when damaged."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from understudy.inference.controls.person_box import Box, Detection
from understudy.inference.controls.pose_cache import SUFFIX, PoseCache, pose_key
from understudy.inference.controls.wholebody import POINTS

PICTURE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
MATTE = np.linspace(0, 1, 24, dtype=np.float32).reshape(4, 6)


def pose(value: float) -> Detection:
    return Detection(np.full((POINTS, 3), value, np.float32))


def test_what_was_saved_comes_back_bit_for_bit_in_another_process_too(tmp_path: Path) -> None:
    kept = np.random.default_rng(1).normal(size=(POINTS, 3)).astype(np.float32)
    people = (Box(0.5, 1.25, 9, 11), Box(3, 4, 5, 6))
    PoseCache(tmp_path).save("a", Detection(kept, people))
    loaded = PoseCache(tmp_path).load("a")
    assert loaded is not None
    assert np.array_equal(loaded.points, kept)
    assert loaded.people == people
    assert PoseCache(tmp_path).load("b") is None


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "rubbish", "other size"])
def test_a_damaged_entry_counts_as_absent_and_is_replaced(tmp_path: Path, damage: str) -> None:
    cache = PoseCache(tmp_path)
    cache.save("a", pose(1))
    path = tmp_path / f"a{SUFFIX}"
    data = bytearray(path.read_bytes())
    data[700] ^= 1
    if damage == "other size":
        cache.save("a", Detection(np.zeros((10, 3), np.float32)))
    else:
        path.write_bytes({"cut": bytes(data[:500]), "bit": bytes(data), "empty": b"", "rubbish": b"\xff" * 9}[damage])
    assert cache.load("a") is None
    cache.save("a", pose(2))
    loaded = cache.load("a")
    assert loaded is not None
    assert loaded.points[0, 0] == 2
    assert loaded.people is None


def test_the_key_follows_everything_that_decides_the_answer() -> None:
    turned = PICTURE.reshape(6, 4, 3)
    changed = PICTURE.copy()
    changed[0, 0, 0] ^= 1
    keys = {
        pose_key(PICTURE, MATTE, "vitpose-1 abc"),
        pose_key(PICTURE, None, "vitpose-1 abc"),
        pose_key(PICTURE, MATTE / 2, "vitpose-1 abc"),
        pose_key(PICTURE, MATTE, "vitpose-1 abd"),
        pose_key(changed, MATTE, "vitpose-1 abc"),
        pose_key(turned, MATTE, "vitpose-1 abc"),
    }
    assert len(keys) == 6
    assert pose_key(PICTURE.copy(), MATTE.copy(), "vitpose-1 abc") in keys


def test_when_the_folder_is_full_then_what_was_used_longest_ago_goes(tmp_path: Path) -> None:
    cache = PoseCache(tmp_path)
    for number in range(20):
        cache.save(f"{number:02}", pose(number))
        os.utime(tmp_path / f"{number:02}{SUFFIX}", (1000 + number, 1000 + number))
    assert cache.load("00") is not None  # now the youngest
    size = (tmp_path / f"00{SUFFIX}").stat().st_size
    trimmed = PoseCache(tmp_path, limit_bytes=10 * size)
    kept = sorted(path.stem for path in tmp_path.glob(f"*{SUFFIX}"))
    assert len(kept) == 9
    assert kept[0] == "00"
    assert kept[1:] == [f"{number:02}" for number in range(12, 20)]
    assert trimmed.load("01") is None


def test_when_it_cannot_write_then_it_keeps_nothing_and_nothing_is_left_behind(tmp_path: Path) -> None:
    cache = PoseCache(tmp_path)
    (tmp_path / f"a{SUFFIX}").mkdir()  # no file can take this name
    cache.save("a", pose(1))
    assert cache.load("a") is None
    assert [path.name for path in tmp_path.iterdir()] == [f"a{SUFFIX}"]
