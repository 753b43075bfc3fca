"""The artist's own render comes first: what we do in the script waits for it, and says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TypeVar

import nuke

from understudy.bridge.errors import HostError
from understudy.bridge.host import Step, Steps
from understudy.host_plugins.nuke.undisturbed import in_words

_Result = TypeVar("_Result")

LOOK_SECONDS = 0.5
WAITS = "waits: Nuke renders something of yours"


def when_idle(steps: Steps[_Result]) -> Steps[_Result]:
    """Take each of the steps in a turn in which Nuke renders nothing of the artist's. Main thread."""
    done = total = 0
    with closing(steps):
        while True:
            yield from _until_idle(done, total)
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            done, total = step.done, step.total
            yield step


def _until_idle(done: int, total: int) -> Iterator[Step]:
    """Raises HostError without a window: there the render has called us, and would wait for us in turn."""
    while _renders():
        if not nuke.GUI:
            raise HostError(
                "Nuke renders something else, and in a terminal it cannot be waited for",
                remedy="Recast after that render, not from a callback of it.",
            )
        yield Step(done, total, WAITS, LOOK_SECONDS)


def _renders() -> bool:
    with in_words("saying whether it renders", "Submit it again."):
        return bool(nuke.executing())
