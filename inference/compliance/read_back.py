"""What a worker measures for the rules of delivery: every file that was made, opened again and held against the plate.

Nothing is taken from memory: what counts is what is on disk. A file that cannot be read is a reading with a `problem`.
"""

from __future__ import annotations

import dataclasses
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import UnderstudyError
from understudy.bridge.frames import FrameRate
from understudy.inference.cadence import Cadence
from understudy.inference.compliance.facts import DeliveryFacts, LayerReading, MarkReading, PictureProof, ReviewReading
from understudy.inference.compliance.marks import (
    CLEARANCE,
    DISCLOSURE,
    IN_BETWEEN,
    IN_BETWEEN_OF,
    PROVISIONAL,
    STATE,
    marks,
)
from understudy.inference.compliance.movie_evidence import read_movies
from understudy.inference.compliance.proof import made_non_finite, patch_error, touched_pixels
from understudy.inference.picture.colour import ColourConfig
from understudy.inference.picture.header import Image
from understudy.inference.picture.images import read_image
from understudy.inference.picture.layers import fit_window
from understudy.inference.picture.movies import MovieReader
from understudy.inference.picture.plate import PlateFrame, PlateReader
from understudy.inference.provenance.watermark_key import ReviewMark, can_carry, id_words, mark_of
from understudy.inference.provenance.watermark_movies import read_file
from understudy.inference.work_order import WorkOrder, layer_path

THREADS = 2
REVIEW_NAME = "review.mp4"
BESIDE_THE_LAYERS = (REVIEW_NAME, "report.html", "manifest.json", "files.json")
Step = Callable[[int, int], None]
UNREADABLE = (UnderstudyError, OSError, ValueError, RuntimeError)


class Onlooker(Protocol):
    """Who wants the pictures that are read back while they are in memory: the review, the report."""

    def look(self, frame: int, images: Mapping[str, Image], plate: PlateFrame | None) -> Any:
        """Return what is wanted of a frame's layers, by name; one that cannot be read is absent. A reading thread."""
        ...

    def keep(self, frame: int, seen: Any) -> None:
        """Take what `look` returned: every frame once, in order, in the thread that called `read_back`."""
        ...

    def close(self) -> None:
        """Finish what is made of them: the review is opened next."""
        ...


class _Read(NamedTuple):
    """One frame, read back."""

    readings: list[LayerReading]
    proof: PictureProof
    seen: Any
    """What the onlooker returned."""


def read_back(
    order: WorkOrder,
    folder: Path,
    step: Step,
    *,
    description: EngineDescription,
    canvas: tuple[int, int] | None = None,
    rate: Fraction | None = None,
    weights: Mapping[str, str] | None = None,
    state: str = PROVISIONAL,
    beside: tuple[str, ...] = BESIDE_THE_LAYERS,
    today: str | None = None,
    movies: Mapping[str, bool] | None = None,
    onlooker: Onlooker | None = None,
) -> DeliveryFacts:
    """Open every file under `folder` (the version's folder) and return what the rules of delivery judge.

    `description` says which layers must be there; `state` what every file must say while the gate looks at it; `beside`
    names files that may lie beside the layers. `canvas` (width, height) and `rate` are what layers and review must have
    where no plate says so. `movies` says which there must be, and which of them show the finished picture.
    step(done, total) is called from this thread a frame, and may raise. `onlooker` makes the review of what is read
    here, before it is read itself; without one it lies in the folder already.
    Three pictures of the plate are in memory at most, however long the shot.
    """
    shot = order.job.shot
    layers = description.layers[order.job.settings.mode]
    expected = marks(order, description, weights=weights)
    mark = mark_of(order)
    asked = {REVIEW_NAME: True} if movies is None else movies
    reader = _open_plate(order)
    frames = _read_frames(order, folder, layers, expected, reader, onlooker)
    readings, proofs = _collected(frames, onlooker, lambda done: step(done, len(shot.range)))
    found_rate = shot.rate or _found_rate(rate, reader)
    return DeliveryFacts(
        job=order.job,
        today=today or datetime.now(timezone.utc).date().isoformat(),
        layers=layers,
        state=state,
        readings=readings,
        unexpected=_unexpected(folder, {reading.path for reading in readings}, beside),
        proofs=proofs,
        plate_size=canvas if reader is None else (reader.display.width, reader.display.height),
        marks=expected,
        made=_made(order, description, found_rate),
        rate=found_rate,
        review=_read_review(folder / REVIEW_NAME, mark),
        movies=read_movies(folder, asked, order.label_text) if order.label_text or order.aigc_producer else (),
        watermark=mark.words if mark is not None else "",
        packs=order.packs,
    )


def _collected(
    frames: Iterable[_Read], onlooker: Onlooker | None, told: Callable[[int], None]
) -> tuple[tuple[LayerReading, ...], tuple[PictureProof, ...]]:
    """Return what was read of all frames; what the onlooker saw is given to it, and it is closed after the last."""
    readings: list[LayerReading] = []
    proofs: list[PictureProof] = []
    for done, (found, proof, seen) in enumerate(frames, start=1):
        readings += found
        proofs.append(proof)
        if onlooker is not None:
            onlooker.keep(proof.frame, seen)
        told(done)
    if onlooker is not None:
        onlooker.close()
    return tuple(readings), tuple(proofs)


def _found_rate(rate: Fraction | None, reader: PlateReader | None) -> FrameRate | None:
    found = reader.rate if rate is None and reader is not None else rate
    return FrameRate.from_fraction(found) if found is not None else None


