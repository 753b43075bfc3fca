"""The door to whatever runs the jobs: workers on this machine now, a farm or a cluster behind the same few calls.

An executor decides nothing: it takes an order where a slot is free, passes on what the worker says, and tells when one
died. All calls and all reports happen in the daemon's event loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from understudy.bridge.messages import Slot
from understudy.inference.work_order import FromWorker, WorkOrder

Stop = Literal["cancel", "pause", "close"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a worker went that gave no last word. `asked`: what it had been told; it was killed when it did not obey."""

    how: str
    last_words: tuple[str, ...] = ()
    """The last lines that it wrote to its standard error."""
    asked: Stop | None = None


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

    def idle(self) -> int:
        """Return how many orders could start now."""
        ...

    def start(self, order: WorkOrder) -> None:
        """Run an order. Only while `idle()` is not 0; raises ValueError otherwise."""
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
