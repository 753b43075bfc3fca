"""One job of the engine wan-animate in a process of its own, on whatever there is; something may happen to it.

    python -m benchmarks.gpu.job_process ORDER [--at SEGMENT:STEP] [--act kill|cancel|crowd:GIB|break]

crowd: another process takes the GPU's memory but for so many GiB. break: a kernel asserts, as a card that is lost.
Prints one line of JSON: how the job ended, what it told, seconds, bytes of GPU memory at its peak and after it.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import torch

from understudy.bridge.errors import JobCancelled
from understudy.inference.engines.door import DENOISING
from understudy.inference.work_order import FromWorker, WorkerProgress, WorkOrder
from understudy.inference.worker import Reporter, perform

CROWD = """
import sys, torch
free, _ = torch.cuda.mem_get_info()
held = torch.empty(max(0, free - int(float(sys.argv[1]) * 2**30)), dtype=torch.uint8, device="cuda")
print("crowded", flush=True)
sys.stdin.read()
"""


class Fate:
    """What happens to the job, and when: at a step of a segment, both counted from 1; once."""

    def __init__(self, at: tuple[int, int], act: str) -> None:
        self._at, self._act = at, act
        self._step = (0, -1)
        self.reporter: Reporter | None = None
        self.struck_at = 0.0
        self.crowd: subprocess.Popen[str] | None = None

    def tell(self, message: FromWorker) -> None:
        """Listen for the step. It is told by the thread that makes segments, before the step begins."""
        if not isinstance(message, WorkerProgress) or message.stage != DENOISING or self.struck_at:
            return
        if (message.segment, message.done + 1) >= self._at:
            self.struck_at = time.monotonic()
            self._strike()

    def _strike(self) -> None:
        name, _, value = self._act.partition(":")
        if name == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif name == "cancel" and self.reporter is not None:
            self.reporter.stop(JobCancelled("enough"))
        elif name == "crowd":
            self.take(value)
        elif name == "break":
            torch.zeros(1, device="cuda")[torch.tensor([7], device="cuda")].sum().item()

    def take(self, gibibytes: str) -> None:
        """Have another process take the GPU's memory but for so much."""
        command = [sys.executable, "-c", CROWD, gibibytes]
        self.crowd = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.crowd.stdout is not None
        self.crowd.stdout.readline()

    def end(self) -> None:
        if self.crowd is not None:
            self.crowd.kill()
            self.crowd.wait()


def _memory() -> dict[str, Any]:
    if not torch.cuda.is_available():
        return {}
    gc.collect()
    torch.cuda.empty_cache()
    return {"peak_gib": torch.cuda.max_memory_allocated() / 2**30, "left_gib": torch.cuda.memory_allocated() / 2**30}


def run(order: WorkOrder, fate: Fate) -> dict[str, Any]:
    """Do the job, and return what there is to say of it."""
    reporter = fate.reporter = Reporter(fate.tell)
    started = time.monotonic()
    end = perform(order, reporter)
    told: dict[str, Any] = {"state": end.state, "seconds": round(time.monotonic() - started, 2), "spent": end.spent}
    if fate.struck_at:
        told["seconds_after"] = round(time.monotonic() - fate.struck_at, 2)
    told["error"] = end.error.message[:300] if end.error is not None else ""
    told["cost"] = msgspec.to_builtins(end.cost)
    wanted = ("memory_step_down", "computed_on", "approximate")
    told["found"] = [f"{finding.rule}: {finding.message}" for finding in end.findings if finding.rule in wanted]
    return told if end.spent else {**told, **_memory()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("order", type=Path)
    parser.add_argument("--at", default="99:1")
    parser.add_argument("--act", default="")
    given = parser.parse_args()
    segment, step = given.at.split(":")
    fate = Fate((int(segment), int(step)), given.act)
    order = msgspec.json.decode(given.order.read_bytes(), type=WorkOrder)
    try:
        if segment == "0":
            fate.take(given.act.partition(":")[2])  # before the job begins
        told = run(order, fate)
    finally:
        fate.end()
    print(json.dumps(told), flush=True)
    os._exit(0)  # a broken context hangs an orderly end


if __name__ == "__main__":
    main()
