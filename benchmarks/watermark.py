"""The invisible mark: what it costs, how far it stands out of the picture, what of it survives, who is taken for it.

On a result that `preview` made of real footage where that is named (`UNDERSTUDY_TEST_PLATES`), else of the drawn shot.
`python -m benchmarks.watermark` prints the table of docs/watermark.md.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Row, at_least, at_most
from benchmarks.watermark_attacks import MOVED, STRAIGHT, Attack, Picture, Pictures, h264
from understudy.bridge.gather import gather_job
from understudy.bridge.options import JobOptions
from understudy.inference.drawn_shot import draw_shot
from understudy.inference.picture.movies import MovieReader
from understudy.inference.provenance.watermark import Marker
from understudy.inference.provenance.watermark_code import encode
from understudy.inference.provenance.watermark_movies import read_pictures
from understudy.inference.provenance.watermark_pattern import Pattern
from understudy.inference.provenance.watermark_reading import read_luma, read_plane, together
from understudy.inference.provenance.watermark_search import Place, active_picture, put_in_place
from understudy.inference.work_order import WorkOrder
from understudy.inference.worker import Reporter, perform

FOOTAGE_VARIABLE = "UNDERSTUDY_TEST_PLATES"
KEY, CONTENT_ID = bytes(range(32)), 0x1A2B3C4D
FRAMES = 24
GOAL_DECIBELS, GOAL_BITS, GOAL_MILLISECONDS = 40.0, 0.98, 12.0
ROUNDS = 40
WRONG_KEYS = 400


class Survived(NamedTuple):
    """What is left after an attack."""

    frame: float
    """Share of the 64 bits that are right in one frame, on average."""
    majority: float
    """The same by majority over the frames."""
    mean: float
    """The same of the mean of the frames, which is what the reader decodes."""
    chance: float
    read: bool
    """Whether the reader found this id, and surely."""
    how: str


def result(folder: Path) -> Pictures:
    """Return 24 display-referred pictures of a take that the pipeline made, unmarked."""
    plates = os.environ.get(FOOTAGE_VARIABLE)
    if plates:
        market = Path(plates) / "market"
        inputs = (market / "plate.mp4", market / "matte" / "matte.####.png", market / "reference.jpeg", "70-93")
    else:
        drawn = draw_shot(folder / "drawn", frames=FRAMES, width=1280, height=720)
        inputs = (Path(drawn.plate), Path(drawn.matte), Path(drawn.reference), f"{drawn.first}-{drawn.last}")
    options = JobOptions(
        plate=str(inputs[0]), matte=str(inputs[1]), reference=str(inputs[2]), frames=inputs[3], engine="preview",
        self_attest="a benchmark",
    )  # fmt: skip
    gathered = gather_job(options)
    order = WorkOrder(
        job_id="benchmark", job=gathered.job, version=1, actor="benchmark", accepted_at="2026-11-20T10:00:00Z",
        blobs={digest: str(path) for digest, path in gathered.paths.items()},
        folder=str(folder / "job"), scratch=str(folder / "job" / ".scratch"),
    )  # fmt: skip
    end = perform(order, Reporter(lambda message: None))
    assert end.state == "delivered", end
    with MovieReader(folder / "job" / "v001" / "review.mp4") as movie:
        return [np.rint(np.clip(movie.read(index), 0, 1) * 255).astype(np.uint8) for index in range(movie.count)]


def survived(marked: Pictures, attack: Attack, *, search: bool) -> Survived:
    """Return what the reader makes of marked pictures after an attack."""
    luma = [_luma(picture) for picture in attack(marked)]
    found = read_pictures(lambda: luma, KEY, search=search)
    planes = list(_planes(luma, found.place, within=found.how != "whole"))
    pattern, word = Pattern.of_key(KEY), encode(CONTENT_ID)
    votes = np.array([np.sign(read_plane(plane, pattern).bits) for plane in planes])
    mean = read_plane(together(planes)[0], pattern)
    return Survived(
        float(np.mean(votes == word)),
        float(np.mean(np.sign(votes.sum(axis=0)) == word)),
        float(np.mean(np.sign(mean.bits) == word)),
        found.reading.chance,
        found.reading.found and found.reading.content_id == CONTENT_ID,
        found.how,
    )


def _planes(luma: list[NDArray[np.uint8]], place: Place, *, within: bool) -> Iterator[NDArray[np.float32]]:
    rows, columns = active_picture(np.max(luma, axis=0)) if within else (slice(None), slice(None))
    for one in luma:
        plane = read_luma(one[rows, columns])
        yield put_in_place(plane, place) if place != Place() else plane


def false_readings(pictures: Pictures, keys: int = WRONG_KEYS) -> tuple[int, float]:
    """Return of how many wrong keys a mark was read from marked pictures, and the most that any was said to be sure:
    the least chance told.
    """
    plane = together(read_luma(_luma(picture)) for picture in pictures)[0]
    readings = [read_plane(plane, Pattern.of_key(number.to_bytes(32, "big"))) for number in range(1, keys + 1)]
    return sum(reading.found for reading in readings), min(reading.chance for reading in readings)


def _luma(picture: Picture) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def decibels(pictures: Pictures, marked: Pictures) -> float:
    """Return the least peak signal-to-noise ratio of any frame, before it is encoded."""
    errors = (np.mean((one.astype(np.float64) - other) ** 2) for one, other in zip(pictures, marked, strict=True))
    return min(10 * float(np.log10(255**2 / error)) for error in errors)


def milliseconds(picture: Picture) -> tuple[float, float]:
    """Return the least and the median of the processor's time that marking one picture takes, on one thread: what else
    runs on the machine does not count.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    marker = Marker(KEY, CONTENT_ID)
    times = []
    for _ in range(ROUNDS):
        start = time.thread_time()
        marker.mark(picture)
        times.append((time.thread_time() - start) * 1000)
    cv2.setNumThreads(threads)
    return min(times), float(np.median(times))


