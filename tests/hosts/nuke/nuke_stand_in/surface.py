"""The module `nuke` itself: its functions and constants, over the Nuke that is running."""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from typing import Any

from nuke_stand_in import knobs as kinds
from nuke_stand_in import pictures, script, shapes
from nuke_stand_in.application import Application, api, current, outside
from nuke_stand_in.classes import KNOBS
from nuke_stand_in.nodes import Group, Node, Root, delete_node, make_node
from nuke_stand_in.texts import expand, has_number, numbered

REPLACE, INPUTS, HIDDEN_INPUTS, EXPRESSIONS = 1, 1, 2, 4


@api()
def allNodes(filter: str | None = None, group: Group | None = None, recurseGroups: bool = False) -> list[Node]:  # noqa: N802, N803
    around = group if group is not None else _here()
    found = list(around.walk()) if recurseGroups else list(around.children)
    found = [node for node in found if filter is None or node.kind == filter]
    for node in found:
        node.alive()
    return found


@api()
def createNode(typ: str, knobs: str = "", inpanel: bool = True) -> Node | None:  # noqa: N802
    selected = [node for node in _here().children if node.is_selected]
    node = make_node(typ)
    if node is None:
        return None
    words = re.findall(r"(\w+)\s+(\{[^}]*\}|\S+)", knobs)
    for name, value in words:
        if name == "name":
            node.said = node.group.free_name(value.strip("{}"))
        else:
            node.table[name].put(value.strip("{}"))
    if len(selected) == 1 and typ not in ("Read", "Input", "BackdropNode"):
        node.above[0] = selected[0]
    for other in _here().children:
        other.is_selected = other is node
    return node


@api()
def delete(n: Node) -> None:
    delete_node(n)


@api()
def execute(
    nameOrNode: Node | str,  # noqa: N803
    start: int | None = None,
    end: int | None = None,
    incr: int = 1,
    views: list[str] | None = None,
    continueOnError: bool = False,  # noqa: N803
) -> None:
    application = current()
    node = application.root.find(nameOrNode) if isinstance(nameOrNode, str) else nameOrNode
    if application.executing:
        raise RuntimeError("I'm already executing something else")
    if application.cancel_next_render:
        application.cancel_next_render = False
        raise RuntimeError("Cancelled")
    if start is None or end is None:
        raise RuntimeError("no frame range")
    node.alive()
    if node.table["use_limit"].get():
        raise RuntimeError("no frames to execute within the limit")
    if end > start and not has_number(node.table["file"].get()):
        raise RuntimeError(f"{node.said}: the file name has no frame number")
    for view in views or application.views:
        if view not in application.views:
            raise RuntimeError(f"{view}: no such view")
        for frame in range(start, end + 1, incr):
            _run(application, "addBeforeFrameRender", node)
            pictures.write(node, frame, view)
            _run(application, "addAfterFrameRender", node)


@api()
def executing() -> bool:
    return current().executing


@api(from_any_thread=True)
def executeInMainThread(call: Callable[..., Any], args: Any = (), kwargs: dict[str, Any] | None = None) -> None:  # noqa: N802
    current().queue.append((call, args if isinstance(args, tuple) else (args,), kwargs or {}))


@api()
def filename(node: Node, i: int = 0) -> str | None:
    node.alive()
    if "file" not in node.table:
        return None
    use_proxy = current().root.table["proxy"].get() and node.table["proxy"].get()
    text = expand(node.table["proxy" if use_proxy else "file"].get())
    return (numbered(text, current().frame, current().views[0]) if i == REPLACE else text) or None


@api()
def menu(name: str) -> Any:
    if not current().gui:
        raise RuntimeError("there are no menus without a window")
    return current().menus.setdefault(name, Menu(name))


@api()
def message(prompt: str) -> None:
    if not current().gui:
        raise RuntimeError("there are no dialogs without a window")
    current().messages.append(prompt)


