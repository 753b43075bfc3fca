"""One job at a time in one process: takes orders from the daemon, runs the pipeline, reports. May die alone.

`python -m understudy.inference.worker --socket FD` serves a daemon's slot; `perform` alone serves `understudy run`.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import queue
import socket
import threading
import time
import traceback
from collections.abc import Callable

import msgspec

from understudy.bridge.errors import (
    ComplianceError,
    EngineError,
    Finding,
    JobCancelled,
    JobParked,
    UnderstudyError,
)
from understudy.bridge.shot import OutputFile
from understudy.inference.authority.papers import Snapshot
from understudy.inference.engines.door import process_is_spent
from understudy.inference.finding_log import FindingLog
from understudy.inference.pipeline import recast
from understudy.inference.run_meter import RunMeter
from understudy.inference.work_order import (
    AskPapers,
    CancelJob,
    FreshPapers,
    FromWorker,
    PauseJob,
    Ready,
    ToWorker,
    WorkerChecking,
    WorkerEnd,
    WorkerFindings,
    WorkerFrame,
    WorkerProgress,
    WorkOrder,
)

SPENT = 76
"""Exit code of a worker that cannot run another job: EX_PROTOCOL of sysexits.h, told from any fault of Python's."""
STOP_LOOK_SECONDS = 0.1
"""How long a worker that waits for papers may not see that its job was cancelled."""
PROGRESS_INTERVAL_SECONDS = 0.1
"""Ten reports a second are smooth to the eye and nothing to the daemon."""

Tell = Callable[[FromWorker], None]


class JobPaused(JobParked):
    """The artist freed the slot; finished frames stay."""

    code = "job_paused"


class Reporter:
    """Tells the daemon where the job stands and stops the job when it was asked to. Any thread may call it."""

    def __init__(self, tell: Tell, *, answered: bool = False) -> None:
        """answered: whether somebody answers what is asked; a farm's node has nobody."""
        self._tell = tell
        self._answers: queue.Queue[Snapshot] | None = queue.Queue() if answered else None
        self._stop: UnderstudyError | None = None
        self._told_at = 0.0
        self._stage = ""
        self._lock = threading.Lock()
        self._log: FindingLog | None = None
        self._log_from = 0
        self.findings: list[Finding] = []
        self.segment = (0, 0)
        self.seconds_left: float | None = None
        self.meter = RunMeter()

    def stop(self, reason: UnderstudyError) -> None:
        self._stop = reason

    def check(self) -> None:
        """Raises JobCancelled or JobPaused when one was asked for.

        A fresh one each time: an error that is kept keeps all that the code held which it went through, the model too.
        """
        stop = self._stop
        if stop is not None:
            raise type(stop)(stop.message, remedy=stop.remedy, facts=stop.facts)

    def step(self, stage: str, done: int, total: int) -> None:
        """Report progress, at most ten times a second but always a stage's first and last word; stop if asked to."""
        self.check()
        with self._lock:
            now = time.monotonic()
            if stage == self._stage and done < total and now - self._told_at < PROGRESS_INTERVAL_SECONDS:
                return
            self._told_at, self._stage = now, stage
        self._tell(
            WorkerProgress(
                stage=stage,
                done=done,
                total=total,
                segment=self.segment[0],
                segments=self.segment[1],
                seconds_left=self.seconds_left,
            )
        )

    def keep_findings(self, log: FindingLog) -> None:
        """Tell what earlier workers found while they made this job's frames, and keep there what is found from now on.

        Until the check: what the gate says of a take is said of that take alone.
        """
        with self._lock:
            self._log, self._log_from = log, len(self.findings)
        self.found(*log.read())

    def found(self, *findings: Finding) -> None:
        with self._lock:
            fresh = tuple(finding for finding in findings if finding not in self.findings)
            self.findings.extend(fresh)
            if fresh and self._log is not None:
                self._log.write(tuple(self.findings[self._log_from :]))
        if fresh:
            self._tell(WorkerFindings(findings=fresh))

    def frame(self, frame: int, files: tuple[OutputFile, ...]) -> None:
        self._tell(WorkerFrame(frame=frame, files=files))

    def checking(self) -> None:
        self._log = None
        self.segment, self.seconds_left = (0, 0), None  # what is left now is not generating
        self._tell(WorkerChecking())

    def papers(self, known: Snapshot) -> Snapshot:
        """Return how the papers stand now; `known` where there is nobody to ask. Raises as `check` while it waits."""
        if self._answers is None:
            return known
        self._tell(AskPapers())
        while True:
            self.check()
            with contextlib.suppress(queue.Empty):
                return self._answers.get(timeout=STOP_LOOK_SECONDS)

    def take_papers(self, papers: FreshPapers) -> None:
        """Take the daemon's answer. Called by the thread that listens."""
        if self._answers is not None:
            self._answers.put(papers.registry)


