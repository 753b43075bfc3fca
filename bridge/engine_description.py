"""What an engine says of itself: the daemon tells it to every client, and the panel and the hosts adapt to it."""

from __future__ import annotations

from typing import Literal

import msgspec

from understudy.bridge.words import Mode

Between = Literal["held", "interpolated"]


class SegmentRule(msgspec.Struct, frozen=True, kw_only=True):
    """How an engine cuts a shot: lengths are step * n + 1, with `overlap` frames carried over."""

    length: int
    overlap: int = 0
    step: int = 1


class EngineDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine says of itself, without being loaded. The panel adapts to it."""

    name: str
    version: str
    label: str
    modes: tuple[Mode, ...]
    required_inputs: dict[str, tuple[str, ...]]
    """By mode: role names."""
    optional_inputs: dict[str, tuple[str, ...]]
    layers: dict[str, tuple[str, ...]]
    """By mode: layer names in the order in which they are written."""
    size_multiple: int
    area_pixels: int
    """The picture area that the engine works at; the steady crop is scaled down to it, never up."""
    segment: SegmentRule
    rate: str | None = None
    """The frame rate at which it makes pictures, as a fraction, where the plate's is higher; None = the plate's own."""
    between: Between = "held"
    """What stands in the frames between the pictures that it makes at that rate."""
    not_final: str = ""
    """Why its takes are to be looked at and never part of a final; empty = nothing stands against it."""
    memory_bytes: int = 0
    gpu: bool = False
    previz: bool = False
    """True = its pictures are for blocking; every file says so."""
    weights: tuple[str, ...] = ()
    """Names of what must be on disk; empty = needs none."""
    reads_prompt: bool = False
    options: dict[str, str] = {}
    """Names of `Settings.engine_options` that it reads, each with one line of help."""
    ranges: dict[str, tuple[float, float]] = {}
    """Options that are numbers: the least and the greatest that may be asked for."""
    whole: tuple[str, ...] = ()
    """Of those, the ones that are whole numbers."""
    choices: dict[str, tuple[str, ...]] = {}
    """Options that are one of a few words; the first is what holds when nothing is said. One that has a range too is a
    word or a number."""
    only_in: dict[str, Mode] = {}
    """Options that one mode alone reads; in the others they may be what holds anyway, or `off`."""
    short_for: dict[str, tuple[str, str]] = {}
    """Options that are short for a name in the list of another one: that option, the name. Said is one of the two."""
    costly: tuple[str, ...] = ()
    """Options that decide what a frame takes of time and memory: jobs that say the same of these cost alike."""
    limits: tuple[str, ...] = ()
    """What it cannot do, in plain words; stands in the marks."""
    error: float = 0.0
    """Greatest per-channel difference between `character` over `clean` and `comp` where the effective matte is 1."""
