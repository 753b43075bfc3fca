"""What leaves the sequencer: the artist's own files where they are what is shown, else frames that are exactly that."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from blender_footage import export, noise, noise_strip, trim
from blender_rig import new_document
from daemon_rig import daemon_python
from host_rig import FIRST, FRAMES, read_exr, write_exr

from understudy.bridge.errors import HostError
from understudy.host_plugins.blender import compat, strips
from understudy.host_plugins.blender.colours import known_to_daemon
from understudy.host_plugins.blender.host import BlenderHost
from understudy.host_plugins.blender.untouched import why_rendered

WRITE_MOVIE = """
import sys, av, numpy as np
from fractions import Fraction
with av.open(sys.argv[1], "w") as movie:
    stream = movie.add_stream("libx264", rate=24)
    stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
    for number in range(12):
        picture = np.full((90, 160, 3), 20 * number, np.uint8)
        for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
            movie.mux(packet)
    for packet in stream.encode():
        movie.mux(packet)
"""


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


# ---- by its files ----


def test_when_a_strip_is_untouched_then_its_own_files_are_handed_over_frame_by_frame(
    plate: Any, tmp_path: Path
) -> None:
    exported = export(tmp_path / "out")
    footage = exported.footage["plate"]
    assert dict(footage.files) == {
        frame: str(tmp_path / "plate" / f"hero.{frame}.exr") for frame in range(FIRST, FIRST + FRAMES)
    }
    assert (footage.ours, footage.colour, exported.window) == (False, "lin_rec709_scene", "display")
    assert not (tmp_path / "out" / "plate").exists()


def test_when_a_strip_is_moved_andtrimmed_then_timeline_numbers_name_the_files_that_are_shown(
    plate: Any, tmp_path: Path
) -> None:
    if hasattr(plate, "content_start"):
        plate.content_start = 51
    else:
        plate.frame_start = 51
    trim(plate, 1, 1)
    footage = export(tmp_path / "out").footage["plate"]
    assert {frame: Path(file).name for frame, file in footage.files.items()} == {
        52: "hero.1002.exr", 53: "hero.1003.exr",
    }  # fmt: skip


def test_when_a_movie_is_untouched_then_it_is_handed_over_with_the_number_of_its_first_picture(
    scene: Any, tmp_path: Path
) -> None:
    movie = tmp_path / "take.mp4"
    subprocess.run([daemon_python(), "-c", WRITE_MOVIE, str(movie)], check=True)
    strip = compat.strips_of(scene.sequence_editor).new_movie(
        name="take", filepath=str(movie), channel=1, frame_start=101, fit_method="ORIGINAL"
    )
    scene.sequence_editor.active_strip = strip
    scene.understudy.mode = "animate"
    scene.render.fps, scene.render.fps_base = 24, 1.0
    assert why_rendered(scene, strip) == ""
    trim(strip, 4, 2)
    exported = export(tmp_path / "out")
    assert (strips.frames_of(strip).first, strips.frames_of(strip).last) == (105, 110)
    assert (exported.footage["plate"].typed, exported.footage["plate"].first) == (str(movie), 101)
    scene.render.fps = 25
    assert "frames per second" in why_rendered(scene, strip)


# ---- rendered ----


def _flip(scene: Any, strip: Any) -> None:
    strip.use_flip_x = True


def _reverse(scene: Any, strip: Any) -> None:
    strip.use_reverse_frames = True


def _blend(scene: Any, strip: Any) -> None:
    strip.blend_alpha = 0.5


def _move(scene: Any, strip: Any) -> None:
    strip.transform.offset_x = 8


def _crop(scene: Any, strip: Any) -> None:
    strip.crop.min_y = 10


def _animate(scene: Any, strip: Any) -> None:
    strip.blend_alpha = 1.0
    strip.keyframe_insert("blend_alpha", frame=FIRST)


def _other_size(scene: Any, strip: Any) -> None:
    scene.render.resolution_x = 200


def _other_colour(scene: Any, strip: Any) -> None:
    strip.colorspace_settings.name = "Non-Color"


def _modify(scene: Any, strip: Any) -> None:
    if bpy.app.version[:2] == (5, 0):
        pytest.skip("modifiers.new crashes the 5.0 module")
    strip.modifiers.new("brighter", type="BRIGHT_CONTRAST").bright = 10


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_flip, "flip"), (_reverse, "reverse"), (_blend, "blended"), (_move, "transformed"), (_crop, "cropped"),
        (_animate, "animated"), (_other_size, "200 x 90"), (_other_colour, "colour space"), (_modify, "modifiers"),
    ],
)  # fmt: skip
def test_when_a_strip_is_changed_in_any_way_then_it_is_rendered_and_the_artist_is_told_why(
    scene: Any, plate: Any, change: Callable[[Any, Any], None], words: str
) -> None:
    assert why_rendered(scene, plate) == ""
    change(scene, plate)
    assert words in why_rendered(scene, plate)
    assert any(words in caution for caution in BlenderHost().select().cautions)


def test_when_a_plate_is_rendered_then_it_has_the_source_s_own_bits(scene: Any, plate: Any, tmp_path: Path) -> None:
    plate.use_reverse_frames = True
    footage = export(tmp_path / "out").footage["plate"]
    assert (footage.ours, footage.colour) == (True, "lin_rec709_scene")
    for number, frame in enumerate(range(FIRST, FIRST + FRAMES)):
        written = read_exr(Path(footage.typed.replace("####", str(frame))))
        np.testing.assert_array_equal(written, noise(FIRST + FRAMES - 1 - number))


def test_when_the_plate_s_channel_is_muted_then_the_plate_is_rendered_all_the_same(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    plate.use_flip_x = True
    scene.sequence_editor.channels[plate.channel].mute = True
    footage = export(tmp_path / "out").footage["plate"]
    np.testing.assert_array_equal(read_exr(Path(footage.typed.replace("####", str(FIRST)))), noise(FIRST)[:, ::-1])
    assert scene.sequence_editor.channels[plate.channel].mute


def _in_acescg(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return linear Rec.709 in ACEScg, by Bradford from D65: the OpenColorIO ACES configs' own matrix."""
    matrix = (
        (0.61309732, 0.33952285, 0.04737929),
        (0.07019422, 0.91635557, 0.01345259),
        (0.02061560, 0.10956983, 0.86981512),
    )
    return pixels @ np.array(matrix).T


