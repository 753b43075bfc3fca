"""How many durable changes of jobs the store makes in a second, against bare 4 KiB writes with fdatasync.

Measured at the store's own calls, state, events, frames and indices included. Bare writes go round in a file of the
size of SQLite's log, as the log's own writes do. They take short turns, so that a busy disk is busy for both.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from blake3 import blake3

from benchmarks.table import Row, at_least
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.messages import FrameFinished
from understudy.bridge.record import Record
from understudy.bridge.shot import Character, JobRequest, OutputFile, Performer, PictureFile, Pictures, Settings, Shot
from understudy.inference.daemon.store import NewJob, Place, Store

ROUNDS = 60
COMMITS_A_ROUND = 100
BLOCK_BYTES = 4096
LOG_BLOCKS = 1000
"""SQLite begins its log again after 1,000 pages."""
LAYERS = ("comp", "patch", "character", "clean", "matte", "matte_effective", "matte_used", "difference")


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store.sqlite")
        store.accept(NewJob("benchjob", "ada", "t" * 16, _job(), Place(folder), "key", ()))
        store.move("benchjob", "stored")
        moves, frames, bare = [], [], []
        for _ in range(ROUNDS):
            bare.append(_bare(Path(folder) / "bare"))
            moves.append(_rate(lambda number: store.move("benchjob", "pause" if number % 2 == 0 else "resume")))
            frames.append(_rate(lambda number: store.note("benchjob", _finished(number))))
        store.close()
    limit = _steady(bare)
    return [
        at_least("durable changes of a job's state", _steady(moves), limit, "commits/s", 0.60),
        at_least("durable words of a finished frame, eight layers", _steady(frames), limit, "commits/s", 0.60),
    ]


def _steady(rates: list[float]) -> float:
    """Return the median of the faster half: what the machine does when nobody else is at its disk."""
    return statistics.median(sorted(rates)[len(rates) // 2 :])


def _rate(commit: Callable[[int], object]) -> float:
    start = time.perf_counter()
    for number in range(COMMITS_A_ROUND):
        commit(number)
    return COMMITS_A_ROUND / (time.perf_counter() - start)


def _bare(path: Path) -> float:
    block = os.urandom(BLOCK_BYTES)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(file).st_size == 0:
            os.pwrite(file, bytes(BLOCK_BYTES * LOG_BLOCKS), 0)
            os.fsync(file)

        def write(number: int) -> None:
            os.pwrite(file, block, number % LOG_BLOCKS * BLOCK_BYTES)
            os.fdatasync(file)

        return _rate(write)
    finally:
        os.close(file)


def _finished(number: int) -> FrameFinished:
    digest = blake3(str(number).encode()).hexdigest()
    files = (
        OutputFile(path=f"{x}/{x}.{number:04}.exr", size=number, file=digest, layer=x, frame=number) for x in LAYERS
    )
    return FrameFinished(frame=number, files=tuple(files))


def _job() -> JobRequest:
    digest = blake3(b"reference").hexdigest()
    file = PictureFile(file=digest, picture=digest, size=9, typed="reference.png")
    reference = Character(pictures=Pictures(files=(file,), kind="still", typed="reference.png"))
    shot = Shot(
        name="bench", range=FrameRange(1, 1000), rate=FrameRate(24), performers=(Performer(character=reference),)
    )
    return JobRequest(shot=shot, settings=Settings(), record=Record())
