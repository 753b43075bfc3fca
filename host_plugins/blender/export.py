# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job needs, from the sequencer: untouched sources by their files, the rest rendered one frame a step.

Main thread only. All that can be missing is looked for before the first frame is written.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import bpy

from understudy.bridge.aside import aside
from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange
from understudy.bridge.host import Exported, Footage, Selection, Step, Steps, refuse_handles_beyond
from understudy.bridge.host_numbers import file_footage

from . import compat, strips
from .blender_types import Picture, Scene, Strip, given
from .colours import PLATE_COLOURS, known_to_daemon
from .masks import mask_only
from .properties import settings_of
from .rendering import Rendering, alone, pattern_in, render_frame, up_to
from .rig_keypoints import write_keypoints
from .untouched import is_untouched, may_have_alpha


class Part(NamedTuple):
    """One role of the job: footage that is ready, or what will be rendered into it."""

    footage: Footage
    rendering: Rendering | None = None


def export_shot(scene: Scene, strip_name: str, selection: Selection, folder: Path) -> Steps[Exported]:
    """Return the job's files. scene: the sequencer's; strip_name: empty where a rig drives alone."""
    settings, frames, name = settings_of(scene), selection.frames, scene.name
    by_rig = settings.mode == "animate" and settings.driver == "RIG"
    by_file = settings.mode == "replace" and settings.matte_from == "FILE"
    looked: list[strips.Sources] = []
    parts = _plan(scene, strip_name, frames, folder, looked)
    yield from strips.refuse_missing(looked)
    if by_file:
        parts["matte"] = Part((yield from _numbered(parts["matte"].footage, frames, parts["plate"].footage)))
    _refuse_two_counts(parts)
    rendered = {role: part.rendering for role, part in parts.items() if part.rendering is not None}
    total = len(frames) * (len(rendered) + by_rig)
    done = 0
    for frame in frames:
        for role, rendering in rendered.items():
            render_frame(rendering, folder, role, frame)
            done += 1
            yield Step(done, total, role)
    if by_rig:
        scene = strips.find_scene(name)  # anew: an undo between two turns has left the one above dead
        for steps in write_keypoints(scene, settings_of(scene).rig, frames, folder / "keypoints.json"):
            yield Step(done + steps, total, "keypoints")
        parts["keypoints"] = Part(Footage(typed=str(folder / "keypoints.json"), ours=True))
    return Exported(footage={role: part.footage for role, part in parts.items()}, window="display")


def _plan(
    scene: Scene, strip_name: str, frames: FrameRange, folder: Path, looked: list[strips.Sources]
) -> dict[str, Part]:
    """Return each role's part, in one turn; `looked` gets what must be on disk for it."""
    settings = settings_of(scene)
    parts: dict[str, Part] = {"reference": Part(_reference(scene, looked))}
    if strip_name:
        parts["plate"] = _plate(scene, strips.find_strip(scene, strip_name), frames, folder, looked)
    if settings.mode == "replace":
        parts["matte"] = _matte(scene, strip_name, parts["plate"], frames, folder, looked)
    if settings.clean_plate_strip:
        strip = strips.find_strip(scene, settings.clean_plate_strip)
        parts["clean_plate"] = _picture(scene, strip, "clean_plate", frames, folder, looked)
    return parts


def _plate(scene: Scene, strip: Strip, frames: FrameRange, folder: Path, looked: list[strips.Sources]) -> Part:
    below = () if is_untouched(strip, scene) else strips.visible_below(given(scene.sequence_editor), strip)
    looked += [strips.sources_of(one, frames) for one in below]
    looked.append(strips.sources_of(strip, frames, behind_trim=True))
    if not is_untouched(strip, scene):
        return _rendered("plate", Rendering(scene.name, up_to(strip.name, frames)), folder, _space_of_renders())
    return Part(_files(strip, frames, PLATE_COLOURS[strips.colour_space_of(strip)]))


def _picture(
    scene: Scene, strip: Strip, role: str, frames: FrameRange, folder: Path, looked: list[strips.Sources]
) -> Part:
    """A strip looked at alone: the clean plate, wherever it lies and whether or not it is muted."""
    _refuse_short(strip, role, frames)
    looked.append(strips.sources_of(strip, frames, behind_trim=True))
    if not is_untouched(strip, scene, as_matte=True) or strips.colour_space_of(strip) not in PLATE_COLOURS:
        return _rendered(role, Rendering(scene.name, alone(strip.name, frames)), folder, _space_of_renders())
    return Part(_files(strip, frames, PLATE_COLOURS[strips.colour_space_of(strip)]))


