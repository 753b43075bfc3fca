"""Poses from MediaPipe, which runs in a process and an environment of its own (mediapipe_process.py). One thread.

That process may die or hang on any picture: it is ended, started again and asked once more; then the frame is an error
with what it last said. A wait is never longer than its limit.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import EngineError
from understudy.inference.controls.following import BELONGS, matte_box, share_in_matte, widened
from understudy.inference.controls.mediapipe_environment import MEDIAPIPE_VERSION
from understudy.inference.controls.mediapipe_points import Landmarks, points_of
from understudy.inference.controls.mediapipe_process import GREETING, REPLY_BYTES, REQUEST
from understudy.inference.controls.person_box import BOX_PADDING, Box, Detection
from understudy.inference.controls.wholebody import Points, no_points

VERSION = 1
"""Counts changes to what is made of MediaPipe's answers: cached points of another version are not used."""
PROCESS_FILE = Path(__file__).with_name("mediapipe_process.py")
START_SECONDS = 120.0
"""A cold start reads 400 MB of libraries, perhaps over a network disk."""
PICTURE_SECONDS = 30.0
"""A UHD picture takes 0.1 to 0.3 s on two cores."""
ATTEMPTS = 2
LAST_WORDS = 400
"""Characters of what a dead process said that are worth repeating."""
SURROUNDINGS = 0.05
"""What lies further from the matte than this share of its longer side is greyed out: another person must not be
found, and a detector does better with some of the world around.
"""
GREY = 118
"""The mean of ImageNet's pictures, 8-bit: neither an edge nor a light."""

Picture = NDArray[np.uint8]
Region = tuple[slice, slice]
"""Rows and columns of a picture."""


