"""The Understudy node: a Group with four inputs, kept in the script, whose output is the take that is shown.

It opens and renders without the plugin: inside are Nuke's own nodes and expressions, and a button asks before it runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import nuke

from understudy.bridge.errors import HostError
from understudy.host_plugins.nuke.knobs import MEMORY, VERSION, add_knobs, set_entries
from understudy.host_plugins.nuke.undisturbed import in_words, one_undo, unless_whole

INPUTS = ("plate", "matte", "reference", "clean_plate", "takes")
"""The last one is ours: the takes over the plate, one of them chosen."""
PLATE, MATTE, REFERENCE, CLEAN_PLATE, TAKES = range(len(INPUTS))
CLASS_NAME = "Understudy"


def create_node() -> nuke.Node:
    """Make an Understudy node under the selected node, as Nuke's own menus do. Main thread."""
    with in_words("making an Understudy node", "Try it again in a new script."), one_undo("Understudy"):
        group = nuke.createNode("Group", inpanel=False)
        if group is None:
            raise RuntimeError("no further node can be made in this edition of Nuke")
        with unless_whole(lambda: nuke.delete(group)):
            _dress(group)
    return group


def _dress(group: nuke.Node) -> None:
    group.setName(f"{CLASS_NAME}1")
    _fill(group)
    add_knobs(group)
    set_entries(group["view"], list(nuke.views()), nuke.views()[0])
    group["tile_color"].setValue(0x7F5FAFFF)
    if group.knob("disable_group_view") is not None:  # from Nuke 16 on
        group["disable_group_view"].setValue(1)


def _fill(group: nuke.Node) -> None:
    """Inputs, and a switch between the bare plate and the takes that follows the version knob."""
    with group:  # type: ignore[attr-defined]  # createNode returns a Group here
        pipes = []
        for number, name in enumerate(INPUTS):
            pipe = nuke.nodes.Input(name=name)
            if pipe.knob("number") is not None:
                pipe["number"].setValue(number)
            pipes.append(pipe)
        switch = nuke.nodes.Switch(name="shown", inputs=[pipes[PLATE], pipes[TAKES]])
        switch["which"].setExpression(f"parent.{VERSION} > 0")
        nuke.nodes.Output(name="Output1", inputs=[switch])


def is_ours(node: nuke.Node) -> bool:
    return node.Class() == "Group" and node.knob(MEMORY) is not None


def all_of_ours() -> Iterator[nuke.Node]:
    """Yield every Understudy node of the script, those inside groups too."""
    for node in nuke.allNodes("Group", group=nuke.root(), recurseGroups=True):
        if is_ours(node):
            yield node


def find_node(name: str) -> nuke.Node | None:
    """Return our node of that full name; None when it was deleted or renamed."""
    found = node_named(name)
    return found if found is not None and is_ours(found) else None


def node_named(name: str) -> nuke.Node | None:
    """Return any node of that full name. A button runs inside its own group, where names mean something else."""
    if not name:
        return None
    with nuke.root():
        return nuke.toNode(name)


def named_node(name: str) -> nuke.Node:
    """Return our node of that full name. Raises HostError when it was deleted or renamed meanwhile."""
    found = find_node(name)
    if found is None:
        raise HostError(f"the node {name} was deleted or renamed", remedy="Submit the shot again.")
    return found


def selected_node() -> nuke.Node | None:
    """Return our node that is selected; None for none or several."""
    selected = [node for node in all_of_ours() if node.isSelected()]
    return selected[0] if len(selected) == 1 else None


def chosen_node(name: str) -> nuke.Node:
    """Return the node meant: the one named, else the one selected, else the only one. Raises HostError."""
    found = find_node(name)
    if found is not None:
        return found
    found = selected_node()
    if found is not None:
        return found
    ours = list(all_of_ours())
    if len(ours) == 1:
        return ours[0]
    which = ", ".join(node.fullName() for node in ours)
    raise HostError(
        f"which Understudy node is meant? There are {which}" if ours else "there is no Understudy node in this script",
        remedy="Select one." if ours else "Add one from the menu Understudy and connect plate, matte and reference.",
    )


def home_of(node: nuke.Node) -> nuke.Group:
    """Return the group in which the node stands: what belongs to it is made there."""
    parent = node.parent()
    return parent if parent is not None else nuke.root()
