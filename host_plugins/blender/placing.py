# SPDX-License-Identifier: GPL-3.0-or-later
"""Results in the sequencer: above the source, at its frames, on a free channel; older takes kept and muted.

Main thread only.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import cast

import bpy

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FilePattern, FrameRange
from understudy.bridge.host import Delivered, LayerFiles, RememberedJob, Step, Steps

from . import compat, memory
from .blender_types import Editor, Scene, Strip, given, set_colour_space
from .colours import SEQUENCER_SPACE, blender_name
from .strips import JOB, LAYER, VERSION, blend_space_of, find_scene

CHANNELS = 128
"""Blender has so many and puts a strip for a higher one on the last, without a word."""


def place_take(delivered: Delivered) -> Steps[None]:
    """Add the take's picture as one strip. A take that was placed before is placed anew, never twice."""
    job = delivered.job
    scene = find_scene(memory.Anchor.parse(job.anchor).scene)
    remove_take(job.job_id)
    layer = delivered.layer(shown_layer(scene, {layer.name for layer in delivered.layers}))
    strip = _add(scene, job, layer)
    with ExitStack() as undone:
        undone.callback(lambda: compat.strips_of(given(scene.sequence_editor)).remove(strip))
        _dress(strip, job, layer)
        _verify(strip, job)
        undone.pop_all()
    show_version(scene, job)
    yield Step(1, 1)


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
    for strip in takes_of(scene, job.anchor):
        strip.mute = strip[JOB] != job.job_id


def takes_of(scene: Scene, anchor: str) -> list[Strip]:
    """Return the result strips of one place, oldest first."""
    jobs = {job.job_id for job in memory.kept_jobs() if job.anchor == anchor}
    found = [strip for strip in compat.all_strips_of(given(scene.sequence_editor)) if strip.get(JOB) in jobs]
    return sorted(found, key=lambda strip: int(strip[VERSION]))


def remove_take(job_id: str) -> None:
    """Take out every strip of a job, in whatever scene."""
    for scene in bpy.data.scenes:
        if scene.sequence_editor is not None:
            strips = compat.strips_of(scene.sequence_editor)
            for strip in [strip for strip in strips if strip.get(JOB) == job_id]:
                strips.remove(strip)


def _add(scene: Scene, job: RememberedJob, layer: LayerFiles) -> bpy.types.ImageStrip:
    """Make the strip with all its frames. Raises HostError when a file is missing: Blender would show magenta."""
    pattern = FilePattern(layer.pattern)
    files = [pattern.path(frame) for frame in job.frames]
    gone = [path for path in files if not path.is_file()]
    if gone:
        raise HostError(
            f"version {job.version} lacks {len(gone)} frames, the first is {gone[0]}",
            remedy=f"Fetch it again: understudy fetch {job.job_id}.",
        )
    editor = given(scene.sequence_editor)
    channel = _free_channel(editor, job.frames.cut, memory.find_source(scene, job))
    made = compat.strips_of(editor).new_image(
        name=f"{job.shot} v{job.version:03} {layer.name}", filepath=str(files[0]), channel=channel,
        frame_start=job.frames.first, fit_method="ORIGINAL",
    )  # fmt: skip
    strip = cast("bpy.types.ImageStrip", made)  # the stubs say a strip of any kind
    for path in files[1:]:
        strip.elements.append(path.name)
    if any(job.frames.handles):
        compat.show_frames(strip, job.frames.cut.first, job.frames.cut.last)
        strip.channel = channel  # with its handles it may have met another and been moved
    return strip


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


def _dress(strip: bpy.types.ImageStrip, job: RememberedJob, layer: LayerFiles) -> None:
    strip.select = False  # the artist's own selection stays what it is
    strip[JOB], strip[VERSION], strip[LAYER] = job.job_id, job.version, layer.name
    strip.blend_type, strip.blend_alpha, strip.alpha_mode = "ALPHA_OVER", 1.0, "PREMUL"
    name = blender_name(layer.colour)
    if name is not None:
        set_colour_space(strip.colorspace_settings, name)


def _verify(strip: Strip, job: RememberedJob) -> None:
    """Read back what Blender made of it: it corrects in silence."""
    shown = FrameRange(compat.start_of(strip), compat.end_of(strip) - 1)
    names = [Path(strip.strip_elem_from_frame(frame).filename).name for frame in (shown.first, shown.last)]
    if shown != job.frames.cut or not all(names):
        raise HostError(
            f"Blender placed version {job.version} at frames {shown} instead of {job.frames.cut}",
            remedy="Add the layer by hand from the version's folder, and tell us.",
        )
