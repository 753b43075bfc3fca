"""What the menu entry Workspace > Scripts > Understudy_Panel opens: the panel, with the clip under the playhead in it.

A script of Resolve lives only while it runs: this one stays as long as the panel is open, for the takes that are sent
from there. It may be ended at any time; then the panel has no Resolve to import into.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.bridge.errors import HostError
from understudy.bridge.host import Selection
from understudy.bridge.host_jobs import HostJobs
from understudy.bridge.host_panel import HostDesk
from understudy.bridge.main_thread import MainThread
from understudy.bridge.settings import load_settings
from understudy.host_plugins.resolve.dialog import Progress
from understudy.host_plugins.resolve.host import ResolveHost
from understudy.host_plugins.resolve.startup import EXPORTS, Say, Teller

if TYPE_CHECKING:
    from understudy.bridge.keys import Connection

END = "In Resolve this script stays open for the panel's takes; it ends with the panel."


def show_panel(host: ResolveHost, connect: Callable[[], Connection], say: Say, progress: Progress | None) -> None:
    """Open the panel and stay until it is closed, or Cancel is pressed here."""
    main, home = MainThread(), load_settings().home
    jobs = HostJobs(host, main, connect, home / EXPORTS)
    title = f"Resolve ({host.session.project.GetName()})"
    desk = HostDesk(jobs, main, connect, host="resolve", title=title, home=home)
    teller = Teller(say, progress)
    try:
        selection, folder = _selected(host, say)
        opened = desk.open_panel(selection, host.choices.job_options(), folder)
        main.run_until(lambda: teller.all_ended(jobs))
        if opened.notice.stage == "shown":
            say(END)
            closed = desk.wait_for_panel_s_end()
            main.run_until(
                lambda: teller.all_ended(jobs) and (closed.is_set() or (progress is not None and progress.cancelled()))
            )
    finally:
        if progress is not None:
            progress.close()
        jobs.close()
        desk.close()


def _selected(host: ResolveHost, say: Say) -> tuple[Selection | None, Path | None]:
    """Return the clip under the playhead and where its takes go; where it cannot be recast, say why and go on."""
    try:
        selection = host.select()
        return selection, host.default_folder(selection)
    except HostError as problem:
        say(f"The panel opens without a shot: {problem.message}. {problem.remedy}")
        return None, None