@api()
def tprint(*args: object) -> None:
    current().printed.append(" ".join(map(str, args)))


@api()
def root() -> Root:
    found: Root = current().root
    return found


@api()
def selectedNodes() -> list[Node]:  # noqa: N802
    return [node for node in _here().children if node.is_selected]


@api()
def thisNode() -> Node:  # noqa: N802
    found: Node = current().this[-1] if current().this else current().root
    return found


@api()
def thisKnob() -> kinds.Knob | None:  # noqa: N802
    return current().this_knob if hasattr(current(), "this_knob") else None


@api()
def toNode(s: str) -> Node | None:  # noqa: N802
    found: Node | None = current().root.find(s[5:]) if s.startswith("root.") else _here().find(s)
    return found


@api()
def views() -> list[str]:
    return list(current().views)


@api()
def scriptSave(filename: str | None = None) -> bool:  # noqa: N802
    _run(current(), "addOnScriptSave", current().root)
    script.save(current(), filename or current().root.script)
    return True


@api()
def scriptOpen(filename: str) -> None:  # noqa: N802
    script.open_into(current(), filename)
    _run(current(), "addOnScriptLoad", current().root)


@api()
def scriptClose() -> None:  # noqa: N802
    _run(current(), "addOnScriptClose", current().root)


class Menu:
    said = ""

    def __init__(self, name: str) -> None:
        self.title = name
        self.entries: dict[str, Any] = {}

    @api("Menu.addMenu")
    def addMenu(self, name: str) -> Menu:  # noqa: N802
        found: Menu = self.entries.setdefault(name, Menu(name))
        return found

    @api("Menu.addCommand")
    def addCommand(self, name: str, command: str) -> None:  # noqa: N802
        self.entries[name] = command


class Undo:
    """Class methods, as in Nuke: one stack a process."""

    said = ""

    @classmethod
    def begin(cls) -> None:
        _undo("Undo.begin")
        current().undo_depth += 1

    @classmethod
    def name(cls, text: str) -> None:
        _undo("Undo.name")
        if not current().undo_depth:
            raise RuntimeError("no undo is begun")
        current().undo_name = text

    @classmethod
    def end(cls) -> None:
        _undo("Undo.end")
        application = current()
        if not application.undo_depth:
            raise RuntimeError("no undo is begun")
        application.undo_depth -= 1
        if not application.undo_depth and application.undo_changes:
            application.undone.append(application.undo_name)
            application.undo_changes = 0

    @classmethod
    def cancel(cls) -> None:
        """Throw the open step away. Nuke undoes what is in it; here the plugin must have done so itself."""
        _undo("Undo.cancel")
        current().undo_depth -= 1
        current().undo_changes = 0

    @classmethod
    def disable(cls) -> None:
        _undo("Undo.disable")
        current().undo_disabled += 1

    @classmethod
    def enable(cls) -> None:
        _undo("Undo.enable")
        if not current().undo_disabled:
            raise RuntimeError("undo is not disabled")
        current().undo_disabled -= 1

    @classmethod
    def disabled(cls) -> bool:
        _undo("Undo.disabled")
        return bool(current().undo_disabled)


class Nodes:
    """`nuke.nodes`: makes a node without selecting or connecting it."""

    def __getattr__(self, item: str) -> Callable[..., Node | None]:
        if item not in KNOBS:
            raise AttributeError(f"the stand-in has no node {item}")

        def make(**knobs: Any) -> Node | None:
            node = make_node(item, knobs.pop("name", ""))
            if node is None:
                return None
            for number, above in enumerate(knobs.pop("inputs", ())):
                node.above[number] = above
            for name, value in knobs.items():
                node.table[name].put(value)
            return node

        named: Callable[..., Node | None] = api(f"nodes.{item}")(make)
        return named


class Environment(dict[str, Any]):
    """`nuke.env`."""


CALLBACKS = ("OnScriptLoad", "OnScriptSave", "OnScriptClose", "KnobChanged", "BeforeFrameRender", "AfterFrameRender")


