"""Blender's sequencer, walked down from what is published: strips, metas, scene strips, and what those scenes show.

`bpy` is given, not imported. Main thread only. The names of strips and their collections changed with 4.4 and 5.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from understudy.bridge.errors import HostError
from understudy.host_plugins.pyblish.walk import Use


class BlenderUpstream:
    """Implements `walk.Upstream`."""

    host = "blender"

    def __init__(self, bpy: Any) -> None:
        self._bpy = bpy

    def uses(self, published: str) -> Iterator[Use]:
        """Yield the files of every strip that a scene shows; empty = of every scene of the file."""
        scenes = self._bpy.data.scenes
        if published and published not in scenes:
            raise HostError(f"there is no scene {published} in this file", remedy="Collect again.")
        waiting = [scenes[published]] if published else list(scenes)
        seen: set[str] = set()
        past_strips = False
        while waiting:
            scene = waiting.pop()
            if scene.name not in seen:
                seen.add(scene.name)
                strips = list(_strips(scene))
                for strip, where in strips:
                    yield from self._files(strip, f"{scene.name}: {where}")
                waiting += [strip.scene for strip, _ in strips if strip.type == "SCENE" and strip.scene is not None]
                past_strips |= not _renders_strips(scene) or any(_shows_pictures(strip) for strip, _ in strips)
        if past_strips:
            yield from self._pictures_of_scenes()

    def _files(self, strip: Any, where: str) -> Iterator[Use]:
        if strip.type == "IMAGE":
            folder = self._bpy.path.abspath(strip.directory)
            for element in strip.elements:
                yield Use(str(PurePath(folder) / element.filename), where)
        elif strip.type == "MOVIE":
            yield Use(self._bpy.path.abspath(strip.filepath), where)

    def _pictures_of_scenes(self) -> Iterator[Use]:
        """Yield every picture that the file's scenes may show as a texture, a backdrop or in the compositor."""
        for image in self._bpy.data.images:
            if image.source in ("FILE", "SEQUENCE", "MOVIE") and image.filepath:
                yield Use(self._bpy.path.abspath(image.filepath), f"image {image.name}")
        for clip in self._bpy.data.movieclips:
            yield Use(self._bpy.path.abspath(clip.filepath), f"movie clip {clip.name}")


def _renders_strips(scene: Any) -> bool:
    """Say whether a render of the scene is its sequencer's, not its camera's and compositor's."""
    editor = scene.sequence_editor
    return bool(scene.render.use_sequencer and editor is not None) and any(
        not strip.mute and not editor.channels[strip.channel].mute and strip.type != "SOUND" for strip in _of(editor)
    )


def _shows_pictures(strip: Any) -> bool:
    """Say whether the strip may show pictures of the file that are no strip's: of a 3D scene, of compositor nodes."""
    if strip.type == "SCENE" and getattr(strip, "scene_input", "CAMERA") != "SEQUENCER":
        return True
    return strip.type == "COMPOSITOR" or any(modifier.type == "COMPOSITOR" for modifier in strip.modifiers)


def _strips(scene: Any) -> Iterator[tuple[Any, str]]:
    """Yield every strip that is not muted, inside metas too, with the names that lead to it."""
    editor = scene.sequence_editor
    waiting = [(strip, strip.name) for strip in _of(editor)] if editor is not None else []
    while waiting:
        strip, where = waiting.pop()
        if strip.mute:
            continue
        yield strip, where
        if strip.type == "META":
            waiting += [(inner, f"{where} > {inner.name}") for inner in _of(strip)]


def _of(owner: Any) -> Any:
    """Return the strips of an editor or a meta: `strips` from 4.4 on, `sequences` before."""
    return owner.strips if hasattr(owner, "strips") else owner.sequences
