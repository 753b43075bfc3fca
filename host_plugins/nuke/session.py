"""Jobs while a script is open: one session a script, its status drawn on the nodes, all of it gone when it closes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import nuke

from understudy.bridge.errors import HostError, UnderstudyError
from understudy.bridge.host import Notice
from understudy.bridge.host_jobs import HostJob, HostJobs
from understudy.bridge.host_panel import HostDesk
from understudy.bridge.main_thread import MainThread
from understudy.bridge.options import JobOptions
from understudy.bridge.settings import load_settings
from understudy.host_plugins.nuke import memory
from understudy.host_plugins.nuke.cautions import cautions_of
from understudy.host_plugins.nuke.host import NukeHost, document_name
from understudy.host_plugins.nuke.knobs import STATUS, choices
from understudy.host_plugins.nuke.node import find_node
from understudy.host_plugins.nuke.undisturbed import REFUSALS, undisturbed

if TYPE_CHECKING:
    from understudy.bridge.keys import Connection

EXPORTS = "exports"
Connect = Callable[[], "Connection"]


def connect() -> Connection:
    """Find the daemon, or start it by the installer's command. In a job's own thread: it takes time."""
    from understudy.bridge.host_daemon import find_daemon  # sockets are a job's to pay for, as in `host_jobs`

    return find_daemon()


def known_connection() -> Connection:
    """Return where a daemon of this user was last, and start none. In a thread of ours."""
    from understudy.bridge.keys import load_connection

    return load_connection(load_settings().home)


class Session:
    """Everything of ours that lives while one script is open. Made, used and closed on Nuke's main thread."""

    def __init__(self, connect: Connect = connect, window: bool = True, known: Connect = known_connection) -> None:
        """known: the daemon that the panel is heard by; none is started for it. window: there is an event
        loop that serves `nuke.executeInMainThread`; in `nuke -t` there is none.
        """
        self.host = NukeHost()
        self.main = MainThread(wake=self._wake if window else lambda: None)
        self._window = window
        self.jobs = HostJobs(self.host, self.main, connect, load_settings().home / EXPORTS, told=self._told)
        self.desk = HostDesk(
            self.jobs, self.main, known, host="nuke", title=f"Nuke ({document_name()})", home=load_settings().home
        )
        if window:  # in a terminal there is nobody who could be asked
            self.desk.listen()
        self._anchors: dict[str, str] = {}
        """Key of a job to the full name of its node."""
        self._cautions: dict[str, tuple[str, ...]] = {}
        self._waiting: set[str] = set()
        """Jobs whose new notice will be drawn: one drawing a turn is enough, however much is told."""
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, node: nuke.Node) -> HostJob:
        """Begin a job and return at once. Raises UnderstudyError for what can be told before."""
        self.host.chosen = node.fullName()
        selection = self.host.select()
        folder = self.host.default_folder(selection)
        job = self.jobs.submit(selection, choices(node), folder)
        self.desk.listen()
        self._anchors[job.key] = node.fullName()
        self._cautions[job.key] = selection.cautions
        return job

    def open_panel(self, node: nuke.Node | None) -> HostJob:
        """Show the panel with this node's shot in its form, and return at once; without a node only show it.

        Raises UnderstudyError for what can be told before.
        """
        if node is None:
            return self.desk.open_panel(None, JobOptions(), None)
        self.host.chosen = node.fullName()
        selection = self.host.select()
        job = self.desk.open_panel(selection, choices(node), self.host.default_folder(selection))
        self._anchors[job.key] = node.fullName()
        self._cautions[job.key] = selection.cautions
        return job

    def cancel(self, node: nuke.Node) -> int:
        """Stop this node's jobs; return how many there were."""
        running = [job for job in self.jobs.jobs.values() if not job.ended and self._anchor(job) == node.fullName()]
        for job in running:
            self.jobs.cancel(job)
        return len(running)

    def reattach(self) -> tuple[HostJob, ...]:
        return self.jobs.reattach()

    def last_words(self, node: nuke.Node) -> str:
        """Return everything that is known of this node's newest job; nothing where it has sent none."""
        job = self._newest(node)
        return "\n".join((in_full(job.notice), *self._cautions.get(job.key, ()))) if job is not None else ""

    def look_at(self, node: nuke.Node) -> None:
        """Say on the node what the artist should know before the button is pressed, as the script is now."""
        cautions, job = cautions_of(node), self._newest(node)
        if job is None:
            _write_status(node, ". ".join(cautions))
        else:
            self._cautions[job.key] = cautions
            self._draw(job)

    def _newest(self, node: nuke.Node) -> HostJob | None:
        found = [job for job in self.jobs.jobs.values() if self._anchor(job) == node.fullName()]
        return found[-1] if found else None

    def close(self) -> None:
        """Jobs go on in the daemon; what is still told of them is drawn on no node of the next script."""
        self._closed = True
        try:
            self.jobs.close()
        finally:
            self.desk.close()

    def _anchor(self, job: HostJob) -> str:
        node = self._node(job)
        return node.fullName() if node is not None else ""

    def _wake(self) -> None:
        nuke.executeInMainThread(self.main.turn)

    def _told(self, job: HostJob) -> None:
        """In the job's thread. Nothing waits for the drawing: Nuke's own variant that does hides what goes wrong."""
        if not self._window:
            return
        with self._lock:
            if job.key in self._waiting:
                return
            self._waiting.add(job.key)
        nuke.executeInMainThread(self._draw, (job,))

    def _draw(self, job: HostJob) -> None:
        with self._lock:
            self._waiting.discard(job.key)
        if self._closed:
            return
        node = self._node(job)
        if node is not None:
            cautions = self._cautions.get(job.key, ()) if job.ended else ()
            _write_status(node, ". ".join((in_a_line(job.notice), *cautions)))

    def _node(self, job: HostJob) -> nuke.Node | None:
        """Return the job's node, renamed or not; None when it was deleted."""
        if job.remembered is None:
            return find_node(self._anchors.get(job.key, ""))
        try:
            return memory.owner(job.remembered)
        except HostError:
            return None


