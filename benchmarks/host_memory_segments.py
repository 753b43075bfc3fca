"""Whether the memory of a Wan-Animate worker grows with the segments: 2 against 12, and the 2nd of 12 against the 11th.

Each job has a worker process of its own, with the memory settings that a daemon gives it, on a tiny checkpoint of the
official classes: the weights are nothing, the pictures are real ones of 832 x 480. Segments are of 5 frames, so that
what is held of one is small beside what a leak of every frame's picture would add (4.6 MiB a picture in float32).

Two things are measured. The resident peak, anonymous and shared pages: what a machine must have. It moves by a fifth
from run to run, with what the threads happen to hold when the VAE takes its most, and it is never given back, so a leak
could hide under it. And the least that the allocator has in use (mallinfo(3)) in each segment of the long job: that is
what stays, and a leak cannot hide there. `python -m benchmarks.host_memory_segments 3` makes each job three times.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from benchmarks.daemon_process import memory_bytes
from benchmarks.stand_ins import lend_rigs
from benchmarks.table import Row, at_most
from understudy.bridge.options import JobOptions
from understudy.inference.daemon.surroundings import memory_environment
from understudy.inference.drawn_shot import draw_shot
from understudy.inference.work_order import AskPapers, FreshPapers, FromWorker, WorkerEnd, WorkerProgress, WorkOrder

SHORT, LONG = 2, 12
"""Segments."""
EARLY, LATE = 2, 11
"""Those that are compared: each has one before it that is written, and one after it that is read ahead."""
SEGMENT_FRAMES, CARRIED_FRAMES = 5, 1
WIDTH, HEIGHT = 832, 480
REPEATS = 2
SAMPLE_SECONDS = 0.02
GOAL = 1.05
MEBIBYTE = 2**20


def measure(repeats: int = REPEATS) -> list[Row]:
    lend_rigs()
    from spine_rig import gathered, order_of
    from tiny_wan import make_tiny_checkpoint

    peaks: dict[int, list[float]] = {SHORT: [], LONG: []}
    floors: dict[int, list[float]] = {EARLY: [], LATE: []}
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        os.environ["UNDERSTUDY_HOME"] = str(folder / "home")
        os.environ["UNDERSTUDY_WEIGHTS"] = str(_slimmer(make_tiny_checkpoint(folder / "weights", seed=1)))
        options = _options(folder / "shot")
        for number in range(repeats):
            for segments, found in peaks.items():
                job = gathered(options, frames=f"1001-{1000 + _frames(segments)}")
                held = _held_by(order_of(job, folder / f"{segments}-{number}"))
                found.append(held.peak / MEBIBYTE)
            for segment, least in floors.items():
                least.append(held.floors[segment] / MEBIBYTE)
    return [
        _row(f"resident peak of a wan-animate worker over {LONG} segments against {SHORT}", peaks, SHORT, LONG),
        _row(f"memory in use at least in segment {LATE} of {LONG} against segment {EARLY}", floors, EARLY, LATE),
    ]


def _row(name: str, found: dict[int, list[float]], few: int, many: int) -> Row:
    said = "; ".join(f"{number}: {', '.join(f'{one:.0f}' for one in values)}" for number, values in found.items())
    return at_most(name, median(found[many]), median(found[few]), "MiB", GOAL, f"{said}; {WIDTH}x{HEIGHT}")


def _slimmer(checkpoint: Path) -> Path:
    """Give a tiny checkpoint a VAE that takes less: what a CPU needs for its convolutions would hide all else."""
    from diffusers import AutoencoderKLWan

    vae = AutoencoderKLWan(
        base_dim=2, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=0, temperal_downsample=[False, True, True]
    )
    vae.save_pretrained(checkpoint / "vae", safe_serialization=True)
    return checkpoint


def _frames(segments: int) -> int:
    """Return the frames of so many full segments."""
    return segments * (SEGMENT_FRAMES - CARRIED_FRAMES) + CARRIED_FRAMES


def _options(folder: Path) -> JobOptions:
    """Draw the longer shot and return the options of a job that recasts it."""
    shot = draw_shot(folder, frames=_frames(LONG), width=WIDTH, height=HEIGHT)
    return JobOptions(
        plate=shot.plate, matte=shot.matte, reference=shot.reference, keypoints=shot.keypoints, engine="wan-animate",
        option=["preset=draft", "steps=1", f"segment_frames={SEGMENT_FRAMES}"], self_attest="a measurement of memory",
    )  # fmt: skip


WORKER = """
import ctypes, sys, threading, time
class Used(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]
ask = ctypes.CDLL(None).mallinfo2
ask.restype = Used
path = sys.argv.pop(1)
def sample():
    with open(path, "w", buffering=1) as file:
        while True:
            used = ask()
            file.write(f"{time.monotonic()} {used.uordblks + used.hblkhd}\\n")
            time.sleep(0.02)
threading.Thread(target=sample, daemon=True).start()
from understudy.inference.worker import main
main()
"""
"""A worker with one thread more, which writes down what the allocator has in use (glibc 2.33 and later)."""


class _Held(NamedTuple):
    """What a worker held, in bytes."""

    peak: int
    floors: dict[int, int]
    """By segment, from its first step of denoising to the next one's: the least that was in use."""


def _held_by(order: WorkOrder) -> _Held:
    """Make a job in a fresh worker and return what that held from its start to the settled take."""
    ours, theirs = socket.socketpair()
    samples = Path(order.folder).with_suffix(".samples")
    command = [sys.executable, "-c", WORKER, str(samples), "--socket", str(theirs.fileno())]
    with theirs:
        worker = subprocess.Popen(command, pass_fds=(theirs.fileno(),), env=memory_environment(os.environ))
    peak, begun = _Peak(worker.pid), {}
    end: FromWorker | None = None
    with ours, ours.makefile("rb") as heard:
        ours.sendall(msgspec.json.encode(order) + b"\n")
        while not isinstance(end, WorkerEnd) and (line := heard.readline()):
            end = msgspec.json.decode(line, type=FromWorker)
            if isinstance(end, AskPapers):
                ours.sendall(msgspec.json.encode(FreshPapers(registry=order.registry)) + b"\n")
            if isinstance(end, WorkerProgress) and end.stage == "denoising":
                begun.setdefault(end.segment, time.monotonic())
        peak.close()
    worker.wait()
    assert isinstance(end, WorkerEnd), f"the worker ended with {worker.returncode}"
    assert end.state == "delivered", end.error
    return _Held(peak.bytes, _floors(samples, begun))


def _floors(samples: Path, begun: dict[int, float]) -> dict[int, int]:
    """Return the least of the samples of each segment but the last."""
    read = [(float(when), int(used)) for when, used in (line.split() for line in samples.read_text().splitlines())]
    return {
        segment: min(used for when, used in read if start <= when < begun[segment + 1])
        for segment, start in begun.items()
        if segment + 1 in begun
    }


class _Peak:
    """Samples the pages of a process on a thread until closed."""

    def __init__(self, process: int) -> None:
        self._process, self._ended, self.bytes = process, threading.Event(), 0
        self._thread = threading.Thread(target=self._sample, name="memory")
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            with suppress(FileNotFoundError, ProcessLookupError):
                self.bytes = max(self.bytes, memory_bytes(self._process))


if __name__ == "__main__":
    from benchmarks.table import render

    print(render(measure(*(int(count) for count in sys.argv[1:2]))))