def perform(order: WorkOrder, reporter: Reporter) -> WorkerEnd:
    """Run one job to its end and say how it ended; never raises for what a job can do wrong."""
    return msgspec.structs.replace(_perform(order, reporter), spent=process_is_spent.is_set())


def _perform(order: WorkOrder, reporter: Reporter) -> WorkerEnd:
    try:
        files = recast(order, reporter)
        findings, cost = tuple(reporter.findings), reporter.meter.cost()
        return WorkerEnd(state="delivered", findings=findings, files=files, cost=cost)
    except JobPaused:
        return WorkerEnd(state="paused", findings=tuple(reporter.findings))
    except JobParked as problem:
        return _end("parked", problem, reporter)
    except JobCancelled as problem:
        return _end("cancelled", problem, reporter)
    except ComplianceError as problem:
        return _end(problem.facts.get("ends", "refused"), problem, reporter)
    except UnderstudyError as problem:
        return _end("failed", problem, reporter)
    except OSError as problem:
        return _end(*_disk_problem(problem), reporter)
    except MemoryError:
        short = JobParked(
            "the worker ran out of memory", remedy="Free memory, then `understudy resume`; frames are kept."
        )
        return _end("parked", short, reporter)
    except Exception as problem:  # noqa: BLE001 - the worker's edge: a job's fault must not end the slot
        where = traceback.format_exception(problem)[-6:]
        fault = EngineError(
            f"the worker met a fault of its own: {type(problem).__name__}: {problem}",
            remedy="Finished frames are kept: `understudy retry` goes on. If it comes again, send what "
            f"`understudy show {order.job_id} --json` prints.",
            facts={"traceback": "".join(where)[-3000:]},
        )
        return _end("failed", fault, reporter)


def _disk_problem(problem: OSError) -> tuple[str, UnderstudyError]:
    where = problem.filename or "the disk"
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return "parked", JobParked(f"no room left at {where}", remedy="Free space; the job goes on where it stopped.")
    return "failed", EngineError(
        f"{where} cannot be used: {problem.strerror}", remedy="Check the folder's rights, then `understudy retry`."
    )


def _end(state: str, problem: UnderstudyError, reporter: Reporter) -> WorkerEnd:
    if isinstance(problem, ComplianceError):
        reporter.found(*problem.findings)
    return WorkerEnd(state=state, error=problem.report(), findings=tuple(reporter.findings))


class Channel:
    """The socket pair to the daemon: JSON lines. Orders are read by a thread so that a cancel is never waited for."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._orders: queue.Queue[WorkOrder | None] = queue.Queue()
        self.reporter: Reporter | None = None
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def tell(self, message: FromWorker) -> None:
        line = msgspec.json.encode(message) + b"\n"
        with self._lock:
            self._connection.sendall(line)

    def next_order(self) -> WorkOrder | None:
        """Wait for an order; None when the daemon is gone."""
        return self._orders.get()

    def _listen(self) -> None:
        decoder = msgspec.json.Decoder(ToWorker)
        for line in self._connection.makefile("rb"):
            message = decoder.decode(line)
            if isinstance(message, WorkOrder):
                self._orders.put(message)
            elif self.reporter is not None:
                self._pass_on(message, self.reporter)
            del line, message  # the order of a long shot is megabytes; waiting for the next word must not keep them
        # The daemon is gone: a worker without one must not go on writing beside the next daemon's worker.
        os._exit(0)

    def _pass_on(self, message: CancelJob | PauseJob | FreshPapers, reporter: Reporter) -> None:
        if isinstance(message, FreshPapers):
            reporter.take_papers(message)
        else:
            reporter.stop(_reason(message))


def _reason(message: CancelJob | PauseJob) -> UnderstudyError:
    if isinstance(message, CancelJob):
        return JobCancelled("the job was cancelled", remedy="`understudy retry` takes it up again.")
    return JobPaused("the job was paused", remedy="`understudy resume` goes on from the last finished frame.")


def main() -> None:
    parser = argparse.ArgumentParser(description="One slot of the daemon.")
    parser.add_argument("--socket", type=int, required=True, help="The inherited file descriptor of the socket pair.")
    channel = Channel(socket.socket(fileno=parser.parse_args().socket))
    channel.tell(Ready())
    while (order := channel.next_order()) is not None:
        channel.reporter = Reporter(channel.tell, answered=True)
        end = perform(order, channel.reporter)
        channel.reporter = None
        channel.tell(end)
        if end.spent:
            os._exit(SPENT)  # a lost accelerator hangs an orderly end
        del order, end


if __name__ == "__main__":
    main()
