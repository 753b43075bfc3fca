"""One frame of one pipe, rendered by Nuke itself: a raw Write behind a Crop, made, used and deleted within one turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import nuke

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FilePattern, FrameRange
from understudy.host_plugins.nuke.file_text import point
from understudy.host_plugins.nuke.node import home_of, node_named
from understudy.host_plugins.nuke.undisturbed import REFUSALS, in_words, undisturbed

ALPHA = "rgba.alpha"
OVERSCAN_SHARE = 0.5
"""Of the format's size, at each side: a generator's endless picture is not overscan."""
WRITE_KNOBS = (
    ("raw", True),
    ("transformType", "colorspace"),
    ("datatype", "16 bit half"),
    ("autocrop", False),
    ("write_ACES_compliant_EXR", False),
    ("interleave", "channels, layers and views"),
    ("metadata", "all metadata"),
    ("use_limit", False),
    ("reading", False),
)
"""Every one that a studio's own defaults may have changed; those that a version lacks are left out."""
COMPRESSION = "zip"

Box = tuple[float, float, float, float]
"""x, y, right, top in Nuke's way: from the lower left corner, edges between pixels."""


class Render(NamedTuple):
    """How the frames of one input are rendered. Holds names, no nodes: those may be deleted between two turns."""

    role: str
    pipe: str
    pattern: str
    box: Box | None
    """What is cut out by a Crop; None = the picture as far as it reaches."""
    reformat: bool
    """The box becomes the picture's format: a matte must have the plate's."""
    channels: str
    into_alpha: str | None
    """The channel that is written as alpha instead."""
    view: str
    only: int | None = None
    """The one frame that is wanted, of a still."""

    def file(self, frame: int) -> Path:
        return FilePattern(self.pattern).path(frame)

    def numbers(self, frames: FrameRange) -> Iterator[int]:
        return iter(frames if self.only is None else (self.only,))

    def count(self, frames: FrameRange) -> int:
        return len(frames) if self.only is None else 1


def whole_box(shape: nuke.Node) -> Box:
    """Return the node's format, without overscan."""
    return 0.0, 0.0, float(shape.format().width()), float(shape.format().height())


def plate_box(shape: nuke.Node) -> Box | None:
    """Return None where the picture may be written as far as it reaches, else the box that is within reason.

    How far it reaches may change from frame to frame, and is known of the current one only.
    """
    _, _, width, height = whole_box(shape)
    found = shape.bbox()
    aside, above = width * OVERSCAN_SHARE, height * OVERSCAN_SHARE
    limit = -aside, -above, width + aside, height + above
    reach = found.x(), found.y(), found.x() + found.w(), found.y() + found.h()
    if reach[0] >= limit[0] and reach[1] >= limit[1] and reach[2] <= limit[2] and reach[3] <= limit[3]:
        return None
    return limit


def render_frame(render: Render, frame: int) -> None:
    """Let Nuke write one frame. Main thread, one turn; the script is afterwards as it was.

    Raises HostError naming node and frame, JobCancelled for Nuke's own Cancel button.
    """
    doing = f"rendering frame {frame} of {render.pipe} for the input `{render.role}`"
    remedy = "Look at that frame in the viewer: what is wrong there must be mended first."
    with in_words(doing, remedy), undisturbed(full_size=True), _temporary_write(render) as write:
        nuke.execute(write, frame, frame, 1, [render.view])
    if not render.file(frame).is_file():
        raise HostError(
            f"{doing}: Nuke says that it is done, and {render.file(frame)} is not there",
            remedy="A callback or a filename filter of this studio may have renamed it: leave out temporary Writes.",
        )


@contextmanager
def _temporary_write(render: Render) -> Iterator[nuke.Node]:
    pipe = node_named(render.pipe)
    if pipe is None:
        raise HostError(f"{render.pipe} was deleted or renamed while it was exported", remedy="Submit the shot again.")
    made: list[nuke.Node] = []
    try:
        with home_of(pipe):
            yield _write(render, pipe, made)
    finally:
        for node in reversed(made):
            with suppress(*REFUSALS):  # the artist's studio may delete what looks foreign to it
                nuke.delete(node)


def _write(render: Render, pipe: nuke.Node, made: list[nuke.Node]) -> nuke.Node:
    """Return a Write of `pipe`; every node goes into `made` as soon as it exists."""

    def make(kind: str, **knobs: object) -> nuke.Node:
        node = getattr(nuke.nodes, kind)(**knobs)
        if node is None:
            raise RuntimeError(f"no {kind} can be made in this edition of Nuke")
        made.append(node)
        return node  # type: ignore[no-any-return]

    above = pipe
    if render.box is not None:
        above = make("Crop", inputs=[above])
        above["box"].setValue(list(render.box))
        above["crop"].setValue(True)
        above["reformat"].setValue(render.reformat)
    if render.into_alpha is not None:
        above = make("Copy", inputs=[above, above])
        above["from0"].setValue(render.into_alpha)
        above["to0"].setValue(ALPHA)
    write = make("Write", inputs=[above])
    write["file_type"].setValue("exr")  # first: the knobs below do not exist before
    write["channels"].setValue(render.channels)
    for name, value in WRITE_KNOBS:
        knob = write.knob(name)
        if knob is not None:
            knob.setValue(value)
    _compress(write)
    point(write, render.pattern)
    return write


def _compress(write: nuke.Node) -> None:
    """Choose a lossless compression by the beginning of its name, which differs between versions."""
    knob = write.knob("compression")
    values = list(getattr(knob, "values")()) if knob is not None else []  # noqa: B009 - of enumerations alone
    lossless = [value.split("\t")[0] for value in values if value.lower().startswith(COMPRESSION)]
    if knob is not None and lossless:
        knob.setValue(lossless[0])
