"""The reading threads: what comes first, what is kept, what a bad file does to the rest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from studio_rig import wait_for
from viewer_rig import write_layer

from understudy.ui.frames.reader import Reader
from understudy.ui.frames.view import Look, Viewing
from understudy.ui.frames.wishes import Shown, Wanted

LOOK = Look("Linear Rec.709 (sRGB)", "sRGB - Display", "Un-tone-mapped")
VIEWING = Viewing()


class Landing:
    """What landed, in order; `wait` until a number of pictures did."""

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self.wholes: list[Path] = []
        self._changed = threading.Condition()

    def picture(self, shown: Shown) -> None:
        with self._changed:
            self.shown.append(shown)
            self._changed.notify_all()

    def whole(self, path: Path) -> None:
        with self._changed:
            self.wholes.append(path)
            self._changed.notify_all()

    def wait(self, pictures: int = 0, wholes: int = 0) -> None:
        with self._changed:
            assert self._changed.wait_for(
                lambda: len(self.shown) >= pictures and len(self.wholes) >= wholes, timeout=20
            )


@pytest.fixture
def landing() -> Landing:
    return Landing()


@pytest.fixture
def reader(landing: Landing) -> Iterator[Reader]:
    made = Reader(VIEWING, landing.picture, landing.whole, threads=2)
    yield made
    made.stop()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [
        write_layer(tmp_path / f"comp.{frame}.exr", np.full((32, 48, 3), frame / 2000, np.float16))
        for frame in range(1001, 1009)
    ]


def wanted(path: Path, **changed: object) -> Wanted:
    return Wanted(**{"place": "a", "path": path, "frame": 1001, "factor": 1, "look": LOOK, **changed})  # type: ignore[arg-type]


def test_when_a_file_cannot_be_read_then_the_wish_says_why_and_the_next_one_lands(
    reader: Reader, landing: Landing, files: list[Path]
) -> None:
    files[0].write_bytes(b"not a picture")
    reader.show(wanted(files[0]))
    landing.wait(pictures=1)
    reader.show(wanted(files[1]))
    landing.wait(pictures=2)
    assert landing.shown[0].codes is None
    assert "comp.1001.exr" in landing.shown[0].problem
    assert landing.shown[1].codes is not None


def test_when_wishes_for_one_place_pile_up_then_the_last_is_made_and_some_between_are_not(
    landing: Landing, files: list[Path]
) -> None:
    reader = Reader(VIEWING, landing.picture, landing.whole, threads=1)
    try:
        for number in range(400):
            reader.show(wanted(files[number % 8], frame=number))
        wait_for(lambda: landing.shown and landing.shown[-1].wanted.frame == 399)
    finally:
        reader.stop()
    assert len(landing.shown) < 400


def test_when_frames_ahead_are_named_then_they_are_kept_before_anybody_asks(reader: Reader, files: list[Path]) -> None:
    reader.ahead((path, 2) for path in files)
    pause = threading.Event()
    for _ in range(2000):
        if all(reader.is_kept(path, 2) for path in files):
            break
        pause.wait(0.01)
    assert all(reader.is_kept(path, 2) for path in files)


def test_when_the_cache_is_full_then_the_oldest_go_and_it_never_holds_more(landing: Landing, files: list[Path]) -> None:
    one = 32 * 48 * 3 * 2
    reader = Reader(VIEWING, landing.picture, landing.whole, threads=1, cache_bytes=3 * one)
    try:
        for number, path in enumerate(files):
            reader.show(wanted(path))
            landing.wait(pictures=number + 1)
            assert reader.kept_bytes() <= 3 * one
        assert [reader.is_kept(path, 1) for path in files] == [False] * 5 + [True] * 3
    finally:
        reader.stop()


def test_when_a_pixel_is_asked_for_then_the_whole_frame_comes_and_its_stored_value_with_it(
    reader: Reader, landing: Landing, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(8).normal(0, 9, (32, 48, 4)).astype(np.float16)
    path = write_layer(tmp_path / "patch.1001.exr", pixels)
    assert reader.values(path, 7, 5) is None
    landing.wait(wholes=1)
    assert reader.values(path, 7, 5) == (("R", "G", "B", "A"), tuple(float(value) for value in pixels[5, 7]))


def test_when_a_region_is_wanted_then_only_that_part_is_coloured_and_it_says_where_it_lies(
    reader: Reader, landing: Landing, tmp_path: Path
) -> None:
    path = write_layer(tmp_path / "comp.1001.exr", np.zeros((40, 60, 3), np.float16), origin=(-4, -2))
    reader.show(wanted(path, factor=2, region=(11, 6, 30, 21)))
    landing.wait(pictures=1)
    shown = landing.shown[0]
    assert shown.rectangle == (-4 + 14, -2 + 8, 20, 16)
    assert shown.codes is not None
    assert shown.codes.shape == (8, 10, 4)
