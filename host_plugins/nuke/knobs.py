"""The knobs of the Understudy node: what they are called, and the job that they describe."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, cast

import msgspec
import nuke

from understudy.bridge.frames import Handles
from understudy.bridge.options import JobOptions
from understudy.bridge.words import Mode
from understudy.host_plugins.nuke.file_text import evaluated

TAB = "understudy"
MEMORY = "understudy_memory"
"""The hidden knob by which a node is known as ours."""
STATUS = "status"
VERSION = "version"
PLATE_ONLY = "plate"
"""The version knob's first entry: nothing of ours is shown."""
RANGES = ("plate", "script", "typed")
MATTE_PIPE = 1
"""The input whose channels are offered."""
MATTE_INPUT, PLATE_ALPHA = "matte input", "plate's alpha"
ABSENT = "Understudy is not installed in this Nuke. Run: understudy install nuke"


class Wish(NamedTuple):
    """One knob: its kind among nuke's classes, its name, its label, and for a choice its entries."""

    kind: str
    name: str
    label: str
    tooltip: str = ""
    entries: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    value: Any = None


def button(name: str) -> str:
    """Return the one line that a button runs. It is saved in the script, so it must do no harm without the plugin."""
    return (
        f'exec("try:\\n    from understudy.host_plugins.nuke import buttons\\nexcept ImportError:\\n'
        f"    nuke.message('{ABSENT}')\\nelse:\\n    buttons.press('{name}')\")"
    )


WISHES = (
    Wish("String_Knob", "shot", "shot", "The shot's name. Empty: the script's."),
    Wish("Enumeration_Knob", "range", "range", "Frames of the plate, of the script, or as typed.", RANGES),
    Wish("Int_Knob", "first", "first", "For the range `typed`; handles included."),
    Wish("Int_Knob", "last", "last", "For the range `typed`; handles included.", (), ("!STARTLINE",)),
    Wish("Int_Knob", "head", "handles", "Frames at the range's beginning that lie before the cut."),
    Wish("Int_Knob", "tail", "and", "Frames at the range's end that lie after the cut.", (), ("!STARTLINE",)),
    Wish("Enumeration_Knob", "view", "view", "The view that is recast.", ("main",)),
    Wish("Enumeration_Knob", "engine", "engine", "Which engine makes the picture.", ("preview", "identity")),
    Wish("Enumeration_Knob", "mode", "mode", "Replace a performer, or animate a character.", ("replace", "animate")),
    Wish("String_Knob", "prompt", "prompt", "A short description, for engines that read one."),
    Wish("Int_Knob", "seed", "seed", "The same seed makes the same picture."),
    Wish("Enumeration_Knob", "matte_from", "matte from", "", (MATTE_INPUT, PLATE_ALPHA)),
    Wish("Channel_Knob", "matte_channel", "channel", "none: alpha if there is one, else luminance.", value="none"),
    Wish("Boolean_Knob", "matte_invert", "invert", "The matte is black where the performer is."),
    Wish("Boolean_Knob", "allow_large_matte", "the matte is large", "Yes, it covers more than 60 % of the picture."),
    Wish("Boolean_Knob", "overscan", "keep overscan", "Layers reach as far as the plate does.", value=True),
    Wish("File_Knob", "folder", "output folder", "Versions go here. Empty: beside the script."),
    Wish("File_Knob", "record", "record", "The papers: a record as JSON."),
    Wish("String_Knob", "self_attest", "self-attest", "No record: who says so and why. Files are marked uncleared."),
    Wish("PyScript_Knob", "submit", "Recast", value=button("submit"), flags=("STARTLINE",)),
    Wish("PyScript_Knob", "cancel", "Cancel", value=button("cancel")),
    Wish("PyScript_Knob", "details", "Details", value=button("details")),
    Wish("PyScript_Knob", "panel", "Panel", "This shot in the panel's form.", value=button("panel")),
    Wish("Enumeration_Knob", VERSION, "version", "Which take this node shows.", (PLATE_ONLY,)),
    Wish("String_Knob", STATUS, "status", flags=("DO_NOT_WRITE", "NO_UNDO", "DISABLED")),
    Wish("String_Knob", MEMORY, "", flags=("INVISIBLE", "NO_UNDO")),
)  # fmt: skip


def add_knobs(node: nuke.Node) -> None:
    """Give a new Group every knob, in order, on a tab of its own."""
    node.addKnob(nuke.Tab_Knob(TAB, "Understudy"))
    for wish in WISHES:
        node.addKnob(_made(wish))
    cast("nuke.Channel_Knob", node["matte_channel"]).setInput(MATTE_PIPE)
    node["label"].setValue(f"[value {STATUS}]")


def _made(wish: Wish) -> nuke.Knob:
    make = getattr(nuke, wish.kind)
    if wish.entries:
        knob: nuke.Knob = make(wish.name, wish.label, list(wish.entries))
    elif wish.kind == "PyScript_Knob":
        knob = make(wish.name, wish.label, wish.value)
    else:
        knob = make(wish.name, wish.label)
        if wish.value is not None:
            knob.setValue(wish.value)
    for flag in wish.flags:
        if flag.startswith("!"):
            knob.clearFlag(getattr(nuke, flag[1:]))
        else:
            knob.setFlag(getattr(nuke, flag))
    if wish.tooltip:
        knob.setTooltip(wish.tooltip)
    return knob


def choices(node: nuke.Node) -> JobOptions:
    """Return what the artist chose on the node. Main thread."""
    text = {name: str(node[name].value() or "").strip() for name in ("shot", "prompt", "self_attest")}
    return JobOptions(
        engine=str(node["engine"].value()),
        mode=msgspec.convert(str(node["mode"].value()), Mode),
        prompt=text["prompt"],
        seed=int(node["seed"].value()),
        handles=str(handles_of(node)),
        matte_channel=matte_channel(node),
        matte_invert=bool(node["matte_invert"].value()),
        allow_large_matte=bool(node["allow_large_matte"].value()),
        record=evaluated(node, "record") or None,
        self_attest=text["self_attest"] or None,
    )


def handles_of(node: nuke.Node) -> Handles:
    """Return the handles within the node's range. A node of before they could differ has one number for both ends."""
    head, tail = (name if node.knob(name) is not None else "handles" for name in ("head", "tail"))
    return Handles(int(node[head].value()), int(node[tail].value()))


def matte_channel(node: nuke.Node) -> str | None:
    """Return the channel of the matte's files that holds the coverage; None where the daemon's rule decides.

    A channel of any layer but rgba is brought into alpha on the way (`export`).
    """
    if node["matte_from"].value() == PLATE_ALPHA:
        return "A"
    channel = str(node["matte_channel"].value() or "none")
    if channel == "none":
        return None
    found = re.fullmatch(r"rgba\.(red|green|blue|alpha)", channel)
    return found[1][0].upper() if found is not None else "A"


def set_entries(knob: nuke.Knob, entries: list[str], value: str) -> None:
    """Give an enumeration new entries and a value among them: Nuke keeps neither by itself."""
    values = getattr(knob, "setValues")  # noqa: B009 - of enumerations alone
    values(entries)
    knob.setValue(value if value in entries else entries[0])
