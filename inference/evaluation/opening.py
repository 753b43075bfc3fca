"""What was typed, opened: RESULT, PLATE and matte as pictures of the same frames, one pair at a time.

Every file is read by the readers that a job's inputs are read by, in the colour space that it says or that is said for
it. Holds one frame of each at a time, however long the shot. For one thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from skimage.color import xyz2lab

from understudy.bridge.colour_config import find_colour_config
from understudy.bridge.errors import Finding, PlateError, RequestError
from understudy.bridge.frames import FrameRange
from understudy.bridge.shot import Character, Matte, Plate
from understudy.bridge.typed_files import kind_of
from understudy.inference.controls.matte import FAINT
from understudy.inference.evaluation.roles import Asked, Role, result_role, role_of, runs_of, span_of, take_role
from understudy.inference.evaluation.take_on_disk import TakeOnDisk, every_frame, read_take
from understudy.inference.picture.colour import ColourConfig
from understudy.inference.picture.half_floats import to_float
from understudy.inference.picture.layers import fit_window
from understudy.inference.picture.matte_reader import MatteReader
from understudy.inference.picture.plate import PlateReader
from understudy.inference.picture.reference import Reference, read_reference
from understudy.inference.picture.repair import not_finite, repaired

Floats = NDArray[np.float32]
Where = NDArray[np.bool_]

XYZ_D65 = "lin_ciexyzd65_scene"
"""The Color Interop Forum's id of CIE XYZ, D65, whose Y is 1 at diffuse white."""


class Seen(NamedTuple):
    """One picture over its display window."""

    linear: Floats
    """(height, width, 3) in the role's own scene-linear space; what is no number is made from its neighbours."""
    finite: Where
    """(height, width): which pixels were numbers."""


class Pair(NamedTuple):
    """One frame of every role."""

    frame: int
    result: Seen
    plate: Seen | None
    """None where RESULT is held against a reference."""
    matte: Floats | None


