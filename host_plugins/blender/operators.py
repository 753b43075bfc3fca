# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons. In a window a modal operator lends the jobs the main thread; without one, submitting waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from understudy.bridge.errors import UnderstudyError, error_in_words
from understudy.bridge.host import refuse_unseen_by_farm
from understudy.bridge.host_jobs import HostJob
from understudy.bridge.settings import load_settings

from . import compat, desk, memory, placing, strips
from .blender_types import OperatorEnd, declared, given
from .choices import read_choices
from .preferences import read_reach
from .session import Session, current_session

LOOK_SECONDS = 0.05
TURN_SECONDS = 0.02
"""So long a timer's turn goes on with what waits; one frame's render may be the last thing in it."""


def _report(operator: bpy.types.Operator, problem: Exception) -> OperatorEnd:
    error = error_in_words(problem)
    if error is not problem:
        import logging  # for a fault alone: a start must not pay for it

        logging.getLogger(__name__).exception("a fault of ours", exc_info=problem)
    operator.report({"ERROR"}, f"{error.message}. {error.remedy}")
    return {"CANCELLED"}


def _in_words(operator: bpy.types.Operator, do: Callable[[], OperatorEnd]) -> OperatorEnd:
    """Do what a button says; what goes wrong is told in words."""
    try:
        return do()
    except Exception as problem:  # noqa: BLE001 - the host's edge
        return _report(operator, problem)


def _submit() -> tuple[Session, HostJob]:
    reach = read_reach()
    session = desk.session_here()
    scene, _ = strips.need_editor()
    selection = session.host.select()
    folder = session.host.default_folder(selection)
    refuse_unseen_by_farm(load_settings({"home": reach.home}).roots, folder)
    return session, session.jobs.submit(selection, read_choices(scene), folder)


def watch(session: Session) -> None:
    """Start lending the main thread, in whatever window there is; without one the next who can will do it."""
    windows = given(bpy.context.window_manager).windows
    if bpy.app.background or session.watched or not windows:
        return
    with bpy.context.temp_override(window=bpy.context.window or windows[0]):
        bpy.ops.understudy.watch("INVOKE_DEFAULT")  # type: ignore[attr-defined]  # no stub knows our own operators


class UNDERSTUDY_OT_submit(bpy.types.Operator):
    """Recast the active strip: export it, send it, and place what comes back above it"""

    bl_idname = "understudy.submit"
    bl_label = "Recast"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        scene = compat.sequencer_scene()
        return bool(scene is not None and scene.sequence_editor is not None)

    def invoke(self, _context: bpy.types.Context, _event: bpy.types.Event) -> OperatorEnd:
        return _in_words(self, self._begin)

    def _begin(self) -> OperatorEnd:
        session, _ = _submit()
        watch(session)
        return {"FINISHED"}

    def execute(self, _context: bpy.types.Context) -> OperatorEnd:
        """From a script or in the background there is no event loop: wait here until the take is placed."""
        try:
            session, job = _submit()
            session.main.run_until(lambda: job.ended)
        except Exception as problem:  # noqa: BLE001 - the host's edge
            return _report(self, problem)
        notice = job.notice
        if notice.stage == "placed":
            self.report({"INFO"}, notice.words)
            return {"FINISHED"}
        remedy = notice.error.remedy if notice.error is not None else ""
        self.report({"ERROR"}, f"{notice.stage}: {notice.words}. {remedy}")
        return {"CANCELLED"}


