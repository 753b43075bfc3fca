"""What the artist should know before the button is pressed: told, never forced."""

from __future__ import annotations

from collections.abc import Iterator

import nuke

from understudy.bridge.errors import HostError
from understudy.host_plugins.nuke import editions
from understudy.host_plugins.nuke.node import PLATE
from understudy.host_plugins.nuke.rates import exact_rate, script_rate

KEEPS_ATTRIBUTES = ("all metadata", "default metadata and exr/*", "all metadata except input/*")
"""Of a Write's `metadata`: with any of these our attributes reach the file that is delivered."""
RATE_KEY = "input/frame_rate"
DEPTH = 200
"""Nodes that are looked at below ours: a script may have thousands."""


def cautions_of(node: nuke.Node) -> tuple[str, ...]:
    return tuple(_cautions(node))


def _cautions(node: nuke.Node) -> Iterator[str]:
    plate = node.input(PLATE)
    if plate is not None:
        yield from editions.cautions(plate.format().width(), plate.format().height())
        yield from _rates(plate)
    if len(nuke.views()) > 1:
        yield f"only the view {node['view'].value()} is recast; the others show the same take"
    for write in writes_below(node):
        if str(write["metadata"].value()) not in KEEPS_ATTRIBUTES:
            yield (
                f"{write.fullName()} drops what our files say of themselves: "
                "set its `metadata` to `all metadata`, or a publish will miss the papers"
            )


def writes_below(node: nuke.Node) -> Iterator[nuke.Node]:
    """Yield the EXR Writes that this node's output reaches; movies carry no such attributes."""
    seen = {node.fullName()}
    waiting = [node]
    while waiting and len(seen) < DEPTH:
        for below in waiting.pop().dependent(nuke.INPUTS | nuke.HIDDEN_INPUTS, False):
            if below.fullName() in seen:
                continue
            seen.add(below.fullName())
            waiting.append(below)
            if below.Class() == "Write" and below.knob("metadata") is not None:
                yield below


def _rates(plate: nuke.Node) -> Iterator[str]:
    said = plate.metadata(RATE_KEY)
    if said is None:
        return
    try:
        own, script = exact_rate(float(said)), script_rate()
    except (HostError, TypeError, ValueError):
        return
    if own != script:
        yield f"the plate says {own} frames a second, the script runs at {script}: the script's counts"
