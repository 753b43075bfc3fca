"""What the menu entry Workspace > Scripts > Understudy opens: ask, recast or collect, say how it stands, end.

A script of Resolve has no event loop of ours: its own thread is the main thread, and turns until the jobs have ended.
It may be closed at any time; the jobs go on in the daemon, and the next start collects them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from understudy.bridge.errors import UnderstudyError, error_in_words
from understudy.bridge.host_jobs import HostJob, HostJobs
from understudy.bridge.main_thread import MainThread
from understudy.bridge.settings import load_settings
from understudy.host_plugins.resolve.choices import Choices, choices_file, load_choices, save_choices
from understudy.host_plugins.resolve.dialog import Progress, ask
from understudy.host_plugins.resolve.host import ResolveHost

if TYPE_CHECKING:
    from understudy.bridge.keys import Connection

Say = Callable[[str], None]
MODULE = "DaVinciResolveScript"
EXPORTS = "exports"


def start(names: Mapping[str, Any]) -> None:
    """Run once. names: the globals of a menu script, in which Resolve puts `resolve`, `fusion` and `bmd`."""
    _in_words(lambda: _start(names, _say))


def start_panel(names: Mapping[str, Any]) -> None:
    """Run once, by the menu entry for the panel."""
    _in_words(lambda: _start_panel(names))


def _in_words(do: Callable[[], None]) -> None:
    try:
        do()
    except Exception as problem:  # noqa: BLE001 - the host's edge: the artist reads words, not a traceback
        _say_error(_say, error_in_words(problem))


def _start_panel(names: Mapping[str, Any]) -> None:
    from understudy.host_plugins.resolve.panel_door import show_panel

    host = ResolveHost(names.get("resolve") or from_outside(), load_choices(choices_file()))
    progress = Progress(names["fusion"], names["bmd"]) if _has_dialog(host, names) else None
    show_panel(host, connect, _say, progress)


def _has_dialog(host: ResolveHost, names: Mapping[str, Any]) -> bool:
    return host.edition.has_dialogs and names.get("fusion") is not None and names.get("bmd") is not None


def _start(names: Mapping[str, Any], say: Say) -> None:
    host = ResolveHost(names.get("resolve") or from_outside(), Choices())
    say(f"Understudy in {host.edition}, Python {sys.version.split()[0]}")
    path = choices_file()
    known = path.exists()
    host.choices = load_choices(path)
    if _has_dialog(host, names):
        asked = ask(names["fusion"], names["bmd"], host.choices)
        if asked is None:
            return
        host.choices, anew = asked
        save_choices(path, host.choices)
        run(host, connect, say, anew=anew, progress=Progress(names["fusion"], names["bmd"]))
    elif not known:
        save_choices(path, host.choices)
        say(f"This edition has no dialogs. Fill in {path} (reference, matte, papers), then start Understudy again.")
    else:
        say(f"This edition has no dialogs: the choices are those in {path}.")
        run(host, connect, say, anew=None)


def connect() -> Connection:
    """Find the daemon, or start it by the installer's command. In a job's own thread: it takes time."""
    from understudy.bridge.host_daemon import find_daemon  # sockets are a job's to pay for, as in `host_jobs`

    return find_daemon()


def from_outside() -> Any:
    """Return Resolve for a script that was started outside of it (Studio only), None where it does not answer."""
    try:
        importlib.import_module(MODULE)
    except ImportError:
        return None
    # Blackmagic's module puts the native one in its own place while it is imported.
    return sys.modules[MODULE].scriptapp("Resolve")


def run(
    host: ResolveHost,
    connect: Callable[[], Connection],
    say: Say,
    *,
    anew: bool | None,
    progress: Progress | None = None,
) -> None:
    """Recast the selection or collect what is under way, and stay until it has ended.

    anew: True recasts, False collects; None collects what is under way, and recasts only where nothing is.
    Raises UnderstudyError for what is wrong before a job begins; afterwards it says so and goes on.
    """
    main = MainThread()
    jobs = HostJobs(host, main, connect, load_settings().home / EXPORTS)
    try:
        taken_up = jobs.reattach()
        if taken_up:
            say(f"Jobs still under way in this project: {len(taken_up)}. They are collected now.")
        if anew or (anew is None and not taken_up):
            selection = host.select()
            folder = host.default_folder(selection)
            say(f"{selection.shot}, frames {selection.frames}: {selection.plate}; takes go to {folder}")
            for caution in selection.cautions:
                say(f"  note: {caution}")
            jobs.submit(selection, host.choices.job_options(), folder)
        elif not taken_up:
            say("Nothing of this project is under way.")
        told = Teller(say, progress)
        main.run_until(lambda: told.all_ended(jobs))
    finally:
        if progress is not None:
            progress.close()
        jobs.close()


class Teller:
    """Says what has changed, on the script's own thread: `run_until` asks it between two turns."""

    def __init__(self, say: Say, progress: Progress | None) -> None:
        self._say = say
        self._progress = progress
        self._before: dict[str, str] = {}

    def all_ended(self, jobs: HostJobs) -> bool:
        for job in jobs.jobs.values():
            self._tell(job)
            if self._progress is not None and self._progress.cancelled() and not job.cancelled.is_set():
                jobs.cancel(job)
        return all(job.ended for job in jobs.jobs.values())

    def _tell(self, job: HostJob) -> None:
        notice = job.notice
        line = f"{notice.job_id or job.key}: {notice.stage}" + (f", {notice.words}" if notice.words else "")
        if self._progress is not None:
            self._progress.show(f"{line} {notice.done}/{notice.total}" if notice.total else line)
        if self._before.get(job.key) == line:
            return
        self._before[job.key] = line
        self._say(line)
        if notice.ended and notice.error is not None and notice.error.remedy:
            self._say(f"  what to do: {notice.error.remedy}")


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")


def _say_error(say: Say, problem: UnderstudyError) -> None:
    say(f"Understudy: {problem.message}")
    if problem.remedy:
        say(f"  what to do: {problem.remedy}")
