"""What a host exported, as it can be typed into a form."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FilePattern, FrameRange, FrameRate
from understudy.bridge.host import Exported, Footage, Selection
from understudy.bridge.options import JobOptions
from understudy.bridge.typed_shot import typed_options

FRAMES = FrameRange(1001, 1003)
SELECTION = Selection(shot="sh010", frames=FRAMES, rate=FrameRate(24), anchor="node")


def files_of(folder: Path, first: int) -> dict[int, str]:
    folder.mkdir()
    named = {frame: folder / f"a.{first + at:04}.exr" for at, frame in enumerate(FRAMES)}
    for frame, path in named.items():
        path.write_text(f"picture {frame}")
    return {frame: str(path) for frame, path in named.items()}


def typed(exported: Exported, folder: Path) -> JobOptions:
    folder.mkdir(exist_ok=True)
    return typed_options(exported, JobOptions(), SELECTION, "/takes", folder)


def test_when_files_bear_the_host_s_numbers_then_their_own_pattern_is_typed(tmp_path: Path) -> None:
    pattern = str(tmp_path / "plate" / "a.####.exr")
    exported = Exported(footage={"plate": Footage(typed=pattern, files=files_of(tmp_path / "plate", 1001))})
    options = typed(exported, tmp_path / "export")
    assert (options.plate, options.frames, options.rate) == (pattern, "1001-1003", "24/1")
    assert list((tmp_path / "export").iterdir()) == []


def test_when_files_bear_other_numbers_then_links_have_the_host_s(tmp_path: Path) -> None:
    files = files_of(tmp_path / "plate", 7)
    exported = Exported(footage={"plate": Footage(typed=str(tmp_path / "plate/a.####.exr"), files=files)})
    options = typed(exported, tmp_path / "export")
    assert options.plate is not None
    read = {frame: FilePattern(options.plate).path(frame).read_text() for frame in FRAMES}
    assert read == {frame: f"picture {frame}" for frame in FRAMES}
    assert sorted(Path(path).name for path in files.values()) == ["a.0007.exr", "a.0008.exr", "a.0009.exr"]


def test_when_two_movies_begin_at_different_frames_then_it_is_refused_with_what_to_do(tmp_path: Path) -> None:
    footage = {"plate": Footage(typed="a.mov", first=1001), "matte": Footage(typed="b.mov", first=1)}
    with pytest.raises(HostError, match="two movies") as told:
        typed(Exported(footage=footage), tmp_path / "export")
    assert "sequence" in told.value.remedy


def test_when_a_movie_begins_at_the_host_s_frame_then_the_form_says_so(tmp_path: Path) -> None:
    footage = {"plate": Footage(typed="/a.mov", first=1001), "matte": Footage(typed="/m.####.exr")}
    assert typed(Exported(footage=footage), tmp_path / "export").first == 1001
