"""A real Blender as a rig of the contract: one document, in the process that the tests run in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from host_rig import FIRST, FRAMES, HEIGHT, NO_HANDLES, WIDTH, Drawn, Picture, read_exr

from understudy.bridge.frames import FrameRange, FrameRate, Handles
from understudy.bridge.main_thread import MainThread
from understudy.host_plugins.blender import compat, properties
from understudy.host_plugins.blender.colours import SEQUENCER_SPACE
from understudy.host_plugins.blender.host import BlenderHost
from understudy.host_plugins.blender.strips import VERSION

REGISTERED: list[bool] = []


def new_document(path: Path, width: int = WIDTH, height: int = HEIGHT) -> Any:
    """Open an empty file with a sequencer, save it as `path`, and return its scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if not REGISTERED:
        properties.register()
        REGISTERED.append(True)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.sequencer_colorspace_settings.name = SEQUENCER_SPACE
    if scene.sequence_editor is None:
        scene.sequence_editor_create()
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return scene


def add_images(scene: Any, name: str, pattern: str, channel: int, first: int = FIRST, count: int = FRAMES) -> Any:
    """Add a strip of numbered files, shown from `first` on."""
    files = [Path(pattern.replace("####", f"{frame:04}")) for frame in range(FIRST, FIRST + count)]
    strips = compat.strips_of(scene.sequence_editor)
    strip = strips.new_image(
        name=name, filepath=str(files[0]), channel=channel, frame_start=first, fit_method="ORIGINAL"
    )
    for file in files[1:]:
        strip.elements.append(file.name)
    return strip


def rendered(scene: Any, frame: int, folder: Path) -> Picture:
    """Return what the sequencer shows, as float, by a render of our own; the scene's settings are put back."""
    render, settings = scene.render, scene.render.image_settings
    before = (scene.frame_start, scene.frame_end, render.filepath)
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGBA", "32"
    scene.frame_start = scene.frame_end = frame
    render.filepath = compat.output_path(folder / "shown.")
    bpy.ops.render.render(animation=True, scene=scene.name)
    scene.frame_start, scene.frame_end, render.filepath = before
    return read_exr(folder / f"shown.{frame:04}.exr")


class BlenderRig:
    """Implements `host_rig.HostRig`."""

    renders = True
    edits = True
    renders_by_itself = False
    refusals = ("render", "sources", "place")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.main = MainThread()
        self.host = BlenderHost()
        self.document = folder / "document.blend"
        self._take_back: Callable[[], None] = lambda: None

    @property
    def scene(self) -> Any:
        return bpy.context.scene

    def make_shot(
        self,
        drawn: Drawn,
        *,
        shot: str,
        rate: FrameRate,
        untouched: bool = True,
        matte: str | None = None,
        handles: Handles = NO_HANDLES,
    ) -> None:
        scene = new_document(self.document)
        scene.render.fps = round(rate.fraction * 1001 / 1000) if rate.denominator == 1001 else rate.numerator
        scene.render.fps_base = float(scene.render.fps / rate.fraction)
        plate = add_images(scene, shot, drawn.plate, 1)
        roto = add_images(scene, "roto", matte or drawn.matte, 2)
        roto.mute = True
        for strip in (plate, roto):
            compat.show_frames(strip, FIRST + handles.head, FIRST + FRAMES - 1 - handles.tail)
        self.ask_handles(handles)
        if not untouched:
            plate.color_multiply = 0.9
        scene.sequence_editor.active_strip = plate
        settings = scene.understudy
        settings.shot = shot
        settings.matte_from, settings.matte_strip = "STRIP", "roto"
        settings.reference_from, settings.reference_file = "FILE", drawn.reference
        bpy.ops.wm.save_mainfile()

    def ask_handles(self, handles: Handles) -> None:
        self.scene.understudy.head, self.scene.understudy.tail = handles

    def placed(self) -> tuple[FrameRange, FrameRange]:
        strips = [s for s in compat.all_strips_of(self.scene.sequence_editor) if VERSION in s]
        newest = max(strips, key=lambda strip: int(strip[VERSION]))
        first, end = compat.content_of(newest)
        return FrameRange(compat.start_of(newest), compat.end_of(newest) - 1), FrameRange(first, end - 1)

    def refuse_next(self, call: str) -> None:
        {"render": self._lose_a_frame, "sources": self._hide_a_source, "place": self._lock_channels}[call]()

    def surroundings(self) -> object:
        self._take_back()
        self._take_back = lambda: None
        return [_scene_facts(scene) for scene in bpy.data.scenes], sorted(mask.name for mask in bpy.data.masks)

    def picture(self, frame: int) -> Picture:
        return rendered(self.scene, frame, self.folder)

    def takes(self) -> tuple[int, ...]:
        strips = compat.all_strips_of(self.scene.sequence_editor)
        return tuple(sorted(int(strip[VERSION]) for strip in strips if VERSION in strip))

    def restart(self) -> None:
        bpy.ops.wm.save_mainfile()
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.wm.open_mainfile(filepath=str(self.document))
        self.main = MainThread()
        self.host = BlenderHost()

    # ---- how a real Blender is made to refuse ----

    def _lose_a_frame(self) -> None:
        """The next rendered frame is gone from the disk as soon as it is written."""

        def lose(scene: Any, *_: Any) -> None:
            Path(scene.render.frame_path(frame=scene.frame_current)).unlink()
            bpy.app.handlers.render_write.remove(lose)

        bpy.app.handlers.render_write.append(lose)

    def _hide_a_source(self) -> None:
        strip = self.scene.sequence_editor.active_strip
        source = Path(bpy.path.abspath(strip.directory)) / strip.elements[1].filename
        hidden = source.rename(source.with_suffix(".hidden"))
        self._take_back = lambda: _ignored(hidden.rename(source))

    def _lock_channels(self) -> None:
        channels = self.scene.sequence_editor.channels
        for channel in channels:
            channel.lock = True
        self._take_back = lambda: _unlock(channels)


def _unlock(channels: Any) -> None:
    for channel in channels:
        channel.lock = False


def _ignored(_: object) -> None:
    """For a lambda that must return nothing."""


def _scene_facts(scene: Any) -> object:
    render, editor = scene.render, scene.sequence_editor
    return (
        scene.name, scene.frame_current, scene.frame_start, scene.frame_end, scene.camera, render.filepath,
        render.resolution_x, render.resolution_y, render.resolution_percentage, render.fps, render.fps_base,
        render.image_settings.file_format, render.use_sequencer, render.use_compositing,
        scene.view_settings.view_transform, scene.sequencer_colorspace_settings.name,
        editor.active_strip.name if editor.active_strip else None,
        [_strip_facts(strip) for strip in compat.all_strips_of(editor)],
        [(channel.name, channel.mute, channel.lock) for channel in editor.channels],
    )  # fmt: skip


def _strip_facts(strip: Any) -> object:
    return (
        strip.name, strip.type, strip.channel, compat.start_of(strip), compat.end_of(strip), strip.mute, strip.select,
        strip.blend_type, strip.blend_alpha, strip.color_multiply, strip.colorspace_settings.name, strip.directory,
        [element.filename for element in strip.elements],
    )  # fmt: skip
