"""The takes that a node has: found again by a hidden knob on their nodes, chosen by the node's version knob."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import nuke

from understudy.bridge.errors import HostError
from understudy.bridge.host import RememberedJob
from understudy.host_plugins.nuke.knobs import PLATE_ONLY, VERSION, set_entries
from understudy.host_plugins.nuke.node import TAKES, home_of
from understudy.host_plugins.nuke.undisturbed import unless_whole

MARK = "understudy_take"
"""The hidden knob on every node of a take."""


class TakeMark(msgspec.Struct, frozen=True, kw_only=True):
    """What a node of a take says of itself."""

    job_id: str
    version: int
    owner: str
    """The Understudy node's name when it was placed."""
    is_result: bool = False
    """This node's output is the take over the plate."""


class Take(NamedTuple):
    mark: TakeMark
    result: nuke.Node
    """What is wired into the switch: the marked node, or a Dot under it."""


def mark(node: nuke.Node, job: RememberedJob, owner: nuke.Node, is_result: bool) -> TakeMark:
    knob = nuke.String_Knob(MARK, "")
    knob.setFlag(nuke.INVISIBLE)
    node.addKnob(knob)
    said = TakeMark(job_id=job.job_id, version=job.version, owner=owner.name(), is_result=is_result)
    node[MARK].setValue(msgspec.json.encode(said).decode())
    return said


def read_mark(node: nuke.Node) -> TakeMark | None:
    knob = node.knob(MARK)
    if knob is None:
        return None
    try:
        return msgspec.json.decode(str(knob.value() or ""), type=TakeMark)
    except msgspec.MsgspecError:
        return None


def nodes_of(job_id: str, beside: nuke.Node) -> list[nuke.Node]:
    """Return every node of that job's take. Looks at the whole group: not for what happens at every job."""
    found = []
    for node in nuke.allNodes(group=home_of(beside)):
        said = read_mark(node)
        if said is not None and said.job_id == job_id:
            found.append(node)
    return found


def takes_of(owner: nuke.Node) -> list[Take]:
    """Return the takes that are wired into the node, oldest version first. Follows pipes, searches no script."""
    switch = _switch_of(owner)
    found = []
    for number in range(switch.inputs() if switch is not None else 0):
        pipe = switch.input(number) if switch is not None else None
        result = _past_dots(pipe)
        said = read_mark(result) if result is not None else None
        if pipe is not None and said is not None:
            found.append(Take(said, pipe))
    return found


def _past_dots(node: nuke.Node | None) -> nuke.Node | None:
    """Return the node itself, or what comes into the Dots by which the artist has led a pipe around something."""
    while node is not None and node.Class() == "Dot":
        node = node.input(0)
    return node


def _switch_of(owner: nuke.Node) -> nuke.Node | None:
    """Return the switch between the takes, None before the first. Raises HostError for anything else in its pipe."""
    found = _past_dots(owner.input(TAKES))
    if found is not None and found.Class() != "Switch":
        raise HostError(
            f"{found.name()} lies in the pipe `takes` of {owner.fullName()}, under the switch between its takes",
            remedy=f"Connect the switch itself to `takes` again, and put {found.name()} below {owner.name()}.",
        )
    return found


def show_takes(owner: nuke.Node, takes: list[Take], chosen: str = "") -> None:
    """Wire the takes into the node and list them in its version knob; `chosen` is a job's id, or what was shown."""
    takes = sorted(takes, key=lambda take: (take.mark.version, take.mark.job_id))
    switch = _switch(owner, bool(takes))
    names = [_name(take, takes) for take in takes]
    shown = str(owner[VERSION].value())
    wanted = next((name for name, take in zip(names, takes, strict=True) if take.mark.job_id == chosen), shown)
    set_entries(owner[VERSION], [PLATE_ONLY, *names], wanted if wanted in names else PLATE_ONLY)
    if switch is None:
        return
    for number in range(max(switch.inputs(), len(takes))):
        _connect(switch, number, takes[number].result if number < len(takes) else None)
    if not takes:
        _connect(owner, TAKES, None)
        nuke.delete(switch)


def _name(take: Take, takes: list[Take]) -> str:
    """Return v003; where two series meet in one node, the job's id tells them apart."""
    alike = [one for one in takes if one.mark.version == take.mark.version]
    return f"v{take.mark.version:03}" + (f" {take.mark.job_id[:8]}" if len(alike) > 1 else "")


def _switch(owner: nuke.Node, wanted: bool) -> nuke.Node | None:
    """Return the switch between takes under the node's last input; made when it is wanted first."""
    found = _switch_of(owner)
    if found is not None or not wanted:
        return found
    switch = nuke.nodes.Switch(name=f"{owner.name()}_takes")
    if switch is None:
        raise RuntimeError("no Switch can be made in this edition of Nuke")
    with unless_whole(lambda: nuke.delete(switch)):
        switch["which"].setExpression(f"max({owner.name()}.{VERSION} - 1, 0)")
        switch.setXYpos(owner.xpos() + 220, owner.ypos())
        _connect(owner, TAKES, switch)
    return switch


def _connect(node: nuke.Node, number: int, above: nuke.Node | None) -> None:
    if not node.setInput(number, above) and above is not None:
        raise RuntimeError(f"{above.name()} cannot be connected to input {number} of {node.name()}")
