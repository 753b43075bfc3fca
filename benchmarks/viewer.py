"""The viewer on no screen: UHD frames scrubbed from disk, a 720p shot played, how long its thread is held.

Frames are half R, G, B under grain, zip, as layers are. Other work on the machine slows this more than most: the load
average stands in every row. A drawing to a real screen is not measured: the offscreen platform draws to memory.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import OpenEXR
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from benchmarks.table import Row, at_least, at_most
from understudy.bridge.frames import FrameRate
from understudy.ui.frames.exr import read_frame
from understudy.ui.frames.reader import reader_threads, stand_back
from understudy.ui.viewer import Viewer
from understudy.ui.viewer_canvas import FRONT

SCRUBBED_FRAMES = 24
PLAYED_SECONDS = 6.0
GOAL_FRAMES_PER_SECOND = 12.0
GOAL_HELD_MILLISECONDS = 50.0
WINDOW = (1920, 1200)


def write_shot(folder: Path, frames: int, width: int, height: int) -> Path:
    """Write a `comp` of soft shapes under photon-like grain, a few pictures under many numbers."""
    random = np.random.default_rng(11)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    (folder / "comp").mkdir(parents=True)
    header = {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "understudy/state": "delivered       ",
    }
    for number in range(frames):
        path = folder / "comp" / f"comp.{1001 + number}.exr"
        if number >= 4:
            path.write_bytes((folder / "comp" / f"comp.{1001 + number % 4}.exr").read_bytes())
            continue
        light = 0.2 + 0.15 * np.sin(x / 90 + number) * np.cos(y / 70)
        grain = random.standard_normal((height, width, 3), dtype=np.float32) * 0.01
        OpenEXR.File(header, {"RGB": (light[..., None] + grain).astype(np.float16)}).write(str(path))
    return folder


class Held:
    """The longest time between two turns of the event loop, of a timer that is due at each, and the most work in one.

    The second is the thread's own processor time: it does not grow with what else runs on the machine.
    """

    def __init__(self) -> None:
        self.longest = self.busiest = 0.0
        self._last, self._last_busy = time.perf_counter(), time.thread_time()
        self._timer = QTimer()
        self._timer.timeout.connect(self._turn)

    def _turn(self) -> None:
        now, busy = time.perf_counter(), time.thread_time()
        self.longest = max(self.longest, now - self._last)
        self.busiest = max(self.busiest, busy - self._last_busy)
        self._last, self._last_busy = now, busy

    @contextmanager
    def watching(self) -> Iterator[None]:
        self.longest = self.busiest = 0.0
        self._last, self._last_busy = time.perf_counter(), time.thread_time()
        self._timer.start(0)
        yield
        self._timer.stop()


def serve(application: QApplication, until: Callable[[], bool], seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not until():
        if time.monotonic() > ends:
            raise TimeoutError("the viewer showed nothing")
        application.processEvents()
        time.sleep(0.0005)


def bare_rate(folder: Path) -> float:
    """Return frames a second that the OpenEXR module alone reads, on as many threads as the viewer has,
    at the same priority: other work on the machine slows both alike.
    """
    paths = sorted((folder / "comp").iterdir())
    began = time.perf_counter()
    shares = [
        threading.Thread(target=lambda part=part: (stand_back(), [read_frame(path) for path in part]))
        for part in (paths[start :: reader_threads()] for start in range(reader_threads()))
    ]
    for share in shares:
        share.start()
    for share in shares:
        share.join()
    return len(paths) / (time.perf_counter() - began)


def opened(application: QApplication, folder: Path, rate: FrameRate) -> Viewer:
    viewer = Viewer()
    viewer.resize(*WINDOW)
    viewer.show()
    viewer.show_take(folder, None, rate)
    serve(application, lambda: FRONT in viewer._shown and viewer._shown[FRONT].wanted.factor == viewer._factor())
    return viewer


def scrub(application: QApplication, folder: Path, held: Held) -> tuple[float, float, float]:
    """Return frames shown a second while each is waited for, the longest hold and the most work in ms."""
    viewer = opened(application, folder, FrameRate(24))
    with held.watching():
        began = time.perf_counter()
        for frame in range(1002, 1001 + SCRUBBED_FRAMES):
            viewer.set_frame(frame)
            serve(application, lambda frame=frame: viewer._shown[FRONT].wanted.frame == frame)  # type: ignore[misc]
        passed = time.perf_counter() - began
    viewer.close()
    return (SCRUBBED_FRAMES - 1) / passed, held.longest * 1000, held.busiest * 1000


def play(application: QApplication, folder: Path, held: Held) -> tuple[float, float, float]:
    """Return frames painted a second at 24000/1001, the longest hold and the most work in ms."""
    viewer = opened(application, folder, FrameRate(24000, 1001))
    viewer.play()
    serve(application, lambda: viewer.playback.seconds > 1)  # the first second fills the cache
    viewer.play()
    with held.watching():
        serve(application, lambda: viewer.playback.seconds > PLAYED_SECONDS)
        rate = viewer.playback.painted / viewer.playback.seconds
    viewer.close()
    return rate, held.longest * 1000, held.busiest * 1000


def measure() -> list[Row]:
    """Return the viewer's rows."""
    made = QApplication.instance()
    application = made if isinstance(made, QApplication) else QApplication(["benchmark"])
    held = Held()
    with tempfile.TemporaryDirectory() as name:
        uhd = write_shot(Path(name) / "uhd", SCRUBBED_FRAMES, 3840, 2160)
        small = write_shot(Path(name) / "small", 96, 1280, 720)
        bare = bare_rate(uhd)
        scrubbed, scrub_held, scrub_work = scrub(application, uhd, held)
        painted, play_held, play_work = play(application, small, held)
    load = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {reader_threads()} threads"
    note = f"page cache, zip half RGB, a window of 1920 pixels; {load}"
    return [
        at_least("viewer: UHD frames scrubbed", scrubbed, GOAL_FRAMES_PER_SECOND, "frames/s", 1.0, note),
        at_least("viewer: UHD scrub against bare reading", scrubbed, bare, "frames/s", 0.6, note),
        at_least("viewer: 720p played", painted, 24000 / 1001, "frames/s", 0.98, load),
        at_most(
            "viewer: interface held, scrubbing UHD",
            scrub_held,
            GOAL_HELD_MILLISECONDS,
            "ms",
            1.0,
            f"{scrub_work:.0f} ms of its own; {load}",
        ),
        at_most(
            "viewer: interface held, playing 720p",
            play_held,
            GOAL_HELD_MILLISECONDS,
            "ms",
            1.0,
            f"{play_work:.0f} ms of its own; {load}",
        ),
    ]
