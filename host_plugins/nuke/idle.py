"""The artist's own render comes first: what we do in the script waits for it, and says so."""

from __future__ import annotations

from collections.abc import Iterator

import nuke

from understudy.bridge.errors import HostError
from understudy.bridge.host import Step
from understudy.host_plugins.nuke.undisturbed import in_words

LOOK_SECONDS = 0.5
WAITS = "waits: Nuke renders something of yours"


def until_idle(done: int, total: int) -> Iterator[Step]:
    """Yield a step as long as Nuke executes anything. After the last one the same turn goes on. Main thread.

    Raises HostError without a window: there the render has called us, and would wait for us in turn.
    """
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
