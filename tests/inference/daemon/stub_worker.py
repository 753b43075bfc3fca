"""A worker that speaks the work order's language and makes tiny files: it crashes, hangs and obeys as it is told.

What it shall do stands in the job's prompt, words apart by spaces: `frames=N` (that many, else the range), `slow=S`
seconds a frame, `crash_at=F` (always), `crash_once_at=F`, `crash_checking` (always), `crash_settled_once` (the version
stands, the daemon never hears so), `exit_at_start`, `deaf` (never obeys a stop), `hold=FILE` (it makes no frame after
the one whose number stands there, and says the end once that number is greater than all of them), `end=STATE`,
`end_v1=STATE` (of version 1 alone), `fail_start` (environment: dies before it is ready), `float8_from=F` (its manifest
says so of that frame and all after it), `lost_file` (it lists one that is not there), `cost=S` (what it cost, S seconds
a frame).
What may be reused it says by a finding.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import msgspec
from blake3 import blake3

from understudy.bridge.errors import EngineError, Finding
from understudy.bridge.shot import OutputFile
from understudy.inference.compliance.manifest import MANIFEST_NAME, Approximation, build_manifest, write_manifest
from understudy.inference.work_order import (
    CancelJob,
    FromWorker,
    PauseJob,
    Ready,
    RunCost,
    ToWorker,
    WorkerChecking,
    WorkerEnd,
    WorkerFindings,
    WorkerFrame,
    WorkerProgress,
    WorkOrder,
)

LAYER = "comp"


class Stub:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._orders: list[WorkOrder] = []
        self._arrived = threading.Semaphore(0)
        self._stop = ""
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, message: FromWorker) -> None:
        self._connection.sendall(msgspec.json.encode(message) + b"\n")

    def run(self) -> None:
        self.say(Ready())
        while True:
            self._arrived.acquire()
            self._stop = ""
            end = self._make(self._orders.pop(0))
            self.say(end)
            if end.spent:
                time.sleep(0.3)  # a process needs a moment to end; no order may come in it
                os._exit(76)

    def _listen(self) -> None:
        decoder = msgspec.json.Decoder(ToWorker)
        for line in self._connection.makefile("rb"):
            message = decoder.decode(line)
            if isinstance(message, WorkOrder):
                self._orders.append(message)
                self._arrived.release()
            elif isinstance(message, CancelJob | PauseJob):
                self._stop = "cancelled" if isinstance(message, CancelJob) else "paused"
        os._exit(0)

    def _make(self, order: WorkOrder) -> WorkerEnd:
        wishes = dict(word.partition("=")[::2] for word in order.job.settings.prompt.split())
        for path in order.blobs.values():
            assert Path(path).is_file()
        print(f"making {order.job_id} of {order.actor}", file=sys.stderr, flush=True)
        if "exit_at_start" in wishes:
            sys.exit("this worker was told to fall over")
        name = order.version_folder.format(version=order.version)
        settled, folder = Path(order.folder, name), Path(order.folder, ".provisional", name)
        if settled.is_dir():
            return WorkerEnd(state="delivered", files=self._all(order, settled))
        self.say(WorkerFindings(findings=(Finding(rule="stub", outcome="note", message=f"reuse {order.reuse}"),)))
        for done, frame in enumerate(order.job.shot.range):
            self._hold(wishes, frame)
            if self._stop and "deaf" not in wishes:
                return WorkerEnd(state=self._stop)
            self._crash_if_told(order, frame, wishes)
            self.say(WorkerProgress(stage="rendering", done=done, total=len(order.job.shot.range), seconds_left=1.5))
            path = folder / order.layer_file.format(
                layer=LAYER, frame=frame, shot=order.job.shot.name, version=order.version
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                time.sleep(float(wishes.get("slow", 0)))
                temporary = path.with_suffix(".part")
                temporary.write_bytes(f"{order.job.settings.seed} {frame}".encode())
                temporary.rename(path)
            self.say(WorkerFrame(frame=frame, files=(self._describe(folder, path, frame),)))
        self.say(WorkerChecking())
        if "crash_checking" in wishes:
            os.kill(os.getpid(), signal.SIGKILL)
        end = wishes.get(f"end_v{order.version}") or wishes.get("end", "delivered")
        if end != "delivered":
            error = EngineError(f"told to end as {end}", remedy="none")
            finding = Finding(rule="stub_end", outcome="refuse", message="told to")
            return WorkerEnd(state=end, error=error.report(), findings=(finding,))
        if "float8_from" in wishes:
            frames = tuple(frame for frame in order.job.shot.range if frame >= int(wishes["float8_from"]))
            said = (Approximation(words="float8 weights", frames=frames),)
            (folder / MANIFEST_NAME).write_bytes(write_manifest(build_manifest(order, (), (), {}, approximate=said)))
        folder.rename(settled)
        self._hold(wishes, order.job.shot.range.last + 1)
        if "crash_settled_once" in wishes:
            os.kill(os.getpid(), signal.SIGKILL)
        return WorkerEnd(
            state="delivered", files=self._all(order, settled), spent="spent_at_end" in wishes, cost=_cost(wishes)
        )

    def _hold(self, wishes: dict[str, str], frame: int) -> None:
        gate = Path(wishes.get("hold", ""))
        while "hold" in wishes and int((gate.is_file() and gate.read_text()) or 0) < frame:
            if self._stop and "deaf" not in wishes:
                return
            time.sleep(0.02)

    def _crash_if_told(self, order: WorkOrder, frame: int, wishes: dict[str, str]) -> None:
        mark = Path(order.scratch, "crashed")
        once = wishes.get("crash_once_at") == str(frame) and not mark.exists()
        if once or wishes.get("crash_at") == str(frame):
            mark.touch()
            print("Segmentation fault (pretended)", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

    def _all(self, order: WorkOrder, folder: Path) -> tuple[OutputFile, ...]:
        files = tuple(self._describe(folder, path, None) for path in sorted(folder.rglob("*.exr")))
        if "lost_file" in order.job.settings.prompt.split():
            files += (OutputFile(path="comp/lost.exr", size=1, file="0" * 64, layer=LAYER),)
        return files

    def _describe(self, folder: Path, path: Path, frame: int | None) -> OutputFile:
        content = path.read_bytes()
        where = path.relative_to(folder).as_posix()
        return OutputFile(path=where, size=len(content), file=blake3(content).hexdigest(), layer=LAYER, frame=frame)


def _cost(wishes: dict[str, str]) -> RunCost | None:
    if "cost" not in wishes:
        return None
    return RunCost(
        height=720, width=1280, frames=4, device="NVIDIA H200", start_seconds=60.0, finish_seconds=0.5,
        frame_seconds=float(wishes["cost"]), gpu_bytes=22 * 1024**3,
    )  # fmt: skip


if __name__ == "__main__":
    if os.environ.get("STUB_FAILS_AT_START"):
        sys.exit("no module named 'weights'")
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=int, required=True)
    Stub(socket.socket(fileno=parser.parse_args().socket)).run()