def press(node: Node, button: str) -> None:
    """Click a button of the node, as the artist does."""
    knob = node.table[button]
    assert isinstance(knob, kinds.PyScript_Knob)
    knob.press()


def show_panel(node: Node) -> None:
    """Open the node's panel: Nuke calls this a change of the knob `showPanel`."""
    knob_changed(node, "showPanel")


def knob_changed(node: Node, name: str) -> None:
    """Let Nuke say that a knob has changed, or what it says in the same way: `selected`, `inputChange`."""
    application = current()
    application.this.append(node)
    application.this_knob = kinds.Knob(name)  # type: ignore[attr-defined]
    try:
        _run(application, "addKnobChanged", node)
    finally:
        application.this.pop()


def choose(menu_name: str, *path: str) -> None:
    """Choose a menu's entry."""
    found: Any = current().menus[menu_name]
    for name in path:
        found = found.entries[name]
    with outside():
        exec(found, {"nuke": __import__("nuke")})  # noqa: S102 - a menu's own code


def make_module(application: Application) -> types.ModuleType:
    """Return the module that plugins import as `nuke`. It has what it has: anything else is an AttributeError."""
    module = types.ModuleType("nuke")
    own = (
        allNodes, createNode, delete, execute, executing, executeInMainThread, filename, menu, message, tprint, root,
        selectedNodes, thisNode, thisKnob, toNode, views, scriptSave, scriptOpen, scriptClose,
    )  # fmt: skip
    for function in own:
        setattr(module, function.__name__, function)
    for kind in (*kinds.KINDS.values(), Node, Group, Root, Menu, Undo, shapes.Format, shapes.Info, shapes.FrameRange):
        setattr(module, kind.__name__, kind)
    for name in ("DISABLED", "DO_NOT_WRITE", "INVISIBLE", "STARTLINE", "ENDLINE", "NO_UNDO", "NO_ANIMATION",
                 "READ_ONLY", "ALWAYS_SAVE"):  # fmt: skip
        setattr(module, name, getattr(kinds, name))
    for what in CALLBACKS:
        setattr(module, f"add{what}", _adder(what))
    constants = {
        "REPLACE": REPLACE, "INPUTS": INPUTS, "HIDDEN_INPUTS": HIDDEN_INPUTS, "EXPRESSIONS": EXPRESSIONS,
        "GUI": application.gui, "nodes": Nodes(), "EXE_PATH": "/nowhere/Nuke/Nuke16.0",
        "NUKE_VERSION_MAJOR": application.version[0], "NUKE_VERSION_MINOR": application.version[1],
        "env": Environment(gui=application.gui, nc=application.edition == "nc", indie=application.edition == "indie"),
    }  # fmt: skip
    for name, value in constants.items():
        setattr(module, name, value)
    return module


def _adder(what: str) -> Callable[..., None]:
    def add(call: Callable[..., Any], args: Any = (), kwargs: Any = None, nodeClass: str = "*") -> None:  # noqa: N803
        current().callbacks.setdefault(f"add{what}", []).append((call, args, kwargs or {}, nodeClass))

    add.__name__ = f"add{what}"
    named: Callable[..., None] = api(f"add{what}")(add)
    return named


def _run(application: Application, what: str, node: Node) -> None:
    """Run callbacks, as Nuke does: what they raise is a dialog, here a failed test; without a window it comes out."""
    for call, args, kwargs, kind in application.callbacks.get(what, ()):
        if kind not in ("*", node.kind):
            continue
        with outside():
            try:
                call(*args, **kwargs)
            except Exception as problem:
                if not application.gui:
                    raise
                application.callback_errors.append(problem)


def _here() -> Group:
    found: Group = current().group_stack[-1] if current().group_stack else current().root
    return found


def _undo(name: str) -> None:
    if not current().depth:
        current().enter(name, "")
