"""Worker processes: kept warm, started again, at lower priority, and never outliving their daemon."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from processes import has_ended

from understudy.bridge.shot import JobRequest
from understudy.inference.daemon.executor import Ending
from understudy.inference.daemon.local_executor import NICENESS, LocalExecutor
from understudy.inference.work_order import FromWorker, WorkerEnd, WorkerFrame, WorkOrder

from .conftest import make_job, until

STUB = (sys.executable, str(Path(__file__).with_name("stub_worker.py")))
QUICK: dict[Any, float] = {"cancel": 0.5, "pause": 20.0, "close": 0.5}
"""Seconds: what a test wants enforced comes soon, and a worker that obeys has all the time that it needs."""


class Ears:
    """Hears what an executor reports."""

    def __init__(self) -> None:
        self.words: list[tuple[str, FromWorker]] = []
        self.losses: list[tuple[str, Ending]] = []
        self.came = asyncio.Event()

    async def heard(self, job_id: str, message: FromWorker) -> None:
        self.words.append((job_id, message))
        self.came.set()

    async def lost(self, job_id: str, ending: Ending) -> None:
        self.losses.append((job_id, ending))
        self.came.set()

    def free(self) -> None:
        self.came.set()

    def end(self, job_id: str) -> WorkerEnd | None:
        return next((word for job, word in self.words if job == job_id and isinstance(word, WorkerEnd)), None)

    def frames(self, job_id: str) -> list[int]:
        return [word.frame for job, word in self.words if job == job_id and isinstance(word, WorkerFrame)]

    async def until(self, true: Any) -> Any:
        async with asyncio.timeout(20):
            while not (value := true()):
                self.came.clear()
                await self.came.wait()
        return value


@asynccontextmanager
async def opened(slots: int = 1, umask: int = -1, **more: Any) -> AsyncIterator[tuple[LocalExecutor, Ears]]:
    executor, ears = LocalExecutor(slots, STUB, grace_seconds=QUICK, umask=umask, **more), Ears()
    executor.open(ears)
    try:
        yield executor, ears
    finally:
        await executor.close()


def order(tmp_path: Path, job_id: str, prompt: str = "", frames: int = 3) -> WorkOrder:
    job: JobRequest = make_job(tmp_path / job_id / "in", prompt=prompt, frames=frames).request
    folder, scratch = tmp_path / job_id / "out", tmp_path / job_id / "scratch"
    folder.mkdir()
    scratch.mkdir()
    return WorkOrder(
        job_id=job_id, job=job, version=1, actor="ada", accepted_at="2026-11-20T00:00:00Z", blobs={},
        folder=str(folder), scratch=str(scratch),
    )  # fmt: skip


def test_a_worker_is_warm_before_a_job_comes_and_stays_for_the_next(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened() as (executor, ears):
            await ears.until(executor.idle)
            process = executor.slots()[0].process
            for name in ("first", "second"):
                executor.start(order(tmp_path, name))
                assert (executor.idle(), executor.slots()[0].job_id) == (0, name)
                end = await ears.until(lambda name=name: ears.end(name))
                assert end.state == "delivered"
                await ears.until(executor.idle)
            assert executor.slots()[0].process == process
            assert ears.frames("second") == [1001, 1002, 1003]

    asyncio.run(story())


def test_where_no_slot_is_free_an_order_is_a_mistake(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened() as (executor, _):
            with pytest.raises(ValueError, match="free"):
                executor.start(order(tmp_path, "early"))

    asyncio.run(story())


def test_a_killed_worker_is_reported_with_its_last_words_and_another_takes_its_slot(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened() as (executor, ears):
            await ears.until(executor.idle)
            executor.start(order(tmp_path, "fatal", "crash_at=1002"))
            await ears.until(lambda: ears.losses)
            job_id, ending = ears.losses[0]
            assert (job_id, ending.how, ending.asked) == ("fatal", "was killed by SIGKILL", None)
            assert "Segmentation fault (pretended)" in ending.last_words
            await ears.until(executor.idle)
            executor.start(order(tmp_path, "next"))
            assert (await ears.until(lambda: ears.end("next"))).state == "delivered"

    asyncio.run(story())


def test_a_worker_that_ends_by_itself_is_reported_with_its_exit_code(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened() as (executor, ears):
            await ears.until(executor.idle)
            executor.start(order(tmp_path, "leaves", "exit_at_start"))
            await ears.until(lambda: ears.losses)
            ending = ears.losses[0][1]
            assert ending.how == "ended with exit code 1"
            assert ending.last_words[-1] == "this worker was told to fall over"

    asyncio.run(story())


def test_a_stop_is_obeyed_or_enforced(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(2) as (executor, ears):
            await ears.until(lambda: executor.idle() == 2)
            executor.start(order(tmp_path, "tame", "slow=0.05", 200))
            executor.start(order(tmp_path, "deaf", "slow=0.05 deaf", 200))
            await ears.until(lambda: ears.frames("tame") and ears.frames("deaf"))
            executor.stop("tame", "pause")
            executor.stop("deaf", "cancel")
            assert (await ears.until(lambda: ears.end("tame"))).state == "paused"
            await ears.until(lambda: ears.losses)
            assert ears.losses[0][1].asked == "cancel"

    asyncio.run(story())


def test_a_stop_for_a_job_that_does_not_run_here_is_silence(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened() as (executor, ears):
            executor.stop("nobody", "cancel")
            await ears.until(executor.idle)
            assert ears.losses == []

    asyncio.run(story())


def test_workers_run_at_lower_priority_in_a_group_of_their_own_with_memory_settings() -> None:
    async def story() -> None:
        async with opened() as (executor, ears):
            await ears.until(executor.idle)
            process = executor.slots()[0].process
            assert process is not None
            assert os.getpriority(os.PRIO_PROCESS, process) == NICENESS + os.getpriority(os.PRIO_PROCESS, 0)
            assert os.getpgid(process) == process
            assert os.getsid(process) == os.getsid(0)
            assert os.sched_getscheduler(process) == os.SCHED_BATCH
            assert b"MALLOC_TRIM_THRESHOLD_=8589934592" in Path(f"/proc/{process}/environ").read_bytes()

    asyncio.run(story())


def test_workers_write_with_the_users_own_mask_so_that_a_studio_can_share_the_layers() -> None:
    async def story() -> None:
        async with opened(umask=0o027) as (executor, ears):
            await ears.until(executor.idle)
            status = Path(f"/proc/{executor.slots()[0].process}/status").read_text()
            assert "Umask:\t0027" in status

    asyncio.run(story())


def test_a_worker_that_cannot_start_is_tried_again_more_and_more_slowly_and_the_trouble_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STUB_FAILS_AT_START", "1")

    async def story() -> None:
        async with opened() as (executor, _):
            async with asyncio.timeout(20):
                while not executor.trouble():
                    await asyncio.sleep(0.02)
            assert "no module named 'weights'" in executor.trouble()
            assert executor.idle() == 0
            monkeypatch.delenv("STUB_FAILS_AT_START")
            async with asyncio.timeout(20):
                while not executor.idle():
                    await asyncio.sleep(0.02)
            assert executor.trouble() == ""

    asyncio.run(story())


def test_closing_stops_what_runs_and_leaves_no_process(tmp_path: Path) -> None:
    async def story() -> list[int]:
        async with opened(2) as (executor, ears):
            await ears.until(lambda: executor.idle() == 2)
            executor.start(order(tmp_path, "tame", "slow=0.05", 200))
            executor.start(order(tmp_path, "deaf", "slow=0.05 deaf", 200))
            await ears.until(lambda: ears.frames("tame") and ears.frames("deaf"))
            processes = [slot.process for slot in executor.slots() if slot.process is not None]
        assert executor.idle() == 0
        assert [ending.asked for _, ending in ears.losses if _ == "deaf"] == ["close"]
        return processes

    for process in asyncio.run(story()):
        assert not Path(f"/proc/{process}").exists()


_DAEMON = """
import asyncio, sys
from understudy.inference.daemon.local_executor import LocalExecutor
class Ears:
    def free(self): print(*(slot.process for slot in executor.slots()), flush=True)
    async def heard(self, job_id, message): pass
    async def lost(self, job_id, ending): pass
