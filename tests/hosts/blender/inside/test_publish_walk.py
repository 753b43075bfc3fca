"""What goes into a scene, walked in Blender itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest

from understudy.bridge.errors import HostError
from understudy.host_plugins.pyblish.blender_walk import BlenderUpstream


def strips(owner: Any) -> Any:
    return owner.strips if hasattr(owner, "strips") else owner.sequences


@pytest.fixture
def scene() -> Any:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    made = bpy.data.scenes.new("Edit")
    made.sequence_editor_create()
    return made


def put_layer(scene: Any, folder: Path, name: str = "patch", channel: int = 2) -> Any:
    folder.mkdir(exist_ok=True)
    for frame in (1001, 1002):
        (folder / f"{name}.{frame}.exr").write_bytes(b"its name is all that is asked for")
    editor = scene.sequence_editor
    strip = strips(editor).new_image(name, str(folder / f"{name}.1001.exr"), channel, 1)
    strip.elements.append(f"{name}.1002.exr")
    return strip


def load_picture(folder: Path) -> str:
    """Have the file hold a picture that a texture, a backdrop or the compositor may show; return its path."""
    picture = folder / "texture.png"
    made = bpy.data.images.new("texture", 4, 4)
    made.filepath_raw, made.file_format = str(picture), "PNG"
    made.save()
    bpy.data.images.remove(made)
    bpy.data.images.load(str(picture))
    return str(picture)


def used(published: str = "Edit") -> dict[str, str]:
    return {use.typed: use.where for use in BlenderUpstream(bpy).uses(published)}


def test_when_a_strip_shows_pictures_then_each_of_its_files_is_named(scene: Any, tmp_path: Path) -> None:
    put_layer(scene, tmp_path / "layers")
    files = {str(tmp_path / "layers" / f"patch.{frame}.exr"): "Edit: patch" for frame in (1001, 1002)}
    assert used() == files


def test_when_a_strip_is_muted_then_it_is_not_used(scene: Any, tmp_path: Path) -> None:
    put_layer(scene, tmp_path / "layers").mute = True
    assert used() == {}


def test_when_a_strip_lies_in_a_meta_then_it_is_found_there_and_named_with_it(scene: Any, tmp_path: Path) -> None:
    meta = strips(scene.sequence_editor).new_meta("Meta", 3, 1)
    strip = put_layer(scene, tmp_path / "layers")
    strip.move_to_meta(meta)
    assert set(used().values()) == {"Edit: Meta > patch"}


def test_when_a_scene_strip_shows_another_edit_then_its_strips_are_found(scene: Any, tmp_path: Path) -> None:
    outer = bpy.data.scenes.new("Outer")
    outer.sequence_editor_create()
    shown = strips(outer.sequence_editor).new_scene("inner", scene, 1, 1)
    shown.scene_input = "SEQUENCER"
    put_layer(scene, tmp_path / "layers")
    assert set(used("Outer").values()) == {"Edit: patch"}


def test_when_a_scene_strip_shows_a_camera_then_every_picture_of_the_file_counts(scene: Any, tmp_path: Path) -> None:
    picture = load_picture(tmp_path)
    inner = bpy.data.scenes.new("Inner")
    strips(scene.sequence_editor).new_scene("inner", inner, 1, 1)
    assert picture in used()


def _clear(scene: Any) -> None:
    scene.sequence_editor_clear()


def _mute(scene: Any) -> None:
    strips(scene.sequence_editor)["patch"].mute = True


def _mute_channel(scene: Any) -> None:
    scene.sequence_editor.channels[2].mute = True


def _switch_off(scene: Any) -> None:
    scene.render.use_sequencer = False


@pytest.mark.parametrize("change", [_clear, _mute, _mute_channel, _switch_off])
def test_when_a_scene_is_rendered_past_its_sequencer_then_every_picture_of_the_file_counts(
    scene: Any, tmp_path: Path, change: Callable[[Any], None]
) -> None:
    picture = load_picture(tmp_path)
    put_layer(scene, tmp_path / "layers")
    assert picture not in used(), "so long the sequencer is what is rendered"
    change(scene)
    assert picture in used()


def _compositor_strip(scene: Any) -> None:
    strips(scene.sequence_editor).new_effect(name="nodes", type="COMPOSITOR", channel=3, frame_start=1, length=2)


def _compositor_modifier(scene: Any) -> None:
    strips(scene.sequence_editor)["patch"].modifiers.new("nodes", "COMPOSITOR")


@pytest.mark.parametrize("change", [_compositor_strip, _compositor_modifier])
def test_when_a_strip_is_made_by_compositor_nodes_then_every_picture_of_the_file_counts(
    scene: Any, tmp_path: Path, change: Callable[[Any], None]
) -> None:
    if bpy.app.version < (5, 2, 0):
        pytest.skip("strips have no compositor nodes yet, or, in 5.0, the module crashes on making a modifier")
    picture = load_picture(tmp_path)
    put_layer(scene, tmp_path / "layers")
    change(scene)
    assert picture in used()


def test_when_there_is_no_such_scene_then_its_name_is_said(scene: Any) -> None:
    with pytest.raises(HostError, match="Nowhere"):
        used("Nowhere")
