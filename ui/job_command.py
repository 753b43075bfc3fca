"""The command that makes a job again from a shell, from what the daemon keeps of it; and what it does not keep. Pure.

A job holds every setting, but of files only their names as they were typed and their digests; who typed them, and in
which folder, it does not say.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

import msgspec

from understudy.bridge.colour_config import BUILT_IN
from understudy.bridge.messages import JobDetail
from understudy.bridge.options import JobOptions
from understudy.bridge.shot import JobRequest, Pictures, Redo, RequestedMovie
from understudy.ui import words

RECORD_STAND_IN = "RECORD.json"
_SWITCHES = frozenset({"matte_invert", "allow_large_matte", "multipart"})
_ROLES = ("plate", "matte", "reference", "clean_plate", "holdout", "keypoints")


@dataclass(frozen=True, slots=True)
class JobCommand:
    """A line for a shell, and what whoever runs it has to know."""

    line: str
    unknown: tuple[str, ...] = ()


def command_of(detail: JobDetail) -> JobCommand:
    """Return the command that asks for this job once more."""
    job = detail.job
    if job.redo is not None:
        return JobCommand(_redo_line(job.redo))
    options, unknown = options_of(job)
    said = ["understudy", "submit"]
    for field in msgspec.structs.fields(JobOptions):
        said += _words_of(field.name, getattr(options, field.name), field)
    return JobCommand(shlex.join(said), unknown)


def options_of(job: JobRequest) -> tuple[JobOptions, tuple[str, ...]]:
    """Return the options that made this job, and what of them the daemon does not know, in words."""
    shot, settings = job.shot, job.settings
    roles = shot.roles()
    performer = shot.performers[0]
    options = JobOptions(
        **{role: roles[role].typed for role in _ROLES if role in roles},
        frames=str(shot.range),
        first=next((one.movie_first for one in roles.values() if one.movie_first), 0),
        rate=str(shot.rate).removesuffix("/1") if shot.rate is not None else None,
        handles=f"{shot.range.head}:{shot.range.tail}" if shot.range.head or shot.range.tail else 0,
        view=shot.plate.pictures.view if shot.plate else None,
        layer=shot.plate.pictures.layer if shot.plate else None,
        shot=shot.name,
        project=job.output.project,
        series=job.output.series,
        mode=settings.mode,
        format=f"{settings.format[0]}x{settings.format[1]}" if settings.format is not None else None,
        engine=settings.engine,
        colour=shot.plate.pictures.colour if shot.plate else None,
        reference_colour=performer.character.pictures.colour,
        clean_plate_colour=shot.clean_plate.pictures.colour if shot.clean_plate else None,
        ocio=_config_of(job),
        matte_channel=performer.matte.channel if performer.matte else None,
        matte_invert=performer.matte.invert if performer.matte else False,
        allow_large_matte=settings.allow_large_matte,
        window=shot.plate.window if shot.plate else "plate",
        exposure=settings.exposure_stops,
        movies=",".join(map(_movie, job.output.movies)) or None,
        multipart=job.output.multipart,
        option=[f"{name}={value}" for name, value in settings.engine_options.items()],
        prompt=settings.prompt,
        negative_prompt=settings.negative_prompt,
        seed=settings.seed,
        record=RECORD_STAND_IN if job.record.ground == "record" else None,
        self_attest=job.record.attestation if job.record.ground != "record" else None,
        priority=job.priority,
    )
    return options, tuple(_unknown(job, roles))


def _unknown(job: JobRequest, roles: dict[str, Pictures]) -> list[str]:
    said = []
    if job.record.ground == "record":
        said.append(words.COPY_RECORD.format(stand_in=RECORD_STAND_IN))
    if any(not _is_whole(pictures.typed) for pictures in roles.values()):
        said.append(words.COPY_FOLDER)
    if job.settings.colour_context:
        names = ", ".join(f"{name}={value}" for name, value in job.settings.colour_context.items())
        said.append(words.COPY_CONTEXT.format(names=names))
    if job.record.ground == "demonstration":
        said.append(words.COPY_DEMONSTRATION)
    return said


def _config_of(job: JobRequest) -> str:
    """Return what --ocio takes: never nothing, or another shell's OCIO would choose."""
    if job.shot.colour_archive is not None:
        return job.shot.colour_archive.pictures.typed
    return "none" if job.settings.colour_config == BUILT_IN else job.settings.colour_config


def _movie(movie: RequestedMovie) -> str:
    return f"{movie.layer}:{movie.kind}" + ("" if movie.alpha == "straight" else f":{movie.alpha}")


def _is_whole(typed: str) -> bool:
    return PurePosixPath(typed).is_absolute() or PureWindowsPath(typed).is_absolute()


def _words_of(name: str, value: object, field: msgspec.structs.FieldInfo) -> list[str]:
    """Return the words of one option; none where it is what holds anyway."""
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value is None or value == default:
        return []
    option = "--" + name.replace("_", "-")
    if name in _SWITCHES:
        return [option]
    if isinstance(value, list):
        return [word for one in value for word in (option, str(one))]
    text = str(value)
    return [f"{option}={text}"] if text.startswith("-") else [option, text]


def _redo_line(redo: Redo) -> str:
    said = ["understudy", "redo", redo.job_id, "--segment", str(redo.segment)]
    said += ["--alone"] * redo.alone + ["--dissolve"] * redo.dissolve
    if redo.seed is not None:
        said += ["--seed", str(redo.seed)]
    for name, value in redo.options.items():
        said += ["--option", f"{name}={value}"]
    return shlex.join(said)
