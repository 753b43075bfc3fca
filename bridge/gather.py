"""From paths as typed to a JobRequest: which files, which frames, which digests. Reads the disk; decodes no picture."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import msgspec

from understudy.bridge.errors import PlateError, RequestError
from understudy.bridge.exr_file import file_digest, picture_digest, read_frame_rate
from understudy.bridge.frames import FilePattern, FrameRange, FrameRate
from understudy.bridge.options import JobOptions
from understudy.bridge.record import Record, load_record
from understudy.bridge.shot import (
    Character,
    JobRequest,
    Keypoints,
    Matte,
    Output,
    Performer,
    PictureFile,
    Pictures,
    Plate,
    Settings,
    Shot,
)

MOVIE_SUFFIXES = frozenset({".mov", ".mp4", ".m4v", ".mxf", ".mkv", ".avi", ".webm"})
HASHING_THREADS = 2  # BLAKE3 of a page-cached file runs at memory speed; more threads only fight for it

Hashed = Callable[[int, int], None]
"""Called with (files hashed, files in all)."""


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """A job and where its files lie on this machine."""

    job: JobRequest
    paths: dict[str, Path]
    """File digest to path."""


def gather_job(options: JobOptions, *, hashed: Hashed = lambda done, total: None) -> Gathered:
    """Find and hash every input. Raises RequestError for what was typed wrongly, PlateError for what cannot be read."""
    if options.reference is None:
        raise RequestError("there is no reference", remedy="Name the character's image with --reference.")
    if options.mode == "replace" and (options.plate is None or options.matte is None):
        missing = "--plate" if options.plate is None else "--matte"
        raise RequestError(f"mode replace needs {missing}", remedy=f"Add {missing}, or choose --mode animate.")
    if options.mode == "animate" and options.plate is None and options.keypoints is None:
        raise RequestError(
            "mode animate needs a driver: the performance that moves the character",
            remedy="Give its pictures with --plate, a rig's points with --keypoints, or both.",
        )
    # What was typed is looked at before a thousand frames are hashed.
    picture_format = _format(options)
    _refuse_numbers_for_one(reference=options.reference, keypoints=options.keypoints)
    frames, record = _frame_range(options), _record(options)
    stated_rate = FrameRate.parse(options.rate) if options.rate is not None else None
    if options.exposure is not None and not math.isfinite(options.exposure):
        raise RequestError(f"--exposure {options.exposure} is no number of stops", remedy="Write it as 0.5 or -2.")
    gather = _Gatherer(frames, hashed)
    gather.plan(
        [options.plate, options.matte, options.reference, options.clean_plate, options.holdout, options.keypoints]
    )
    plate = _plate(gather, options, options.plate, options.colour)
    shot = Shot(
        name=options.shot or _shot_name(options),
        range=frames,
        rate=stated_rate or _header_rate(plate, gather.paths),
        plate=plate,
        performers=(_performer(gather, options),),
        clean_plate=_plate(gather, options, options.clean_plate, options.colour),
        holdout=Matte(pictures=gather.pictures(options.holdout, first=options.first)) if options.holdout else None,
        keypoints=Keypoints(pictures=gather.pictures(options.keypoints)) if options.keypoints else None,
    )
    settings = Settings(
        engine=options.engine,
        mode=options.mode,
        seed=options.seed,
        prompt=options.prompt,
        exposure_stops=options.exposure,
        allow_large_matte=options.allow_large_matte,
        format=picture_format,
    )
    job = JobRequest(
        shot=shot,
        settings=settings,
        record=record,
        output=Output(project=options.project),
        priority=options.priority,
    )
    return Gathered(job=_as_the_daemon_reads_it(job), paths=gather.paths)


def _as_the_daemon_reads_it(job: JobRequest) -> JobRequest:
    """Return the job, decoded as the daemon will: a value out of bounds is told here, by its option."""
    try:
        return msgspec.convert(msgspec.to_builtins(job), JobRequest)
    except msgspec.ValidationError as problem:
        words, _, place = str(problem).partition(" - at ")
        option = _OPTION_OF_FIELD.get(place.strip("`$").rpartition(".")[2], "")
        where = option or place.strip("`$.") or "the job"
        raise RequestError(
            f"{where}: {words}", remedy=f"See --help for {option or 'what each option takes'}."
        ) from None


_OPTION_OF_FIELD = {
    "name": "--shot", "project": "--project", "seed": "--seed", "priority": "--priority", "movie_first": "--first",
    "format": "--format",
}  # fmt: skip


def _format(options: JobOptions) -> tuple[int, int] | None:
    """Read `1920x1080`. Raises RequestError for anything else, and in the mode that has the plate's size."""
    if options.format is None:
        return None
    if options.mode != "animate":
        raise RequestError(
            "--format is for --mode animate: mode replace has the plate's size", remedy="Leave --format out."
        )
    match = re.fullmatch(r"\s*(\d{1,5})\s*[x×*]\s*(\d{1,5})\s*", options.format, re.ASCII | re.IGNORECASE)
    if match is None or not all(16 <= int(side) <= 8192 for side in match.groups()):
        raise RequestError(
            f"--format {options.format} is no size of a picture",
            remedy="Write width x height in pixels, 16 to 8192: 1920x1080.",
        )
    return int(match[1]), int(match[2])


def _refuse_numbers_for_one(**typed: str | None) -> None:
    for role, text in typed.items():
        if text is not None and _kind(text) == "sequence":
            raise RequestError(f"the {role} {text} is one file, not a sequence", remedy=f"Name one file with --{role}.")


