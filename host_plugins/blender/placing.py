# SPDX-License-Identifier: GPL-3.0-or-later
"""Results in the sequencer: above the source, at its frames, on a free channel; older takes kept and muted.

Main thread only.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import cast

import bpy
import msgspec

from understudy.bridge.aside import missing_files
from understudy.bridge.errors import HostError
from understudy.bridge.frames import FilePattern, FrameRange
from understudy.bridge.host import Delivered, LayerFiles, RememberedJob, Step, Steps

from . import compat, memory
from .blender_types import Editor, Scene, Strip, given, set_colour_space
from .colours import SEQUENCER_SPACE, blender_names
from .strips import JOB, LAYER, VERSION, blend_space_of, find_scene, is_image

TURN_SECONDS = 0.01
"""So long a turn goes on giving a strip its frames."""
CHANNELS = 128
"""Blender has so many and puts a strip for a higher one on the last, without a word."""


def place_take(delivered: Delivered) -> Steps[None]:
    """Add the take's picture as one strip. A take that was placed before is placed anew, never twice.

    A long strip grows over several turns, muted: Blender takes the longer for a frame the more there are. It is found
    by its job in each, for a reference would not outlive an undo of the artist's.
    """
    job = delivered.job
    remove_take(job.job_id)
    layer = delivered.layer(shown_layer(_scene(job), {layer.name for layer in delivered.layers}))
    files = yield from _files(job, layer)
    with ExitStack() as undone:
        undone.callback(remove_take, job.job_id)
        _begin(_scene(job), job, layer, files[0])
        yield Step(1, len(files))
        yield from _lengthen(job, [Path(file).name for file in files])
        strip = _find(job)
        _trim(strip, job)
        _verify(strip, job)
        strip.mute = False
        undone.pop_all()
    show_version(_scene(job), job)
    memory.keep(msgspec.structs.replace(job, state="delivered", settled=True))  # the step is to hold it as it is now
    _keep_through_undo(f"{job.shot} v{job.version:03} placed")
    yield Step(1, 1)


def withdraw_take(job: RememberedJob) -> None:
    """Take out what was placed of a job, and keep that through an undo of what comes after it."""
    if remove_take(job.job_id):
        _keep_through_undo(f"{job.shot} v{job.version:03} withdrawn")


def shown_layer(scene: Scene, names: set[str]) -> str:
    """Return which layer is right over the plate: `patch` where the sequencer blends light, else the finished `comp`.

    Alpha Over happens in the sequencer's colour space: in sRGB a soft edge of the patch would not be the comp's.
    """
    if "beauty" in names:
        return "beauty"
    blends_light = blend_space_of(scene) == SEQUENCER_SPACE
    return "patch" if blends_light or "comp" not in names else "comp"


def show_version(scene: Scene, job: RememberedJob) -> None:
    """Mute every other take of the same place; none is removed."""
    here = memory.place_of(scene, job)
    jobs = {one.job_id for one in memory.kept_jobs() if memory.place_of(scene, one) == here}
    for strip in compat.all_strips_of(given(scene.sequence_editor)):
        if strip.get(JOB) in jobs:
            strip.mute = strip[JOB] != job.job_id


def remove_take(job_id: str) -> bool:
    """Take out every strip of a job, in whatever scene; return whether there was one."""
    found = False
    for scene in bpy.data.scenes:
        if scene.sequence_editor is not None:
            strips = compat.strips_of(scene.sequence_editor)
            for strip in [strip for strip in strips if strip.get(JOB) == job_id]:
                strips.remove(strip)
                found = True
    return found


def _keep_through_undo(words: str) -> None:
    """Make it an undo step of its own: else the undo of the artist's next edit would take this back with it."""
    bpy.ops.ed.undo_push(message=words)


def _scene(job: RememberedJob) -> Scene:
    return find_scene(memory.Anchor.parse(job.anchor).scene)


def _find(job: RememberedJob) -> bpy.types.ImageStrip:
    for strip in compat.strips_of(given(_scene(job).sequence_editor)):
        if strip.get(JOB) == job.job_id and is_image(strip):
            return strip
    raise HostError(
        f"version {job.version} of {job.shot} was taken away while it was placed",
        remedy="Open the file again and take the job up: it is placed anew.",
    )


