"""What a job will cost, in words: figures that the daemon measured, or that nothing was measured. Pure; no figure of
ours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from understudy.bridge.cost_messages import Cost
from understudy.bridge.costs import choose_cost, seconds_of
from understudy.bridge.engine_description import EngineDescription
from understudy.ui.words import counted, in_bytes

PRESET = "preset"
"""The option by which engines are compared with themselves."""
TITLE = "What it costs on this daemon"
TABLE_NAME = "Engines and presets, with what each has cost on this daemon"
COLUMNS = ("Engine", "Time", "Memory", "Measured")
ABOUT_FRAMES = "about {time} for {frames}"
ABOUT_A_FRAME = "about {frame} a frame, and {start} to begin with"
MEDIAN = "median of {jobs} here"
ONE_JOB = "one job here"
GPU_MEMORY = "{size} of GPU memory"
HOST_MEMORY = "{size} of memory"
UNMEASURED = "not measured here yet"
STATED = "the engine states {memory}"
NOTHING_TOLD = "This daemon does not tell what jobs cost."
BUTTON = "{label} (about {time})"
REDO = "What it takes: {words}."
CELL_STATED = "{size}, as stated"
CELL_ABOUT = "about {time}"
CELL_A_FRAME = "{frame} a frame"
CELL_UNMEASURED = "no job yet"
SETTINGS = "{width} x {height}, {device}"


class Row(NamedTuple):
    """One line of the comparison. `said`: the options that choose it; `is_chosen`: the form says just this."""

    engine: str
    said: dict[str, str]
    cells: tuple[str, str, str, str]
    is_chosen: bool


def about(seconds: float) -> str:
    """Return a duration as people guess one: 40 s, 4 min, 2.5 h."""
    if seconds < 0.95:
        return f"{max(0.01, seconds):.2g} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def cost_in_words(cost: Cost | None, engine: EngineDescription, frames: int | None, kept: int = 0) -> str:
    """Return what a job costs. frames: how many are made, None where it is not known; kept: the version's others."""
    if cost is None:
        return f"{UNMEASURED}; {STATED.format(memory=stated(engine))}" if engine.memory_bytes else UNMEASURED
    memory = measured_memory(cost) or stated(engine)
    return f"{time_in_words(cost, frames, kept)} ({median_of(cost)}), {memory}"


def time_in_words(cost: Cost, frames: int | None, kept: int = 0) -> str:
    if frames is None:
        each = about(cost.frame_seconds + cost.finish_seconds)
        return ABOUT_A_FRAME.format(frame=each, start=about(cost.start_seconds))
    return ABOUT_FRAMES.format(time=about(seconds_of(cost, frames, frames + kept)), frames=counted(frames, "frame"))


def median_of(cost: Cost) -> str:
    return MEDIAN.format(jobs=counted(cost.jobs, "job")) if cost.jobs > 1 else ONE_JOB


def measured_memory(cost: Cost) -> str:
    """Return the peak; of the GPU where one was used. Empty = it was not measured."""
    if cost.gpu_bytes:
        return GPU_MEMORY.format(size=in_bytes(cost.gpu_bytes))
    return HOST_MEMORY.format(size=in_bytes(cost.host_bytes)) if cost.host_bytes and cost.device == "CPU" else ""


def stated(engine: EngineDescription) -> str:
    """Return the memory that the engine says it needs; never measured."""
    words = GPU_MEMORY if engine.gpu else HOST_MEMORY
    return words.format(size=in_bytes(engine.memory_bytes))


def comparison(
    engines: Mapping[str, EngineDescription],
    measured: Sequence[Cost],
    mode: str,
    chosen: str,
    said: Mapping[str, str],
    frames: int | None,
) -> list[Row]:
    """Return every engine of this mode with each of its presets. said: the options of the chosen engine."""
    rows = []
    for engine in (one for one in engines.values() if mode in one.modes):
        own = dict(said) if engine.name == chosen else {}
        presets = engine.choices.get(PRESET, ("",))
        for preset in presets:
            options = {**own, PRESET: preset} if preset else own
            is_chosen = engine.name == chosen and preset == (said.get(PRESET) or presets[0])
            cost = choose_cost(measured, engine, mode, options)
            said_here = {PRESET: preset} if preset else {}
            rows.append(Row(engine.name, said_here, _cells(engine, preset, cost, frames), is_chosen))
    return rows


def _cells(engine: EngineDescription, preset: str, cost: Cost | None, frames: int | None) -> tuple[str, str, str, str]:
    name = f"{engine.name} {preset}".strip()
    said = CELL_STATED.format(size=in_bytes(engine.memory_bytes)) if engine.memory_bytes else ""
    if cost is None:
        return name, "", said, CELL_UNMEASURED
    memory = in_bytes(measured) if (measured := cost.gpu_bytes or cost.host_bytes * (not engine.gpu)) else said
    each = CELL_A_FRAME.format(frame=about(cost.frame_seconds + cost.finish_seconds))
    time = CELL_ABOUT.format(time=about(seconds_of(cost, frames))) if frames else each
    where = SETTINGS.format(width=cost.width, height=cost.height, device=cost.device)
    return name, time, memory, f"{counted(cost.jobs, 'job')}, {where}"


def redo_frames(total: int, engine: EngineDescription, said: Mapping[str, str], segment: int, alone: bool) -> int:
    """Return how many frames a redo makes; 0 where the take has no such segment.

    Segments after the first begin with frames of the one before (inference/segments.py): each adds its length less
    those. Where a preset makes fewer pictures than frames, a segment reaches further and this is too few.
    """
    longest = _whole(said.get("segment_frames", "")) or engine.segment.length
    step = max(1, longest - engine.segment.overlap)
    segments = max(1, math.ceil((total - engine.segment.overlap) / step))
    if not 1 <= segment <= segments:
        return 0
    first = 0 if segment == 1 else engine.segment.overlap + step * (segment - 1)
    last = min(total, engine.segment.overlap + step * segment) if alone else total
    return last - first


def _whole(said: str) -> int:
    return int(said) if said.isdecimal() else 0
