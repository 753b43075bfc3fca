"""Runs jobs on this machine: one warm worker process a slot, started again when it dies.

A worker runs at lower priority than the daemon, in a process group of its own (Ctrl-C in the daemon's terminal is not
for it). The kernel kills it when the daemon dies: no orphan writes beside the next daemon's worker. Lives in the event
loop; must be opened in a thread that lives as long as the daemon (PR_SET_PDEATHSIG follows the thread).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from understudy.bridge.messages import Slot
from understudy.inference.daemon.executor import Ending, Listener, Room, Stop
from understudy.inference.daemon.surroundings import memory_environment
from understudy.inference.engines.roster import needs_gpu
from understudy.inference.work_order import (
    CancelJob,
    FreshPapers,
    FromWorker,
    PauseJob,
    Ready,
    ToWorker,
    WorkerEnd,
    WorkOrder,
)

WORKER = (sys.executable, "-m", "understudy.inference.worker")
NICENESS = 5
GRACE_SECONDS: Mapping[Stop, float] = {"cancel": 15.0, "pause": 60.0, "close": 5.0}
"""How long a worker may take to stop by itself: the longest step measured takes 12 seconds."""
REPEAT_SECONDS = 0.5
"""A stop is said again: a worker that was between two jobs may have missed it."""
LINE_LIMIT_BYTES = 256 * 1024 * 1024
"""The list of all files of the longest job."""
LAST_WORDS_LINES = 20
LAST_WORDS_LETTERS = 500
CLOSING_SECONDS = 5.0
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0

# Arguments: the daemon's process id, the niceness, the command. PR_SET_PDEATHSIG is 1 (prctl(2)) and outlives exec; a
# preexec_fn instead would fork the whole daemon, threads and all. Systems without prctl rely on the closed socket.
# A batch process never takes the processor from one that wakes up, such as the daemon's event loop.
_LAUNCH = """
import ctypes, os, sys
prctl = getattr(ctypes.CDLL(None), "prctl", None)
if prctl is not None:
    prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the daemon is gone")
os.nice(int(sys.argv[2]))
if hasattr(os, "SCHED_BATCH"):
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
os.execv(sys.argv[3], sys.argv[3:])
"""

_decoder: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)
_log = logging.getLogger(__name__)


@dataclass
class _Worker:
    """One slot and the process in it."""

    name: str
    gpus: tuple[str, ...] = ()
    process: asyncio.subprocess.Process | None = None
    writer: asyncio.StreamWriter | None = None
    ready: bool = False
    job_id: str | None = None
    asked: Stop | None = None
    pressing: asyncio.Task[None] | None = None
    last_words: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_WORDS_LINES))

    def say(self, message: ToWorker) -> None:
        if self.writer is not None:
            self.writer.write(msgspec.json.encode(message) + b"\n")

    def kill(self) -> None:
        """Kill the worker and everything that it started."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def forget_job(self) -> None:
        self.job_id = self.asked = None
        if self.pressing is not None:
            self.pressing.cancel()
            self.pressing = None


