# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels in the sequencer's sidebar: the shot, how its jobs stand, its versions. They draw and decide nothing."""

from __future__ import annotations

import textwrap

import bpy

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.host import Notice

from . import compat, memory
from .blender_types import Icon, Layout, Region, Scene, Space, given
from .host import BlenderHost
from .properties import settings_of
from .session import current_session
from .strips import JOB

CATEGORY = "Understudy"
ICONS: dict[str, Icon] = {"refuse": "ERROR", "broken": "ERROR", "warn": "ERROR", "note": "INFO", "waived": "INFO"}
TIMELINES = ("SEQUENCER", "SEQUENCER_PREVIEW")
FINDINGS_SHOWN = 6
COUNTED = 100_000
LINE_LETTERS = 46
"""What a sidebar of usual width shows; a label does not wrap."""


class _InSidebar:
    bl_space_type: Space = "SEQUENCE_EDITOR"
    bl_region_type: Region = "UI"
    bl_category = CATEGORY

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        scene = compat.sequencer_scene()
        # The preview has a sidebar of its own: the same panel twice on one screen is in the way.
        space = context.space_data
        timeline = isinstance(space, bpy.types.SpaceSequenceEditor) and space.view_type in TIMELINES
        return bool(timeline and scene is not None and scene.sequence_editor is not None)


class UNDERSTUDY_PT_shot(_InSidebar, bpy.types.Panel):
    bl_label = "Recast"
    bl_idname = "UNDERSTUDY_PT_shot"

    def draw(self, _context: bpy.types.Context) -> None:
        scene = given(compat.sequencer_scene())
        settings, layout = settings_of(scene), given(self.layout)
        layout.use_property_split, layout.use_property_decorate = True, False
        layout.prop(settings, "mode", expand=True)
        by_rig = settings.mode == "animate" and settings.driver == "RIG"
        if settings.mode == "animate":
            layout.prop(settings, "driver")
        if by_rig:
            layout.prop(settings, "rig")
        if settings.mode == "replace":
            _draw_matte(layout, scene)
        _draw_source(layout, scene, "reference")
        column = layout.column()
        column.prop(settings, "record")
        if not settings.record:
            column.prop(settings, "self_attest")
        _draw_readiness(layout)
        row = layout.row()
        row.scale_y = 1.4
        row.operator("understudy.submit", icon="OUTLINER_OB_ARMATURE")
        layout.operator("understudy.panel", icon="WINDOW")


class UNDERSTUDY_PT_more(_InSidebar, bpy.types.Panel):
    bl_label = "More"
    bl_idname = "UNDERSTUDY_PT_more"
    bl_parent_id = "UNDERSTUDY_PT_shot"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, _context: bpy.types.Context) -> None:
        scene = given(compat.sequencer_scene())
        settings, layout = settings_of(scene), given(self.layout)
        layout.use_property_split, layout.use_property_decorate = True, False
        layout.prop_search(settings, "clean_plate_strip", scene.sequence_editor, _STRIPS)
        column = layout.column()
        column.prop(settings, "shot")
        handles = column.column(align=True)
        handles.prop(settings, "head")
        handles.prop(settings, "tail")
        for name in ("project", "engine", "seed"):
            column.prop(settings, name)
        if settings.mode == "replace":
            column.prop(settings, "matte_invert")
            column.prop(settings, "allow_large_matte")


class UNDERSTUDY_PT_jobs(_InSidebar, bpy.types.Panel):
    bl_label = "Jobs"
    bl_idname = "UNDERSTUDY_PT_jobs"

    def draw(self, _context: bpy.types.Context) -> None:
        session, layout = current_session(), given(self.layout)
        jobs = list(session.jobs.jobs.values()) if session is not None else []
        for job in reversed(jobs):
            box = layout.box()
            row = box.row()
            _draw_stage(row, job.notice)
            if not job.ended:
                row.operator("understudy.cancel", text="", icon="X").key = job.key
            _draw_words(box, job.notice)
        known = {job.notice.job_id for job in jobs} | {job.draft.job_id for job in jobs if job.draft is not None}
        if any(not job.settled and job.job_id not in known for job in memory.kept_jobs()):
            layout.operator("understudy.reattach", icon="FILE_REFRESH")
        elif not jobs:
            layout.label(text="None in this session.")