def _files(job: RememberedJob, layer: LayerFiles) -> Steps[list[str]]:
    """Return the layer's files. Raises HostError when one is missing: Blender would show magenta."""
    files = list(FilePattern(layer.pattern).texts(job.frames).values())
    gone = yield from missing_files(files)
    if gone:
        raise HostError(
            f"version {job.version} lacks {len(gone)} frames, the first is {gone[0]}",
            remedy=f"Fetch it again: understudy fetch {job.job_id}.",
        )
    return files


def _begin(scene: Scene, job: RememberedJob, layer: LayerFiles, first: str) -> None:
    """Make the strip with its first frame, muted, known as ours before anything else can fail."""
    editor = given(scene.sequence_editor)
    channel = _free_channel(editor, job.frames.cut, memory.find_source(scene, job))
    made = compat.strips_of(editor).new_image(
        name=f"{job.shot} v{job.version:03} {layer.name}", filepath=first, channel=channel,
        frame_start=job.frames.first, fit_method="ORIGINAL",
    )  # fmt: skip
    strip = cast("bpy.types.ImageStrip", made)  # the stubs say a strip of any kind
    strip[JOB], strip[VERSION], strip[LAYER] = job.job_id, job.version, layer.name
    strip.mute = True
    _dress(strip, layer)


def _lengthen(job: RememberedJob, names: list[str]) -> Steps[None]:
    """Give the strip all its frames, as many a turn as do not hold Blender."""
    done = 1
    while done < len(names):
        strip = _find(job)
        end = time.monotonic() + TURN_SECONDS
        for name in names[done:]:
            strip.elements.append(name)
            done += 1
            if time.monotonic() >= end:
                break
        if done < len(names):
            yield Step(done, len(names))


def _trim(strip: Strip, job: RememberedJob) -> None:
    """Show the cut, the handles behind the trim."""
    if any(job.frames.handles):
        channel = strip.channel
        compat.show_frames(strip, job.frames.cut.first, job.frames.cut.last)
        strip.channel = channel  # with its handles it may have met another and been moved


def _free_channel(editor: Editor, frames: FrameRange, source: Strip | None) -> int:
    """Return the lowest free channel above the source, so that titles above stay above; without one, above all."""
    taken = {
        strip.channel
        for strip in compat.strips_of(editor)
        if compat.start_of(strip) <= frames.last and compat.end_of(strip) > frames.first
    }
    below = source.channel if source is not None else max(taken, default=0)
    for channel in range(below + 1, CHANNELS + 1):
        known = editor.channels[channel]
        if channel not in taken and not known.mute and not known.lock:
            return channel
    raise HostError(
        f"there is no free channel above frames {frames}", remedy=f"Blender has {CHANNELS}: move or unlock some."
    )


def _dress(strip: bpy.types.ImageStrip, layer: LayerFiles) -> None:
    strip.select = False  # the artist's own selection stays what it is
    strip.blend_type, strip.blend_alpha, strip.alpha_mode = "ALPHA_OVER", 1.0, "PREMUL"
    for name in blender_names(layer.colour):
        with suppress(TypeError):  # so Blender says that its config has no such space
            set_colour_space(strip.colorspace_settings, name)
            return
    said = f"is in {layer.colour}, which this Blender has no name of" if layer.colour else "states no colour space"
    raise HostError(
        f"layer {layer.name} {said}", remedy=f"Convert {layer.pattern} to a space that it has, and add that by hand."
    )


def _verify(strip: Strip, job: RememberedJob) -> None:
    """Read back what Blender made of it: it corrects in silence."""
    shown = FrameRange(compat.start_of(strip), compat.end_of(strip) - 1)
    names = [Path(strip.strip_elem_from_frame(frame).filename).name for frame in (shown.first, shown.last)]
    if shown != job.frames.cut or not all(names):
        raise HostError(
            f"Blender placed version {job.version} at frames {shown} instead of {job.frames.cut}",
            remedy="Add the layer by hand from the version's folder, and tell us.",
        )