async def main():
    executor.open(Ears())
    await asyncio.sleep(60)
executor = LocalExecutor(1, (sys.executable, sys.argv[1]))
asyncio.run(main())
"""


def test_when_the_daemon_is_killed_its_workers_die_with_it() -> None:
    daemon = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_DAEMON), STUB[1]], stdout=subprocess.PIPE, text=True
    )
    assert daemon.stdout is not None
    worker = int(daemon.stdout.readline())
    assert not has_ended(worker)
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
    daemon.stdout.close()
    until(lambda: has_ended(worker), 5)


def needing(order: WorkOrder, engine: str) -> WorkOrder:
    settings = msgspec.structs.replace(order.job.settings, engine=engine)
    return msgspec.structs.replace(order, job=msgspec.structs.replace(order.job, settings=settings))


def environment_of(process: int | None) -> dict[str, str]:
    pairs = Path(f"/proc/{process}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)


def test_a_slot_sees_its_own_gpus_and_one_without_sees_none() -> None:
    async def story() -> None:
        owned = [("0", "1"), ("2", "3")]
        async with opened(1, gpus=owned, environment={"UNDERSTUDY_GPU_MEMORY": "80%"}) as (executor, ears):
            await ears.until(lambda: executor.idle() == 3)
            assert [slot.gpus for slot in executor.slots()] == [("0", "1"), ("2", "3"), ()]
            seen = [environment_of(slot.process) for slot in executor.slots()]
            assert [one["CUDA_VISIBLE_DEVICES"] for one in seen] == ["0,1", "2,3", ""]
            assert [one["UNDERSTUDY_GPUS_PER_SLOT"] for one in seen] == ["2", "2", "1"]
            assert {one["UNDERSTUDY_GPU_MEMORY"] for one in seen} == {"80%"}

    asyncio.run(story())


def test_where_no_gpus_are_named_a_worker_sees_what_the_daemon_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")

    async def story() -> None:
        async with opened() as (executor, ears):
            await ears.until(executor.idle)
            assert environment_of(executor.slots()[0].process)["CUDA_VISIBLE_DEVICES"] == "5"

    asyncio.run(story())


def test_an_engine_that_needs_a_gpu_gets_a_slot_that_owns_one_and_the_others_stay_out_of_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(1, gpus=[("0",)]) as (executor, ears):
            await ears.until(lambda: executor.idle() == 2)
            executor.start(needing(order(tmp_path, "cheap", "slow=0.05", 200), "preview"))
            assert [slot.job_id for slot in executor.slots()] == [None, "cheap"]
            executor.start(needing(order(tmp_path, "heavy", "slow=0.05", 200), "wan-animate"))
            assert [slot.job_id for slot in executor.slots()] == ["heavy", "cheap"]

    asyncio.run(story())


def test_an_engine_that_needs_a_gpu_never_gets_a_slot_without_where_some_own_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(1, gpus=[("0",)]) as (executor, ears):
            await ears.until(lambda: executor.idle() == 2)
            executor.start(needing(order(tmp_path, "first", "slow=0.05", 200), "wan-animate"))
            with pytest.raises(ValueError, match="free"):
                executor.start(needing(order(tmp_path, "second"), "wan-animate"))

    asyncio.run(story())


def test_a_worker_that_says_it_is_spent_gets_no_other_order_and_a_fresh_one_takes_its_slot(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened() as (executor, ears):
            await ears.until(executor.idle)
            process = executor.slots()[0].process
            executor.start(order(tmp_path, "lost", "spent_at_end"))
            assert (await ears.until(lambda: ears.end("lost"))).spent
            assert executor.idle() == 0
            await ears.until(executor.idle)
            assert executor.slots()[0].process != process
            assert ears.losses == []

    asyncio.run(story())