def _matte(
    scene: Scene, plate_name: str, plate: Part, frames: FrameRange, folder: Path, looked: list[strips.Sources]
) -> Part:
    settings = settings_of(scene)
    if settings.matte_from == "MASK":
        if settings.matte_mask is None:
            raise HostError("no mask is chosen for the matte", remedy="Choose one in the panel, white = replace here.")
        return _rendered("matte", Rendering(scene.name, mask_only(settings.matte_mask.name, frames)), folder)
    if settings.matte_from == "ALPHA":
        _refuse_without_alpha(strips.find_strip(scene, plate_name))
        if plate.rendering is None:
            return Part(plate.footage)
        return _rendered("matte", Rendering(scene.name, alone(plate_name, frames), "RGBA"), folder)
    if settings.matte_from == "FILE":
        return Part(Footage(typed=_chosen_file(settings.matte_file, "matte")))
    if not settings.matte_strip:
        raise HostError("no strip is chosen for the matte", remedy="Choose it in the panel, white = replace here.")
    strip = strips.find_strip(scene, settings.matte_strip)
    _refuse_short(strip, "matte", frames)
    looked.append(strips.sources_of(strip, frames, behind_trim=True))
    if not is_untouched(strip, scene, as_matte=True):
        return _rendered("matte", Rendering(scene.name, alone(strip.name, frames, as_data=True)), folder)
    return Part(_files(strip, frames, None))


def _numbered(matte: Footage, frames: FrameRange, plate: Footage) -> Steps[Footage]:
    """Return a chosen file with its pictures counted: a movie's first one belongs to the first frame of the cut."""
    counted = partial(file_footage, matte.typed, frames, plate, movie_first=frames.cut.first)
    return (yield from aside(counted, f"looking for {matte.typed}"))


def _reference(scene: Scene, looked: list[strips.Sources]) -> Footage:
    settings = settings_of(scene)
    if settings.reference_from == "FILE":
        return Footage(typed=_chosen_file(settings.reference_file, "reference"))
    if not settings.reference_strip:
        raise HostError("no strip is chosen for the reference", remedy="Choose the character's image in the panel.")
    strip = strips.find_strip(scene, settings.reference_strip)
    if not strips.is_image(strip):
        raise HostError(f"the reference “{strip.name}” is no still image", remedy="Choose an image, or a file.")
    first = strips.frames_of(strip).first
    looked.append(strips.sources_of(strip, FrameRange(first, first)))
    colour = PLATE_COLOURS.get(strips.colour_space_of(strip))
    return Footage(typed=strips.source_files(strip, FrameRange(first, first))[first], colour=colour)


def _chosen_file(text: str, role: str) -> str:
    if not text:
        raise HostError(f"no file is chosen for the {role}", remedy="Choose it in the panel.")
    return str(Path(bpy.path.abspath(text)))


def _files(strip: Picture, frames: FrameRange, colour: str | None) -> Footage:
    if strips.is_movie(strip):
        return Footage(typed=str(strips.movie_file(strip)), first=compat.first_source_frame(strip), colour=colour)
    files = strips.source_files(strip, frames)
    return Footage(typed=strips.pattern_of(files), files=files, colour=colour)


def _rendered(role: str, rendering: Rendering, folder: Path, colour: str | None = None) -> Part:
    return Part(Footage(typed=pattern_in(folder, role), ours=True, colour=colour), rendering)


def _space_of_renders() -> str:
    return known_to_daemon(compat.working_space())


def _refuse_short(strip: Strip, role: str, frames: FrameRange) -> None:
    shown, cut = strips.frames_of(strip), frames.cut
    if shown.first > cut.first or shown.last < cut.last:
        raise HostError(
            f"the {role} “{strip.name}” covers frames {shown}, the plate {cut}",
            remedy=f"Lengthen “{strip.name}”, or trim the plate.",
        )
    refuse_handles_beyond(frames, strips.reach_of(strip), f"the {role} “{strip.name}”")


def _refuse_without_alpha(strip: Strip) -> None:
    """A movie is left to the daemon: it opens it, and is told to take alpha and nothing else."""
    if strips.is_image(strip) and not may_have_alpha(strip):
        raise HostError(
            f"strip “{strip.name}” has no alpha to take the matte from",
            remedy="Choose a mask, another strip or a file as the matte, in the panel.",
        )


def _refuse_two_counts(parts: dict[str, Part]) -> None:
    """Files are counted by what was typed: the same files in two places of the timeline must not share one name."""
    seen: dict[str, Footage] = {}
    for role, part in parts.items():
        other = seen.setdefault(part.footage.typed, part.footage)
        if other.files != part.footage.files or other.first != part.footage.first:
            raise HostError(
                f"the {role} and another input show the same files, {part.footage.typed}, at different frames",
                remedy=f"Move one strip to the other's frames, or copy the files for the {role}.",
            )
