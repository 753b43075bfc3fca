"""The door to whatever runs the jobs: workers on this machine now, a farm or a cluster behind the same few calls.

An executor decides nothing: it takes an order where a slot is free, passes on what the worker says, and tells when one
died. All calls and all reports happen in the daemon's event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from understudy.bridge.messages import Slot
from understudy.inference.work_order import FreshPapers, FromWorker, WorkOrder

Stop = Literal["cancel", "pause", "close"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a worker went that gave no last word. `asked`: what it had been told; it was killed when it did not obey."""

    how: str
    last_words: tuple[str, ...] = ()
    """The last lines that it wrote to its standard error."""
    asked: Stop | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """Free slots: those that own GPUs, and the others. `apart`: some own GPUs, and only those take what needs one."""

    without_gpu: int = 0
    with_gpu: int = 0
    apart: bool = False

    def less(self, needs_gpu: bool) -> Room | None:
        """Return what is left when a job of that need has taken its slot; None where there is none for it.

        A job that needs no GPU takes a slot that owns one only where no other is free.
        """
        if self.without_gpu and not (needs_gpu and self.apart):
            return replace(self, without_gpu=self.without_gpu - 1)
        return replace(self, with_gpu=self.with_gpu - 1) if self.with_gpu else None


def who_starts(queue: Sequence[tuple[str, bool]], room: Room) -> tuple[str, ...]:
    """Return the jobs that can start now, in order. queue: job ids, each with whether its engine needs a GPU.

    A job for which no slot is free lets those behind it pass that need another kind of slot. Pure.
    """
    starting = []
    for job_id, needs_gpu in queue:
        left = room.less(needs_gpu)
        if left is not None:
            room = left
            starting.append(job_id)
    return tuple(starting)


class Listener(Protocol):
    """Who hears of the jobs. Reports of one job come one after another; the next waits until the last is answered."""

    async def heard(self, job_id: str, message: FromWorker) -> None: ...

    async def lost(self, job_id: str, ending: Ending) -> None:
        """The worker is gone and nothing of it runs any more."""
        ...

    def free(self) -> None:
        """A slot may take an order."""
        ...


class Executor(Protocol):
    """Runs work orders."""

    def open(self, listener: Listener) -> None:
        """Make the slots ready. Returns at once."""
        ...

    def room(self) -> Room:
        """Return how many orders could start now."""
        ...

    def say(self, job_id: str, message: FreshPapers) -> None:
        """Answer the worker that holds a job; nothing where it is gone."""
        ...

    def start(self, order: WorkOrder) -> None:
        """Run an order. Only while there is `room()` for what its engine needs; raises ValueError otherwise."""
        ...

    def stop(self, job_id: str, what: Stop) -> None:
        """Ask for an end within one step, and enforce it after a grace. Silent for a job that does not run here.

        The end is reported by `heard` with a WorkerEnd, or by `lost`.
        """
        ...

    def slots(self) -> tuple[Slot, ...]: ...

    def trouble(self) -> str:
        """Return why no slot gets ready, empty when all is well."""
        ...

    async def close(self) -> None:
        """Stop everything. Jobs that run are told `close` and reported; returns when no worker is left."""
        ...