class MediaPipe:
    """A source of poses. Starts its process at the first picture; `close` ends it."""

    name = "mediapipe"

    def __init__(
        self,
        python: Path,
        *,
        script: Path = PROCESS_FILE,
        start_seconds: float = START_SECONDS,
        picture_seconds: float = PICTURE_SECONDS,
    ) -> None:
        self.identity = f"mediapipe-{VERSION} {MEDIAPIPE_VERSION}"
        self._command = (str(python), "-I", str(script))
        self._start_seconds = start_seconds
        self._picture_seconds = picture_seconds
        self._process: _Process | None = None
        self._troubles: list[str] = []

    def __enter__(self) -> MediaPipe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def troubles(self) -> tuple[str, ...]:
        """Return how often and why the process had to be started again."""
        return tuple(self._troubles)

    def detect(self, picture: Picture, matte: NDArray[np.float32] | None) -> Detection:
        """Return the 133 points of the person in the matte, or without one of the person that MediaPipe prefers.

        It knows one person at a time and cannot say who else is there. Raises EngineError when the process fails
        ATTEMPTS times on this picture.
        """
        if matte is None:
            return Detection(self._points(picture, (slice(0, None), slice(0, None))))
        box = matte_box(matte)
        if box is None:
            return Detection(no_points())
        return Detection(self._followed(picture, matte, box))

    def close(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

    def _followed(self, picture: Picture, matte: NDArray[np.float32], box: Box) -> Points:
        region = _around(box, matte.shape)
        points = self._points(picture[region], region)
        share = share_in_matte(points, matte)
        if share >= BELONGS:
            return points
        # It took somebody else, or nobody: once more with everybody else out of sight. Not at once, because the edge
        # of what is greyed out moves with the matte, and the points with it (a third more jitter on real footage).
        alone = self._points(_alone(picture, matte, box)[region], region)
        return alone if share_in_matte(alone, matte) >= share else points

    def _points(self, part: Picture, region: Region) -> Points:
        """Return the points found in the `region` of a picture, whose pixels are `part`, in the picture's pixels."""
        points = points_of(self._ask(part), part.shape[1], part.shape[0])
        points[points[:, 2] > 0, :2] += (region[1].start, region[0].start)
        return points

    def _ask(self, picture: Picture) -> Landmarks:
        said = ""
        for _ in range(ATTEMPTS):
            try:
                if self._process is None:
                    self._process = _Process(self._command)
                    self._process.await_greeting(self._start_seconds)
                return Landmarks.of_reply(self._process.ask(picture, self._picture_seconds))
            except _Failed as problem:
                said = str(problem)
                self._troubles.append(said)
                self.close()
        raise EngineError(
            f"MediaPipe failed {ATTEMPTS} times on one picture: {said}",
            remedy="Try `understudy pose install` again, or give keypoints with --keypoints.",
            facts={"command": " ".join(self._command)},
        )


def _around(box: Box, shape: tuple[int, ...]) -> Region:
    """Return the part of a picture (height, width) around `box` that MediaPipe is shown."""
    across, down = box.width * (BOX_PADDING - 1) / 2, box.height * (BOX_PADDING - 1) / 2
    rows = slice(max(0, round(box.top + 0.5 - down)), min(shape[0], round(box.bottom + 0.5 + down)))
    return rows, slice(max(0, round(box.left + 0.5 - across)), min(shape[1], round(box.right + 0.5 + across)))


def _alone(picture: Picture, matte: NDArray[np.float32], box: Box) -> Picture:
    """Return the picture with everything far from the matte grey."""
    room = widened(matte, SURROUNDINGS * max(box.width, box.height))
    return np.where(room[:, :, None], picture, np.uint8(GREY))


class _Failed(Exception):
    """The process died, was silent for too long, or said what is no answer."""


class _Process:
    """One running process. Whatever it does, no call waits longer than it was told to."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
            )
        except OSError as problem:
            self._errors.close()
            raise _Failed(f"{command[0]} could not be started: {problem.strerror}") from None
        assert self._process.stdin is not None  # noqa: S101 - both were asked for
        assert self._process.stdout is not None  # noqa: S101
        self._pictures: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        # Writing may block as reading may: both happen on this thread, which comes to its end when the process does.
        self._thread = ThreadPoolExecutor(1, "mediapipe")

    def await_greeting(self, seconds: float) -> None:
        """Raises _Failed for a process that ends, is silent or is something else."""
        greeting = self._within(seconds, self._answers.readline)
        if greeting.startswith(GREETING) and greeting != GREETING + MEDIAPIPE_VERSION.encode() + b"\n":
            other = greeting.removeprefix(GREETING).decode(errors="replace").strip()
            raise _Failed(f"its environment has MediaPipe {other}, not {MEDIAPIPE_VERSION}")
        if not greeting.startswith(GREETING):
            raise _Failed(self._last_words())

    def ask(self, picture: Picture, seconds: float) -> bytes:
        """Return the reply about `picture`. Raises _Failed."""
        height, width = picture.shape[:2]
        message = REQUEST.pack(width, height) + picture.tobytes()
        reply = self._within(seconds, lambda: self._exchange(message))
        if len(reply) != REPLY_BYTES:
            raise _Failed(self._last_words())
        return reply

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.shutdown(wait=True)
        for pipe in (self._pictures, self._answers, self._errors):
            with contextlib.suppress(OSError):  # what a dead process did not take is still in the pipe
                pipe.close()

    def _within(self, seconds: float, work: Callable[[], bytes]) -> bytes:
        try:
            return self._thread.submit(work).result(seconds)
        except StillWaiting:
            raise _Failed(f"it gave no answer within {seconds:g} s") from None
        except OSError:
            raise _Failed(self._last_words()) from None

    def _exchange(self, message: bytes) -> bytes:
        self._pictures.write(message)
        self._pictures.flush()
        return self._answers.read(REPLY_BYTES)

    def _last_words(self) -> str:
        """Return how the process ended and what it said last."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip()[-LAST_WORDS:]
        how = "it answered what is no answer" if code is None else f"it ended with code {code}"
        return f"{how}: {words}" if words else how
