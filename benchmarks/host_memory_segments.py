"""Whether the memory of a Wan-Animate worker grows with the segments: its peak over 2 of them, over 3 and over 12.

Each job has a worker process of its own, with the memory settings that a daemon gives it, on a tiny checkpoint of the
official classes: the weights are nothing, the pictures are real ones of 832 x 480. Segments are of 5 frames, so that
what is held of one is small beside what a leak of every frame's picture would add (4.6 MiB a picture in float32, 180
MiB over the 40 frames between both lengths). What counts is what a process holds itself, anonymous and shared pages.
Two segments are the fewest in which one is finished while the next is computed; three the fewest in which a further
one is read ahead at that. `python -m benchmarks.host_memory_segments 3` makes each job three times; medians count.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.daemon_process import memory_bytes
from benchmarks.stand_ins import lend_rigs
from benchmarks.table import Row, at_most
from understudy.bridge.options import JobOptions
from understudy.inference.daemon.surroundings import memory_environment
from understudy.inference.drawn_shot import draw_shot
from understudy.inference.work_order import FromWorker, WorkerEnd, WorkOrder

SHORT, STEADY, LONG = 2, 3, 12
"""Segments."""
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

    peaks: dict[int, list[float]] = {SHORT: [], STEADY: [], LONG: []}
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        os.environ["UNDERSTUDY_HOME"] = str(folder / "home")
        os.environ["UNDERSTUDY_WEIGHTS"] = str(_slimmer(make_tiny_checkpoint(folder / "weights", seed=1)))
        options = _options(folder / "shot")
        for number in range(repeats):
            for segments, found in peaks.items():
                job = gathered(options, frames=f"1001-{1000 + _frames(segments)}")
                order = order_of(job, folder / f"{segments}-{number}")
                found.append(_peak_of(order) / MEBIBYTE)
    said = "; ".join(f"{segments}: {', '.join(f'{one:.0f}' for one in found)}" for segments, found in peaks.items())
    return [
        at_most(
            f"resident peak of a wan-animate worker over {LONG} segments against {few}",
            median(peaks[LONG]), median(peaks[few]), "MiB", GOAL, f"peaks by segments: {said}; {WIDTH}x{HEIGHT}",
        )
        for few in (SHORT, STEADY)
    ]  # fmt: skip


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


def _peak_of(order: WorkOrder) -> int:
    """Return the most bytes that a fresh worker held from its start to the settled take."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "understudy.inference.worker", "--socket", str(theirs.fileno())]
    with theirs:
        worker = subprocess.Popen(command, pass_fds=(theirs.fileno(),), env=memory_environment(os.environ))
    peak = _Peak(worker.pid)
    end: FromWorker | None = None
    with ours, ours.makefile("rb") as heard:
        ours.sendall(msgspec.json.encode(order) + b"\n")
        while not isinstance(end, WorkerEnd) and (line := heard.readline()):
            end = msgspec.json.decode(line, type=FromWorker)
        peak.close()
    worker.wait()
    assert isinstance(end, WorkerEnd), f"the worker ended with {worker.returncode}"
    assert end.state == "delivered", end.error
    return peak.bytes


class _Peak:
    """Samples a process on a thread until closed."""

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
