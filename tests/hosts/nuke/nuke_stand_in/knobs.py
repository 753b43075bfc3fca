"""Knobs: what each kind takes and gives. Strict where Nuke is, silent where Nuke is silent."""

from __future__ import annotations

from typing import Any

from nuke_stand_in.application import api, current
from nuke_stand_in.texts import expand

DISABLED, DO_NOT_WRITE, INVISIBLE, STARTLINE, ENDLINE = 0x80, 0x200, 0x400, 0x1000, 0x2000
NO_UNDO, NO_ANIMATION, READ_ONLY, ALWAYS_SAVE = 0x80000, 0x100, 0x10000000, 0x200000


class Knob:
    """The root of all knobs; made by name and label, as in Nuke."""

    default: Any = None

    def __init__(self, name: str, label: str = "", value: Any = None) -> None:
        self.said = name
        self._label = label
        self._tooltip = ""
        self._flags = STARTLINE
        self._value = self.default if value is None else value
        self._expression = ""
        self.owner: Any = None

    @api("Knob.name")
    def name(self) -> str:
        return self.said

    @api("Knob.label")
    def label(self) -> str:
        return self._label

    @api("Knob.Class")
    def Class(self) -> str:  # noqa: N802 - Nuke's name
        return type(self).__name__

    @api("Knob.node")
    def node(self) -> Any:
        return self.owner

    @api("Knob.value")
    def value(self) -> Any:
        return self.get()

    @api("Knob.getValue")
    def getValue(self) -> Any:  # noqa: N802
        return self.get()

    @api("Knob.setValue")
    def setValue(self, val: Any) -> bool:  # noqa: N802
        self.put(val)
        return True

    @api("Knob.setExpression")
    def setExpression(self, expression: str) -> bool:  # noqa: N802
        self._expression = expression
        self._touched()
        return True

    @api("Knob.hasExpression")
    def hasExpression(self) -> bool:  # noqa: N802
        return bool(self._expression)

    @api("Knob.isAnimated")
    def isAnimated(self) -> bool:  # noqa: N802
        return False

    @api("Knob.setFlag")
    def setFlag(self, flag: int) -> None:  # noqa: N802
        self._flags |= flag

    @api("Knob.clearFlag")
    def clearFlag(self, flag: int) -> None:  # noqa: N802
        self._flags &= ~flag

    @api("Knob.getFlag")
    def getFlag(self, flag: int) -> bool:  # noqa: N802
        return bool(self._flags & flag)

    @api("Knob.setTooltip")
    def setTooltip(self, tooltip: str) -> None:  # noqa: N802
        self._tooltip = tooltip

    @api("Knob.tooltip")
    def tooltip(self) -> str:
        return self._tooltip

    def get(self) -> Any:
        self._alive()
        return self.owner.evaluate_expression(self._expression) if self._expression else self._value

    def put(self, value: Any) -> None:
        self._alive()
        self._value = self.checked(value)
        self._expression = ""
        self._touched()

    def checked(self, value: Any) -> Any:
        return value

    def _alive(self) -> None:
        if self.owner is not None:
            self.owner.alive()

    def _touched(self) -> None:
        if self.owner is not None:
            self.owner.knob_changed(self)
            if not self._flags & NO_UNDO:
                current().changed(f"{self.owner.said}.{self.said}")

    def saved(self) -> dict[str, Any]:
        return {
            "kind": type(self).__name__, "name": self.said, "label": self._label, "value": self._value,
            "expression": self._expression, "flags": self._flags,
        }  # fmt: skip

    def restore(self, kept: dict[str, Any]) -> None:
        self._value, self._expression, self._flags = kept["value"], kept["expression"], kept["flags"]


class AnimationCurve:
    """What public scripts read a knob's expression from: `knob.animation(0).expression()`."""

    def __init__(self, expression: str) -> None:
        self._text = expression

    @api("AnimationCurve.expression")
    def expression(self) -> str:
        return self._text


