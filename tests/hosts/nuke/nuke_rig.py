"""Nuke, or what stands in for it, as the contract suite wants it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from host_rig import FIRST, FRAMES, NO_HANDLES, Drawn, Picture
from nuke_stand_in import Application, Guesses, current, make_module, start
from nuke_stand_in.nodes import Group, Node, make_node
from nuke_stand_in.panes import make_nukescripts
from nuke_stand_in.pictures import picture_of
from nuke_stand_in.script import open_into, save

from understudy.bridge.frames import FrameRange, FrameRate, Handles
from understudy.bridge.main_thread import MainThread

PLUGIN = "understudy.host_plugins.nuke"
OWN_KNOBS = ("status", "understudy_memory")


def forget_plugin() -> None:
    """Nothing of the plugin lives on: it was bound to the Nuke that ran before."""
    for name in [name for name in sys.modules if name in ("nuke", "nukescripts") or name.startswith(PLUGIN)]:
        del sys.modules[name]


@contextmanager
def running(**how: Any) -> Iterator[Application]:
    """Run a Nuke for one test; afterwards it must be clean."""
    forget_plugin()
    application = start(Application(**how))
    sys.modules["nuke"] = make_module(application)
    sys.modules["nukescripts"] = make_nukescripts()
    try:
        yield application
        assert current().unclean() == []
    finally:
        forget_plugin()


class EventLoop(MainThread):
    """The main thread as it really goes: our queue is served by Nuke's own, one call a turn."""

    def __init__(self) -> None:
        import nuke

        super().__init__(wake=lambda: nuke.executeInMainThread(MainThread.turn, (self,)))

    def turn(self) -> bool:
        return current().serve_one()


class NukeRig:
    """Implements `host_rig.HostRig`. One document, one Understudy node in it."""

    renders = True
    edits = False
    renders_by_itself = False
    refusals = ("execute", "nodes.Write", "nodes.Read", "nodes.Merge2", "Node.setInput")
    """Enough for the whole way; `test_refusals.py` has every other call, without a daemon."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = str(folder / "comp.nk")
        self._open()

    def _open(self) -> None:
        from understudy.host_plugins.nuke.host import NukeHost

        self.main: MainThread = EventLoop()
        self.host = NukeHost()

    @property
    def node(self) -> Group:
        found = next(n for n in current().root.walk() if "understudy_memory" in n.table)
        assert isinstance(found, Group)
        return found

    def make_shot(
        self,
        drawn: Drawn,
        *,
        shot: str,
        rate: FrameRate,
        untouched: bool = True,
        matte: str | None = None,
        handles: Handles = NO_HANDLES,
    ) -> None:
        from understudy.host_plugins.nuke.node import create_node

        application = start(current())
        root = application.root
        root.table["fps"].put(round(rate.numerator / rate.denominator, 3))
        sources = (drawn.plate, matte or drawn.matte, drawn.reference)
        pipes = [self.read(path, graded=not untouched and path == drawn.plate) for path in sources]
        node = create_node()
        for number, pipe in enumerate(pipes):
            node.setInput(number, pipe)
        node["shot"].setValue(shot)
        self.ask_handles(handles)
        node["self_attest"].setValue("a test, to see that it works")
        pipes[1].setSelected(True)
        root.table["proxy"].put(True)
        application.frame = FIRST + 1
        save(application, self.script)
        application.undone.clear()
        self.host.chosen = ""

    def ask_handles(self, handles: Handles) -> None:
        self.node.table["head"].put(handles.head)
        self.node.table["tail"].put(handles.tail)

    def placed(self) -> tuple[FrameRange, FrameRange]:
        read = [node for node in current().root.walk() if node.kind == "Read" and node.said.endswith("_patch")][-1]
        whole = FrameRange(int(read.table["first"].get()), int(read.table["last"].get()))
        return whole, whole

    def read(self, path: str, graded: bool = False) -> Any:
        """Make a Read of these files, with a dot below it or a Grade that changes nothing but the fact of it."""
        read = make_node("Read")
        assert read is not None
        read.table["file"].put(path.replace("####", "%04d"))
        numbered = "####" in path
        for name in ("first", "origfirst"):
            read.table[name].put(FIRST if numbered else 1)
        for name in ("last", "origlast"):
            read.table[name].put(FIRST + FRAMES - 1 if numbered else 1)
        below = make_node("Grade" if graded else "Dot")
        assert below is not None
        below.above[0] = read
        return below

    def refuse_next(self, call: str) -> None:
        current().fail_next(call)

    def surroundings(self) -> object:
        application = current()
        root = application.root
        return (
            [_as_seen(node) for node in root.walk()], [(n, k.get()) for n, k in root.table.items()],
            application.frame, list(application.undone), application.undo_disabled, list(application.group_stack),
        )  # fmt: skip

    def picture(self, frame: int) -> Picture:
        shown = picture_of(self.node, frame, "main")
        window = (0, 0, shown.width - 1, shown.height - 1)
        return np.stack([shown.over(window, f"rgba.{name}") for name in ("red", "green", "blue")], axis=-1)

    def takes(self) -> tuple[int, ...]:
        entries = self.node.table["version"]._entries  # type: ignore[attr-defined]
        return tuple(int(entry[1:].split()[0]) for entry in entries[1:])

    def restart(self) -> None:
        save(current(), self.script)
        old = current()
        forget_plugin()
        application = start(Application(gui=old.gui, edition=old.edition, guesses=old.guesses))
        sys.modules["nuke"] = make_module(application)
        open_into(application, self.script)
        self._open()


def _as_seen(node: Node) -> tuple[Any, ...]:
    knobs = [(name, knob._value, knob._expression) for name, knob in node.table.items() if name not in OWN_KNOBS]
    above = {number: one.said for number, one in node.above.items() if one is not None}
    return node.kind, node.said, knobs, above, node.place, node.is_selected


__all__ = ["EventLoop", "Guesses", "NukeRig", "forget_plugin", "running"]
