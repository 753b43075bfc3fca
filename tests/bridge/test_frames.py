from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from understudy.bridge.errors import RequestError
from understudy.bridge.frames import FilePattern, FrameRange, FrameRate, Handles

NUMBERS = some.integers(-99_999, 999_999)


@some.composite
def ranges(draw: some.DrawFn) -> FrameRange:
    first, length = draw(NUMBERS), draw(some.integers(1, 5_000))
    head = draw(some.integers(0, length - 1))
    tail = draw(some.integers(0, length - 1 - head))
    return FrameRange(first, first + length - 1, head, tail)


@given(ranges())
def test_a_range_holds_as_many_frames_as_it_says(frames: FrameRange) -> None:
    listed = list(frames)
    assert len(listed) == len(frames)
    assert (listed[0], listed[-1]) == (frames.first, frames.last)
    assert frames.first in frames
    assert frames.last in frames
    assert frames.first - 1 not in frames
    assert frames.last + 1 not in frames
    assert "1" not in frames


@given(ranges())
def test_the_cut_lies_between_the_handles(frames: FrameRange) -> None:
    assert len(frames.cut) == len(frames) - frames.head - frames.tail >= 1
    assert frames.cut.first == frames.first + frames.head
    assert frames.cut.cut == frames.cut


@given(ranges())
def test_a_range_that_is_written_and_read_is_the_same(frames: FrameRange) -> None:
    assert FrameRange.parse(str(frames), head=frames.head, tail=frames.tail) == frames
    assert msgspec.json.decode(msgspec.json.encode(frames), type=FrameRange) == frames


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [("56-163", 56, 163), ("12", 12, 12), (" 1 - 2 ", 1, 2), ("-10--5", -10, -5), ("-3-4", -3, 4), ("-7", -7, -7)],
)
def test_when_a_range_is_typed_then_both_ends_are_meant(text: str, first: int, last: int) -> None:
    assert FrameRange.parse(text) == FrameRange(first, last)


@pytest.mark.parametrize("text", ["", "a-b", "5-3", "1-2-3", "1,2", "1.5", "-", "1-", "1-10x2"])
def test_when_a_range_is_no_range_then_the_message_names_it_and_how_to_write_one(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        FrameRange.parse(text)
    assert caught.value.remedy
    assert text.split("-")[0] in caught.value.message


def test_when_handles_leave_no_cut_then_the_range_is_refused() -> None:
    with pytest.raises(RequestError, match="no cut"):
        FrameRange.parse("1-10", head=5, tail=5)
    with pytest.raises(ValueError, match="no cut"):
        FrameRange(1, 10, head=-1)


@pytest.mark.parametrize(
    ("said", "read"), [(0, (0, 0)), (8, (8, 8)), ("8", (8, 8)), ("8:12", (8, 12)), (" 0 : 3 ", (0, 3))]
)
def test_handles_are_one_number_for_both_ends_or_two(said: int | str, read: tuple[int, int]) -> None:
    assert Handles.parse(said) == read
    assert Handles.parse(str(Handles.parse(said))) == read


@pytest.mark.parametrize("text", ["", "8:", ":8", "-1", "8:-2", "8-12", "8:9:10", "eight", "1.5", "٣"])
def test_when_handles_are_no_handles_then_the_message_names_them_and_how_to_write_them(text: str) -> None:
    with pytest.raises(RequestError, match="no handles") as caught:
        Handles.parse(text)
    assert f"'{text}'" in caught.value.message
    assert "8:12" in caught.value.remedy


@given(some.integers(-9, 99), some.integers(0, 40), some.integers(0, 40), some.integers(0, 9), some.integers(0, 9))
def test_handles_that_lie_within_a_source_are_all_there_and_others_are_cut_to_it(
    first: int, before: int, after: int, head: int, tail: int
) -> None:
    cut = FrameRange(first, first + 5)
    asked = cut.with_handles(Handles(head, tail))
    assert (asked.cut, asked.handles) == (cut, (head, tail))
    source = FrameRange(cut.first - before, cut.last + after)
    assert asked.handles_within(source) == (min(head, before), min(tail, after))
    assert cut.with_handles(asked.handles_within(source)).first >= source.first


def test_when_a_range_on_the_wire_ends_before_it_begins_then_decoding_names_the_field() -> None:
    with pytest.raises(msgspec.ValidationError, match="5-3"):
        msgspec.json.decode(b'{"first": 5, "last": 3}', type=FrameRange)


@given(some.fractions(min_value=Fraction(1, 1000), max_value=1000))
def test_a_rate_that_is_written_and_read_is_the_same(value: Fraction) -> None:
    rate = FrameRate.from_fraction(value)
    assert FrameRate.parse(str(rate)) == rate
    assert rate.fraction == value


@pytest.mark.parametrize(
    ("text", "numerator", "denominator"),
    [("24", 24, 1), ("23.976", 24000, 1001), ("23.98", 24000, 1001), ("29.97", 30000, 1001), ("59.94", 60000, 1001),
     ("47.952", 48000, 1001), ("24000/1001", 24000, 1001), (" 25 ", 25, 1), ("12.5", 25, 2), ("50/2", 25, 1)],
)  # fmt: skip
def test_when_a_rate_is_typed_then_it_is_an_exact_fraction(text: str, numerator: int, denominator: int) -> None:
    assert FrameRate.parse(text) == FrameRate(numerator, denominator)


@given(some.sampled_from([24, 30, 48, 60, 120]), some.integers(2, 8))
def test_when_a_host_rounds_an_ntsc_rate_then_its_fraction_is_meant(nominal: int, decimals: int) -> None:
    assert FrameRate.near(round(nominal * 1000 / 1001, decimals)) == FrameRate(nominal * 1000, 1001)


@pytest.mark.parametrize(("value", "rate"), [(24.0, "24"), (25, "25"), (12.5, "25/2"), (60.0, "60"), (15, "15")])
def test_when_a_host_says_a_whole_or_half_rate_then_it_is_that(value: float, rate: str) -> None:
    assert FrameRate.near(value) == FrameRate.parse(rate)


@pytest.mark.parametrize("value", [0.0, -24.0, float("nan")])
def test_when_a_host_says_a_number_that_is_no_rate_then_it_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"positive|NaN|integer ratio"):
        FrameRate.near(value)


