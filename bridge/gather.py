"""From paths as typed to a JobRequest: which files, which frames, which digests. Reads the disk; decodes no picture."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from understudy.bridge.colour_config import HostConfig, find_colour_config
from understudy.bridge.errors import Finding, RequestError
from understudy.bridge.exr_file import read_frame_rate
from understudy.bridge.frames import FrameRange, FrameRate, Handles
from understudy.bridge.input_files import Gatherer, Hashed, numbered_files
from understudy.bridge.options import JobOptions
from understudy.bridge.record import Record
from understudy.bridge.record_file import load_record_file
from understudy.bridge.shot import (
    Character,
    ColourArchive,
    JobRequest,
    Keypoints,
    Matte,
    Output,
    Performer,
    Plate,
    RequestedMovie,
    Settings,
    Shot,
)
from understudy.bridge.typed_files import BY_NAME, Numbering, kind_of

NAME_LENGTH = 100  # of a shot named after its plate; a name may have 128 characters


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """A job and where its files lie on this machine."""

    job: JobRequest
    paths: dict[str, Path]
    """File digest to path."""
    findings: tuple[Finding, ...] = ()
    """What was taken from the artist's surroundings and not typed."""


def gather_job(
    options: JobOptions,
    *,
    hashed: Hashed = lambda done, total: None,
    numbering: Numbering = BY_NAME,
    environment: Mapping[str, str] = os.environ,
) -> Gathered:
    """Find and hash every input. Raises RequestError for what was typed wrongly, PlateError for what cannot be read.

    numbering: for a host that counts otherwise than its files; a movie's number in it wins over `options.first`.
    environment: where OCIO and the context variables of its config are looked up.
    """
    # What was typed is looked at before a thousand frames are hashed.
    _refuse_what_lacks(options)
    frames, record = _frame_range(options), _record(options)
    colour = find_colour_config(options.ocio, environment)
    settings = _settings(options, colour)
    stated_rate = FrameRate.parse(options.rate) if options.rate is not None else None
    gather = Gatherer(frames, hashed, numbering)
    gather.plan(
        [options.plate, options.matte, options.reference, options.clean_plate, options.holdout, options.keypoints]
    )
    plate = _plate(gather, options, options.plate, options.colour)
    shot = Shot(
        name=options.shot or shot_name(options),
        range=frames,
        rate=stated_rate or _header_rate(plate, gather.paths),
        plate=plate,
        performers=(_performer(gather, options),),
        clean_plate=_plate(gather, options, options.clean_plate, options.clean_plate_colour or options.colour),
        holdout=Matte(pictures=gather.pictures(options.holdout, first=options.first)) if options.holdout else None,
        keypoints=Keypoints(pictures=gather.pictures(options.keypoints)) if options.keypoints else None,
        colour_archive=ColourArchive(pictures=colour.archive) if colour.archive is not None else None,
    )
    job = JobRequest(
        shot=shot,
        settings=settings,
        record=record,
        output=Output(
            project=options.project, series=options.series, movies=_movies(options), multipart=options.multipart
        ),
        priority=options.priority,
    )
    paths = gather.paths if colour.path is None else {**gather.paths, colour.name: colour.path}
    return Gathered(job=_as_the_daemon_reads_it(job), paths=paths, findings=colour.findings)


def _refuse_what_lacks(options: JobOptions) -> None:
    """Raises RequestError for inputs that the mode needs, by the options that give them."""
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
    for role, typed in (("reference", options.reference), ("keypoints", options.keypoints)):
        if typed is not None and kind_of(typed) == "sequence":
            raise RequestError(
                f"the {role} {typed} is one file, not a sequence", remedy=f"Name one file with --{role}."
            )


def _settings(options: JobOptions, colour: HostConfig) -> Settings:
    if options.exposure is not None and not math.isfinite(options.exposure):
        raise RequestError(f"--exposure {options.exposure} is no number of stops", remedy="Write it as 0.5 or -2.")
    return Settings(
        engine=options.engine,
        mode=options.mode,
        seed=options.seed,
        prompt=options.prompt,
        negative_prompt=options.negative_prompt,
        engine_options=engine_options(options.option),
        colour_config=colour.name,
        colour_context=dict(colour.context),
        exposure_stops=options.exposure,
        allow_large_matte=options.allow_large_matte,
        format=_format(options),
    )


