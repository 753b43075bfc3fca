"""A real worker whose slot's GPU is not there: the job waits, the process ends, a fresh one takes the slot."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from spine_rig import gathered, order_of

from understudy.inference.daemon.executor import Ending
from understudy.inference.daemon.local_executor import LocalExecutor
from understudy.inference.work_order import FromWorker, WorkerEnd

for library in ("torch", "diffusers", "transformers"):
    pytest.importorskip(library, reason="the model's libraries: pip install 'understudy[wan]'")

PATIENCE_SECONDS = 150


class Ears:
    """Hears what an executor reports."""

    def __init__(self) -> None:
        self.ends: list[WorkerEnd] = []
        self.losses: list[Ending] = []
        self.came = asyncio.Event()

    async def heard(self, job_id: str, message: FromWorker) -> None:
        if isinstance(message, WorkerEnd):
            self.ends.append(message)
            self.came.set()

    async def lost(self, job_id: str, ending: Ending) -> None:
        self.losses.append(ending)
        self.came.set()

    def free(self) -> None:
        self.came.set()


def test_when_the_slots_gpu_is_gone_then_the_job_waits_and_a_fresh_worker_takes_the_slot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tiny_wan import make_tiny_checkpoint
    from wan_shot import draw_wan_shot

    monkeypatch.setenv("UNDERSTUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UNDERSTUDY_WEIGHTS", str(make_tiny_checkpoint(tmp_path / "weights", seed=1)))
    order = order_of(gathered(draw_wan_shot(tmp_path / "shot", 2)), tmp_path / "out")

    async def story() -> None:
        ears, executor = Ears(), LocalExecutor(1, gpus=[("0",)])
        executor.open(ears)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while executor.idle() < 2:
                    ears.came.clear()
                    await ears.came.wait()
                process = executor.slots()[0].process
                executor.start(order)
                assert executor.slots()[0].job_id == order.job_id
                while not (ears.ends or ears.losses) or executor.idle() < 2:
                    ears.came.clear()
                    await ears.came.wait()
            assert not ears.losses
            (end,) = ears.ends
            assert (end.state, end.spent) == ("parked", True), end.error
            assert end.error is not None
            assert "no CUDA GPUs are available, though the settings name 0" in end.error.message
            assert executor.slots()[0].process != process
        finally:
            await executor.close()

    asyncio.run(story())
