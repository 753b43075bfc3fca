"""A job on two processes, here by gloo on the processor: the same pictures, and no process that outlives its job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import OpenEXR
import pytest
import short_peer
from fork_server import ForkServer, fork_server
from numpy.typing import NDArray
from processes import children_named, has_ended
from spine_rig import Told, gathered, order_of
from tiny_wan import make_tiny_checkpoint
from wan_shot import FIRST, draw_wan_shot

from understudy.bridge.errors import JobCancelled
from understudy.inference.engines.door import process_is_spent
from understudy.inference.engines.wan import team
from understudy.inference.work_order import WorkerFrame, WorkerProgress, WorkOrder
from understudy.inference.worker import Reporter, perform

pytestmark = pytest.mark.long

FRAMES = 12
PATIENCE_SECONDS = 20.0


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_checkpoint(tmp_path_factory.mktemp("weights"), seed=1)


def forks() -> ForkServer:
    """Return what forks the other GPU's process: the real one, with PyTorch and diffusers there already."""
    return fork_server(
        sys.executable, "understudy.inference.engines.wan.peer", "understudy.inference.engines.wan.share"
    )


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("UNDERSTUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UNDERSTUDY_WEIGHTS", str(checkpoint))
    monkeypatch.setenv("UNDERSTUDY_GPUS_PER_SLOT", "2")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(team, "PEER", forks().stand_in("-m", team.PEER[-1]))
    yield
    process_is_spent.clear()  # as a fresh process has it
    until(lambda: not peers_of(os.getpid()))


def until(true: Any) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.05)


def peers_of(parent: int) -> list[int]:
    """Return the processes of other GPUs that a worker started and that still run."""
    return children_named(parent, "--parent")


def work(tmp_path: Path, out: str, *more: str, frames: int = FRAMES) -> WorkOrder:
    options = draw_wan_shot(tmp_path / "shot", frames)
    return order_of(gathered(options, option=["steps=2", "segment_frames=9", *more]), tmp_path / out)


def layer(folder: Path, name: str, frame: int) -> NDArray[np.float16]:
    with OpenEXR.File(str(folder / "v001" / name / f"{name}.{frame:04}.exr"), separate_channels=True) as file:
        return np.dstack([file.channels()[channel].pixels for channel in "RGB"])


def ordered(halves: NDArray[np.float16]) -> NDArray[np.int32]:
    """Return halves as numbers that grow by one from each half to the next."""
    bits = halves.view(np.int16).astype(np.int32)
    return np.where(bits < 0, -(bits & 0x7FFF), bits)


def test_two_processes_make_the_job_that_one_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together, alone = work(tmp_path, "together"), work(tmp_path, "alone")
    seen: set[int] = set()

    def tell(message: Any) -> None:
        if isinstance(message, WorkerProgress) and message.stage == "generating":
            seen.update(peers_of(os.getpid()))

    end = perform(together, Reporter(tell))
    assert end.state == "delivered", end.error
    assert len(seen) == 1
    assert not end.spent
    monkeypatch.setenv("UNDERSTUDY_GPUS_PER_SLOT", "1")
    assert perform(alone, Reporter(Told().append)).state == "delivered"
    carried = [sorted(Path(order.scratch).glob("carried-*.npy")) for order in (together, alone)]
    assert [len(files) for files in carried] == [2, 2]
    for one, other in zip(*carried, strict=True):
        assert np.abs(np.load(one) - np.load(other)).max() <= 1e-5
    for frame in range(FIRST, FIRST + FRAMES):
        # A comp is merged from two layers that are rounded already, so it may be a step further apart.
        for name, steps in (("patch", 1), ("matte_effective", 1), ("comp", 2)):
            ours, theirs = (layer(tmp_path / out, name, frame) for out in ("together", "alone"))
            assert np.abs(ordered(ours) - ordered(theirs)).max() <= steps, (name, frame)


class Killing(Reporter):
    """Kills the other process at the first step of the segment behind the first one."""

    killed_at = 0.0

    def check(self) -> None:
        super().check()
        if self.segment[0] == 2 and not self.killed_at:
            self.killed_at = time.monotonic()
            os.kill(peers_of(os.getpid())[0], signal.SIGKILL)


def test_when_a_process_is_killed_in_mid_segment_then_the_job_fails_with_its_name_and_finished_frames_stay(
    tmp_path: Path,
) -> None:
    reporter = Killing(Told().append)
    end = perform(work(tmp_path, "out"), reporter)
    assert time.monotonic() - reporter.killed_at < PATIENCE_SECONDS
    assert end.state == "failed"
    assert end.error is not None
    assert "GPU 2 of 2 was killed by SIGKILL in segment 2 of 2" in end.error.message
    assert "understudy retry" in end.error.remedy
    assert end.spent
    assert len(list((tmp_path / "out").rglob("comp.*.exr"))) == 7


def test_when_the_job_is_cancelled_then_the_other_process_ends_with_it(tmp_path: Path) -> None:
    reporter: Reporter

    def tell(message: Any) -> None:
        if isinstance(message, WorkerFrame):
            reporter.stop(JobCancelled("enough"))

    reporter = Reporter(tell)
    end = perform(work(tmp_path, "out"), reporter)
    assert end.state == "cancelled"
    assert peers_of(os.getpid()) == []


def test_when_the_other_process_runs_out_of_memory_then_the_job_waits_and_goes_on_with_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, honest = work(tmp_path, "out"), team.PEER
    monkeypatch.setattr(team, "PEER", forks().stand_in(short_peer.__file__))
    end = perform(order, Reporter(Told().append))
    assert (end.state, end.spent) == ("parked", True), end.error
    assert end.error is not None
    assert "ran out of memory in segment 1 of 2" in end.error.message
    process_is_spent.clear()
    monkeypatch.setattr(team, "PEER", honest)
    again = perform(order, Reporter(Told().append))
    assert again.state == "delivered", again.error
    assert any(finding.rule == "memory_step_down" for finding in again.findings)


WORKER = """
import sys
from pathlib import Path
import msgspec
from understudy.inference.work_order import WorkOrder, WorkerFrame
from understudy.inference.worker import Reporter, perform
def tell(message):
    if isinstance(message, WorkerFrame):
        print("frame", flush=True)
perform(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=WorkOrder), Reporter(tell))
"""


def test_when_the_worker_is_killed_then_the_other_process_ends_by_itself(tmp_path: Path) -> None:
    """By its command, as a worker of its own starts it: nothing here is forked."""
    (tmp_path / "order.json").write_bytes(msgspec.json.encode(work(tmp_path, "out", frames=40)))
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path / "order.json")], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "frame\n"
    (peer,) = peers_of(worker.pid)
    worker.kill()
    worker.wait()
    worker.stdout.close()
    until(lambda: has_ended(peer))
