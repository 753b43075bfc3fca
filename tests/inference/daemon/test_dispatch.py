"""What becomes of a job whose slot is lost between the queue and the worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from understudy.bridge.messages import Slot
from understudy.inference.daemon.audience import Audience
from understudy.inference.daemon.changes import Changes
from understudy.inference.daemon.dispatch import Dispatch
from understudy.inference.daemon.executor import Listener, Room, Stop
from understudy.inference.daemon.inputs import Inputs
from understudy.inference.work_order import FreshPapers, WorkOrder

from .conftest import house_with, make_job


class DyingSlot:
    """An executor of one slot, whose worker dies as often as it is told between the queue and the order.

    The queue may ask for room at any time and any number of times: what counts is how the job stands, not who asks.
    """

    def __init__(self, deaths: int, state: Callable[[], str]) -> None:
        self.deaths = deaths
        self.orders: list[WorkOrder] = []
        self._state = state
        self._dead = False

    def open(self, listener: Listener) -> None: ...

    def room(self) -> Room:
        """Promise a slot while the job is queued; gone, as long as there are deaths, once it was started."""
        if self._state() == "running" and self.deaths:
            self._dead = True
            return Room()
        if self._dead:
            self.deaths, self._dead = self.deaths - 1, False
        return Room(int(not self.orders))

    def start(self, order: WorkOrder) -> None:
        self.orders.append(order)

    def say(self, job_id: str, message: FreshPapers) -> None: ...

    def stop(self, job_id: str, what: Stop) -> None: ...

    def slots(self) -> tuple[Slot, ...]:
        return ()

    def trouble(self) -> str:
        return ""

    async def close(self) -> None: ...


def test_when_the_worker_dies_before_it_gets_its_order_then_the_job_is_queued_again_and_not_failed(
    tmp_path: Path,
) -> None:
    house = house_with(tmp_path / "home", make_job(tmp_path / "in"))
    slot = DyingSlot(2, lambda: house.store.job("job0dies").state)

    async def run() -> str:
        audience, inputs = Audience(house, lambda connection, body: "gone"), Inputs(house)
        dispatch = Dispatch(house, changes := Changes(house, audience, inputs), inputs, slot)
        running = asyncio.create_task(dispatch.run())
        while not slot.orders and house.store.job("job0dies").state != "failed":
            await asyncio.sleep(0.02)
        running.cancel()
        return (await changes.job("job0dies")).state

    assert asyncio.run(asyncio.wait_for(run(), 20)) == "running"
    assert (slot.deaths, [order.job_id for order in slot.orders]) == (0, ["job0dies"])
    house.close()
