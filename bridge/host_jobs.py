"""Jobs of a host, each in a thread of its own; found again after a restart.

This is what the main thread calls: it returns at once, and imports no more than a host's start may cost. What a job's
thread then does is `host_work`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.bridge.errors import JobCancelled, UnderstudyError, error_in_words
from understudy.bridge.host import Host, RememberedJob, Selection
from understudy.bridge.host_job import HostJob, Told
from understudy.bridge.main_thread import MainThread
from understudy.bridge.options import JobOptions

if TYPE_CHECKING:
    from understudy.bridge.desk_work import DeskWork
    from understudy.bridge.keys import Connection

__all__ = ["HostJob", "HostJobs"]

CLOSE_SECONDS = 5.0
"""How long a document that closes waits for our threads: one that waits for a lost daemon may do nothing here any more.
"""


class HostJobs:
    """Every job of one document. Make it, call it and close it on the host's main thread."""

    def __init__(
        self,
        host: Host,
        main: MainThread,
        connect: Callable[[], Connection],
        exports: Path,
        told: Told = lambda job: None,
    ) -> None:
        """connect: finds the daemon, in a job's own thread. exports: a folder for what is written on the way, best on
        the vault's file system. told: a notice changed, in a job's thread: hand over.
        """
        self.jobs: dict[str, HostJob] = {}
        self._host = host
        self._main = main
        self._connect = connect
        self._exports = exports
        self._told = told
        self._closing = threading.Event()

    def submit(self, selection: Selection, choices: JobOptions, folder: Path) -> HostJob:
        """Begin a job and return at once. Its take will lie in `folder`/vNNN."""
        return self._begin(lambda work: work.submit(selection, choices, folder))

    def reattach(self) -> tuple[HostJob, ...]:
        """Take up every job of the document that is not settled; ask once a document is opened."""
        ours = [one for job in self.jobs.values() for one in (job.remembered, job.draft if not job.ended else None)]
        known = {one.job_id for one in ours if one is not None}
        left = [one for one in self._host.remembered() if not one.settled and one.job_id not in known]
        return tuple(self._begin(lambda work, one=one: work.take_up(one), one) for one in left)  # type: ignore[misc]

    def run(self, begin: Callable[[DeskWork], None], ended: Callable[[HostJob], None]) -> HostJob:
        """Begin something else that has a thread of its own and is told as a job is. ended: in that thread, however it
        ended, unless the document closes.
        """
        return self._begin(begin, ended=ended)

    def cancel(self, job: HostJob) -> None:
        """Stop a job wherever it stands: before the next frame of its export, or within a step of the engine."""
        job.cancelled.set()
        if job.remembered is not None:
            threading.Thread(target=self._cancel_there, args=(job,), name="understudy-cancel", daemon=True).start()

    def close(self) -> None:
        """The document closes: what runs goes on in the daemon, what is exported half is dropped.

        Raises what the host raises where it cannot put back what an export changed, once every job was seen to.
        """
        self._closing.set()
        self._main.close()
        end = time.monotonic() + CLOSE_SECONDS
        with ExitStack() as put_back:
            for job in self.jobs.values():
                if job.thread is not None:
                    job.thread.join(max(0.0, end - time.monotonic()))
                if job.steps is not None:
                    put_back.callback(job.steps.close)  # the thread could not ask any more

    def _begin(
        self,
        begin: Callable[[DeskWork], None],
        remembered: RememberedJob | None = None,
        ended: Callable[[HostJob], None] = lambda job: None,
    ) -> HostJob:
        job = HostJob(f"job{len(self.jobs) + 1}", self._told)
        if remembered is not None and remembered.token:
            job.draft = remembered
        else:
            job.remembered = remembered
        self.jobs[job.key] = job
        job.thread = threading.Thread(
            target=self._guarded, args=(job, begin, ended), name=f"understudy-{job.key}", daemon=True
        )
        job.thread.start()
        return job

    def _guarded(self, job: HostJob, begin: Callable[[DeskWork], None], ended: Callable[[HostJob], None]) -> None:
        """Do a job's work, in its thread; what goes wrong becomes its last notice."""
        try:
            begin(self.work(job))
        except JobCancelled as problem:
            job.tell(stage="cancelled", words=problem.message)
        except Exception as problem:  # noqa: BLE001 - the host callback's edge
            if not self._closing.is_set():
                error = error_in_words(problem)
                job.tell(stage="failed", words=error.message, error=error.report())
        if not self._closing.is_set():
            with suppress(UnderstudyError):  # nobody hears it: the host shows the same
                ended(job)

    def _cancel_there(self, job: HostJob) -> None:
        self.work(job).cancel_there()

    def work(self, job: HostJob) -> DeskWork:
        """Return what does a job's work. In the job's own thread."""
        # Here, in a job's own thread: sockets, hashes and every message's type are read when a job is first sent, so
        # that a host that only starts pays for none of them and its main thread never does.
        from understudy.bridge.desk_work import DeskWork

        return DeskWork(job, self._host, self._main, self._connect, self._exports, self._closing)
