"""The label that people read: drawn large enough, found again after compression, refused where it cannot be drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.watermark_attacks import h264
from understudy.bridge.errors import RequestError
from understudy.inference.picture.label import LEAST_HEIGHT, Label, check_label

TEXTS = ("AI-generated", "由人工智能生成", "AI 生成", "Généré par IA")
GREY = np.full((360, 640, 3), 128, np.uint8)


def codes(picture: np.ndarray) -> np.ndarray:
    return picture.astype(np.float32) / np.float32(255)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_drawn_label_is_found_after_compression_on_any_ground(text: str, value: int) -> None:
    label = Label.of(text, 640, 360)
    shown = label.measure(codes(h264([label.draw(np.full((360, 640, 3), value, np.uint8))], 23)[0]))
    assert shown.height >= LEAST_HEIGHT
    assert shown.alike > 0.85


@given(st.integers(320, 1200), st.integers(240, 1200))
@settings(deadline=None, max_examples=30)
def test_capitals_have_the_least_height_in_a_picture_of_any_size(width: int, height: int) -> None:
    label = Label.of("HH", width, height)
    rows = np.flatnonzero((label.letters > 0.5).any(axis=1))
    assert (rows[-1] - rows[0] + 1) / min(width, height) >= LEAST_HEIGHT


def test_nothing_but_the_corner_changes() -> None:
    label = Label.of("AI-generated", 640, 360)
    changed = np.argwhere((label.draw(GREY) != GREY).any(axis=2))
    assert changed.min(axis=0).tolist() == [label.top, label.left]
    assert (changed.max(axis=0) < [360, 640]).all()


@pytest.mark.parametrize(
    "picture", [np.zeros_like(GREY), GREY, np.full_like(GREY, 255)], ids=["black", "grey", "white"]
)
def test_a_picture_without_a_label_shows_none(picture: np.ndarray) -> None:
    assert Label.of("AI-generated", 640, 360).measure(codes(picture)).alike < 0.5


def test_another_label_is_not_taken_for_it() -> None:
    drawn = Label.of("Al-genaratad", 640, 360).draw(GREY)
    assert Label.of("由人工智能生成", 640, 360).measure(codes(drawn)).alike < 0.5


def test_when_the_label_is_half_size_then_it_is_not_high_enough() -> None:
    small = Label.of("AI-generated", 320, 180)
    picture = GREY.copy()
    label = Label.of("AI-generated", 640, 360)
    rows, columns = small.letters.shape
    patch = picture[label.top : label.top + rows, label.left : label.left + columns]
    patch[:] = np.rint(patch * 0.35 * (1 - small.letters[:, :, None]) + 255 * small.letters[:, :, None])
    assert label.measure(codes(picture)).height < LEAST_HEIGHT


@pytest.mark.parametrize(("text", "named"), [("AI \u0e01", "\u0e01"), ("made \U0001f600 by AI", "\U0001f600")])
def test_when_the_typeface_lacks_a_letter_then_it_is_named(text: str, named: str) -> None:
    with pytest.raises(RequestError, match="no letters") as problem:
        check_label(text)
    assert named in problem.value.message


@pytest.mark.parametrize("text", ["", "   "])
def test_when_the_label_says_nothing_then_that_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="says nothing"):
        check_label(text)


def test_when_the_label_is_longer_than_the_picture_is_wide_then_both_are_told() -> None:
    with pytest.raises(RequestError, match="640 wide"):
        Label.of("made by an artificial intelligence " * 2, 640, 360)


def test_without_a_typeface_the_version_of_opencv_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "FontFace")
    with pytest.raises(RequestError, match=r"OpenCV .* has no typeface"):
        check_label("AI-generated")
