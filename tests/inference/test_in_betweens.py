"""In-betweens of a real shot on disk, of pictures that a test makes: over seams, after a crash, under empty mattes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from numpy.typing import NDArray
from redo_rig import keeping, redo_of
from spine_rig import gathered, order_of
from wan_shot import FIRST, HEIGHT, WIDTH, draw_wan_shot, write

from understudy.bridge.errors import EngineError, Finding
from understudy.bridge.shot import OutputFile
from understudy.inference.engines.door import GeneratedFrame
from understudy.inference.footage import ShotPictures, open_pictures
from understudy.inference.frame_layers import LayerMaker
from understudy.inference.in_betweens import InBetweens, plate_in_its_place, told_of
from understudy.inference.segments import Segment, plan_segments
from understudy.inference.version import Version
from understudy.inference.work_order import WorkOrder

DIGESTS = {"wan2.2-animate-14b": "0" * 64}


def order_for(folder: Path, frames: int, *more: str, rate: str = "24", preset: str = "std") -> WorkOrder:
    options = draw_wan_shot(folder / "shot", frames)
    said = ["segment_frames=9", f"preset={preset}", *more]
    return keeping(order_of(gathered(options, option=said, rate=rate), folder / "out"))


@dataclass
class Engine:
    """Makes pictures that differ by frame, and remembers which segments were asked of it."""

    size: tuple[int, int]
    asked: list[int] = field(default_factory=list)

    def make(self, segment: Segment) -> Iterator[GeneratedFrame]:
        self.asked.append(segment.index)
        for frame in segment.frames:
            noise = np.random.default_rng(frame).random((*self.size, 4), np.float32)
            yield GeneratedFrame(frame, noise[:, :, 3], picture=noise[:, :, :3], character=noise[:, :, :3] / 2)


class Opened:
    """A shot, its version and its segments, as the pipeline opens them."""

    def __init__(self, order: WorkOrder) -> None:
        self.version = Version(order)
        self.version.weights = DIGESTS
        self.pictures: ShotPictures = open_pictures(order, lambda done, total: None)
        self.segments = plan_segments(self.pictures.cadence.made, self.version.description.segment)
        crop = self.pictures.crop
        self.engine = Engine((crop.model_height, crop.model_width))

    def frames(self, *wanted: int) -> list[GeneratedFrame]:
        """Return what a worker that has just started makes of these segments."""
        between = InBetweens(self.pictures, self.version, self.segments)
        segments = between.with_lost([self.segments[index] for index in wanted])
        found = [frame for segment in segments for frame in between.frames(segment, self.engine.make(segment))]
        delivered = {frame for index in wanted for frame in self.pictures.cadence.delivered(self.segments[index])}
        return [frame for frame in found if frame.frame in delivered]


def same(one: GeneratedFrame, other: GeneratedFrame) -> bool:
    return one.frame == other.frame and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("coverage", "picture", "character")
    )


def test_every_frame_comes_in_order_and_a_held_one_shows_the_picture_before_it(tmp_path: Path) -> None:
    shot = Opened(order_for(tmp_path, 14))
    found = shot.frames(0, 1)
    assert [frame.frame for frame in found] == list(range(FIRST, FIRST + 14))
    for before, here in pairwise(found):
        assert (here.picture is before.picture) == (here.frame in shot.pictures.cadence.in_betweens)


def test_an_in_between_over_a_seam_is_the_same_in_one_go_and_after_a_crash(tmp_path: Path) -> None:
    order = order_for(tmp_path, 14, "between=interpolated")
    whole = Opened(order).frames(0, 1)
    assert [frame.frame for frame in whole] == list(range(FIRST, FIRST + 14))
    again = Opened(order)
    rest = again.frames(1)
    assert again.engine.asked == [1], "what leads over was kept"
    assert rest[0].frame in again.pictures.cadence.in_betweens
    assert all(same(one, other) for one, other in zip(whole[-len(rest) :], rest, strict=True))


@pytest.mark.parametrize("damage", [b"PK\x03\x04", None])
def test_when_what_leads_over_is_gone_or_torn_then_the_segment_before_is_made_again(
    tmp_path: Path, damage: bytes | None
) -> None:
    order = order_for(tmp_path, 14, "between=interpolated")
    whole = Opened(order).frames(0, 1)
    (kept,) = Path(order.carried).glob("last-*-0000.npz")
    kept.unlink() if damage is None else kept.write_bytes(damage)
    again = Opened(order)
    rest = again.frames(1)
    assert again.engine.asked == [0, 1]
    assert all(same(one, other) for one, other in zip(whole[-len(rest) :], rest, strict=True))


def test_a_redo_goes_on_from_what_the_version_before_kept_and_says_so_where_it_cannot(tmp_path: Path) -> None:
    before = order_for(tmp_path, 14, "between=interpolated")
    whole = Opened(before).frames(0, 1)
    redo = Opened(redo_of(before, tmp_path / "redo", 2, options={"steps": "3"}))
    assert same(redo.frames(1)[0], whole[-len(redo.pictures.cadence.delivered(redo.segments[1]))])
    assert redo.engine.asked == [1]
    for kept in Path(before.carried).glob("last-*"):
        kept.unlink()
    lost = Opened(redo_of(before, tmp_path / "lost", 2, options={"steps": "3"}))
    with pytest.raises(EngineError, match="no longer kept") as raised:
        lost.frames(1)
    assert "segment 1" in raised.value.remedy
    assert lost.engine.asked == []


def test_when_the_shot_is_no_faster_then_every_frame_is_made_and_that_is_said(tmp_path: Path) -> None:
    shot = Opened(order_for(tmp_path, 4, rate="12"))
    assert shot.pictures.cadence.in_betweens == ()
    (told,) = told_of(shot.pictures)
    assert "the shot runs at 12, the engine makes up to 15 pictures a second: every frame is a made one" in told.message
    assert "another preset" in told.remedy


def test_when_nothing_lies_between_pictures_then_an_option_for_it_is_said_to_be_unread(tmp_path: Path) -> None:
    (told,) = told_of(Opened(order_for(tmp_path, 2, "between=held", preset="pro")).pictures)
    assert told.message == "between=held is not read: with this preset every frame has a picture of its own"
    assert told_of(Opened(order_for(tmp_path / "pro", 2, preset="pro")).pictures) == ()


def test_the_engine_is_told_the_rate_at_which_it_makes_pictures(tmp_path: Path) -> None:
    footage = Opened(order_for(tmp_path, 14)).pictures.footage()
    assert len(footage.frames) == 10
    assert footage.rate == Fraction(24) * Fraction(9, 13)


class Announced:
    """Takes what a LayerMaker tells."""

    def __init__(self) -> None:
        self.files: dict[int, tuple[OutputFile, ...]] = {}

    def frame(self, frame: int, files: tuple[OutputFile, ...]) -> None:
        self.files[frame] = files

    def found(self, *findings: Finding) -> None: ...


def pixels(path: Path) -> NDArray[np.float16]:
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return np.dstack([file.channels()[channel].pixels for channel in "RGB"])


def test_when_only_an_in_between_shows_the_performer_then_the_plate_without_it_is_held_there(tmp_path: Path) -> None:
    order = order_for(tmp_path, 4)
    empty = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    ground = np.full((HEIGHT, WIDTH, 3), 0.25, np.float32)
    for frame in (FIRST, FIRST + 2, FIRST + 3):
        write(tmp_path / "shot" / f"plate.{frame}.exr", ground)
        write(tmp_path / "shot" / f"matte.{frame}.exr", empty)
    shot = Opened(order)
    pictures, version = shot.pictures, shot.version
    (between,) = pictures.cadence.in_betweens
    assert between not in pictures.empty
    assert set(pictures.cadence.made) == set(pictures.empty)
    announced = Announced()
    with LayerMaker(pictures, version, announced) as maker:
        made = (plate_in_its_place(pictures, frame) for frame in pictures.cadence.made)
        for found in InBetweens(pictures, version, shot.segments).frames(shot.segments[0], made):
            maker.add(found)
    assert {file.in_between for file in announced.files[between]} == {"held"}
    comp, plate = pixels(version.path("comp", between)), pixels(tmp_path / "shot" / f"plate.{between}.exr")
    effective = pixels(version.path("matte_effective", between))[:, :, 0]
    assert np.array_equal(comp[effective == 0].view(np.uint16), plate[effective == 0].view(np.uint16))
    assert np.allclose(comp[effective == 1].astype(np.float32), 0.25, atol=0.01), "no hole, no performer"