class LocalExecutor:
    """`slots` workers of `command`, each given `--socket FD`, and one more for each group of `gpus`, which it owns."""

    def __init__(
        self,
        slots: int,
        command: tuple[str, ...] = WORKER,
        *,
        grace_seconds: Mapping[Stop, float] = GRACE_SECONDS,
        umask: int = -1,
        gpus: Sequence[tuple[str, ...]] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment`: what workers have besides the daemon's own. `umask`: of the workers, whose layers a studio
        shares, unlike the daemon's own files; -1 = the daemon's.
        """
        self._command = command
        self._umask = umask
        self._grace = grace_seconds
        self._environment = environment or {}
        self._apart = bool(gpus)
        owned = [*gpus, *[()] * slots]
        self._workers = [_Worker(f"slot-{number}", group) for number, group in enumerate(owned, 1)]
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = asyncio.Event()
        self._trouble = ""

    def open(self, listener: Listener) -> None:
        self._tasks = [asyncio.create_task(self._keep(worker, listener), name=worker.name) for worker in self._workers]

    def idle(self) -> int:
        """Return how many slots are free, whatever they own."""
        return len(self._free())

    def room(self) -> Room:
        owning = sum(bool(worker.gpus) for worker in self._free())
        return Room(self.idle() - owning, owning, self._apart)

    def start(self, order: WorkOrder) -> None:
        wants = needs_gpu(order.job.settings.engine)
        free = [worker for worker in self._free() if worker.gpus or not (wants and self._apart)]
        if not free:
            raise ValueError("no slot is free")
        worker = min(free, key=lambda one: bool(one.gpus) and not wants)  # a GPU only where no other slot is free
        worker.job_id = order.job_id
        worker.last_words.clear()
        worker.say(order)

    def say(self, job_id: str, message: FreshPapers) -> None:
        for worker in self._workers:
            if worker.job_id == job_id:
                worker.say(message)

    def _free(self) -> list[_Worker]:
        return [] if self._closing.is_set() else [one for one in self._workers if one.ready and one.job_id is None]

    def stop(self, job_id: str, what: Stop) -> None:
        for worker in self._workers:
            if worker.job_id == job_id:
                if worker.pressing is not None:
                    worker.pressing.cancel()
                worker.asked = what
                worker.pressing = asyncio.create_task(self._press(worker, what))

    def slots(self) -> tuple[Slot, ...]:
        return tuple(
            Slot(
                name=one.name,
                job_id=one.job_id,
                process=one.process.pid if one.process is not None else None,
                gpus=one.gpus,
            )
            for one in self._workers
        )

    def trouble(self) -> str:
        return "" if any(worker.ready for worker in self._workers) else self._trouble

    async def close(self) -> None:
        self._closing.set()
        for worker in self._workers:
            if worker.job_id is not None:
                self.stop(worker.job_id, "close")
            else:
                worker.kill()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._grace["close"] + CLOSING_SECONDS)
            for task in late:
                task.cancel()
        for worker in self._workers:
            worker.kill()

    async def _press(self, worker: _Worker, what: Stop) -> None:
        """Ask again and again, then kill."""
        message = CancelJob() if what == "cancel" else PauseJob()
        for _ in range(max(1, round(self._grace[what] / REPEAT_SECONDS))):
            worker.say(message)
            await asyncio.sleep(REPEAT_SECONDS)
        _log.warning("%s did not stop within %s s and is killed", worker.name, self._grace[what])
        worker.kill()

    async def _keep(self, worker: _Worker, listener: Listener) -> None:
        """Keep one slot manned until the executor closes."""
        wait = FIRST_WAIT_SECONDS
        while not self._closing.is_set():
            if await self._man(worker, listener):
                wait = FIRST_WAIT_SECONDS
                continue
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._closing.wait(), wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    async def _man(self, worker: _Worker, listener: Listener) -> bool:
        """Start a worker and serve it to its end; return whether it ever got ready."""
        was_ready = False
        try:
            reader = await self._launch(worker)
            if self._closing.is_set():
                worker.kill()
            listening = asyncio.create_task(self._note_last_words(worker))
            try:
                was_ready = await self._hear(worker, reader, listener)
            finally:
                worker.ready = False
                worker.kill()
                await _ended(worker, listening)
        except OSError as problem:
            self._trouble = f"no worker can be started: {problem}"
            _log.error("%s: %s", worker.name, self._trouble)
        await self._report_loss(worker, listener, was_ready)
        return was_ready

    async def _launch(self, worker: _Worker) -> asyncio.StreamReader:
        ours, theirs = socket.socketpair()
        with theirs:
            worker.last_words.clear()
            worker.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), str(NICENESS)),
                *(*self._command, "--socket", str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=memory_environment({**os.environ, **self._environment, **self._ownership(worker)}),
                # Not a session: the kernel would weigh it against the daemon's whole session, whatever its niceness.
                process_group=0,
                umask=self._umask,
            )
        reader, worker.writer = await asyncio.open_connection(sock=ours, limit=LINE_LIMIT_BYTES)
        return reader

    def _ownership(self, worker: _Worker) -> Mapping[str, str]:
        """Return what lets a worker see its own GPUs and no others; nothing where the settings name none."""
        if not self._apart:
            return {}
        said = ",".join(worker.gpus)
        # The numbers are the bus's, as `nvidia-smi` prints them: CUDA's own order puts the quickest card first.
        return {
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": said, "UNDERSTUDY_GPUS": said,
            "UNDERSTUDY_GPUS_PER_SLOT": str(max(1, len(worker.gpus))),
        }  # fmt: skip

    async def _hear(self, worker: _Worker, reader: asyncio.StreamReader, listener: Listener) -> bool:
        """Pass on what a worker says until it is gone; return whether it ever got ready."""
        was_ready = False
        try:
            while line := await reader.readline():
                message = _decoder.decode(line)
                del line  # the list of all files is megabytes: not beside what is made of it
                if isinstance(message, Ready):
                    was_ready = worker.ready = True
                    self._trouble = ""
                    listener.free()
                elif worker.job_id is not None:
                    await listener.heard(worker.job_id, message)
                    if isinstance(message, WorkerEnd):
                        worker.ready = not message.spent
                        worker.forget_job()
                        listener.free()
                if self._closing.is_set() and worker.job_id is None:
                    break
        except (ConnectionError, ValueError) as problem:
            _log.warning("%s: the connection to the worker broke: %s", worker.name, problem)
        except Exception:  # noqa: BLE001 - the daemon's edge: what one worker says must not end the others
            _log.exception("%s: what the worker said could not be taken in", worker.name)
        return was_ready

    async def _report_loss(self, worker: _Worker, listener: Listener, was_ready: bool) -> None:
        job_id, asked = worker.job_id, worker.asked
        how = _how_it_ended(worker.process)
        words = tuple(worker.last_words)
        worker.process = worker.writer = None
        worker.forget_job()
        if job_id is not None:
            await listener.lost(job_id, Ending(how, words, asked))
        elif not was_ready and not self._closing.is_set():
            self._trouble = f"the worker {how}: {words[-1] if words else 'it said nothing'}"
            _log.error("%s: the worker %s before it was ready: %s", worker.name, how, " | ".join(words))

    async def _note_last_words(self, worker: _Worker) -> None:
        """Keep the last lines that a worker writes, and log all of them. A line may be of any length."""
        if worker.process is None or worker.process.stdout is None:
            return
        rest = ""
        while data := await worker.process.stdout.read(65_536):
            *lines, rest = (rest + data.decode("utf-8", "replace")).split("\n")
            rest = rest[-LAST_WORDS_LETTERS:]
            for line in filter(None, map(str.rstrip, lines)):
                worker.last_words.append(line[:LAST_WORDS_LETTERS])
                _log.info("%s: %s", worker.name, line[:LAST_WORDS_LETTERS])
        if rest.strip():
            worker.last_words.append(rest.strip())


async def _ended(worker: _Worker, listening: asyncio.Task[None]) -> None:
    """Wait until a worker is gone and its last words are noted. What it started may hold the pipe a moment longer."""
    if worker.writer is not None:
        worker.writer.close()
    if worker.process is not None:
        await worker.process.wait()
    await asyncio.wait([listening], timeout=1.0)
    listening.cancel()


def _how_it_ended(process: asyncio.subprocess.Process | None) -> str:
    code = process.returncode if process is not None else None
    if code is None:
        return "was never started"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
        return f"was killed by signal {-code}"
    return f"ended with exit code {code}"