class Array_Knob(Knob):  # noqa: N801
    default = 0.0

    @api("Array_Knob.animation")
    def animation(self, chan: int) -> AnimationCurve | None:
        return AnimationCurve(self._expression) if self._expression and chan == 0 else None

    def checked(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [float(one) for one in value]
        return float(value)


class Double_Knob(Array_Knob):  # noqa: N801
    pass


class BBox_Knob(Array_Knob):  # noqa: N801
    def checked(self, value: Any) -> Any:
        if len(value) != 4:
            raise TypeError("a box has four numbers")
        return [float(one) for one in value]


class Int_Knob(Array_Knob):  # noqa: N801
    default = 0

    def checked(self, value: Any) -> Any:
        return int(value)


class Boolean_Knob(Array_Knob):  # noqa: N801
    default = False

    def checked(self, value: Any) -> Any:
        if not isinstance(value, (bool, int, float)):
            raise TypeError("a Boolean_Knob takes a number or a bool")
        return bool(value)


class Unsigned_Knob(Array_Knob):  # noqa: N801
    pass


class Enumeration_Knob(Unsigned_Knob):  # noqa: N801
    """Set by its text, then by its index; an entry may be `name\\tlabel`."""

    def __init__(self, name: str, label: str, values: list[str]) -> None:
        if not isinstance(values, list):
            raise TypeError("an Enumeration_Knob is made of a list")
        super().__init__(name, label)
        self._entries = list(values)
        self._value = self._names()[0] if values else ""

    def _names(self) -> list[str]:
        return [entry.split("\t")[0] for entry in self._entries]

    def checked(self, value: Any) -> Any:
        if str(value) in self._names():
            return str(value)
        if isinstance(value, (int, float)) and 0 <= int(value) < len(self._entries):
            return self._names()[int(value)]
        if current().guesses.unknown_entry_raises:
            raise TypeError(f"{value!r} is not in {self.said}")
        return self._value

    @api("Enumeration_Knob.values")
    def values(self) -> list[str]:
        return list(self._entries)

    @api("Enumeration_Knob.setValues")
    def setValues(self, items: list[str]) -> None:  # noqa: N802
        self._entries = list(items)
        self._value = self._names()[0] if items else ""
        self._touched()

    def index(self) -> int:
        return self._names().index(self._value)

    def saved(self) -> dict[str, Any]:
        return {**super().saved(), "entries": self._entries}

    def restore(self, kept: dict[str, Any]) -> None:
        self._entries = kept["entries"]
        super().restore(kept)


class Channel_Knob(Knob):  # noqa: N801
    default = "none"

    def __init__(self, name: str, label: str = "", value: Any = None) -> None:
        super().__init__(name, label, value)
        self._input = 0

    @api("Channel_Knob.setInput")
    def setInput(self, num: int) -> None:  # noqa: N802
        self._input = num

    def checked(self, value: Any) -> Any:
        layer, dot, channel = str(value).partition(".")
        if value not in ("none", "all", "rgb", "rgba", "alpha") and not (layer and dot and channel):
            raise ValueError(f"no such channel: {value}")
        return value


class ChannelMask_Knob(Channel_Knob):  # noqa: N801
    default = "rgb"


class String_Knob(Knob):  # noqa: N801
    default = ""

    def checked(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise TypeError(f"{self.said} takes text, not {type(value).__name__}")
        return value


class EvalString_Knob(String_Knob):  # noqa: N801
    @api("EvalString_Knob.evaluate")
    def evaluate(self) -> str:
        return expand(self._value, self.owner)


class Multiline_Eval_String_Knob(EvalString_Knob):  # noqa: N801
    pass


class File_Knob(EvalString_Knob):  # noqa: N801
    pass


class Text_Knob(Knob):  # noqa: N801
    default = ""


class Script_Knob(String_Knob):  # noqa: N801
    pass


class PyScript_Knob(Script_Knob):  # noqa: N801
    @api("Script_Knob.execute")
    def execute(self) -> None:
        self.press()

    def press(self) -> None:
        """Run the button's code, as a click does."""
        from nuke_stand_in.application import outside

        application = current()
        application.this.append(self.owner)
        application.group_stack.append(self.owner)  # a button of a group runs inside it
        try:
            with outside():
                exec(self._value, {"nuke": __import__("nuke")})  # noqa: S102 - a button's own code
        finally:
            application.group_stack.pop()
            application.this.pop()


class Tab_Knob(Knob):  # noqa: N801
    pass


KINDS = {
    kind.__name__: kind
    for kind in (
        Knob, Array_Knob, Double_Knob, BBox_Knob, Int_Knob, Boolean_Knob, Unsigned_Knob, Enumeration_Knob,
        Channel_Knob, ChannelMask_Knob, String_Knob, EvalString_Knob, Multiline_Eval_String_Knob, File_Knob, Text_Knob,
        Script_Knob, PyScript_Knob, Tab_Knob,
    )
}  # fmt: skip
"""Those that a user may make; others have no constructor in this stand-in."""