def engine_options(said: list[str]) -> dict[str, str]:
    """Return `name=value` words by name; what the names mean is the engine's, which admission asks."""
    options: dict[str, str] = {}
    for word in said:
        name, equals, value = word.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise RequestError(f"--option {word} is not NAME=VALUE", remedy="Write it as --option steps=12.")
        if name in options:
            raise RequestError(f"--option {name} is given twice", remedy="Give it once.")
        options[name] = value.strip()
    return options


def _as_the_daemon_reads_it(job: JobRequest) -> JobRequest:
    """Return the job, decoded as the daemon will: a value out of bounds is told here, by its option."""
    try:
        return msgspec.json.decode(msgspec.json.encode(job), type=JobRequest)
    except msgspec.ValidationError as problem:
        words, _, place = str(problem).partition(" - at ")
        option = _OPTION_OF_FIELD.get(place.strip("`$").rpartition(".")[2], "")
        where = option or place.strip("`$.") or "the job"
        words = "not a name of 1 to 128 characters without slashes" if "regex" in words else words
        raise RequestError(
            f"{where}: {words}", remedy=f"See --help for {option or 'what each option takes'}."
        ) from None


_OPTION_OF_FIELD = {
    "name": "--shot", "project": "--project", "seed": "--seed", "priority": "--priority", "movie_first": "--first",
    "format": "--format", "colour_context": "--ocio",
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


def _frame_range(options: JobOptions) -> FrameRange:
    """Return --frames; else what the numbered inputs have; else 1 for a still. A movie's length is not ours to open."""
    head, tail = Handles.parse(options.handles)
    if options.frames is not None:
        return FrameRange.parse(options.frames, head=head, tail=tail)
    typed = [text for text in (options.plate, options.matte, options.clean_plate) if text]
    for text in typed:
        if kind_of(text) == "sequence":
            found = numbered_files(text)
            if not found:
                raise RequestError(f"there is no file {text}", remedy="Check the path; #### stands for frame numbers.")
            return FrameRange.parse(f"{min(found)}-{max(found)}", head=head, tail=tail)
    if any(kind_of(text) == "movie" for text in typed) or not typed:
        raise RequestError("the frames are not known", remedy="Say which frames: --frames 1001-1096.")
    return FrameRange.parse("1", head=head, tail=tail)


def _plate(gather: Gatherer, options: JobOptions, typed: str | None, colour: str | None) -> Plate | None:
    if typed is None:
        return None
    if options.window not in ("plate", "display"):
        raise RequestError(f"'{options.window}' is not a window", remedy="Use --window plate or --window display.")
    pictures = gather.pictures(typed, first=options.first, colour=colour, layer=options.layer, view=options.view)
    return Plate(pictures=pictures, window=options.window)  # type: ignore[arg-type]


def _performer(gather: Gatherer, options: JobOptions) -> Performer:
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


def shot_name(options: JobOptions) -> str:
    """Return what a shot is called that nobody has named: as its plate is."""
    stem = Path(options.plate or options.reference or "shot").name.split(".")[0]
    return re.sub(r"[^\w-]+", "_", re.sub(r"(#+|%0?\d*d)\Z", "", stem)).strip("_-")[:NAME_LENGTH] or "shot"


def _movies(options: JobOptions) -> tuple[RequestedMovie, ...]:
    """Read `layer:kind[:alpha]`, separated by commas."""
    movies = []
    for text in (options.movies or "").split(","):
        if not text.strip():
            continue
        names = dict(zip(("layer", "kind", "alpha"), text.strip().split(":"), strict=False))
        try:
            movies.append(msgspec.convert(names, RequestedMovie))
        except msgspec.ValidationError as problem:
            raise RequestError(
                f"'{text.strip()}' is not a movie: {problem}", remedy="Write it as comp:prores_422_hq."
            ) from None
    return tuple(movies)


def _record(options: JobOptions) -> Record:
    if options.record is not None and options.self_attest is not None:
        raise RequestError("a job has a record or is self-attested, not both", remedy="Leave one of the two out.")
    if options.record is not None:
        return load_record_file(Path(options.record))
    if options.self_attest:
        return Record(ground="self_attested", attestation=options.self_attest)
    raise RequestError(
        "a job needs papers", remedy='Give --record FILE.json, or --self-attest "who and why" for an uncleared test.'
    )