class _Gatherer:
    """Hashes files as roles ask for them and remembers where each digest lies."""

    def __init__(self, frames: FrameRange, hashed: Hashed) -> None:
        self._frames = frames
        self._hashed = hashed
        self._total = 0
        self._done = 0
        self.paths: dict[str, Path] = {}

    def plan(self, typed: Iterable[str | None]) -> None:
        self._total = sum(len(self._files(text)) for text in typed if text)

    def pictures(
        self,
        typed: str,
        *,
        first: int = 0,
        colour: str | None = None,
        layer: str | None = None,
        view: str | None = None,
    ) -> Pictures:
        files = self._files(typed)
        with ThreadPoolExecutor(HASHING_THREADS) as pool:
            hashed = tuple(pool.map(lambda item: self._hash(item[0], item[1]), files))
        return Pictures(
            files=hashed, kind=_kind(typed), typed=typed, movie_first=first, colour=colour, layer=layer, view=view
        )

    def _files(self, typed: str) -> list[tuple[int | None, Path]]:
        if _kind(typed) != "sequence":
            path = Path(typed)
            if not path.is_file():
                raise RequestError(f"there is no file {typed}", remedy="Check the path; #### stands for frame numbers.")
            return [(None, path)]
        found = FilePattern(typed).frames_on_disk()
        wanted = [(frame, path) for frame, path in found.items() if frame in self._frames]
        if not wanted:
            there = f"it has frames {min(found)} to {max(found)}" if found else "there is no such file"
            raise RequestError(
                f"{typed} has no frame of {self._frames}: {there}", remedy="Check --frames and the path."
            )
        return list(wanted)

    def _hash(self, frame: int | None, path: Path) -> PictureFile:
        real = path.resolve()
        try:
            size = real.stat().st_size
            if size == 0:
                raise PlateError(f"{path} is empty", remedy="Render or copy this frame again.")
            file = file_digest(real)
            picture = picture_digest(real)
        except OSError as problem:
            raise PlateError(f"{path} cannot be read: {problem.strerror}", remedy="Check the file's rights.") from None
        self.paths[file] = real
        self._done += 1
        self._hashed(self._done, max(self._total, self._done))
        return PictureFile(file=file, picture=picture, size=size, typed=str(path), frame=frame)


def _kind(typed: str) -> Literal["sequence", "movie", "still"]:
    if Path(typed).suffix.lower() in MOVIE_SUFFIXES:
        return "movie"
    # A file of exactly this name is that file: `hero#2.png` and `100%done.png` are names too.
    return "sequence" if FilePattern(typed).numbered and not Path(typed).is_file() else "still"


def _frame_range(options: JobOptions) -> FrameRange:
    """Return --frames; else what the numbered inputs have; else 1 for a still. A movie's length is not ours to open."""
    if options.frames is not None:
        return FrameRange.parse(options.frames, head=options.handles, tail=options.handles)
    typed = [text for text in (options.plate, options.matte, options.clean_plate) if text]
    for text in typed:
        if _kind(text) == "sequence":
            found = FilePattern(text).frames_on_disk()
            if not found:
                raise RequestError(f"there is no file {text}", remedy="Check the path; #### stands for frame numbers.")
            return FrameRange.parse(f"{min(found)}-{max(found)}", head=options.handles, tail=options.handles)
    if any(_kind(text) == "movie" for text in typed) or not typed:
        raise RequestError("the frames are not known", remedy="Say which frames: --frames 1001-1096.")
    return FrameRange(1, 1)


def _plate(gather: _Gatherer, options: JobOptions, typed: str | None, colour: str | None) -> Plate | None:
    if typed is None:
        return None
    if options.window not in ("plate", "display"):
        raise RequestError(f"'{options.window}' is not a window", remedy="Use --window plate or --window display.")
    pictures = gather.pictures(typed, first=options.first, colour=colour, layer=options.layer, view=options.view)
    return Plate(pictures=pictures, window=options.window)  # type: ignore[arg-type]


def _performer(gather: _Gatherer, options: JobOptions) -> Performer:
    assert options.reference is not None  # noqa: S101 - gather_job has refused before
    matte = None
    if options.matte is not None:
        matte = Matte(
            pictures=gather.pictures(options.matte, first=options.first),
            channel=options.matte_channel,
            invert=options.matte_invert,
        )
    reference = gather.pictures(options.reference, colour=options.reference_colour)
    return Performer(character=Character(pictures=reference), matte=matte)


def _header_rate(plate: Plate | None, paths: dict[str, Path]) -> FrameRate | None:
    """Return the first EXR's framesPerSecond. A movie's rate is read by the worker that decodes it."""
    if plate is None or plate.pictures.kind == "movie":
        return None
    return read_frame_rate(paths[plate.pictures.files[0].file])


def _shot_name(options: JobOptions) -> str:
    stem = Path(options.plate or options.reference or "shot").name.split(".")[0]
    return re.sub(r"[^\w-]+", "_", re.sub(r"(#+|%0?\d*d)\Z", "", stem)).strip("_-") or "shot"


def _record(options: JobOptions) -> Record:
    if options.record is not None:
        path = Path(options.record)
        if not path.is_file():
            raise RequestError(f"there is no record {path}", remedy="Check the path given to --record.")
        try:
            return load_record(path.read_bytes())
        except RequestError as problem:
            raise RequestError(f"{path}: {problem.message}", remedy=problem.remedy) from None
    if options.self_attest:
        return Record(ground="self_attested", attestation=options.self_attest)
    raise RequestError(
        "a job needs papers", remedy='Give --record FILE.json, or --self-attest "who and why" for an uncleared test.'
    )
