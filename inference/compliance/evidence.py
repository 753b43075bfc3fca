"""What a worker measures for the rules of inspection: every input decoded once, before anything is made of it.

A damaged file is a reading with a `problem`; nothing here refuses. What was written is read back in read_back.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.settings import load_settings
from understudy.bridge.shot import Matte, PictureFile, Pictures, Shot
from understudy.inference.compliance.colour_evidence import read_colours
from understudy.inference.compliance.facts import InspectionFacts, MovieReading, PictureReading, RoleReading
from understudy.inference.compliance.proof import non_finite
from understudy.inference.compliance.read_back import BESIDE_THE_LAYERS, read_back
from understudy.inference.controls.keypoints import keypoints_size, read_keypoints
from understudy.inference.controls.matte import FAINT
from understudy.inference.picture.crop import Box, boxes_from_matte
from understudy.inference.picture.header import Header
from understudy.inference.picture.images import read_image, read_matte
from understudy.inference.picture.layers import fit_window
from understudy.inference.picture.movies import MovieReader
from understudy.inference.provenance.inputs import read_input_credentials
from understudy.inference.provenance.trust import trust_anchors
from understudy.inference.work_order import WorkOrder

__all__ = ["BESIDE_THE_LAYERS", "inspect_inputs", "matte_boxes", "merge_inspections", "read_back"]

THREADS = 2  # decoders release the lock; two keep two cores busy and two pictures in memory
SUBMITTED_AT_ONCE = 64  # a task that waits its turn holds more memory than all that is known of its file
Step = Callable[[int, int], None]
UNREADABLE = (UnderstudyError, OSError, ValueError, RuntimeError)  # what picture libraries say of a hostile file


def inspect_inputs(order: WorkOrder, step: Step, *, frames: tuple[int, ...] | None = None) -> InspectionFacts:
    """Decode every picture of every role in the shot's range, once, and return what was found.

    `step(done, total)` is called from this thread after each picture; what it raises passes. `frames` reads only these
    frames (stills always): a pipeline that wants its first segment early inspects that first, and the rest afterwards
    with `merge_inspections`. Memory does not grow with the shot.
    """
    shot = order.job.shot
    wanted = [frame for frame in (shot.range if frames is None else frames) if frame in shot.range]
    roles = shot.roles()
    total = sum(_count(pictures, wanted) for pictures in roles.values())
    done = 0
    readings: dict[str, list[PictureReading]] = {role: [] for role in roles}
    movies: dict[str, MovieReading] = {}
    for role, pictures in roles.items():
        for found in _read_role(order, role, pictures, wanted):
            if isinstance(found, MovieReading):
                movies[role] = found
                continue
            readings[role].append(found)
            done += 1
            step(min(done, total), total)
    colours = read_colours(order)
    credentials = read_input_credentials(roles, order.blobs, trust_anchors(load_settings()))
    return InspectionFacts(
        job=order.job,
        roles=tuple(
            RoleReading(
                role=role,
                typed=pictures.typed,
                kind=pictures.kind,
                pictures=tuple(readings[role]),
                movie=movies.get(role),
                colour=colours.get(role),
            )
            for role, pictures in roles.items()
        ),
        frames=None if frames is None else tuple(wanted),
        credentials=credentials,
    )


def matte_boxes(facts: InspectionFacts) -> dict[int, Box | None]:
    """Return the first performer's box in every frame whose matte was read whole; None where the matte is empty."""
    matte = facts.role("matte")
    if matte is None:
        return {}
    read = [picture for picture in matte.pictures if not picture.problem and picture.coverage is not None]
    if matte.kind == "still":
        return {frame: picture.box for picture in read for frame in facts.job.shot.range}
    return {picture.frame: picture.box for picture in read if picture.frame is not None}


def merge_inspections(first: InspectionFacts, second: InspectionFacts) -> InspectionFacts:
    """Return both as one: whole when together they hold every frame of the shot. What both read, the first one says."""
    shot = first.job.shot
    frames = sorted({*(shot.range if first.frames is None else first.frames), *(second.frames or shot.range)})
    later = {reading.role: reading for reading in second.roles}
    return InspectionFacts(
        job=first.job,
        roles=tuple(_merge_role(reading, later[reading.role]) for reading in first.roles),
        frames=None if len(frames) == len(shot.range) else tuple(frames),
        credentials=first.credentials,
    )


def _merge_role(first: RoleReading, second: RoleReading) -> RoleReading:
    read = {picture.frame for picture in first.pictures}
    more = tuple(picture for picture in second.pictures if picture.frame not in read)
    ordered = sorted((*first.pictures, *more), key=lambda p: p.frame if p.frame is not None else 0)
    return msgspec.structs.replace(first, pictures=tuple(ordered))


def _count(pictures: Pictures, wanted: list[int]) -> int:
    if pictures.kind == "movie":
        return len(wanted)
    if pictures.kind == "still":
        return 1
    frames = set(wanted)
    return sum(file.frame in frames for file in pictures.files)


