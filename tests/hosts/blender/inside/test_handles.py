"""Frames behind a strip's trim: sent and rendered when they are asked for, and behind the trim of the take again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blender_footage import export, noise, noise_strip, trim
from blender_rig import add_images, new_document
from host_rig import FIRST, FRAMES, read_exr, write_exr

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.host import Delivered, LayerFiles, RememberedJob
from understudy.host_plugins.blender import compat, memory
from understudy.host_plugins.blender.host import BlenderHost
from understudy.host_plugins.blender.strips import JOB

WHOLE = FrameRange(FIRST, FIRST + FRAMES - 1, 1, 2)


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    scene = new_document(tmp_path / "document.blend")
    reference = tmp_path / "character.exr"
    write_exr(reference, noise(1, 4))
    scene.understudy.reference_file = str(reference)
    return scene


@pytest.fixture
def plate(scene: Any, tmp_path: Path) -> Any:
    """Return a strip on channel 2, trimmed by a frame before its cut and by two after it, and ask for all of them."""
    plate = noise_strip(scene, tmp_path / "plate", "hero", 2)
    trim(plate, 1, 2)
    scene.understudy.head, scene.understudy.tail = 1, 2
    return plate


@pytest.fixture
def neighbour(scene: Any, plate: Any) -> Any:
    """Return what stands on the plate's channel right after its cut, where its handles would be."""
    return add_images(scene, "next", str(plate.directory) + "hero.####.exr", 2, first=compat.end_of(plate))


def test_when_handles_are_asked_for_then_the_files_behind_the_trim_go_too(plate: Any, tmp_path: Path) -> None:
    assert BlenderHost().select().frames == WHOLE
    files = export(tmp_path / "out").footage["plate"].files
    assert [Path(path).name for path in files.values()] == [f"hero.{frame}.exr" for frame in WHOLE]
    assert list(files) == list(WHOLE)


def test_when_a_plate_with_handles_is_rendered_then_its_neighbour_is_not_in_them_and_stays_where_it_is(
    scene: Any, plate: Any, neighbour: Any, tmp_path: Path
) -> None:
    plate.color_multiply = 0.5
    before = [(strip.name, strip.channel, compat.start_of(strip), strip.mute) for strip in (plate, neighbour)]
    footage = export(tmp_path / "out").footage["plate"]
    for frame in WHOLE:
        written = read_exr(Path(footage.typed.replace("####", f"{frame:04}")))[..., :3]
        np.testing.assert_allclose(written, noise(frame) * 0.5, rtol=2**-10, atol=2**-14)
    now = [(strip.name, strip.channel, compat.start_of(strip), strip.mute) for strip in (plate, neighbour)]
    assert now == before


def test_when_a_matte_has_fewer_frames_behind_its_trim_then_it_is_named_with_what_it_has(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    roto = add_images(scene, "roto", str(tmp_path / "plate" / "hero.####.exr"), 4, count=FRAMES - 1)
    trim(roto, 1, 1)
    scene.understudy.matte_from, scene.understudy.matte_strip = "STRIP", "roto"
    with pytest.raises(HostError, match="the matte “roto”") as refusal:
        export(tmp_path / "out")
    assert "1:1" in refusal.value.remedy


def test_when_a_file_behind_the_trim_is_gone_then_it_is_named_only_where_it_is_wanted(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    (tmp_path / "plate" / f"hero.{WHOLE.last}.exr").unlink()
    with pytest.raises(HostError, match=f"hero.{WHOLE.last}.exr"):
        export(tmp_path / "out")
    scene.understudy.tail = 1
    assert len(export(tmp_path / "again").footage["plate"].files) == FRAMES - 1


def test_when_a_strip_is_no_picture_from_disk_then_it_has_nothing_behind_its_trim(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    new = compat.strips_of(scene.sequence_editor).new_effect
    ends = {"length": 2} if "length" in new.__doc__ else {"frame_end": FIRST + 3}
    colour = new(name="grey", type="COLOR", channel=5, frame_start=FIRST + 1, **ends)
    scene.sequence_editor.active_strip = colour
    with pytest.raises(HostError, match="reach past the end of strip “grey”") as refusal:
        BlenderHost().select()
    assert "0:0" in refusal.value.remedy


def test_when_only_a_handle_meets_another_strip_then_the_take_lies_just_above_its_plate_and_nothing_is_moved(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    title = add_images(scene, "title", str(tmp_path / "plate" / "hero.####.exr"), 3, first=compat.end_of(plate))
    pattern = tmp_path / "plate" / "hero.####.exr"
    job = RememberedJob(
        job_id="job1", shot="sh010", version=1, frames=WHOLE, anchor=str(memory.Anchor("Scene", "hero")),
        folder=str(tmp_path),
    )  # fmt: skip
    host = BlenderHost()
    host.remember(job)
    layers = (LayerFiles(name="patch", pattern=str(pattern), colour="lin_rec709_scene"),)
    for _ in host.place(Delivered(job=job, rate=FrameRate(24), layers=layers)):
        pass
    take = next(strip for strip in compat.all_strips_of(scene.sequence_editor) if JOB in strip)
    shown = FrameRange(compat.start_of(take), compat.end_of(take) - 1)
    assert (take.channel, shown, compat.content_of(take)) == (3, WHOLE.cut, (WHOLE.first, WHOLE.last + 1))
    assert take.strip_elem_from_frame(WHOLE.cut.first).filename == f"hero.{WHOLE.cut.first}.exr"
    assert (title.channel, compat.start_of(title)) == (3, WHOLE.cut.last + 1)


def test_when_a_rig_drives_then_its_handles_lie_around_the_scene_s_frames(scene: Any) -> None:
    import bpy

    settings = scene.understudy
    settings.mode, settings.driver = "animate", "RIG"
    settings.rig = bpy.data.objects.new("walker", bpy.data.armatures.new("walker"))
    scene.frame_start, scene.frame_end = 11, 20
    settings.head, settings.tail = 2, 3
    assert BlenderHost().select().frames == FrameRange(9, 23, 2, 3)
