"""Nuke refuses, at every call that the plugin makes on the way out and on the way back: told in words, nothing left."""

from __future__ import annotations

import msgspec
import pytest
from nuke_rig import _as_seen
from nuke_shot import SmallShot, make
from nuke_stand_in import Application, current, press

from understudy.bridge.errors import HostError

OUT = (
    "execute", "executing", "root", "Root.modified", "Knob.setValue:proxy", "Undo.disabled", "Undo.disable",
    "nodes.Crop", "nodes.Copy", "nodes.Write", "Knob.setValue:box", "Knob.setValue:crop", "Knob.setValue:reformat",
    "Knob.setValue:from0", "Knob.setValue:to0", "Knob.setValue:file_type", "Knob.setValue:channels",
    "Knob.setValue:raw", "Knob.setValue:datatype", "Knob.setValue:compression", "Enumeration_Knob.values:compression",
    "Knob.setValue:metadata", "Knob.setValue:file", "filename", "toNode", "views", "Node.input", "Node.channels",
    "Node.format", "Node.bbox", "Group.__enter__", "Node.Class", "Node.fullName",
)  # fmt: skip
BACK = (
    "nodes.Read", "nodes.Merge2", "nodes.Switch", "nodes.BackdropNode", "Node.setInput", "Node.addKnob",
    "Node.setXYpos", "Knob.setValue:file", "filename", "Knob.setValue:first", "Knob.setValue:raw",
    "Knob.setValue:label", "Knob.setValue:bdwidth", "Knob.setExpression", "Knob.setValue:understudy_take",
    "Knob.setValue:version", "Enumeration_Knob.setValues", "Node.xpos", "Group.__enter__", "Undo.begin", "Undo.name",
    "allNodes",
)  # fmt: skip


def surroundings() -> object:
    root = current().root
    return (
        [_as_seen(node) for node in root.walk()], [(name, knob.get()) for name, knob in root.table.items()],
        list(current().undone), root.modified(),
    )  # fmt: skip


@pytest.mark.parametrize("call", OUT)
def test_when_nuke_refuses_a_call_of_an_export_then_it_is_told_in_words_and_the_script_is_as_it_was(
    call: str, shot: SmallShot
) -> None:
    mask = make("Copy", shot.matte, from0="rgba.red", to0="mask.a")
    mask.above[1] = shot.matte
    shot.connect(1, mask)
    shot.connect(0, make("Grade", shot.plate))
    shot.set(matte_channel="mask.a")
    current().root.table["proxy"].put(True)
    current().undone.clear()
    selection, before = shot.select(), surroundings()
    folder = shot.folder / "export"
    folder.mkdir()
    current().fail_next(call)
    with pytest.raises(HostError) as caught:
        for _ in shot.host.export(selection, folder):
            pass
    assert caught.value.remedy
    assert surroundings() == before


@pytest.mark.parametrize("call", BACK)
def test_when_nuke_refuses_a_call_of_a_placing_then_it_is_told_in_words_and_nothing_is_left(
    call: str, shot: SmallShot
) -> None:
    take = shot.take()
    before = surroundings()
    current().fail_next(call)
    with pytest.raises(HostError) as caught:
        shot.place(take)
    assert caught.value.remedy
    assert surroundings() == before


@pytest.mark.parametrize("call", ["Node.setInput", "nodes.Read", "Enumeration_Knob.setValues", "Undo.name"])
def test_when_nuke_refuses_the_second_take_then_the_first_one_is_shown_as_before(call: str, shot: SmallShot) -> None:
    shot.place(shot.take(1))
    take = shot.take(2)
    before = surroundings()
    current().fail_next(call)
    with pytest.raises(HostError):
        shot.place(take)
    assert surroundings() == before


@pytest.mark.parametrize("call", ["delete", "Enumeration_Knob.setValues", "Undo.begin"])
def test_when_nuke_refuses_to_take_a_job_out_then_the_error_says_what_to_do(call: str, shot: SmallShot) -> None:
    take = shot.take()
    shot.place(take)
    current().fail_next(call)
    with pytest.raises(HostError, match="taking out job") as caught:
        shot.host.withdraw(take.job, None)
    assert "Delete its nodes" in caught.value.remedy


@pytest.mark.parametrize("call", ["Knob.setValue:understudy_memory", "toNode", "Undo.disable"])
def test_when_nuke_refuses_to_keep_a_job_then_the_error_names_it(call: str, shot: SmallShot) -> None:
    new = msgspec.structs.replace(shot.take().job, job_id="job00000009")
    current().fail_next(call)
    with pytest.raises(HostError, match="job00000009"):
        shot.host.remember(new)


@pytest.mark.parametrize("call", ["createNode", "Node.setName", "nodes.Input", "Node.addKnob", "Knob.setExpression"])
def test_when_nuke_refuses_to_make_our_node_then_nothing_half_made_is_left(call: str, application: Application) -> None:
    from understudy.host_plugins.nuke.node import create_node

    application.fail_next(call)
    with pytest.raises(HostError, match="making an Understudy node"):
        create_node()
    assert list(application.root.walk()) == []
    assert application.undone == []


@pytest.mark.parametrize("call", ["Node.input", "Knob.value", "Node.firstFrame", "toNode"])
def test_when_nuke_refuses_while_a_button_is_pressed_then_a_message_says_so(call: str, shot: SmallShot) -> None:
    current().fail_next(call)
    press(shot.node, "submit")
    assert len(current().messages) == 1
    assert "Nuke refused" in current().messages[0] or "failed" in current().messages[0]


def test_when_a_job_of_a_non_commercial_nuke_has_no_node_left_then_making_one_says_so(
    application: Application,
) -> None:
    from understudy.host_plugins.nuke.node import create_node

    application.edition = "nc"
    application.reached.update(range(10))
    with pytest.raises(HostError, match="this edition of Nuke"):
        create_node()
