"""What comes back: the layers as Reads in a backdrop beside the node, `patch` merged over the plate, a take chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import nuke

from understudy.bridge.errors import ErrorReport, HostError
from understudy.bridge.host import Delivered, LayerFiles, RememberedJob, Step, Steps
from understudy.host_plugins.nuke import memory
from understudy.host_plugins.nuke.colour import read_as
from understudy.host_plugins.nuke.editions import places_all_layers
from understudy.host_plugins.nuke.file_text import point
from understudy.host_plugins.nuke.knobs import VERSION
from understudy.host_plugins.nuke.node import PLATE, home_of, node_named
from understudy.host_plugins.nuke.takes import Take, mark, nodes_of, read_mark, show_takes, takes_of
from understudy.host_plugins.nuke.undisturbed import REFUSALS, in_words, one_undo, undisturbed, unless_whole

COLUMN, ROW = 110, 120
MARGIN = 60
"""Pixels of the node graph."""
OVER_PLATE = "patch"
WHOLE_PICTURE = "beauty"
"""What mode animate makes: it needs no plate."""
RANGE_KNOBS = ("first_frame", "last_frame")
AGAIN = "The take lies in {folder}. Open the script again to place it anew, or read it in from there."


def place_take(delivered: Delivered) -> Steps[None]:
    """Bring a take in, one layer a turn; what fails half way, or is closed, leaves nothing behind. Main thread.

    The turns before the last are none of the artist's undo: a step of it that stayed open between two turns would take
    in whatever they do meanwhile. The last one, which wires the take in and shows it, is one step.
    """
    job = delivered.job
    doing = partial(in_words, f"placing version {job.version} of {job.shot}", AGAIN.format(folder=job.folder))
    with doing():
        layers, owner = _chosen(delivered), memory.owner(job)
        if any(take.mark.job_id == job.job_id for take in takes_of(owner)):
            return  # placed before the script was closed, and not written down
        _delete([node.fullName() for node in _left_over(job, owner)])
    yield Step(0, len(layers), "placing the layers")
    with doing():
        left, top = _free_place(memory.owner(job), len(layers))
    made: list[str] = []

    def take_back() -> None:
        with doing():
            _delete(made)

    with unless_whole(take_back):
        for column, layer in enumerate(layers):
            with doing(), undisturbed():
                _read_in(layer, job, made, left + column * COLUMN, top)
            yield Step(len(made), len(layers), f"{layer.name} is read in")
        with doing(), _in_one_undo(job) as owner:
            _show(delivered, owner, [_still_there(name) for name in made], left, top)
    yield Step(len(layers), len(layers), "in place")


def remove_take(job: RememberedJob, why: ErrorReport | None) -> None:
    """Delete the nodes of a job that was not delivered, if any were shown. `why` is told by the session."""
    remedy = f"Delete its nodes: {why.message if why is not None else 'it was cancelled'}."
    with in_words(f"taking out job {job.job_id}", remedy):
        owner = memory.owner(job)
        shown = nodes_of(job.job_id, owner)
        if not shown:
            return
        with home_of(owner), one_undo(f"Understudy: take out v{job.version:03}"):
            show_takes(owner, [take for take in takes_of(owner) if take.mark.job_id != job.job_id])
            for node in shown:
                nuke.delete(node)


@contextmanager
def _in_one_undo(job: RememberedJob) -> Iterator[nuke.Node]:
    owner = memory.owner(job)
    with home_of(owner), one_undo(f"Understudy {job.shot} v{job.version:03}"):
        yield owner


def _chosen(delivered: Delivered) -> list[LayerFiles]:
    """Return the layers that come in, first the one that is shown. Raises HostError for a take without a picture."""
    names = [layer.name for layer in delivered.layers]
    first = next((name for name in (OVER_PLATE, WHOLE_PICTURE) if name in names), None)
    if first is None:
        raise HostError(f"the take has neither {OVER_PLATE} nor {WHOLE_PICTURE}", remedy=f"It has: {', '.join(names)}.")
    rest = [layer for layer in delivered.layers if layer.name != first] if places_all_layers() else []
    return [delivered.layer(first), *rest]


def _left_over(job: RememberedJob, owner: nuke.Node) -> list[nuke.Node]:
    """Return what a Nuke that ended between two turns has left in a script that was saved between them."""
    return nodes_of(job.job_id, owner) if places_all_layers() else []


def _delete(names: list[str]) -> None:
    """Delete our nodes of these full names; those that the artist has deleted or renamed are let be."""
    with undisturbed():
        for name in reversed(names):
            node = node_named(name)
            if node is not None and read_mark(node) is not None:
                nuke.delete(node)


def _still_there(name: str) -> nuke.Node:
    node = node_named(name)
    if node is None:
        raise HostError(f"{name} was deleted or renamed while the take was placed", remedy="Let it be placed again.")
    return node


def _read_in(layer: LayerFiles, job: RememberedJob, made: list[str], x: int, y: int) -> None:
    """Make the Read of one layer; its name goes into `made` before anything else can fail."""
    owner = memory.owner(job)
    with home_of(owner), _script_range_kept():
        read = nuke.nodes.Read(name=f"{owner.name()}_v{job.version:03}_{layer.name}")
        if read is None:
            raise RuntimeError("no Read can be made in this edition of Nuke")
        with unless_whole(lambda: nuke.delete(read)):
            mark(read, job, owner, layer.name == WHOLE_PICTURE)
        made.append(read.fullName())
        _fill_read(read, layer, job)
        read.setXYpos(x, y)


def _show(delivered: Delivered, owner: nuke.Node, reads: list[nuke.Node], left: int, top: int) -> None:
    """Wire the first of the Reads over the plate, frame them all, and choose the take."""
    made: list[nuke.Node] = []
    before, shown = takes_of(owner), str(owner[VERSION].value())

    def take_back() -> None:
        show_takes(owner, before)
        with suppress(*REFUSALS):
            owner[VERSION].setValue(shown)
        for node in reversed(made):
            nuke.delete(node)

    with unless_whole(take_back):
        result = reads[0]
        if any(layer.name == OVER_PLATE for layer in delivered.layers):
            result = _over(owner, reads[0], made, left, top + ROW)
        if places_all_layers():
            _frame_in(delivered, made, left, top, len(reads))
        for node in made:
            mark(node, delivered.job, owner, node == result)
        said = read_mark(result)
        assert said is not None  # noqa: S101 - marked above, or when it was read in
        show_takes(owner, [*before, Take(said, result)], chosen=delivered.job.job_id)


@contextmanager
def _script_range_kept() -> Iterator[None]:
    """Put the script's frame range back: a Read that is given its files may stretch it."""
    root = nuke.root()
    kept = {name: root[name].value() for name in RANGE_KNOBS}
    try:
        yield
    finally:
        for name, value in kept.items():
            if root[name].value() != value:
                root[name].setValue(value)