def _made(order: WorkOrder, description: EngineDescription, rate: FrameRate | None) -> tuple[int, ...] | None:
    """Return the frames that must have a picture of their own; none of them where nobody knows the rate."""
    if description.rate is None:
        return None
    return () if rate is None else Cadence.of(tuple(order.job.shot.range), rate.fraction, description).made


def _open_plate(order: WorkOrder) -> PlateReader | None:
    """Return the plate that layers are held against; in mode animate there is none: a driver is never in a layer."""
    shot = order.job.shot
    if shot.plate is None or order.job.settings.mode == "animate":
        return None
    config = ColourConfig.of_job(order.job, order.blobs)
    return PlateReader(shot.plate, order.blobs, shot.range, config)


def _read_frames(
    order: WorkOrder,
    folder: Path,
    layers: tuple[str, ...],
    expected: dict[str, str],
    reader: PlateReader | None,
    onlooker: Onlooker | None,
) -> Iterator[_Read]:
    """Yield each frame's readings in order. The plate is read here, in order, for a movie goes forwards quickest."""
    kind = reader.kind if reader is not None else ""
    shot = order.job.shot
    to_display = shot.plate is not None and shot.plate.window == "display"
    waiting: deque[Future[_Read]] = deque()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="read-back") as pool:
        try:
            for frame in shot.range:
                plate = _plate_frame(reader, frame, to_display) if "comp" in layers else None
                waiting.append(pool.submit(_read_frame, order, folder, layers, expected, frame, plate, kind, onlooker))
                if len(waiting) > THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _plate_frame(reader: PlateReader | None, frame: int, to_display: bool) -> PlateFrame | None:
    """Return the plate over the window that its layers must have; None for one that cannot be read."""
    try:
        plate = reader.frame(frame) if reader is not None else None
    except UNREADABLE:
        return None  # the frame then has no proof, and the rules refuse it for that
    if plate is None or reader is None or not to_display:
        return plate
    return dataclasses.replace(plate, pixels=fit_window(plate.pixels, plate.data, reader.display), data=reader.display)


def _read_frame(
    order: WorkOrder,
    folder: Path,
    layers: tuple[str, ...],
    expected: dict[str, str],
    frame: int,
    plate: PlateFrame | None,
    kind: str,
    onlooker: Onlooker | None,
) -> _Read:
    """Read all layers of one frame and hold them against the plate. Any thread."""
    images: dict[str, Image] = {}
    readings: list[LayerReading] = []
    for layer in layers:
        path = layer_path(order, layer, frame)
        if not (folder / path).is_file():
            continue  # its absence is what the rule sees
        try:
            images[layer] = read_image(folder / path)
        except UNREADABLE as problem:
            words = problem.message if isinstance(problem, UnderstudyError) else str(problem)
            words = words.replace(str(folder / path), path)
            readings.append(LayerReading(layer=layer, frame=frame, path=path, problem=words))
    matte = images.get("matte_effective")
    readings += [
        _read_layer(
            layer, frame, layer_path(order, layer, frame), image, expected, made_non_finite(image, plate, matte)
        )
        for layer, image in images.items()
    ]
    seen = onlooker.look(frame, images, plate) if onlooker is not None else None
    comp, patch = images.get("comp"), images.get("patch")
    if plate is None or comp is None or matte is None:
        return _Read(readings, PictureProof(frame=frame), seen)
    touched = touched_pixels(comp, plate, matte, kind)
    error = patch_error(patch, comp, plate, matte, kind) if patch is not None else None
    return _Read(readings, PictureProof(frame=frame, touched=touched, patch_error=error), seen)


def _read_layer(
    layer: str, frame: int, path: str, image: Image, expected: dict[str, str], non_finite: int
) -> LayerReading:
    carried = image.header.attributes
    wrong = tuple(name for name, value in expected.items() if name != STATE and carried.get(name) != value)
    return LayerReading(
        layer=layer,
        frame=frame,
        path=path,
        width=image.header.display.width,
        height=image.header.display.height,
        # Thousands of files say the same three things: one copy of each keeps memory flat over a long shot.
        state=sys.intern(str(carried.get(STATE, "")).rstrip()),
        disclosure=sys.intern(str(carried.get(DISCLOSURE, ""))),
        clearance=sys.intern(str(carried.get(CLEARANCE, ""))),
        in_between=(sys.intern(str(carried.get(IN_BETWEEN, ""))), str(carried.get(IN_BETWEEN_OF, ""))),
        wrong_marks=wrong,
        non_finite=non_finite,
    )


def _unexpected(folder: Path, read: set[str], beside: tuple[str, ...]) -> tuple[str, ...]:
    found = (
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    )
    return tuple(sorted(path for path in found if path not in read and path not in beside))


def _read_review(path: Path, mark: ReviewMark | None) -> ReviewReading | None:
    if not path.is_file():
        return None
    try:
        with MovieReader(path) as movie:
            carries = mark is not None and can_carry(movie.width, movie.height)
            reading = ReviewReading(count=movie.count, rate=FrameRate.from_fraction(movie.rate))
        if mark is None or not carries:
            return reading
        return msgspec.structs.replace(reading, mark=_read_mark(path, mark))
    except UNREADABLE as problem:
        words = problem.message if isinstance(problem, UnderstudyError) else str(problem)
        return ReviewReading(problem=words.replace(str(path), path.name))


def _read_mark(path: Path, mark: ReviewMark) -> MarkReading:
    """Read the mark as a stranger with the key would, but for the search: nobody has cropped the file yet."""
    reading = read_file(path, mark.key, search=False).reading
    words = id_words(reading.content_id) if reading.content_id is not None else ""
    return MarkReading(content_id=words, chance=reading.chance, frames=reading.frames)