class UNDERSTUDY_PT_versions(_InSidebar, bpy.types.Panel):
    bl_label = "Versions"
    bl_idname = "UNDERSTUDY_PT_versions"

    def draw(self, _context: bpy.types.Context) -> None:
        editor = given(given(compat.sequencer_scene()).sequence_editor)
        by_id = {strip.get(JOB): strip for strip in compat.all_strips_of(editor)}
        for job in reversed(memory.kept_jobs()):
            strip = by_id.get(job.job_id)
            if strip is not None:
                icon: Icon = "HIDE_ON" if strip.mute else "HIDE_OFF"
                shown = given(self.layout).operator(
                    "understudy.show_version", text=f"{job.shot} v{job.version:03}", icon=icon, emboss=False
                )
                shown.job_id = job.job_id


_STRIPS = "strips_all" if bpy.app.version >= (4, 4, 0) else "sequences_all"


def _draw_matte(layout: Layout, scene: Scene) -> None:
    settings = settings_of(scene)
    layout.prop(settings, "matte_from")
    if settings.matte_from == "MASK":
        layout.prop(settings, "matte_mask", text=" ")
    elif settings.matte_from == "STRIP":
        layout.prop_search(settings, "matte_strip", scene.sequence_editor, _STRIPS, text=" ")
    elif settings.matte_from == "FILE":
        layout.prop(settings, "matte_file", text=" ")


def _draw_source(layout: Layout, scene: Scene, role: str) -> None:
    settings = settings_of(scene)
    layout.prop(settings, f"{role}_from")
    if getattr(settings, f"{role}_from") == "FILE":
        layout.prop(settings, f"{role}_file", text=" ")
    else:
        layout.prop_search(settings, f"{role}_strip", scene.sequence_editor, _STRIPS, text=" ")


def _draw_readiness(layout: Layout) -> None:
    """Say what would be sent, or what is in the way."""
    box = layout.box()
    try:
        selection = BlenderHost().select()
    except UnderstudyError as problem:
        _lines(box, f"{problem.message}. {problem.remedy}", "ERROR")
        return
    rate = str(selection.rate).removesuffix("/1")
    frames = selection.frames
    handles = f", handles {frames.handles}" if any(frames.handles) else ""
    _lines(box, f"{selection.plate}: frames {frames.cut}{handles}, {rate} per second", "SEQUENCE")
    for caution in selection.cautions:
        _lines(box, caution, "INFO")


def _draw_stage(row: Layout, notice: Notice) -> None:
    if notice.total and not notice.ended:
        share = notice.done / notice.total
        # Bytes are counted too, and nobody wants to read them.
        counted = f"{notice.done}/{notice.total}" if notice.total < COUNTED else f"{share:.0%}"
        row.progress(factor=share, text=f"{notice.stage} {counted}")
    else:
        row.label(text=notice.stage, icon="CHECKMARK" if notice.stage in ("placed", "shown") else "SORTTIME")


def _draw_words(box: Layout, notice: Notice) -> None:
    if notice.words:
        _lines(box, notice.words)
    if notice.error is not None and notice.error.remedy:
        _lines(box, notice.error.remedy, "FORWARD")
    telling = [finding for finding in notice.findings if finding.outcome in ICONS]
    for finding in telling[:FINDINGS_SHOWN]:
        _lines(box, ". ".join(filter(None, (finding.message, finding.remedy))), ICONS[finding.outcome])
    if len(telling) > FINDINGS_SHOWN:
        _lines(box, f"and {len(telling) - FINDINGS_SHOWN} more: see the report in the version's folder")


def _lines(layout: Layout, text: str, icon: Icon = "NONE") -> None:
    column = layout.column(align=True)
    column.scale_y = 0.75
    for number, line in enumerate(textwrap.wrap(text, LINE_LETTERS)):
        column.label(text=line, icon=icon if number == 0 else ("BLANK1" if icon != "NONE" else "NONE"))


CLASSES = (UNDERSTUDY_PT_shot, UNDERSTUDY_PT_more, UNDERSTUDY_PT_jobs, UNDERSTUDY_PT_versions)