def test_when_the_scene_writes_its_own_renders_in_another_space_then_the_plate_is_still_in_the_one_that_is_told(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    output = scene.render.image_settings
    output.file_format, output.color_management = "OPEN_EXR", "OVERRIDE"
    output.linear_colorspace_settings.name = "ACEScg"
    plate.use_reverse_frames = True
    footage = export(tmp_path / "out").footage["plate"]
    assert footage.colour == "lin_rec709_scene"
    np.testing.assert_array_equal(read_exr(Path(footage.typed.replace("####", str(FIRST)))), noise(FIRST + FRAMES - 1))
    assert output.color_management == "OVERRIDE"


def test_when_the_file_works_in_acescg_then_what_is_rendered_is_in_it_and_says_so(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    if not hasattr(bpy.data, "colorspace"):
        pytest.skip("a file has a working space of its own from Blender 5.0 on")
    bpy.ops.wm.set_working_color_space(working_space="ACEScg")
    plate.use_reverse_frames = True
    scene.understudy.clean_plate_strip = "hero"
    footage = export(tmp_path / "out").footage
    for role in ("plate", "clean_plate"):
        assert footage[role].colour == "lin_ap1_scene"
        written = read_exr(Path(footage[role].typed.replace("####", str(FIRST))))
        np.testing.assert_allclose(written, _in_acescg(noise(FIRST + FRAMES - 1)), rtol=2**-9, atol=2**-9)


def test_when_a_working_space_has_no_name_that_the_daemon_knows_then_nothing_is_rendered_in_it() -> None:
    with pytest.raises(HostError, match="it has no interop id") as told:
        known_to_daemon("")
    assert "ACEScg" in told.value.remedy


def test_when_strips_lie_above_then_they_are_not_in_the_plate_and_what_is_below_is(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    noise_strip(scene, tmp_path / "below", "wall", 1, seed=100)
    noise_strip(scene, tmp_path / "above", "title", 3, seed=200)
    scene.sequence_editor.active_strip = plate
    plate.blend_alpha = 0.5
    written = read_exr(Path(export(tmp_path / "out").footage["plate"].typed.replace("####", str(FIRST))))
    np.testing.assert_allclose(written, 0.5 * noise(FIRST) + 0.5 * noise(FIRST + 100), rtol=2**-10, atol=2**-12)


def test_when_a_strip_is_a_meta_strip_then_it_is_rendered_as_it_looks(scene: Any, plate: Any, tmp_path: Path) -> None:
    meta = compat.strips_of(scene.sequence_editor).new_meta(name="nest", channel=4, frame_start=FIRST)
    plate.move_to_meta(meta)  # the data API leaves the meta strip one frame long
    scene.sequence_editor.active_strip = meta
    footage = export(tmp_path / "out").footage["plate"]
    assert "no picture from disk (Meta)" in BlenderHost().select().cautions[0]
    np.testing.assert_array_equal(read_exr(Path(footage.typed.replace("####", str(FIRST)))), noise(FIRST))


def test_when_a_strip_is_retimed_then_it_is_rendered_at_the_length_that_it_is_shown(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    if bpy.app.version[:2] != (4, 5):
        pytest.skip("this module has no operator for it without a window")
    plate.select = True
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    with bpy.context.temp_override(window=window, area=area, scene=scene):
        bpy.ops.sequencer.retiming_segment_speed_set(speed=50)
    assert "retimed" in why_rendered(scene, plate)
    frames = strips.frames_of(plate)
    assert len(frames) > FRAMES
    footage = export(tmp_path / "out").footage["plate"]
    shown = [read_exr(Path(footage.typed.replace("####", str(frame)))) for frame in frames]
    np.testing.assert_array_equal(shown[0], noise(FIRST))
    np.testing.assert_array_equal(shown[2], noise(FIRST + 1))


# ---- refused by name ----


def test_when_a_strip_goes_into_a_transition_then_it_is_refused_by_the_names_of_both(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    other = noise_strip(scene, tmp_path / "other", "next", 3)
    _new_cross(scene, plate, other)
    scene.sequence_editor.active_strip = plate
    with pytest.raises(HostError, match="“hero” is shown through “fade”") as told:
        BlenderHost().select()
    assert "Select “fade”" in told.value.remedy


def _new_cross(scene: Any, one: Any, other: Any) -> None:
    names = ("input1", "input2") if bpy.app.version >= (4, 5, 0) else ("seq1", "seq2")
    _new_effect(scene, "fade", "CROSS", **{names[0]: one, names[1]: other})


def _new_effect(scene: Any, name: str, kind: str, **inputs: Any) -> Any:
    end = {"length": FRAMES} if bpy.app.version >= (5, 0, 0) else {"frame_end": FIRST + FRAMES}
    return compat.strips_of(scene.sequence_editor).new_effect(
        name=name, type=kind, channel=5, frame_start=FIRST, **end, **inputs
    )


def test_when_a_strip_is_shown_at_another_speed_then_the_speed_strip_is_what_is_rendered(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    name = "input1" if bpy.app.version >= (4, 5, 0) else "seq1"
    speed = _new_effect(scene, "slow", "SPEED", **{name: plate})
    speed.speed_control, speed.speed_factor = "MULTIPLY", 0.5
    speed.use_frame_interpolate = False
    scene.sequence_editor.active_strip = plate
    with pytest.raises(HostError, match="“hero” is shown through “slow”"):
        BlenderHost().select()
    scene.sequence_editor.active_strip = speed
    footage = export(tmp_path / "out").footage["plate"]
    shown = [read_exr(Path(footage.typed.replace("####", str(frame)))) for frame in range(FIRST, FIRST + FRAMES)]
    np.testing.assert_array_equal(shown[0], noise(FIRST))
    np.testing.assert_array_equal(shown[2], noise(FIRST + 1))


def test_when_a_scene_strip_is_selected_then_it_is_refused_with_what_to_do(scene: Any) -> None:
    other = bpy.data.scenes.new("set")
    strip = compat.strips_of(scene.sequence_editor).new_scene(name="set", scene=other, channel=1, frame_start=1)
    scene.sequence_editor.active_strip = strip
    with pytest.raises(HostError, match="“set” is a scene") as told:
        BlenderHost().select()
    assert "EXR sequence" in told.value.remedy


@pytest.mark.parametrize("touched", [False, True])
def test_when_a_source_file_is_gone_then_it_is_named_before_a_frame_is_written(
    plate: Any, tmp_path: Path, touched: bool
) -> None:
    plate.use_flip_x = touched
    (tmp_path / "plate" / f"hero.{FIRST + 2}.exr").unlink()
    with pytest.raises(HostError, match=rf"1 of 4 source files are missing.*hero\.{FIRST + 2}\.exr"):
        export(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_when_the_file_was_never_saved_then_nothing_can_be_selected(plate: Any) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with pytest.raises(HostError, match="never saved"):
        BlenderHost().select()


# ---- and what is left behind ----


def test_when_names_are_awkward_then_rendered_files_lie_where_they_are_said_to(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    plate.use_reverse_frames = True
    footage = export(tmp_path / "{shot} #1 50%d ä[x]").footage["plate"]
    assert Path(footage.typed.replace("####", str(FIRST))).is_file()


def test_when_a_frame_is_rendered_then_nothing_of_ours_is_in_the_document_between_two_steps(
    scene: Any, plate: Any, tmp_path: Path
) -> None:
    plate.use_reverse_frames = True
    host = BlenderHost()
    (tmp_path / "out").mkdir()
    for _ in host.export(host.select(), tmp_path / "out"):
        assert [one.name for one in bpy.data.scenes] == [scene.name]
