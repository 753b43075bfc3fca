"""Nodes, groups and the root: wiring, user knobs, and what each class has from the start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nuke_stand_in import knobs as kinds
from nuke_stand_in.application import api, current
from nuke_stand_in.classes import EXR_KNOBS, INPUTS, KNOBS, OCIO_NAMES
from nuke_stand_in.shapes import Format, FrameRange, Info

NONCOMMERCIAL_NODES = 10


class Node:
    def __init__(self, kind: str, parent: Any, name: str) -> None:
        self.kind = kind
        self.group = parent
        self.said = name
        self.deleted = False
        self.above: dict[int, Node | None] = {}
        self.table: dict[str, kinds.Knob] = {}
        self.place = (0, 0)
        self.is_selected = False
        self.user: list[str] = []
        for knob in KNOBS.get("", ()) + KNOBS.get(kind, ()):
            self._take(knob())
        if "colorspace" in self.table and current().root.table["colorManagement"].get() == "OCIO":
            self.table["colorspace"]._entries = list(OCIO_NAMES)  # type: ignore[attr-defined]

    # ---- what the API shows -----------------------------------------------------------------------------------------

    @api("Node.Class")
    def Class(self) -> str:  # noqa: N802
        self.alive()
        return self.kind

    @api("Node.name")
    def name(self) -> str:
        self.alive()
        return self.said

    @api("Node.fullName")
    def fullName(self) -> str:  # noqa: N802
        self.alive()
        return self.path()

    @api("Node.setName")
    def setName(self, name: str, uncollide: bool = True) -> None:  # noqa: N802
        self.alive()
        old, self.said = self.said, ""
        self.said = self.group.free_name(name) if uncollide else name
        for node in self.group.walk():  # expressions follow
            for knob in node.table.values():
                knob._expression = re.sub(rf"\b{re.escape(old)}\.", f"{self.said}.", knob._expression)

    @api("Node.knob")
    def knob(self, p: str) -> kinds.Knob | None:
        self.alive()
        return self.table.get(p)

    @api("Node.knobs")
    def knobs(self) -> dict[str, kinds.Knob]:
        self.alive()
        return dict(self.table)

    @api("Node.__getitem__")
    def __getitem__(self, name: str) -> kinds.Knob:
        self.alive()
        if name not in self.table:
            raise current().guesses.missing_knob(f"knob {name} does not exist")
        return self.table[name]

    @api("Node.addKnob")
    def addKnob(self, knob: kinds.Knob) -> None:  # noqa: N802
        self.alive()
        if not isinstance(knob, kinds.Knob):
            raise TypeError("addKnob takes a knob")
        self.user.append(knob.said)
        self._take(knob)
        current().changed(f"add {knob.said}")

    @api("Node.input")
    def input(self, index: int) -> Node | None:
        self.alive()
        return self.above.get(index)

    @api("Node.inputs")
    def inputs(self) -> int:
        self.alive()
        return 1 + max((number for number, node in self.above.items() if node is not None), default=-1)

    @api("Node.setInput", refuses=lambda: False)
    def setInput(self, i: int, node: Node | None) -> bool:  # noqa: N802
        self.alive()
        if i >= self.most_inputs():
            return False
        if node is not None:
            node.alive()
            if node.group is not self.group or node is self:
                return False
        self.above[i] = node
        current().changed(f"connect {self.said}")
        return True

    @api("Node.maxInputs")
    def maxInputs(self) -> int:  # noqa: N802
        return self.most_inputs()

    @api("Node.dependent")
    def dependent(self, mask: int, forceEvaluate: bool = True) -> list[Node]:  # noqa: N803
        self.alive()
        return [node for node in self.group.children if self in node.above.values()]

    @api("Node.parent")
    def parent(self) -> Any:
        self.alive()
        return self.group

    @api("Node.channels")
    def channels(self) -> list[str]:
        return sorted(self.picture().channels)

    @api("Node.format")
    def format(self) -> Format:
        picture = self.picture()
        return Format(picture.width, picture.height, picture.aspect)

    @api("Node.bbox")
    def bbox(self) -> Info:
        picture = self.picture()
        x0, y0, x1, y1 = picture.window
        return Info(x0, picture.height - 1 - y1, x1 - x0 + 1, y1 - y0 + 1)

    @api("Node.firstFrame")
    def firstFrame(self) -> int:  # noqa: N802
        return self.range()[0]

    @api("Node.lastFrame")
    def lastFrame(self) -> int:  # noqa: N802
        return self.range()[1]

    @api("Node.frameRange")
    def frameRange(self) -> FrameRange:  # noqa: N802
        return FrameRange(*self.range())

    @api("Node.metadata")
    def metadata(self, key: str | None = None) -> Any:
        from nuke_stand_in.pictures import metadata_of

        found = metadata_of(self, current().frame)
        return found if key is None else found.get(key)

    @api("Node.isSelected")
    def isSelected(self) -> bool:  # noqa: N802
        self.alive()
        return self.is_selected

    @api("Node.setSelected")
    def setSelected(self, selected: bool) -> None:  # noqa: N802
        self.is_selected = bool(selected)

    @api("Node.xpos")
    def xpos(self) -> int:
        return self.place[0]

    @api("Node.ypos")
    def ypos(self) -> int:
        return self.place[1]

    @api("Node.setXYpos")
    def setXYpos(self, x: int, y: int) -> None:  # noqa: N802
        self.alive()
        if not (isinstance(x, int) and isinstance(y, int)):
            raise TypeError("integer argument expected")
        self.place = (x, y)

    # ---- behind it --------------------------------------------------------------------------------------------------

    def alive(self) -> None:
        if self.deleted:
            raise ValueError("A PythonObject is not attached to a node")
        application = current()
        if application.edition == "nc" and self is not application.root:
            application.reached.add(id(self))

    def path(self) -> str:
        around = self.group.path() if self.group is not None and self.group.group is not None else ""
        return f"{around}.{self.said}" if around else self.said

    def most_inputs(self) -> int:
        if self.kind == "Group":
            return sum(1 for child in self.children if child.kind == "Input")  # type: ignore[attr-defined]
        return INPUTS.get(self.kind, 1)

    def picture(self) -> Any:
        from nuke_stand_in.pictures import shape_of

        self.alive()
        return shape_of(self, current().frame, current().views[0])

    def range(self) -> tuple[int, int]:
        from nuke_stand_in.pictures import range_of

        self.alive()
        return range_of(self)

    def evaluate_expression(self, expression: str) -> Any:
        """Work out `max(Understudy1.version - 1, 0)`: names of knobs, numbers and a few signs."""

        def knob(found: re.Match[str]) -> str:
            owner = self.group if found[1] == "parent" else self.group.find(found[1])
            value = owner.table[found[2]]
            return str(value.index() if isinstance(value, kinds.Enumeration_Knob) else value.get())

        words = re.sub(r"\b([A-Za-z_]\w*)\.([A-Za-z_]\w*)", knob, expression)
        if re.sub(r"max|min", "", re.sub(r"[\d\s()+\-*/<>=,.]", "", words)):
            raise RuntimeError(f"the stand-in cannot work out {expression}")
        return float(eval(words, {"__builtins__": {}, "max": max, "min": min}))  # noqa: S307 - numbers and signs only

    def knob_changed(self, knob: kinds.Knob) -> None:
        if self.kind == "Read" and knob.said == "file" and current().guesses.read_stretches_script:
            current().root.table["last_frame"]._value += 1000
        if self.kind == "Write" and knob.said == "file_type" and knob._value == "exr":
            for make in EXR_KNOBS:
                made = make()
                if made.said not in self.table:
                    self._take(made)

    def _take(self, knob: kinds.Knob) -> None:
        knob.owner = self
        self.table[knob.said] = knob


class Group(Node):
    def __init__(self, kind: str, parent: Any, name: str) -> None:
        self.children: list[Node] = []
        super().__init__(kind, parent, name)

    @api("Group.begin")
    def begin(self) -> Group:
        self.alive()
        current().group_stack.append(self)
        return self

    @api("Group.end")
    def end(self) -> None:
        if not current().group_stack or current().group_stack[-1] is not self:
            raise RuntimeError(f"{self.said} was not begun")
        current().group_stack.pop()

    @api("Group.__enter__")
    def __enter__(self) -> Group:
        return self.begin()

    @api("Group.__exit__")
    def __exit__(self, type: object, value: object, traceback: object) -> None:
        self.end()

    @api("Group.nodes")
    def nodes(self) -> list[Node]:
        return list(self.children)

    @api("Group.node")
    def node(self, s: str) -> Node | None:
        return self.find(s)

    def find(self, name: str) -> Node | None:
        first, _, rest = name.partition(".")
        found = next((child for child in self.children if child.said == first), None)
        return found.find(rest) if rest and isinstance(found, Group) else found if not rest else None

    def walk(self) -> Iterator[Node]:
        for child in self.children:
            yield child
            if isinstance(child, Group):
                yield from child.walk()

    def free_name(self, wanted: str) -> str:
        """Return the name, or with the next number at its end when it is taken."""
        taken = {child.said for child in self.children}
        if wanted not in taken:
            return wanted
        stem = re.sub(r"\d+\Z", "", wanted)
        number = 1
        while f"{stem}{number}" in taken:
            number += 1
        return f"{stem}{number}"


class Root(Group):
    def __init__(self) -> None:
        self._modified = False
        self.script = ""
        super().__init__("Root", None, "Root")

    @api("Root.name")
    def name(self) -> str:
        return self.script or "Root"

    @api("Root.modified")
    def modified(self) -> bool:
        return self._modified

    @api("Root.setModified")
    def setModified(self, modified: bool) -> None:  # noqa: N802
        self.set_modified(modified)

    @api("Root.proxy")
    def proxy(self) -> bool:
        return bool(self.table["proxy"].get())

    @api("Root.setProxy")
    def setProxy(self, proxy: bool) -> None:  # noqa: N802
        self.table["proxy"].put(proxy)

    @api("Root.fps")
    def fps(self) -> int:
        return int(self.table["fps"].get())

    @api("Root.realFps")
    def realFps(self) -> float:  # noqa: N802
        return float(self.table["fps"].get())

    @api("Root.getOCIOColorspaceFamily")
    def getOCIOColorspaceFamily(self, colorspace: str) -> str:  # noqa: N802
        from nuke_stand_in.classes import FAMILIES

        return FAMILIES.get(colorspace, "")

    def set_modified(self, modified: bool) -> None:
        self._modified = modified

    def path(self) -> str:
        return "root"


def make_node(kind: str, name: str = "") -> Node | None:
    """Make a node in the group that is begun; None where the edition has no room for it."""
    application = current()
    if kind not in KNOBS:
        raise RuntimeError(f"{kind}: Unknown command")
    if application.edition == "nc" and len(application.reached) >= NONCOMMERCIAL_NODES:
        return None
    group = application.group_stack[-1] if application.group_stack else application.root
    node = (Group if kind == "Group" else Node)(kind, group, "")
    node.said = group.free_name(name or f"{kind}1")
    if kind == "Input":
        node.table["number"]._value = sum(1 for child in group.children if child.kind == "Input")
    group.children.append(node)
    node.alive()
    application.changed(f"make {node.said}")
    return node


def delete_node(node: Node) -> None:
    node.alive()
    for other in node.group.children:
        for number, above in list(other.above.items()):
            if above is node:
                other.above[number] = node.above.get(0) if node.kind not in ("Read", "Input") else None
    node.group.children.remove(node)
    node.deleted = True
    current().changed(f"delete {node.said}")