def _fill_read(read: nuke.Node, layer: LayerFiles, job: RememberedJob) -> None:
    """Every knob that decides what is seen is set; nothing is left to a default that a studio may have changed."""
    point(read, layer.pattern)
    for knob, value in (
        ("first", job.frames.first), ("last", job.frames.last),
        ("origfirst", job.frames.first), ("origlast", job.frames.last), ("origset", True),
        ("before", "black"), ("after", "black"),
        ("frame_mode", "expression"), ("frame", ""),
        ("on_error", "error"), ("localizationPolicy", "off"), ("premultiplied", False), ("auto_alpha", False),
    ):  # fmt: skip
        found = read.knob(knob)
        if found is not None:
            found.setValue(value)
    read_as(read, layer)


def _over(owner: nuke.Node, patch: nuke.Node, made: list[nuke.Node], left: int, top: int) -> nuke.Node:
    """Return `patch` over the plate: layers are premultiplied, so a plain over is right."""
    plate = owner.input(PLATE)
    merge = _made(made, "Merge2", operation="over", name=f"{patch.name()}_over_plate")
    for number, above in ((0, plate), (1, patch)):
        if above is not None and not merge.setInput(number, above):
            raise RuntimeError(f"{above.name()} cannot be connected to {merge.name()}")
    with suppress(*REFUSALS):  # by default only B's come through, and ours never reach the artist's Write
        merge["metainput"].setValue("All")
    merge.setXYpos(left, top)
    return merge


def _frame_in(delivered: Delivered, made: list[nuke.Node], left: int, top: int, columns: int) -> None:
    job = delivered.job
    backdrop = _made(made, "BackdropNode", name=f"Understudy_{job.job_id[:8]}")
    words = f"{job.shot} v{job.version:03}"
    if delivered.clearance not in ("", "delivered"):  # the word of a cleared take
        words += f"\n{delivered.clearance.upper()}"
    backdrop["label"].setValue("".join(f"\\{sign}" if sign in '[]$"\\' else sign for sign in words))
    backdrop["bdwidth"].setValue(columns * COLUMN + MARGIN)
    backdrop["bdheight"].setValue(2 * ROW + 2 * MARGIN)
    backdrop["note_font_size"].setValue(24)
    backdrop.setXYpos(left - MARGIN // 2, top - MARGIN)


def _free_place(owner: nuke.Node, columns: int) -> tuple[int, int]:
    """Return where in the node graph nothing lies yet, to the right of the node."""
    left, top = owner.xpos() + 2 * COLUMN, owner.ypos() + ROW
    width, height = columns * COLUMN + MARGIN, 2 * ROW + 2 * MARGIN
    others = []
    if places_all_layers():
        others = [(node.xpos(), node.ypos()) for node in nuke.allNodes(group=home_of(owner))]
    while any(left - COLUMN <= x < left + width and top - MARGIN <= y < top + height for x, y in others):
        top += height
    return left, top


def _made(made: list[nuke.Node], kind: str, **knobs: object) -> nuke.Node:
    """Make a node, known to the caller before anything else can fail."""
    node = getattr(nuke.nodes, kind)(**knobs)
    if node is None:
        raise RuntimeError(f"no {kind} can be made in this edition of Nuke")
    made.append(node)
    return node  # type: ignore[no-any-return]
