"""A host at the artist's desk: it opens the panel on what is selected, and imports the takes that the panel sends.

This is what the main thread calls: it returns at once and imports no socket. What is heard from the panel becomes a
job of the host's session like any other, so the host shows it, and carries it out, as its own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.bridge.host import Selection
from understudy.bridge.host_job import HostJob
from understudy.bridge.host_jobs import CLOSE_SECONDS, HostJobs
from understudy.bridge.main_thread import MainThread
from understudy.bridge.options import JobOptions

if TYPE_CHECKING:
    from understudy.bridge.desk_messages import Tell
    from understudy.bridge.desk_work import Desk
    from understudy.bridge.keys import Connection
    from understudy.bridge.watch import Watcher

PANEL_LOOK_SECONDS = 1.0


class HostDesk:
    """One document's session. Make it, call it and close it on the host's main thread, after `HostJobs.close`."""

    def __init__(
        self,
        jobs: HostJobs,
        main: MainThread,
        connection: Callable[[], Connection],
        *,
        host: str,
        title: str,
        home: Path,
        command: str = "",
        asked: Callable[[HostJob], None] = lambda job: None,
    ) -> None:
        """connection: what is known of the daemon, in our own thread; it starts none. title: host and document, as
        the artist knows them. asked: the panel has begun a job here; on the main thread.
        """
        self.name = f"{host} {os.getpid()} {os.urandom(4).hex()}"
        self.title, self._home, self._command = title, home, command
        self._jobs, self._main, self._connection, self._asked = jobs, main, connection, asked
        self._watcher: Watcher | None = None
        self._closed = threading.Event()
        self._listening: threading.Thread | None = None

    @property
    def listens(self) -> bool:
        """Whether the panel can be heard, as far as is known."""
        return self._watcher is not None and self._watcher.problem is None

    def listen(self) -> None:
        """Begin to hear the panel, unless that is so already; where no daemon was ever here, nothing happens."""
        if self.listens or self._closed.is_set() or (self._listening is not None and self._listening.is_alive()):
            return
        self._listening = threading.Thread(target=self._listen, name="understudy-desk", daemon=True)
        self._listening.start()

    def open_panel(self, selection: Selection | None, choices: JobOptions, series: Path | None) -> HostJob:
        """Show the panel, with the selection in its form where there is one, and return at once.

        series: the folder within which takes of this shot are numbered.
        """
        chosen = (selection, choices, series) if selection is not None and series is not None else None

        def show(job: HostJob) -> None:
            del job
            self.listen()  # a daemon is there by now

        return self._jobs.run(lambda work: work.show_panel(self._desk(), chosen), show)

    def wait_for_panel_s_end(self) -> threading.Event:
        """Return what is set once no panel is open any more: for a host that is only there as long as one is."""
        gone = threading.Event()
        threading.Thread(target=self._look_for_panel, args=(gone,), name="understudy-panel-look", daemon=True).start()
        return gone

    def _look_for_panel(self, gone: threading.Event) -> None:
        from understudy.bridge.client import Client
        from understudy.bridge.errors import UnderstudyError
        from understudy.bridge.seat import this_seat

        while not self._closed.wait(PANEL_LOOK_SECONDS):
            try:
                with Client.connect(self._connection()) as client:
                    if client.desks(this_seat()).panels == 0:
                        break
            except UnderstudyError:
                continue  # the daemon is away: the panel is there all the same
        gone.set()

    def close(self) -> None:
        """Hear nothing more. What the panel began here was ended by `HostJobs.close`."""
        self._closed.set()
        if self._listening is not None:
            self._listening.join(CLOSE_SECONDS)
        if self._watcher is not None:
            self._watcher.close()

    def _listen(self) -> None:
        from understudy.bridge.desk_messages import Listener
        from understudy.bridge.errors import UnderstudyError
        from understudy.bridge.seat import this_seat
        from understudy.bridge.watch import Watcher

        try:
            connection = self._connection()
        except UnderstudyError:
            return  # no daemon was ever here, or it may not be spoken to: asked again when something is done
        listener = Listener(ear="host", seat=this_seat(), desk=self.name, title=self.title)
        watcher = Watcher(
            connection, (), None, lambda event: None, lambda: None, on_end=lambda problem: None,
            listener=listener, on_told=self._hear,
        )  # fmt: skip
        self._watcher = watcher
        if self._closed.is_set():
            watcher.close()

    def _hear(self, said: Tell) -> None:
        """In the watcher's thread."""
        if said.kind == "import_take":
            self._main.leave(lambda: self._bring(said.job_id))

    def _bring(self, job_id: str) -> None:
        if any(not job.ended and job.notice.job_id == job_id for job in self._jobs.jobs.values()):
            return  # on its way here already, and said so when it is in place
        answer = self._jobs.run(lambda work: work.bring(job_id), self._answer)
        self._asked(answer)

    def _answer(self, job: HostJob) -> None:
        self._jobs.work(job).answer_panel(self._desk())

    def _desk(self) -> Desk:
        from understudy.bridge.desk_work import Desk

        return Desk(self.name, self.title, self._home, self._command)
