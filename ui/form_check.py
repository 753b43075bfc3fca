"""What is wrong with a form before anything is sent, by field. Pure: whether files are there is looked up elsewhere.

The gate and `gather` judge for good; this says early and beside the field what they would say late.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import RequestError, UnderstudyError
from understudy.bridge.frames import FilePattern, FrameRange, FrameRate, Handles
from understudy.bridge.options import JobOptions
from understudy.ui import words

FIELDS: tuple[str, ...] = JobOptions.__struct_fields__
PATHS = ("plate", "matte", "reference", "clean_plate", "holdout", "keypoints", "record")
SEQUENCES = ("plate", "matte", "clean_plate", "holdout")
"""Of which one frame that is chosen means all of them."""
_FRAME = re.compile(r"(?<=[._])(\d{3,})(?=\.[A-Za-z0-9]+$)")
"""A frame number in a file's name, as every package writes it: before the ending, behind a dot or underscore. Three
digits at least, so that a version (`_v2`, `_02`) is none."""
_CONFIG_FILE = re.compile(r"(?!ocio://)(.*[/\\].*|.*\.ocioz?)")
"""An OCIO config that is a file or a folder, as `bridge.colour_config` tells it from a built-in config's name."""
_NAMED = re.compile(r"--([a-z][a-z-]*)")
_PARSERS: dict[str, Callable[[str], object]] = {
    "frames": FrameRange.parse,
    "rate": FrameRate.parse,
    "handles": Handles.parse,
}


def options_from(said: Mapping[str, object]) -> tuple[JobOptions, dict[str, str]]:
    """Return the options that a form says, and what could not be read of it, by field."""
    read: dict[str, object] = {}
    problems: dict[str, str] = {}
    for name, value in said.items():
        try:
            one = msgspec.convert({name: value}, JobOptions, strict=False)
        except msgspec.ValidationError as problem:
            problems[name] = str(problem).split(" - at ")[0]
        else:
            read[name] = getattr(one, name)
    return msgspec.convert(read, JobOptions), problems


def problems_of(options: JobOptions, engine: EngineDescription | None) -> dict[str, str]:
    """Return what is wrong, by field; empty = nothing that can be told without the files and the daemon."""
    problems = _unreadable(options)
    if options.record and options.self_attest:
        problems["self_attest"] = words.PAPERS_TWO
    elif not options.record and not options.self_attest:
        problems["record"] = words.PAPERS_NEEDED
    for role in _needed(options, engine):
        if not getattr(options, role, None):
            name = engine.name if engine is not None else options.engine
            problems[role] = words.NEEDED.format(engine=name, mode=options.mode)
    if engine is not None and options.mode not in engine.modes:
        problems["mode"] = words.NOT_READ.format(engine=engine.name)
    return problems


def engine_option_problem(name: str, said: str, engine: EngineDescription) -> str:
    """Return what is wrong with one engine option; empty = nothing."""
    choices, limits = engine.choices.get(name, ()), engine.ranges.get(name)
    if not said or said in choices:
        return ""
    if limits is None:
        return f"one of {', '.join(choices)}" if choices else ""
    whole = name in engine.whole
    asked = range_in_words(name, engine)
    try:
        number = int(said) if whole else float(said)
    except ValueError:
        return asked
    return "" if limits[0] <= number <= limits[1] else asked


def range_in_words(name: str, engine: EngineDescription) -> str:
    """Return what an engine option takes, in words; empty = anything."""
    choices, limits = engine.choices.get(name, ()), engine.ranges.get(name)
    parts = [", ".join(choices)] if choices else []
    if limits is not None:
        kind = "a whole number" if name in engine.whole else "a number"
        parts.append(f"{kind} from {limits[0]:g} to {limits[1]:g}")
    return ", or ".join(parts)


def missing_files(options: JobOptions) -> dict[str, str]:
    """Return the fields whose files are not there. Reads folders: never on the interface's thread."""
    return {
        name: words.NO_SUCH_FILE for name in PATHS if (typed := getattr(options, name)) and not _is_there(str(typed))
    }


def pattern_of(file: str) -> str:
    """Return the pattern of the sequence that a chosen file is a frame of: `plate.1001.exr` is `plate.####.exr`.

    A file that bears no frame number is returned as it is. Looks at the name alone, so that nobody waits for a disk; a
    pattern with only one file is that one frame.
    """
    return _FRAME.sub(lambda found: "#" * len(found.group()), file)


def with_whole_paths(options: JobOptions) -> JobOptions:
    """Return the options with whole paths, for whoever reads them in another folder or another day."""
    whole = {name: os.path.abspath(typed) for name in PATHS if (typed := getattr(options, name))}  # noqa: PTH100
    if options.ocio and _CONFIG_FILE.fullmatch(options.ocio.strip()):
        whole["ocio"] = os.path.abspath(os.path.expanduser(options.ocio.strip()))  # noqa: PTH100, PTH111 - words
    return msgspec.structs.replace(options, **whole)


def numbered(options: JobOptions) -> JobOptions:
    """Return the options with takes of one plate numbered together, as in a host, where nobody said otherwise.

    Without that each take of a shot would be a v001.
    """
    driver = options.plate or options.reference
    if options.project or options.series or not driver:
        return options
    return msgspec.structs.replace(options, series=os.path.dirname(os.path.abspath(driver)))  # noqa: PTH100, PTH120 - words


def note_for(engine: EngineDescription | None, alive: bool) -> str:
    """Return what stands beside the buttons: that nobody would take the job, or that its takes are to be looked at."""
    if not alive:
        return words.SUBMIT_NO_DAEMON
    if engine is None or not (engine.previz or engine.not_final):
        return ""
    return f"{engine.label}: {engine.not_final or words.SUBMIT_LOOKING}"


def field_of(problem: UnderstudyError) -> str:
    """Return the field that an error is about, by the option that it names; empty = the form as a whole."""
    named = [name.replace("-", "_") for name in _NAMED.findall(f"{problem.message} {problem.remedy}")]
    return next((name for name in named if name in FIELDS), "")


def _unreadable(options: JobOptions) -> dict[str, str]:
    problems = {}
    for name, parse in _PARSERS.items():
        said = getattr(options, name)
        if said not in (None, "", 0):
            try:
                parse(str(said))
            except RequestError as problem:
                problems[name] = f"{problem.message}. {problem.remedy}".strip()
    return problems


def _needed(options: JobOptions, engine: EngineDescription | None) -> tuple[str, ...]:
    """Return the inputs that must be there; a rig's points may drive in the place of a plate."""
    if engine is not None:
        needed = engine.required_inputs.get(options.mode, ())
    else:
        needed = ("plate", "matte", "reference") if options.mode == "replace" else ("reference",)
    driver = ("plate",) if options.mode == "animate" and not options.keypoints else ()
    return tuple(dict.fromkeys((*driver, *(role for role in needed if role in FIELDS))))


def _is_there(typed: str) -> bool:
    """Say whether a file is there, or a frame of a sequence; whether all are is for `gather` to say."""
    pattern = FilePattern(typed)
    try:
        return bool(pattern.frames_on_disk()) if pattern.numbered else Path(typed).exists()
    except RequestError:
        return True  # two files of one frame: they are there, and `gather` says what is wrong
