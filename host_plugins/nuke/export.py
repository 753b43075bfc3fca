"""What goes out: untouched Reads as their files, anything else rendered by Nuke, one frame a turn of its main thread.

Between two turns the script holds nothing of ours: the temporary Write is made, used and deleted within one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import nuke

from understudy.bridge.aside import aside
from understudy.bridge.errors import HostError, PlateError
from understudy.bridge.exr_structure import is_exr, read_exr_header
from understudy.bridge.frames import FilePattern, FrameRange
from understudy.bridge.host import Exported, Footage, Selection, Step, Steps
from understudy.bridge.typed_files import MOVIE_SUFFIXES
from understudy.host_plugins.nuke.colour import comes_back_readable, is_same, ocio_config, working_space
from understudy.host_plugins.nuke.editions import refuse_render
from understudy.host_plugins.nuke.knobs import PLATE_ALPHA
from understudy.host_plugins.nuke.node import CLEAN_PLATE, MATTE, PLATE, REFERENCE, named_node
from understudy.host_plugins.nuke.rendering import ALPHA, Render, plate_box, render_frame, whole_box
from understudy.host_plugins.nuke.undisturbed import in_words, undisturbed
from understudy.host_plugins.nuke.upstream import footage, still_file, untouched

PIPES = {"plate": PLATE, "matte": MATTE, "reference": REFERENCE, "clean_plate": CLEAN_PLATE}


class Given(NamedTuple):
    """One connected input: its files where it is an untouched Read, else what Nuke has to render."""

    role: str
    ready: Footage | None
    render: Render | None


def export_shot(selection: Selection, folder: Path) -> Steps[Exported]:
    """Hand over each input of the node: files as they are, the rest rendered into `folder`. Main thread.

    Raises HostError that names the input or the node, JobCancelled when the artist pressed Nuke's own Cancel.
    """
    frames = selection.frames
    with _looking(selection):
        node = named_node(selection.anchor)
        view = str(node["view"].value())
        window = "plate" if node["overscan"].value() else "display"
        from_alpha = node["matte_from"].value() == PLATE_ALPHA
        many_views = len(nuke.views()) > 1
        ocio = ocio_config()
    given: list[Given] = []
    for role in PIPES:  # one a turn: Nuke opens files, and may work out a whole tree, to say what a pipe's shape is
        with _looking(selection):
            given += _look(named_node(selection.anchor), role, frames, view, folder)
        yield Step(0, 0, f"looked at the {role}")
    renders = [one.render for one in given if one.render is not None]
    for render in renders:
        refuse_render(render.pipe)
    total = sum(render.count(frames) for render in renders)
    done = 0
    for render in renders:
        for frame in render.numbers(frames):
            render_frame(render, frame)
            done += 1
            yield Step(done, total, f"{render.role}: frame {frame} of {render.pipe}")
    files = {one.role: one.ready or _rendered(one.render, frames) for one in given}
    if from_alpha:
        files["matte"] = files["plate"]
    _refuse_two_counts(files)
    plate = files.get("plate")
    holds_views = False
    if many_views and plate is not None:
        holds_views = yield from aside(partial(_holds_views, plate, frames.first), "looking for views")
    return Exported(
        footage=files,
        window=window,
        view=view if holds_views else None,
        ocio=ocio,
    )


@contextmanager
def _looking(selection: Selection) -> Iterator[None]:
    doing, remedy = f"looking at the inputs of {selection.anchor}", "Check what is connected to it."
    with in_words(doing, remedy), undisturbed(full_size=True):
        yield


def _look(node: nuke.Node, role: str, frames: FrameRange, view: str, folder: Path) -> Iterator[Given]:
    """Say how this input is handed over, if it is. Raises HostError for one that is needed and not connected."""
    plate, pipe = node.input(PLATE), node.input(PIPES[role])
    if role == "matte" and node["matte_from"].value() == PLATE_ALPHA:
        _refuse_without_alpha(plate)
    elif pipe is None:
        _refuse_lacking(node, role)
    else:
        ready = _ready(node, role, pipe, plate, frames, view)
        yield Given(role, ready, None if ready is not None else _render(node, role, pipe, view, folder, frames))


def _ready(
    node: nuke.Node, role: str, pipe: nuke.Node, plate: nuke.Node | None, frames: FrameRange, view: str
) -> Footage | None:
    """Return the files of an untouched Read, where they say all that the pipe shows."""
    source = untouched(pipe, view)
    if source is None:
        return None
    if role == "reference" and source.suffix in MOVIE_SUFFIXES:
        return None  # a reference is one picture: Nuke makes it of the frame that is meant
    if role == "reference":
        return Footage(typed=still_file(source, frames.first), colour=source.space)
    if role == "matte":
        channel = str(node["matte_channel"].value() or "none")
        own_layer = channel != "none" and not channel.startswith("rgba.")
        is_alpha = channel in ("none", ALPHA) and ALPHA in pipe.channels()
        # A matte is data, but Nuke has bent colour channels by the Read's curve: the artist judged what came of it.
        if own_layer or not (is_alpha or is_same(source.space, working_space())):
            return None
    if role == "plate" and not comes_back_readable(source.space, source.suffix):
        return None
    if plate is not None and _size(pipe) != _size(plate):
        return None
    return footage(source, frames)


def _render(node: nuke.Node, role: str, pipe: nuke.Node, view: str, folder: Path, frames: FrameRange) -> Render:
    plate = node.input(PLATE)
    shape = pipe if role == "reference" or plate is None else plate
    overscan = role in ("plate", "clean_plate") and bool(node["overscan"].value()) and _size(pipe) == _size(shape)
    channel = str(node["matte_channel"].value() or "none")
    own_layer = role == "matte" and channel != "none" and not channel.startswith("rgba.")
    if role == "matte" and channel not in ("none", *pipe.channels()):
        raise HostError(
            f"{pipe.fullName()} has no channel {channel}", remedy="Choose the matte's channel on the Understudy node."
        )
    return Render(
        role=role,
        pipe=pipe.fullName(),
        pattern=str(folder / f"{role}.####.exr"),
        box=plate_box(shape) if overscan else whole_box(shape),
        reformat=not overscan,
        channels="rgba" if ALPHA in pipe.channels() or own_layer else "rgb",
        into_alpha=channel if own_layer else None,
        view=view,
        only=frames.first if role == "reference" else None,
    )


def _rendered(render: Render | None, frames: FrameRange) -> Footage:
    assert render is not None  # noqa: S101 - what has no files was rendered
    colour = None if render.role == "matte" else working_space()
    if render.only is not None:
        return Footage(typed=str(render.file(render.only)), ours=True, colour=colour)
    return Footage(typed=render.pattern, ours=True, colour=colour)


def _refuse_lacking(node: nuke.Node, role: str) -> None:
    animates = node["mode"].value() == "animate"
    if role in ("plate", "reference") or (role == "matte" and not animates):
        raise HostError(
            f"nothing is connected to the input `{role}` of {node.fullName()}", remedy=f"Connect the {role} there."
        )


def _refuse_without_alpha(plate: nuke.Node | None) -> None:
    if plate is not None and ALPHA not in plate.channels():
        raise HostError(
            f"{plate.fullName()} has no alpha to take the matte from",
            remedy="Connect a matte, and set `matte from` on the Understudy node to it.",
        )


def _refuse_two_counts(files: Mapping[str, Footage]) -> None:
    """Raise HostError for one movie that two Reads count differently: a job knows one count for a file."""
    firsts: dict[str, int] = {}
    for role, one in files.items():
        if firsts.setdefault(one.typed, one.first) != one.first:
            raise HostError(
                f"the {role} is the movie {one.typed} again, with other frame numbers",
                remedy="Write one of the two to EXR, and connect a Read of that.",
            )


def _size(pipe: nuke.Node) -> tuple[int, int]:
    shape = pipe.format()
    return shape.width(), shape.height()


def _holds_views(plate: Footage, first: int) -> bool:
    """Say whether the plate's files hold several views, so that one of them must be named."""
    numbered = Path(plate.files.get(first) or FilePattern(plate.typed).path(first))
    if not numbered.is_file() or not is_exr(numbered):
        return False
    try:
        return any(part.find("multiView") is not None for part in read_exr_header(numbered).parts)
    except PlateError:
        return False  # the daemon says what is wrong with it