def in_a_line(notice: Notice) -> str:
    """Return a notice as it stands on a node: what happens, how far it is, and what to do when it failed."""
    words = notice.stage
    if notice.total:
        words += f" {notice.done}/{notice.total}"
    if notice.words:
        words += f": {notice.words}"
    if notice.error is not None and notice.error.remedy:
        words += f" {notice.error.remedy}"
    return words


def in_full(notice: Notice) -> str:
    """Return everything that is known of a job, for the button Details."""
    lines = [in_a_line(notice)]
    if notice.job_id:
        lines.append(f"job {notice.job_id}")
    lines += [
        f"{finding.outcome}: {finding.message} {finding.remedy}".rstrip()
        for finding in notice.findings
        if finding.outcome not in ("pass", "not_applicable")
    ]
    return "\n".join(lines)


def _write_status(node: nuke.Node, words: str) -> None:
    try:
        if str(node[STATUS].value() or "") != words:
            with undisturbed():
                node[STATUS].setValue(words)
    except REFUSALS:  # deleted meanwhile: nobody looks at it any more
        return


_open: list[Session] = []
"""The session of the script that is open: one at most."""


def current() -> Session:
    """Return the session of the open script, made when it is asked for first. Main thread."""
    if not _open:
        _open.append(Session(window=bool(nuke.GUI)))
    return _open[0]


def script_opened() -> None:
    """Nuke's callback: take up every job that the script keeps. What goes wrong must not keep a script from opening."""
    try:
        close_session()
        if nuke.GUI and NukeHost().remembered():
            current().reattach()
    except UnderstudyError as problem:
        nuke.tprint(f"Understudy: {problem.message}. {problem.remedy}")
    except Exception as problem:  # noqa: BLE001 - the host callback's edge: an error here is a dialog at every opening
        nuke.tprint(f"Understudy: {type(problem).__name__}: {problem}")


def script_closed() -> None:
    """Nuke's callback: what goes wrong must not keep a script from closing."""
    try:
        close_session()
    except Exception as problem:  # noqa: BLE001 - the host callback's edge
        nuke.tprint(f"Understudy: {type(problem).__name__}: {problem}")


def close_session() -> None:
    """Jobs go on in the daemon. Raises what Nuke raises where it cannot put back what an export changed."""
    while _open:
        _open.pop().close()
