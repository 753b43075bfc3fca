"""Frame numbers, rational rates and numbered files. Pure, but for `FilePattern.frames_on_disk`.

A frame number is what the host shows. Where a picture stands in its file (a movie's index) is never called a frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import msgspec

from understudy.bridge.errors import RequestError

FRAME_LIMIT = 10**9
"""Far beyond any shot, and still a number that every format and every file system can write."""
NTSC_NOMINALS = (24, 30, 48, 60, 120)
NTSC_NEARLY = 0.02
"""Hosts round the NTSC rates to two or three decimals, and not always the same way."""
_RANGE = re.compile(r"^\s*(-?\d{1,30})(?:\s*-\s*(-?\d{1,30}))?\s*$")
_RATE = re.compile(r"\d{1,60}(\.\d{1,60}|/\d{1,60})?")  # an exponent could ask for a number that fills the memory
_HANDLES = re.compile(r"\s*(\d{1,9})(?:\s*:\s*(\d{1,9}))?\s*", re.ASCII)
_HASHES = re.compile(r"#+")
_PERCENT = re.compile(r"%0?(\d*)d")


class FrameRate(msgspec.Struct, frozen=True, order=True):
    """Frames per second as a fraction in lowest terms: 24000/1001 is never 23.976."""

    numerator: int
    denominator: int = 1

    def __post_init__(self) -> None:
        if self.numerator <= 0 or self.denominator <= 0:
            raise ValueError(f"a frame rate is a positive fraction, not {self.numerator}/{self.denominator}")

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @classmethod
    def from_fraction(cls, value: Fraction) -> FrameRate:
        return cls(value.numerator, value.denominator)

    @classmethod
    def near(cls, value: float) -> FrameRate:
        """Return the rate that a host means by a rounded number: 23.976, 29.970 and 59.94005994 are NTSC's.

        Raises ValueError for what is no rate.
        """
        for nominal in NTSC_NOMINALS:
            if value != nominal and abs(value - nominal * 1000 / 1001) < NTSC_NEARLY:
                return cls(nominal * 1000, 1001)
        return cls.from_fraction(Fraction(value).limit_denominator(1001))

    @classmethod
    def parse(cls, text: str) -> FrameRate:
        """Read `24`, `25/1`, `24000/1001`, or the broadcast spellings `23.976`, `29.97`, `47.95`, `59.94`.

        The spellings are SMPTE's NTSC family, nominal * 1000/1001; any other decimal is taken exactly.
        Raises RequestError for anything else.
        """
        said = text.strip()
        nominal = {"23.976": 24, "23.98": 24, "29.97": 30, "47.95": 48, "47.952": 48, "59.94": 60, "119.88": 120}
        try:
            if _RATE.fullmatch(said) is None:
                raise ValueError
            value = Fraction(nominal[said] * 1000, 1001) if said in nominal else Fraction(said)
            return cls.from_fraction(value)
        except (ValueError, ZeroDivisionError):
            raise RequestError(
                f"'{text}' is not a frame rate", remedy="Write it as 24, 25, 24000/1001 or 23.976."
            ) from None


class Handles(NamedTuple):
    """Frames that lie outside the cut, before and after it."""

    head: int = 0
    tail: int = 0

    def __str__(self) -> str:
        return f"{self.head}:{self.tail}"

    @classmethod
    def parse(cls, said: int | str) -> Handles:
        """Read 8 (at each end), `8` or `8:12` (head and tail). Raises RequestError for other words.

        A number is taken as it is: whether it leaves a cut, a range says.
        """
        if isinstance(said, int):
            return cls(said, said)
        match = _HANDLES.fullmatch(said)
        if match is None:
            raise RequestError(
                f"'{said}' are no handles", remedy="Write 8 for each end, or 8:12 for 8 before the cut and 12 after it."
            )
        return cls(int(match[1]), int(match[2] or match[1]))


class FrameRange(msgspec.Struct, frozen=True):
    """The frames of a shot, both ends inclusive. `head` and `tail` are handles that lie inside first..last."""

    first: int
    last: int
    head: int = 0
    tail: int = 0

    def __post_init__(self) -> None:
        if max(abs(self.first), abs(self.last)) > FRAME_LIMIT:
            raise ValueError(f"frame numbers go to {FRAME_LIMIT}, not to {self.first}-{self.last}")
        if self.last < self.first:
            raise ValueError(f"a frame range ends at or after its first frame: {self.first}-{self.last}")
        if self.head < 0 or self.tail < 0 or self.head + self.tail >= self.last - self.first + 1:
            raise ValueError(f"handles {self.head}+{self.tail} leave no cut inside {self.first}-{self.last}")

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last + 1))

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, int) and self.first <= frame <= self.last

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    @property
    def cut(self) -> FrameRange:
        """Return the frames between the handles: what the review movie shows."""
        return FrameRange(self.first + self.head, self.last - self.tail)

    @property
    def handles(self) -> Handles:
        return Handles(self.head, self.tail)

    def with_handles(self, handles: Handles) -> FrameRange:
        """Return this cut and its handles around it."""
        cut = self.cut
        return FrameRange(cut.first - handles.head, cut.last + handles.tail, handles.head, handles.tail)

    def handles_within(self, has: FrameRange) -> Handles:
        """Return as much of the handles as lies within the frames that a source has."""
        cut = self.cut
        return Handles(min(self.head, max(0, cut.first - has.first)), min(self.tail, max(0, has.last - cut.last)))

    @classmethod
    def parse(cls, text: str, *, head: int = 0, tail: int = 0) -> FrameRange:
        """Read `56-163` (inclusive) or `12` (one frame). Raises RequestError."""
        match = _RANGE.match(text)
        if match is None:
            raise RequestError(f"'{text}' is not a frame range", remedy="Write it as 56-163, or 12 for one frame.")
        first = int(match.group(1))
        last = int(match.group(2)) if match.group(2) is not None else first
        try:
            return cls(first, last, head, tail)
        except ValueError as problem:
            raise RequestError(
                str(problem), remedy="Give the lower frame first, and handles that leave a cut."
            ) from None


class FilePattern(msgspec.Struct, frozen=True):
    """Numbered files on disk: `matte.####.png` or `matte.%04d.png`; without a number field, one file.

    The number of `#` is the least number of digits: `####` matches 0056 and 12345 alike.
    """

    text: str

    def _field(self) -> tuple[int, int, int] | None:
        """Return (start, end, digits) of the number field within the file's name; the last one in the name counts."""
        name = Path(self.text).name
        found = [(m.start(), m.end(), len(m.group())) for m in _HASHES.finditer(name)]
        found += [(m.start(), m.end(), int(m.group(1) or 1)) for m in _PERCENT.finditer(name)]
        return max(found) if found else None

    @property
    def numbered(self) -> bool:
        return self._field() is not None

    def path(self, frame: int) -> Path:
        """Return the file of `frame`: negative numbers keep their sign before the padding (-0010)."""
        return Path(self.texts((frame,))[frame])

    def texts(self, frames: Iterable[int]) -> dict[int, str]:
        """Return the path of each frame as text: no object is made for each of thousands."""
        field = self._field()
        base = Path(self.text)
        if field is None:
            return dict.fromkeys(frames, str(base))
        start, end, digits = field
        before, after = str(base.with_name(base.name[:start] + "#"))[:-1], base.name[end:]
        return {frame: f"{before}{'-' if frame < 0 else ''}{abs(frame):0{digits}d}{after}" for frame in frames}

    def frames_on_disk(self) -> dict[int, Path]:
        """Return the files that exist, by frame number, in order. Reads the folder; a missing folder has no frames.

        Raises RequestError when two files claim one frame (`a.01.exr` beside `a.001.exr`).
        """
        field = self._field()
        base = Path(self.text)
        if field is None:
            raise ValueError(f"{self.text} has no number field")
        start, end, digits = field
        expression = re.compile(
            re.escape(base.name[:start]) + rf"(-?\d{{{digits},}})" + re.escape(base.name[end:]) + r"\Z"
        )
        frames: dict[int, Path] = {}
        if not base.parent.is_dir():
            return frames
        for path in sorted(base.parent.iterdir()):
            match = expression.match(path.name)
            if match is None:
                continue
            frame = int(match.group(1))
            if frame in frames:
                raise RequestError(
                    f"frame {frame} exists twice: {frames[frame].name} and {path.name}",
                    remedy="Remove one of the two files, or point at a folder that holds one sequence.",
                )
            frames[frame] = path
        return dict(sorted(frames.items()))
