"""Mattes: masks to the last pixel, strips as data, alpha as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from blender_footage import export, noise, noise_strip, set_end, trim
from blender_rig import new_document
from host_rig import FIRST, FRAMES, HEIGHT, WIDTH, read_exr, write_exr

from understudy.bridge.errors import HostError
from understudy.host_plugins.blender import compat
from understudy.host_plugins.blender.choices import read_choices


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    scene = new_document(tmp_path / "document.blend")
    reference = tmp_path / "character.exr"
    write_exr(reference, noise(1, 4))
    scene.understudy.reference_file = str(reference)
    return scene


@pytest.fixture
def plate(scene: Any, tmp_path: Path) -> Any:
    """Return a strip of noise on channel 2, without alpha; its matte is a still."""
    return noise_strip(scene, tmp_path / "plate", "hero", 2)


def _box(name: str, left: float, low: float, right: float, high: float) -> Any:
    """Return a mask of a box; in pixels of the picture, y up."""
    mask = bpy.data.masks.new(name)
    spline = mask.layers.new(name="box").splines.new()
    spline.points.add(3)
    spline.use_cyclic = True
    larger = max(WIDTH, HEIGHT)
    corners = ((left, low), (right, low), (right, high), (left, high))
    for point, (x, y) in zip(spline.points, corners, strict=True):
        place = ((x - WIDTH / 2) / larger + 0.5, (y - HEIGHT / 2) / larger + 0.5)
        point.handle_left_type = point.handle_right_type = "VECTOR"
        point.co = point.handle_left = point.handle_right = place
    return mask


def test_when_the_matte_is_a_mask_then_its_coverage_is_exact_to_the_last_pixel(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    scene.understudy.matte_from = "MASK"
    scene.understudy.matte_mask = _box("roto", 40, 20, 100, 70)
    footage = export(tmp_path / "out").footage["matte"]
    wanted = np.zeros((HEIGHT, WIDTH), np.float32)
    wanted[HEIGHT - 70 : HEIGHT - 20, 40:100] = 1
    for frame in range(FIRST, FIRST + FRAMES):
        drawn = read_exr(Path(footage.typed.replace("####", str(frame))))
        for channel in range(3):
            np.testing.assert_array_equal(drawn[..., channel], wanted)
    assert [mask.name for mask in bpy.data.masks] == ["roto"]
    assert (bpy.data.masks["roto"].frame_start, bpy.data.masks["roto"].frame_end) == (1, 100)


def test_when_a_mask_reaches_the_corner_then_the_corner_is_covered(scene: Any, plate: Any, tmp_path: Path) -> None:
    scene.understudy.matte_from = "MASK"
    scene.understudy.matte_mask = _box("roto", 100, 50, WIDTH, HEIGHT)
    footage = export(tmp_path / "out").footage["matte"]
    drawn = read_exr(Path(footage.typed.replace("####", str(FIRST))))[..., 0]
    assert drawn[0, -1] == drawn[0, -2] == 1


def test_when_a_matte_strip_of_8_bits_is_rendered_then_its_numbers_are_data_and_get_no_curve(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    image = bpy.data.images.new("grey", WIDTH, HEIGHT)
    image.pixels[:] = [120 / 255, 120 / 255, 120 / 255, 1.0] * (WIDTH * HEIGHT)
    image.filepath_raw, image.file_format = str(tmp_path / "grey.png"), "PNG"
    image.save()
    bpy.data.images.remove(image)
    matte = compat.strips_of(scene.sequence_editor).new_image(
        name="grey", filepath=str(tmp_path / "grey.png"), channel=4, frame_start=FIRST, fit_method="ORIGINAL"
    )
    set_end(matte, FIRST + FRAMES)
    matte.use_flip_x = matte.mute = True
    scene.understudy.matte_from, scene.understudy.matte_strip = "STRIP", "grey"
    footage = export(tmp_path / "out").footage["matte"]
    written = read_exr(Path(footage.typed.replace("####", str(FIRST))))
    np.testing.assert_allclose(written[..., 0], 120 / 255, atol=1 / 255)


def test_when_the_matte_is_the_alpha_of_a_changed_strip_then_it_is_rendered_with_it(scene: Any, tmp_path: Path) -> None:
    strip = noise_strip(scene, tmp_path / "cut", "cut", 2, channels=4)
    strip.use_reverse_frames = True
    scene.understudy.matte_from = "ALPHA"
    footage = export(tmp_path / "out").footage["matte"]
    written = read_exr(Path(footage.typed.replace("####", str(FIRST))))
    np.testing.assert_allclose(written[..., 3], noise(FIRST + FRAMES - 1, 4)[..., 3], atol=2**-11)


def test_when_a_matte_or_clean_plate_lies_in_closed_meta_strips_then_it_is_rendered_as_if_it_lay_alone(
    scene: Any, tmp_path: Path
) -> None:
    buried = noise_strip(scene, tmp_path / "buried", "buried", 3)
    noise_strip(scene, tmp_path / "beside", "beside", 4, seed=200).move_to_meta(_meta(scene, "nest", buried))
    _meta(scene, "outer", compat.strips_of(scene.sequence_editor)["nest"]).mute = True
    noise_strip(scene, tmp_path / "plate", "hero", 2, seed=100)
    settings = scene.understudy
    settings.matte_from, settings.matte_strip, settings.clean_plate_strip = "STRIP", "buried", "buried"
    compat.all_strips_of(scene.sequence_editor)["buried"].use_flip_x = True
    footage = export(tmp_path / "out").footage
    for role in ("matte", "clean_plate"):
        written = read_exr(Path(footage[role].typed.replace("####", str(FIRST))))
        np.testing.assert_array_equal(written, noise(FIRST)[:, ::-1])
    assert [strip.name for strip in compat.strips_of(scene.sequence_editor)] == ["outer", "hero"]


def _meta(scene: Any, name: str, strip: Any) -> Any:
    """Put a strip into a new meta strip, which is closed; return that one."""
    meta = compat.strips_of(scene.sequence_editor).new_meta(name=name, channel=6, frame_start=FIRST)
    strip.move_to_meta(meta)
    return meta


def test_when_the_matte_is_a_movie_then_its_first_picture_belongs_to_the_cut_s_first_frame(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    movie = tmp_path / "matte.mov"
    movie.write_bytes(b"its name is all that is asked for")
    scene.understudy.matte_file = str(movie)
    scene.understudy.head = 1
    trim(plate, 1, 0)
    assert export(tmp_path / "out").footage["matte"].first == FIRST + 1


def test_when_the_matte_s_files_are_numbered_as_the_plate_s_then_they_lie_under_the_plate_s_frames(
    scene: Any, tmp_path: Path
) -> None:
    noise_strip(scene, tmp_path / "plate", "hero", 2, start=1)
    numbered = tmp_path / "plate" / "hero.####.exr"
    for frame in range(FIRST, FIRST + FRAMES):
        (tmp_path / f"matte.{frame}.exr").hardlink_to(str(numbered).replace("####", str(frame)))
    scene.understudy.matte_file = str(tmp_path / "matte.####.exr")
    assert export(tmp_path / "out").footage["matte"].files == {
        1 + number: str(tmp_path / f"matte.{FIRST + number}.exr") for number in range(FRAMES)
    }


def test_when_there_is_no_such_matte_file_then_it_is_named_before_a_frame_is_written(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    scene.understudy.matte_file = str(tmp_path / "nothing.mov")
    plate.use_flip_x = True
    with pytest.raises(HostError, match=r"no file .*nothing\.mov"):
        export(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("touched", [False, True])
def test_when_a_plate_without_alpha_is_to_be_its_own_matte_then_it_is_refused_by_name_and_nothing_is_written(
    scene: Any, plate: Any, tmp_path: Path, touched: bool
) -> None:
    plate.use_reverse_frames = touched
    scene.understudy.matte_from = "ALPHA"
    with pytest.raises(HostError, match="strip “hero” has no alpha"):
        export(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_when_the_matte_is_the_plate_s_alpha_then_the_daemon_may_take_nothing_else_for_it(
    scene: Any, plate: Any
) -> None:
    assert read_choices(scene).matte_channel is None
    scene.understudy.matte_from = "ALPHA"
    assert read_choices(scene).matte_channel == "A"
    scene.understudy.mode = "animate"
    assert read_choices(scene).matte_channel is None, "an animation has no matte"


def test_when_the_matte_is_shorter_than_the_plate_then_both_ranges_are_told(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    short = noise_strip(scene, tmp_path / "short", "short", 3)
    scene.sequence_editor.active_strip = plate
    trim(short, 0, 1)
    scene.understudy.matte_from, scene.understudy.matte_strip = "STRIP", "short"
    with pytest.raises(HostError, match="“short” covers frames 1001-1003, the plate 1001-1004"):
        export(tmp_path / "out")