def measure() -> list[Row]:
    """Return the rows of the claims; the whole table is `python -m benchmarks.watermark`."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = result(Path(folder))
    marker = Marker(KEY, CONTENT_ID)
    marked = [marker.mark(picture) for picture in pictures]
    delivered = h264(marked, 16, "veryfast")
    full = np.asarray(cv2.resize(pictures[0], (1920, 1080), interpolation=cv2.INTER_CUBIC), np.uint8)
    least, median = milliseconds(full)
    bits = {name: survived(delivered, STRAIGHT[name], search=False).majority for name in ("H.264 CRF 23", "half size")}
    return [
        at_most(
            "mark a 1080p picture", least, GOAL_MILLISECONDS, "ms", 1, f"of one core's time; median {median:.1f} ms"
        ),
        at_least("mark in the picture", decibels(pictures, marked), GOAL_DECIBELS, "dB", 1, "the worst frame"),
        *(at_least(f"mark after {name}", found, 1, "of bits", GOAL_BITS) for name, found in bits.items()),
    ]


def main() -> None:
    """Print the table of every attack."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = result(Path(folder))
    marker = Marker(KEY, CONTENT_ID)
    marked = [marker.mark(picture) for picture in pictures]
    delivered = h264(marked, 16, "veryfast")
    say = sys.stdout.write
    height, width = marked[0].shape[:2]
    say(f"{len(marked)} frames of {width} x {height}; at least {decibels(pictures, marked):.1f} dB\n\n")
    say("| attack | one frame | majority | mean | read | chance at most | how |\n|---|---|---|---|---|---|---|\n")
    for attacks, search in ((STRAIGHT, False), (MOVED, True)):
        for name, attack in attacks.items():
            one = survived(delivered, attack, search=search)
            say(
                f"| {name} | {one.frame:.2f} | {one.majority:.3f} | {one.mean:.3f} | {'yes' if one.read else 'no'} "
                f"| {one.chance:.0e} | {one.how} |\n"
            )
            sys.stdout.flush()
    for name, shown in (("unmarked", pictures), ("marked", marked)):
        count, chance = false_readings(shown)
        say(f"\n{WRONG_KEYS} wrong keys on the {name} frames: {count} read, the surest at {chance:.1e}\n")


if __name__ == "__main__":
    main()