def _read_role(
    order: WorkOrder, role: str, pictures: Pictures, wanted: list[int]
) -> Iterator[PictureReading | MovieReading]:
    if role == "colour_archive":
        return  # no picture: colour_evidence.py opens it
    if role == "keypoints":
        yield _read_keypoints(order, pictures.files[0])
    elif pictures.kind == "movie":
        yield from _read_movie(order, role, pictures, wanted)
    else:
        frames = set(wanted)
        files = [file for file in pictures.files if pictures.kind == "still" or file.frame in frames]
        matte = matte_of(order.job.shot, role)
        with ThreadPoolExecutor(THREADS, thread_name_prefix="inspect") as pool:
            try:
                for start in range(0, len(files), SUBMITTED_AT_ONCE):
                    several = files[start : start + SUBMITTED_AT_ONCE]
                    yield from pool.map(lambda file: _read_file(order, pictures, file, matte), several)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def matte_of(shot: Shot, role: str) -> Matte | None:
    """Return how the role is read as a matte, None for a role that is a picture."""
    if role == "holdout":
        return shot.holdout
    name, _, number = role.partition(".")
    return shot.performers[int(number or 1) - 1].matte if name == "matte" else None


def _read_file(order: WorkOrder, pictures: Pictures, file: PictureFile, matte: Matte | None) -> PictureReading:
    """Decode one file whole; whatever is wrong with it becomes the reading's problem. Any thread."""
    path = order.blobs.get(file.file, "")
    try:
        if matte is not None:
            coverage, header = read_matte(path, channel=matte.channel, invert=matte.invert)
            return _matte_reading(file.frame, file.typed, header, coverage, inverted=matte.invert)
        image = read_image(path, layer=pictures.layer, view=pictures.view)
        return _picture_reading(
            file.frame, file.typed, image.header, image.channels, int(np.count_nonzero(non_finite(image.pixels)))
        )
    except UNREADABLE as problem:
        return _problem(file.frame, file.typed, path, problem)


def _read_movie(
    order: WorkOrder, role: str, pictures: Pictures, wanted: list[int]
) -> Iterator[PictureReading | MovieReading]:
    typed = pictures.files[0].typed
    path = order.blobs.get(pictures.files[0].file, "")
    try:
        movie = MovieReader(path)
    except UNREADABLE as problem:
        words, remedy = problem_words(problem, path, typed)
        yield MovieReading(typed=typed, first=pictures.movie_first, problem=words, remedy=remedy)
        return
    with movie:
        yield MovieReading(
            typed=typed,
            count=movie.count,
            first=pictures.movie_first,
            rate=FrameRate.from_fraction(movie.rate),
            width=movie.width,
            height=movie.height,
        )
        inside = FrameRange(pictures.movie_first, pictures.movie_first + movie.count - 1)
        for frame in wanted:
            if frame in inside:
                yield _read_movie_picture(movie, frame, pictures, matte_of(order.job.shot, role))


def _read_movie_picture(movie: MovieReader, frame: int, pictures: Pictures, matte: Matte | None) -> PictureReading:
    typed = pictures.files[0].typed
    index = frame - pictures.movie_first
    header = movie.header
    try:
        if matte is not None:
            coverage = movie.read_matte(index, channel=matte.channel, invert=matte.invert)
            return _matte_reading(frame, typed, header, coverage, inverted=matte.invert)
        movie.read_matte(index, channel="Y")  # decodes the picture whole; RGB of it, which costs most, is not looked at
    except UNREADABLE as problem:
        return _problem(frame, typed, movie.path, problem)
    return _picture_reading(frame, typed, header, header.channels, 0)


def _read_keypoints(order: WorkOrder, file: PictureFile) -> PictureReading:
    path = order.blobs.get(file.file, "")
    try:
        read_keypoints(Path(path), file.typed, order.job.shot.range)
        width, height = keypoints_size(Path(path), file.typed)
    except UNREADABLE as problem:
        return _problem(None, file.typed, path, problem)
    return PictureReading(frame=None, typed=file.typed, width=width, height=height)


def _picture_reading(
    frame: int | None, typed: str, header: Header, channels: tuple[str, ...], non_finite: int
) -> PictureReading:
    data = header.data
    return PictureReading(
        frame=frame,
        typed=typed,
        width=header.display.width,
        height=header.display.height,
        data_window=(data.x, data.y, data.width, data.height),
        channels=channels,
        pixel_type=header.pixel_type,
        non_finite=non_finite,
    )


def _matte_reading(
    frame: int | None, typed: str, header: Header, matte: NDArray[np.float32], *, inverted: bool
) -> PictureReading:
    """Return the reading of a matte: its coverage is its mean over the display window, nothing outside its data."""
    area = header.display.width * header.display.height
    reading = _picture_reading(frame, typed, header, header.channels, header.repaired_pixels)
    return msgspec.structs.replace(
        reading,
        coverage=float(np.clip(matte, 0.0, 1.0).sum(dtype=np.float64)) / max(area, 1),
        peak=float(matte.max(initial=0.0)),
        # Outside its data window a matte is black; inverted, that is white: as whoever uses it will see it.
        box=boxes_from_matte(fit_window(matte, header.data, header.display, fill=1.0 if inverted else 0.0), FAINT),
    )


def _problem(frame: int | None, typed: str, path: str, problem: Exception) -> PictureReading:
    words, remedy = problem_words(problem, path, typed)
    return PictureReading(frame=frame, typed=typed, problem=words, remedy=remedy)


def problem_words(problem: Exception, path: str, typed: str) -> tuple[str, str]:
    """Return what is wrong and what to do, with the vault's path replaced by the name that the user knows."""
    if not path:
        return f"{typed}: not in the vault", "Submit the job again: the file is sent anew."
    if isinstance(problem, UnderstudyError):
        return problem.message.replace(path, typed), problem.remedy.replace(path, typed)
    return f"{typed}: {problem}".replace(path, typed), "Write or copy this file again."
