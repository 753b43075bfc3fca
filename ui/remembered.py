"""What the panel remembers from one day to the next, as a file of ours: `panel.json` in UNDERSTUDY_HOME, its owner's
alone. No Qt.

Never papers, never a secret, never an input: of a show only how its pictures are made, of a daemon only where its key
file lies.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from understudy.bridge.errors import KeyRefused, RequestError
from understudy.bridge.options import JobOptions
from understudy.bridge.private_files import read_private, write_private
from understudy.ui import words
from understudy.ui.form_check import with_whole_paths

FILE = "panel.json"
LIMIT_BYTES = 2**20
SHOWS_KEPT = 50
DAEMONS_KEPT = 8
FIELDS = (
    "mode", "engine", "rate", "handles", "format", "colour", "reference_colour", "clean_plate_colour", "ocio", "window",
    "movies", "multipart", "view", "layer", "prompt", "negative_prompt",
)  # fmt: skip
"""Job options that are a show's way of working; the others are of one shot and its matte, or are papers."""
HOST_SAYS = ("mode", "engine", "window", "handles")
"""What a host's selection says also where it is as declared: the host has a control for it, or knows it."""
Said = str | int | float | bool | None
Pixels = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
"""More than any screen has; a number that Qt cannot take is none of ours."""


class Show(msgspec.Struct, frozen=True, kw_only=True):
    """How the last job of a show was made. Only what somebody said; the rest stays as it is declared."""

    fields: dict[str, Said] = {}
    options: dict[str, dict[str, str]] = {}
    """Engine to what was said of its own options."""


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """How the window stands, in device-independent pixels. Empty = as it is made."""

    size: tuple[Pixels, Pixels] = (0, 0)
    splitters: dict[str, tuple[Pixels, ...]] = {}
    columns: tuple[Pixels, ...] = ()
    show: str = ""
    """The filter of the list."""
    folded: tuple[tuple[str | None, str], ...] = ()


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. Times and names of jobs are not here: those are the daemon's."""

    schema: int = 1
    shows: dict[str, Show] = {}
    """By project; the empty name = without one. The newest is the last."""
    layout: Layout = Layout()
    daemons: tuple[str, ...] = ()
    """Key files, the newest first."""

    def with_job(self, options: JobOptions, own: Mapping[str, str]) -> Remembered:
        """Return this with how a job was made."""
        options = with_whole_paths(options)
        name = options.project or ""
        before = self.shows.get(name, Show())
        plain = JobOptions()
        fields = {f: value for f in FIELDS if (value := getattr(options, f)) != getattr(plain, f)}
        show = Show(fields=fields, options={**before.options, options.engine: dict(own)})
        kept = {other: said for other, said in self.shows.items() if other != name}
        newest = dict(list({**kept, name: show}.items())[-SHOWS_KEPT:])
        return msgspec.structs.replace(self, shows=newest)

    def with_daemon(self, file: str) -> Remembered:
        """Return this with a key file as the newest."""
        kept = tuple(one for one in self.daemons if one != file)
        return msgspec.structs.replace(self, daemons=(file, *kept)[:DAEMONS_KEPT])


def said_in(options: JobOptions) -> frozenset[str]:
    """Return the fields that are not as they are declared: those somebody has said for certain."""
    plain = JobOptions()
    return frozenset(f for f in FIELDS if getattr(options, f) != getattr(plain, f))


def filled(options: JobOptions, show: Show, said: Collection[str] = ()) -> JobOptions:
    """Return the options with what is remembered of their show; whatever they say themselves stays.

    said: fields that they say although they are as declared.
    """
    kept = {*said, *said_in(options)}
    given = {f: value for f, value in show.fields.items() if f in FIELDS and f not in kept}
    own = show.options.get(str(given.get("engine", options.engine)), {})
    listed = options.option or [f"{name}={value}" for name, value in own.items()]
    try:
        return msgspec.convert({**msgspec.structs.asdict(options), **given, "option": listed}, JobOptions)
    except msgspec.ValidationError:
        return options  # a field that changed its kind since it was written


def load(home: Path) -> tuple[Remembered, str]:
    """Return what is remembered, and in words what went wrong: a damaged file is set aside. Never in the interface.

    Raises RequestError for a file that cannot be read or set aside: nothing may be written over it.
    """
    path = home / FILE
    try:
        content = read_private(path, LIMIT_BYTES)
        return msgspec.json.decode(content, type=Remembered), ""
    except FileNotFoundError:
        return Remembered(), ""
    except KeyRefused:
        why = words.MEMORY_OPEN if path.is_file() else words.MEMORY_NO_FILE
        raise _unread(path, why.format(file=path)) from None
    except OSError as problem:
        raise _unread(path, str(problem.strerror)) from None
    except msgspec.MsgspecError as problem:
        try:
            kept = _set_aside(path)
        except OSError as stuck:
            raise _unread(path, str(stuck.strerror)) from None
        return Remembered(), words.MEMORY_DAMAGED.format(file=path, problem=problem, kept=kept)


def save(home: Path, remembered: Remembered) -> None:
    """Write it whole or not at all. Raises OSError, KeyRefused. Never in the interface."""
    write_private(home / FILE, msgspec.json.format(msgspec.json.encode(remembered)))


def _unread(path: Path, why: str) -> RequestError:
    return RequestError(words.MEMORY_UNREAD.format(file=path, problem=why), remedy=words.MEMORY_UNREAD_REMEDY)


def _set_aside(path: Path) -> Path:
    """Give a damaged file a name of its own, so that the next one does not write over it."""
    number = 1
    while (kept := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    path.rename(kept)
    return kept
