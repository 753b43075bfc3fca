"""What a host must lend the contract suite, and the drawn pictures that every host is given.

Imports nothing that a host's interpreter lacks but numpy and OpenEXR, so that the suite runs inside real hosts.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import OpenEXR
from daemon_rig import daemon_python
from own_clock import OwnClock

from understudy.bridge.frames import FrameRange, FrameRate, Handles
from understudy.bridge.host import Host, RememberedJob
from understudy.bridge.host_jobs import HostJob, HostJobs
from understudy.bridge.main_thread import MainThread
from understudy.bridge.options import JobOptions

FRAMES, WIDTH, HEIGHT, FIRST = 4, 160, 90, 1001
RATE = FrameRate(24000, 1001)
PATIENCE_SECONDS = 120.0
CHOICES = JobOptions(engine="identity", self_attest="a test, to see that it works")
Picture = np.ndarray[Any, np.dtype[np.float32]]


class Drawn(NamedTuple):
    """Files of the drawn shot: patterns with ####, and the one still."""

    folder: Path
    plate: str
    matte: str
    reference: str
    clean_plate: str


def draw(folder: Path, frames: int = FRAMES, width: int = WIDTH, height: int = HEIGHT) -> Drawn:
    """Have the daemon's Python draw the demonstration shot; frames count from FIRST."""
    command = [daemon_python(), "-m", "understudy.bridge.cli", "draw", str(folder), "--frames", str(frames)]
    done = subprocess.run(
        [*command, "--width", str(width), "--height", str(height)],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    return Drawn(folder, said["plate"], said["matte"], said["reference"], said["clean_plate"])


def blacken(pattern: str, folder: Path) -> str:
    """Return a pattern of the same frames, all black: a matte that covers nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    name = Path(pattern).name
    for frame in range(FIRST, FIRST + FRAMES):
        picture = read_exr(Path(pattern.replace("####", f"{frame:04}"))) * 0
        write_exr(folder / name.replace("####", f"{frame:04}"), picture)
    return str(folder / name)


def read_exr(path: Path) -> Picture:
    """Return (height, width, channels) float32, colour in the order RGBA."""
    with OpenEXR.File(str(path), separate_channels=True) as file:
        channels = file.channels()
        names = [name for name in ("R", "G", "B", "A") if name in channels] or sorted(channels)
        return np.stack([channels[name].pixels.astype(np.float32) for name in names], axis=-1)


def write_exr(path: Path, picture: Picture, header: dict[str, Any] | None = None) -> None:
    """Write half RGB or RGBA, zip."""
    names = "RGBA"[: picture.shape[2]]
    channels = {name: np.ascontiguousarray(picture[..., n]).astype(np.float16) for n, name in enumerate(names)}
    with OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, **(header or {})}, channels) as file:
        file.write(str(path))


NO_HANDLES = Handles()


class HostRig(Protocol):
    """One host with one document. Everything here is called on the test's own thread, which is the main thread."""

    host: Host
    main: MainThread
    folder: Path
    refusals: tuple[str, ...]
    """Names of the host's own calls that can be made to refuse, during export and placing."""
    renders: bool
    """Whether `make_shot(untouched=False)` makes an export write frames of its own."""
    renders_by_itself: bool
    """The host renders elsewhere than on its main thread: a turn is a look, and any number of frames may be there."""

    edits: bool
    """Whether what is placed is trimmed to the cut, its handles behind the trim."""

    def make_shot(
        self,
        drawn: Drawn,
        *,
        shot: str,
        rate: FrameRate,
        untouched: bool = True,
        matte: str | None = None,
        handles: Handles = NO_HANDLES,
    ) -> None:
        """Open a new document with the drawn footage in it and select the shot.

        handles: of the drawn frames, the first and the last few are handles; an edit shows the others and asks for
        these.
        """

    def ask_handles(self, handles: Handles) -> None:
        """Ask for other handles, as the artist would in the panel."""

    def placed(self) -> tuple[FrameRange, FrameRange]:
        """Return which frames the newest take shows, and which it has: behind its trim too."""

    def refuse_next(self, call: str) -> None:
        """Let the host refuse the next time that this call is made."""

    def surroundings(self) -> object:
        """Return everything of the artist's that an export must leave as it was: proxy, page, marks, undo, selection,
        the nodes, strips or clips themselves."""

    def picture(self, frame: int) -> Picture:
        """Return what the host shows at `frame`, scene-linear RGB, results included."""

    def takes(self) -> tuple[int, ...]:
        """Return the versions of results that the document holds, oldest first."""

    def restart(self) -> None:
        """Save the document, close the host, open it again: nothing of ours lives on but what the document keeps."""


class Desk:
    """One artist at one host: jobs, and a main thread that turns while they run."""

    def __init__(self, rig: HostRig, jobs: HostJobs) -> None:
        self.rig = rig
        self.jobs = jobs
        self.longest_turn = 0.0
        """Seconds that the main thread was held by one turn, at most; waiting for a core is not counted."""
        self.watch: Callable[[], AbstractContextManager[object]] = nullcontext
        """What surrounds each turn: a test that looks at what is done in it."""

    def submit(self, **chosen: Any) -> HostJob:
        import msgspec

        selection = self.rig.host.select()
        choices = msgspec.structs.replace(CHOICES, **chosen)
        return self.jobs.submit(selection, choices, self.rig.host.default_folder(selection))

    def wait(self, *jobs: HostJob) -> None:
        """Turn until the jobs have ended."""
        self.turn_until(lambda: all(job.ended for job in jobs))

    def turn_until(self, done: Callable[[], bool]) -> None:
        clock = OwnClock()
        end = time.monotonic() + PATIENCE_SECONDS
        while not done():
            assert time.monotonic() < end, [job.notice for job in self.jobs.jobs.values()]
            start = clock.now()
            with self.watch():
                turned = self.rig.main.turn()
            if turned:
                self.longest_turn = max(self.longest_turn, clock.now() - start)
            else:
                time.sleep(0.002)
        clock.close()

    def remembered(self) -> tuple[RememberedJob, ...]:
        return self.rig.host.remembered()