class UNDERSTUDY_OT_watch(bpy.types.Operator):
    """Lend the jobs the main thread, a little at a time, while any of them runs"""

    bl_idname = "understudy.watch"
    bl_label = "Follow the jobs"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> OperatorEnd:
        session = current_session()
        if session is None or session.watched:
            return {"CANCELLED"}
        session.watched = True
        self.session = session
        self.timer = given(context.window_manager).event_timer_add(LOOK_SECONDS, window=context.window)
        given(context.window_manager).modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorEnd:
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        session = self.session
        if session is not current_session():
            return self._end(context)
        start = time.monotonic()
        while session.main.turn() and time.monotonic() - start < TURN_SECONDS:
            pass
        if session.changed:
            session.changed = False
            redraw()
        return {"PASS_THROUGH"} if session.running else self._end(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Its window was closed: another one takes over at the next look."""
        self._end(context)
        bpy.app.timers.register(watch_again, first_interval=LOOK_SECONDS)

    def _end(self, context: bpy.types.Context) -> OperatorEnd:
        given(context.window_manager).event_timer_remove(self.timer)
        self.session.watched = False
        redraw()
        return {"FINISHED"}


class UNDERSTUDY_OT_cancel(bpy.types.Operator):
    """Stop this job; what it has placed is taken away"""

    bl_idname = "understudy.cancel"
    bl_label = "Cancel"
    if TYPE_CHECKING:
        key: str
    __annotations__ = {"key": declared(StringProperty)(options={"HIDDEN"})}

    def execute(self, _context: bpy.types.Context) -> OperatorEnd:
        session = current_session()
        job = session.jobs.jobs.get(self.key) if session is not None else None
        if session is None or job is None:
            return {"CANCELLED"}
        session.jobs.cancel(job)
        return {"FINISHED"}


class UNDERSTUDY_OT_panel(bpy.types.Operator):
    """Open Understudy's panel, with the active strip's shot in its form"""

    bl_idname = "understudy.panel"
    bl_label = "Panel"

    def invoke(self, _context: bpy.types.Context, _event: bpy.types.Event) -> OperatorEnd:
        return _in_words(self, self._begin)

    def execute(self, _context: bpy.types.Context) -> OperatorEnd:
        """From a script: wait here until the panel has it."""
        return _in_words(self, self._wait)

    def _begin(self) -> OperatorEnd:
        _, why = desk.open_panel()
        if why:
            self.report({"INFO"}, f"The panel opens without a shot: {why}")
        watch(desk.session_here())
        return {"FINISHED"}

    def _wait(self) -> OperatorEnd:
        job, _ = desk.open_panel()
        desk.session_here().main.run_until(lambda: job.ended)
        if job.notice.stage == "shown":
            return {"FINISHED"}
        remedy = job.notice.error.remedy if job.notice.error is not None else ""
        self.report({"ERROR"}, f"{job.notice.words}. {remedy}")
        return {"CANCELLED"}


class UNDERSTUDY_OT_reattach(bpy.types.Operator):
    """Take up the jobs that this file was saved with"""

    bl_idname = "understudy.reattach"
    bl_label = "Take up jobs"

    def invoke(self, _context: bpy.types.Context, _event: bpy.types.Event) -> OperatorEnd:
        session = desk.session_here()
        session.jobs.reattach()
        watch(session)
        return {"FINISHED"}

    def execute(self, _context: bpy.types.Context) -> OperatorEnd:
        session = desk.session_here()
        jobs = session.jobs.reattach()
        session.main.run_until(lambda: all(job.ended for job in jobs))
        return {"FINISHED"}


class UNDERSTUDY_OT_show_version(bpy.types.Operator):
    """Show this version and mute the others"""

    bl_idname = "understudy.show_version"
    bl_label = "Show version"
    bl_options = {"UNDO"}
    if TYPE_CHECKING:
        job_id: str
    __annotations__ = {"job_id": declared(StringProperty)(options={"HIDDEN"})}

    def execute(self, _context: bpy.types.Context) -> OperatorEnd:
        try:
            job = next(job for job in memory.kept_jobs() if job.job_id == self.job_id)
            placing.show_version(strips.find_scene(memory.Anchor.parse(job.anchor).scene), job)
        except (UnderstudyError, StopIteration) as problem:
            return _report(self, problem)
        return {"FINISHED"}


def watch_again() -> None:
    session = current_session()
    if session is not None and session.running:
        watch(session)


def redraw() -> None:
    for window in given(bpy.context.window_manager).windows:
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR":
                area.tag_redraw()


CLASSES = (
    UNDERSTUDY_OT_submit, UNDERSTUDY_OT_watch, UNDERSTUDY_OT_cancel, UNDERSTUDY_OT_panel,
    UNDERSTUDY_OT_reattach, UNDERSTUDY_OT_show_version,
)  # fmt: skip
