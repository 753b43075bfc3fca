# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender as a host: `bridge.host.Host` over the sequencer. Main thread only, as all of Blender's API is."""

from __future__ import annotations

import re
from pathlib import Path

from understudy.bridge.errors import ErrorReport, HostError
from understudy.bridge.frames import FrameRange, Handles
from understudy.bridge.host import (
    Delivered,
    Exported,
    RememberedJob,
    Selection,
    Steps,
    refuse_handles_beyond,
)

from . import memory, placing, strips
from .blender_types import Scene, Strip
from .colours import SEQUENCER_SPACE
from .export import export_shot
from .properties import UnderstudyShot, settings_of
from .untouched import why_rendered

UNFIT_FOR_NAMES = re.compile(r"[/\\\x00-\x1f]")
UNFIT_FOR_FOLDERS = re.compile(r'[<>:"|?*]')
"""What no folder on Windows may be called: a project moves between systems."""


class BlenderHost:
    """Implements `bridge.host.Host`. Holds nothing: all state is the document's."""

    name = "blender"

    def select(self) -> Selection:
        """Raises HostError without a saved file, a sequencer, a strip that can be a plate."""
        strips.need_saved()
        scene, editor = strips.need_editor()
        settings = settings_of(scene)
        if settings.mode == "animate" and settings.driver == "RIG":
            return _select_rig(scene)
        strip = strips.need_active_strip(scene, editor)
        frames = strips.frames_of(strip).with_handles(_handles(settings))
        refuse_handles_beyond(frames, strips.reach_of(strip), f"strip “{strip.name}”")
        return Selection(
            shot=_shot_name(settings.shot or strip.name), frames=frames, rate=strips.rate_of(scene),
            anchor=str(memory.Anchor(scene.name, strip.name)), plate=strip.name,
            matte=_matte_words(settings) if settings.mode == "replace" else "",
            reference=settings.reference_strip if settings.reference_from == "STRIP" else settings.reference_file,
            clean_plate=settings.clean_plate_strip, cautions=_cautions(scene, strip),
        )  # fmt: skip

    def export(self, selection: Selection, folder: Path) -> Steps[Exported]:
        anchor = memory.Anchor.parse(selection.anchor)
        strips.need_saved()
        return (yield from export_shot(strips.find_scene(anchor.scene), anchor.strip, selection, folder))

    def place(self, delivered: Delivered) -> Steps[None]:
        return placing.place_take(delivered)

    def withdraw(self, job: RememberedJob, why: ErrorReport | None) -> None:
        placing.withdraw_take(job)

    def remember(self, job: RememberedJob) -> None:
        memory.keep(job)

    def forget(self, job: RememberedJob) -> None:
        memory.drop(job)

    def remembered(self) -> tuple[RememberedJob, ...]:
        return memory.kept_jobs()

    def anchor_here(self, frames: FrameRange) -> str:
        """Return the active strip where it shows just these frames, else the scene: the take then lies above all."""
        scene, editor = strips.need_editor()
        strip = editor.active_strip
        same = strip is not None and strips.frames_of(strip) == frames.cut
        return str(memory.Anchor(scene.name, strip.name if strip is not None and same else ""))

    def default_folder(self, selection: Selection) -> Path:
        """Return `understudy/<shot>` beside the .blend. Raises HostError while that was never saved."""
        name = UNFIT_FOR_FOLDERS.sub("_", selection.shot).rstrip(". ") or "shot"
        return strips.need_saved().parent / "understudy" / name


def _select_rig(scene: Scene) -> Selection:
    settings = settings_of(scene)
    if settings.rig is None:
        raise HostError("no rig is chosen", remedy="Choose the armature that drives the character, in the panel.")
    first, last = scene.frame_start, scene.frame_end
    if scene.use_preview_range:
        first, last = scene.frame_preview_start, scene.frame_preview_end
    return Selection(
        shot=_shot_name(settings.shot or settings.rig.name),
        frames=FrameRange(first, last).with_handles(_handles(settings)),
        rate=strips.rate_of(scene), anchor=str(memory.Anchor(scene.name)), plate=f"rig {settings.rig.name}",
        reference=settings.reference_strip if settings.reference_from == "STRIP" else settings.reference_file,
        clean_plate=settings.clean_plate_strip,
    )  # fmt: skip


def _handles(settings: UnderstudyShot) -> Handles:
    return Handles(settings.head, settings.tail)


def _matte_words(settings: UnderstudyShot) -> str:
    mask = settings.matte_mask.name if settings.matte_mask is not None else ""
    said = {"MASK": mask, "STRIP": settings.matte_strip, "FILE": settings.matte_file, "ALPHA": "the strip's alpha"}
    return str(said[settings.matte_from])


def _cautions(scene: Scene, strip: Strip) -> tuple[str, ...]:
    """What the artist should know before the button is pressed."""
    said = []
    reason = why_rendered(scene, strip)
    if reason:
        said.append(f"The plate will be rendered: {reason}.")
    blends_in = strips.blend_space_of(scene)
    if blends_in != SEQUENCER_SPACE:
        said.append(
            f"The sequencer blends in {blends_in}: the finished comp is placed. For the patch over the plate set Color "
            f"Management, Sequencer to {SEQUENCER_SPACE}."
        )
    return tuple(said)


def _shot_name(text: str) -> str:
    """Return a name that can be a path component: of a strip named after its file, without number and suffix."""
    plain = re.sub(r"[._]\d+\.[A-Za-z0-9]{2,4}\Z", "", text)
    return UNFIT_FOR_NAMES.sub("_", plain).strip()[:100].strip(".") or "shot"
