"""The questions in a window of Resolve's own. Studio only since 19.1: whoever calls has looked at the edition first.

There is no description of these calls that could be held against a type checker: `fusion` and `bmd` stay Any, and only
what Blackmagic's own examples use is used.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from understudy.bridge.errors import HostError
from understudy.host_plugins.resolve.choices import Choices

WINDOW, PROGRESS = "UnderstudyAsks", "UnderstudyTells"


class Field(NamedTuple):
    name: str
    words: str
    values: tuple[str, ...] = ()
    """What may be chosen; empty = typed."""
    of_options: bool = True
    """A field of the job's options, else of `Choices` itself."""


FIELDS = (
    Field("reference", "Character image"),
    Field("matte_from", "Matte from", ("file", "track", "alpha"), of_options=False),
    Field("matte", "Matte file"),
    Field("matte_track", "Matte track", of_options=False),
    Field("clean_plate", "Clean plate"),
    Field("handles", "Handles: 8, or 8:12"),
    Field("source", "Plate", ("auto", "source", "render"), of_options=False),
    Field("layer", "Place", ("patch", "comp", "beauty", "character"), of_options=False),
    Field("medium", "As", ("exr", "prores_4444"), of_options=False),
    Field("engine", "Engine"),
    Field("colour", "Plate's colour space"),
    Field("record", "Record (papers)"),
    Field("self_attest", "No record: who says so, and why"),
    Field("folder", "Takes go to", of_options=False),
)


def ask(fusion: Any, bmd: Any, choices: Choices) -> tuple[Choices, bool] | None:
    """Show the choices; return them as changed and whether to recast (else collect), None when the window is closed.

    Raises HostError for a value that cannot be, naming the field.
    """
    ui, dispatcher = _interface(fusion, bmd)
    rows = [ui.HGroup([ui.Label({"Text": field.words}), _widget(ui, field)]) for field in FIELDS]
    buttons = ui.HGroup(
        [ui.Button({"ID": "recast", "Text": "Recast"}), ui.Button({"ID": "collect", "Text": "Collect"})]
    )
    settings = {"ID": WINDOW, "WindowTitle": "Understudy", "Geometry": [200, 200, 560, 460]}
    window = dispatcher.AddWindow(settings, [ui.VGroup([*rows, buttons])])
    items = window.GetItems()
    for field in FIELDS:
        _fill(items[field.name], field, _value(choices, field))
    pressed: list[bool] = []

    def press(recast: bool) -> None:
        pressed.append(recast)
        dispatcher.ExitLoop()

    window.On.recast.Clicked = lambda event: press(True)
    window.On.collect.Clicked = lambda event: press(False)
    getattr(window.On, WINDOW).Close = lambda event: dispatcher.ExitLoop()
    window.Show()
    dispatcher.RunLoop()
    window.Hide()
    return (_read(items, choices), pressed[-1]) if pressed else None


def _interface(fusion: Any, bmd: Any) -> tuple[Any, Any]:
    ui = fusion.UIManager
    if ui is None:
        raise HostError(
            "DaVinci Resolve shows no windows of scripts in this edition",
            remedy="Close its own window; then say the choices in resolve.json in Understudy's folder.",
        )
    return ui, bmd.UIDispatcher(ui)


def _widget(ui: Any, field: Field) -> Any:
    return ui.ComboBox({"ID": field.name}) if field.values else ui.LineEdit({"ID": field.name})


def _value(choices: Choices, field: Field) -> str:
    value = getattr(choices.options if field.of_options else choices, field.name)
    return "" if value is None else str(value)


def _fill(item: Any, field: Field, value: str) -> None:
    if not field.values:
        item.Text = value
        return
    for name in field.values:
        item.AddItem(name)
    item.CurrentIndex = field.values.index(value)


def _read(items: Any, choices: Choices) -> Choices:
    said: dict[str, Any] = msgspec.to_builtins(choices)
    for field in FIELDS:
        item = items[field.name]
        text = field.values[int(item.CurrentIndex)] if field.values else str(item.Text).strip()
        if field.of_options:
            said["options"][field.name] = text or None
        else:
            said[field.name] = text
    for name in ("engine", "handles"):
        if said["options"][name] is None:
            del said["options"][name]
    try:
        return msgspec.convert(said, Choices, strict=False)
    except msgspec.ValidationError as problem:
        raise HostError(f"what was typed cannot be: {problem}", remedy="Correct it in the dialog.") from None


class Progress:
    """A line and a button while jobs run. Where this version cannot pump its windows, the console has to do."""

    def __init__(self, fusion: Any, bmd: Any) -> None:
        ui, self._dispatcher = _interface(fusion, bmd)
        self._pressed = False
        settings = {"ID": PROGRESS, "WindowTitle": "Understudy", "Geometry": [200, 200, 460, 90]}
        line, button = ui.Label({"ID": "line", "Text": ""}), ui.Button({"ID": "cancel", "Text": "Cancel"})
        self._window = self._dispatcher.AddWindow(settings, [ui.VGroup([line, button])])
        self._items = self._window.GetItems()
        self._window.On.cancel.Clicked = self._press
        self._window.Show()

    def _press(self, event: object) -> None:
        self._pressed = True

    def show(self, words: str) -> None:
        self._items["line"].Text = words
        if callable(getattr(self._dispatcher, "StepLoop", None)):
            self._dispatcher.StepLoop()

    def cancelled(self) -> bool:
        return self._pressed

    def close(self) -> None:
        self._window.Hide()
