"""Whether memory grows with the shot: the peak of daemon and worker over a short job and over one ten times as long.

The long shot is the short one over and over, there and back, in files of its own: only the length differs. What
counts is what a process holds itself, anonymous and shared pages; pages of files are the kernel's to drop. Each length
gets a fresh daemon. `python -m benchmarks.resident_memory 20 200` measures other lengths.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from pathlib import Path

import OpenEXR

from benchmarks.daemon_process import DaemonProcess, memory_bytes, running_daemon
from benchmarks.shots import drawn_options, gathered
from benchmarks.table import Row, at_most
from understudy.bridge.frames import FilePattern
from understudy.bridge.gather import Gathered
from understudy.bridge.roundtrip import follow_job, send_job

SHORT_FRAMES, LONG_FRAMES = 100, 1000
WIDTH, HEIGHT = 640, 360
SAMPLE_SECONDS = 0.02
GOAL = 1.10
MEBIBYTE = 2**20


def measure(short: int = SHORT_FRAMES, long: int = LONG_FRAMES) -> list[Row]:
    """Run both jobs, the short one first; the same drawn shot, cut to its length."""
    with tempfile.TemporaryDirectory() as folder:
        options = drawn_options(Path(folder) / "shot", short, WIDTH, HEIGHT)
        first = gathered(options).job.shot.range.first
        for pattern in (options.plate, options.matte, options.clean_plate):
            _lengthen(FilePattern(str(pattern)), first, short, long)
        peaks = [
            _peak_of(gathered(options, frames=f"{first}-{first + count - 1}"), Path(folder) / f"{count}")
            for count in (short, long)
        ]
    note = f"limit: the peak over {short} frames; {WIDTH}x{HEIGHT}, pages of files apart"
    return [
        at_most(
            f"resident peak of the {name} over {long} frames", peaks[1][name] / MEBIBYTE, peaks[0][name] / MEBIBYTE,
            "MiB", GOAL, note,
        )
        for name in ("worker", "daemon")
    ]  # fmt: skip


def _lengthen(pattern: FilePattern, first: int, short: int, long: int) -> None:
    """Go on with the sequence, backwards and forwards in turn, to `long` frames; no two files have the same bytes."""
    for number in range(short, long):
        turn, place = divmod(number, short)
        source = place if turn % 2 == 0 else short - 1 - place
        with OpenEXR.File(str(pattern.path(first + source))) as picture:
            picture.header()["comments"] = f"frame {number}"
            picture.write(str(pattern.path(first + number)))


def _peak_of(job: Gathered, folder: Path) -> dict[str, int]:
    """Return the bytes that daemon and worker held at most, from the daemon's start to the settled take."""
    with running_daemon(folder / "home") as daemon:
        peak = _Peak(daemon)
        try:
            detail = follow_job(daemon.connection, send_job(daemon.connection, job).job_id, folder / "out")
        finally:
            peak.close()
    assert detail.summary.state == "delivered", detail.summary
    return peak.bytes


class _Peak:
    """Samples both processes on a thread until closed."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self._processes = {"daemon": daemon.process.pid, "worker": daemon.workers()[0]}
        self._ended = threading.Event()
        self.bytes = dict.fromkeys(self._processes, 0)
        self._thread = threading.Thread(target=self._sample, name="memory")
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            for name, process in self._processes.items():
                self.bytes[name] = max(self.bytes[name], memory_bytes(process))


if __name__ == "__main__":
    from benchmarks.table import render

    print(render(measure(*(int(count) for count in sys.argv[1:3]))))
