"""Which jobs cost alike, and what one will cost by those that were measured. Pure; both sides of the wire use it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from understudy.bridge.cost_messages import Cost
from understudy.bridge.engine_description import EngineDescription

CLASSES_A_DOUBLING = 2
"""Pictures are of one size class where their areas differ by less than the square root of two: cost goes by area."""


def size_class(height: int, width: int) -> int:
    """Return the class of a picture's area, in pixels."""
    return round(CLASSES_A_DOUBLING * math.log2(max(1, height * width)))


def costly_choices(engine: EngineDescription, said: Mapping[str, str]) -> dict[str, str]:
    """Return what of an engine's options decides the cost. What holds anyway is left out, whether said or not."""
    kept = {name: said[name] for name in sorted(engine.costly) if said.get(name)}
    return {name: value for name, value in kept.items() if engine.choices.get(name, ("",))[0] != value}


def choose_cost(
    measured: Iterable[Cost], engine: EngineDescription, mode: str, said: Mapping[str, str], size: int | None = None
) -> Cost | None:
    """Return what was measured of jobs like this one, the newest where several are; None = nothing was.

    size: the class of its generated picture, where it is known.
    """
    choices = costly_choices(engine, said)
    alike = [
        one
        for one in measured
        if (one.engine, one.engine_version, one.mode, one.choices) == (engine.name, engine.version, mode, choices)
        and size in (None, size_class(one.height, one.width))
    ]
    return max(alike, key=lambda one: one.newest_at, default=None)


def seconds_of(cost: Cost, made: int, frames: int | None = None) -> float:
    """Return what a job takes. made: frames that the engine makes; frames: all of the version, where it keeps some."""
    return cost.start_seconds + made * cost.frame_seconds + (made if frames is None else frames) * cost.finish_seconds