class Opened:
    """RESULT and what it is held against. `pairs` may be asked for again. Raises RequestError, PlateError."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.take = read_take(Path(asked.result)) if Path(asked.result).is_dir() else None
        other = read_take(Path(asked.against)) if Path(asked.against).is_dir() else None
        self.is_reference = other is None and kind_of(asked.against) == "still"
        self._result = result_role(asked, self.take)
        self._against = (
            take_role("against", other, asked.against_colour)
            if other is not None
            else role_of("against", asked.against, asked.against_first, asked.against_colour)
        )
        self._matte = self._matte_role()
        self.frames, self.missing = self._frames_in_common()
        self.config_findings, self.config = _config_of(asked, self.take)
        span = FrameRange(self.frames[0], self.frames[-1])
        self._gathered = {role.name: role.gathered(span) for role in self._roles()}
        self._open_first()

    def _roles(self) -> tuple[Role, ...]:
        return tuple(role for role in (self._result, self._against, self._matte) if role is not None)

    def _open_first(self) -> None:
        """Open the first pair of readers: what disagrees is told before anything is measured."""
        with ExitStack() as stack:
            first = FrameRange(self.frames[0], self.frames[0])
            result, plate, _ = self._readers(first, stack)
            self.size = (result.display.width, result.display.height)
            self.space = result.working_space
            self.plate_space = plate.working_space if plate is not None else ""
            self.view = self.config.review_view(plate.space if plate is not None else result.space)
            self.findings = (*self.config_findings, *result.findings, *(plate.findings if plate is not None else ()))
        self.reference: Reference | None = None
        if self.is_reference:
            pictures, paths = self._gathered["against"]
            self.reference = read_reference(Character(pictures=pictures), paths, self.config)
            self.findings = (*self.findings, *self.reference.findings)

    @property
    def matte_typed(self) -> str:
        return self._matte.typed if self._matte is not None else ""

    @property
    def span(self) -> range:
        """Return every frame from RESULT's first to the last that is compared: segments are counted from its first."""
        first = self.take.manifest.frames[0] if self.take is not None else min(self._result.frames or self.frames)
        return every_frame(first, self.frames[-1], self._result.typed)

    @property
    def clear(self) -> float:
        """Return up to what a matte counts as nothing: of ours 0 alone is, of others what compression leaves."""
        return 0.0 if self.take is not None and self.asked.matte is None else FAINT

    def codes(self, seen: Seen, space: str) -> Floats:
        """Return what the review's view shows of a picture: (height, width, 3) float32, 0 to 1, not rounded."""
        # In RESULT's space first: a view is baked for each source, and two bakings differ by a code here and there.
        linear = seen.linear if space == self.space else self.config.convert(seen.linear, space, self.space)
        found = self.config.display_codes(linear, self.space, self.view.display, self.view.view)
        return np.clip(np.nan_to_num(found, copy=False), 0.0, 1.0)

    def lab(self, linear: Floats, space: str) -> Floats:
        """Return L*, a*, b* (height, width, 3) of scene-linear pixels of `space`, diffuse white = 100."""
        xyz = self.config.convert(linear, space, XYZ_D65)
        return np.asarray(xyz2lab(xyz, illuminant="D65", observer="2"), np.float32)

    def pairs(self) -> Iterator[Pair]:
        """Yield the frames in order, each read when it is asked for."""
        for run in runs_of(self.frames):
            with ExitStack() as stack:
                result, plate, matte = self._readers(run, stack)
                for frame in run:
                    yield Pair(
                        frame,
                        _seen(result, frame),
                        _seen(plate, frame) if plate is not None else None,
                        matte.frame(frame) if matte is not None else None,
                    )

    def _readers(self, run: FrameRange, stack: ExitStack) -> tuple[PlateReader, PlateReader | None, MatteReader | None]:
        result = self._plate_reader("result", run, stack)
        plate = None if self.is_reference else self._plate_reader("against", run, stack)
        size = (result.display.width, result.display.height)
        if plate is not None and size != (plate.display.width, plate.display.height):
            raise PlateError(
                f"{self._result.typed} is {size[0]}x{size[1]}, "
                f"{self._against.typed} is {plate.display.width}x{plate.display.height}",
                remedy="They are compared pixel by pixel: render both at one size. Scaling here would change what is "
                "measured.",
                facts={"result": self._result.typed, "against": self._against.typed},
            )
        matte = None
        if self._matte is not None:
            pictures, paths = self._gathered["matte"]
            said = Matte(pictures=pictures, channel=self.asked.matte_channel, invert=self.asked.matte_invert)
            matte = MatteReader(said, paths, run, size)
            stack.callback(matte.close)
        return result, plate, matte

    def _plate_reader(self, name: str, run: FrameRange, stack: ExitStack) -> PlateReader:
        pictures, paths = self._gathered[name]
        reader = PlateReader(Plate(pictures=pictures), paths, run, self.config, name)
        stack.callback(reader.close)
        return reader

    def _matte_role(self) -> Role | None:
        asked = self.asked
        if asked.matte is not None:
            return role_of("matte", asked.matte, asked.first, None)
        if self.take is not None:
            # Against a reference the character alone is meant; against the plate all that was replaced.
            of_character = self.is_reference or self.take.picture_layer == "beauty"
            layer = "matte" if of_character else "matte_effective"
            files = self.take.files(layer)
            return Role("matte", str(self.take.folder / layer), files, frozenset(files))
        if self.is_reference:
            raise RequestError(
                "against a reference only what the character covers counts, and there is no matte",
                remedy="Say where the character is with --matte, or name a take's folder as RESULT.",
            )
        return None

    def _frames_in_common(self) -> tuple[tuple[int, ...], dict[str, tuple[int, ...]]]:
        """Return the frames that every role has, and by role those that it lacks. Raises RequestError for none."""
        asked = FrameRange.parse(self.asked.frames) if self.asked.frames is not None else None
        wanted = self._all_frames() if asked is None else frozenset(every_frame(asked.first, asked.last, "--frames"))
        held = {role.name: role.frames for role in self._roles() if role.frames is not None}
        common = wanted.intersection(*held.values())
        if not common:
            told = "; ".join(
                f"{role.typed} has {span_of(role.frames)}" for role in self._roles() if role.frames is not None
            )
            raise RequestError(
                f"there is no frame in common: {told}" + (f"; asked for {self.asked.frames}" if asked else ""),
                remedy="A movie's first picture has the number that --first (RESULT) or --against-first says.",
            )
        missing = {name: tuple(sorted(wanted - frames)) for name, frames in held.items() if wanted - frames}
        return tuple(sorted(common)), missing

    def _all_frames(self) -> frozenset[int]:
        """Return the frames that RESULT should have: a take's own range, else all from its first to its last."""
        if self.take is not None:
            return frozenset(self.take.frames)
        frames = self._result.frames
        assert frames is not None  # noqa: S101 - `result_role` refuses a still
        return frozenset(every_frame(min(frames), max(frames), self._result.typed)) if frames else frames


def _config_of(asked: Asked, take: TakeOnDisk | None) -> tuple[tuple[Finding, ...], ColourConfig]:
    """Open the config that was typed, else the built-in one that the take was made with, else what OCIO names."""
    name, _, digest = take.colour_config.partition(" ") if take is not None else ("", "", "")
    if asked.ocio is None and name and not digest:
        return (), ColourConfig.open(name)
    found = find_colour_config(asked.ocio, os.environ)
    config = ColourConfig.open(str(found.path or found.name))
    if not name or (digest or name) == found.name:
        return found.findings, config
    told = Finding(
        rule="other_colour_config", outcome="warn",
        message=f"the take was made with the colour config {name} and is read with {config.name}",
        remedy="Name the take's own config with --ocio.",
    )  # fmt: skip
    return (*found.findings, told), config


def _seen(reader: PlateReader, frame: int) -> Seen:
    held = reader.frame(frame)
    pixels = to_float(fit_window(held.pixels[:, :, :3], held.data, reader.display))
    wrong = not_finite(pixels)
    finite = np.ones(pixels.shape[:2], np.bool_) if wrong is None else ~wrong
    return Seen(repaired(pixels), finite)