@pytest.mark.parametrize("text", ["", "0", "-24", "24/0", "fast", "24/-1", "nan", "inf"])
def test_when_a_rate_is_no_rate_then_the_message_names_it(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        FrameRate.parse(text)
    assert f"'{text}'" in caught.value.message
    assert "23.976" in caught.value.remedy


@given(digits=some.integers(1, 8), frame=NUMBERS, percent=some.booleans())
def test_a_path_of_a_pattern_is_found_again_as_its_frame(
    tmp_path_factory: pytest.TempPathFactory, digits: int, frame: int, percent: bool
) -> None:
    folder = tmp_path_factory.mktemp("sequence")
    field = f"%0{digits}d" if percent else "#" * digits
    pattern = FilePattern(str(folder / f"plate.{field}.exr"))
    pattern.path(frame).touch()
    assert pattern.frames_on_disk() == {frame: pattern.path(frame)}


@given(some.lists(some.integers(-99_999, 99_999), max_size=20))
def test_the_texts_of_a_pattern_are_the_paths_of_its_frames(frames: list[int]) -> None:
    pattern = FilePattern("/show//sh010/./plate_v01.####.exr")
    assert pattern.texts(frames) == {frame: str(pattern.path(frame)) for frame in frames}
    assert pattern.texts([7]) == {7: "/show/sh010/plate_v01.0007.exr"}


def test_four_hashes_match_four_digits_or_more(tmp_path: Path) -> None:
    for name in ("m.0056.png", "m.12345.png", "m.056.png", "m.0057.png.bak", "m.0058.exr", "m.-0010.png"):
        (tmp_path / name).touch()
    found = FilePattern(str(tmp_path / "m.####.png")).frames_on_disk()
    assert list(found) == [-10, 56, 12345]


def test_when_two_files_claim_one_frame_then_both_are_named(tmp_path: Path) -> None:
    for name in ("a.01.exr", "a.001.exr"):
        (tmp_path / name).touch()
    with pytest.raises(RequestError, match=r"a\.001\.exr and a\.01\.exr"):
        FilePattern(str(tmp_path / "a.##.exr")).frames_on_disk()


def test_when_the_folder_is_missing_then_there_are_no_frames(tmp_path: Path) -> None:
    assert FilePattern(str(tmp_path / "nowhere" / "a.####.exr")).frames_on_disk() == {}


def test_the_last_number_field_of_the_name_counts_and_those_of_folders_do_not(tmp_path: Path) -> None:
    pattern = FilePattern(str(tmp_path / "shot_####" / "v##_plate.%04d.exr"))
    assert pattern.path(7) == tmp_path / "shot_####" / "v##_plate.0007.exr"


def test_when_there_is_no_number_field_then_it_is_one_file(tmp_path: Path) -> None:
    pattern = FilePattern(str(tmp_path / "movie.mov"))
    assert not pattern.numbered
    assert pattern.path(5) == tmp_path / "movie.mov"
    with pytest.raises(ValueError, match="number field"):
        pattern.frames_on_disk()


@pytest.mark.parametrize("letters", ["a+b", "a(1)", "a[b]", "a.b", "ä ö"])
def test_letters_that_mean_something_to_an_expression_are_only_letters(tmp_path: Path, letters: str) -> None:
    pattern = FilePattern(str(tmp_path / f"{letters}.####.exr"))
    pattern.path(3).touch()
    assert list(pattern.frames_on_disk()) == [3]
