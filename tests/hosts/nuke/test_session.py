"""Jobs while a script is open: buttons that return at once, a status on the node, cautions before any of it."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest
from nuke_session import PATIENCE_SECONDS, nobody_answers, open_session, status, turn_until
from nuke_shot import SmallShot, make
from nuke_stand_in import choose, current, knob_changed, press, show_panel
from nuke_stand_in.nodes import delete_node

from understudy.bridge.keys import Connection

pytestmark = pytest.mark.usefixtures("no_session_left")


def test_when_recast_is_pressed_then_the_button_returns_before_anything_is_exported(shot: SmallShot) -> None:
    shot.connect(0, make("Grade", shot.plate))
    open_session()
    current().calls.clear()
    press(shot.node, "submit")
    assert not any(call.name == "execute" for call in current().calls)
    turn_until(lambda: "failed" in status(shot))
    assert sum(call.name == "execute" for call in current().calls) == 3
    assert {call.thread for call in current().calls if call.name == "execute"} == {"MainThread"}


def test_when_no_daemon_runs_then_it_is_started_off_the_main_thread_and_what_hinders_it_is_told(
    shot: SmallShot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from understudy.host_plugins.nuke.session import connect

    askers: list[str] = []

    def asked() -> Connection:
        askers.append(threading.current_thread().name)
        return connect()

    monkeypatch.setenv("UNDERSTUDY_COMMAND", str(shot.folder / "no" / "understudy"))
    open_session(asked)
    press(shot.node, "submit")
    turn_until(lambda: "failed" in status(shot))
    assert "cannot be started" in status(shot)
    assert askers == ["understudy-job1"]


def test_when_a_job_fails_then_the_node_says_what_happened_and_what_to_do(shot: SmallShot) -> None:
    open_session()
    press(shot.node, "submit")
    turn_until(lambda: "failed" in status(shot))
    assert "no daemon answers" in status(shot)
    assert "understudy serve" in status(shot)
    assert shot.node.table["label"].evaluate() == status(shot)  # type: ignore[attr-defined]
    assert current().messages == []


def test_when_the_status_is_drawn_then_there_is_nothing_to_undo_and_nothing_to_save(shot: SmallShot) -> None:
    open_session()
    press(shot.node, "submit")
    turn_until(lambda: "failed" in status(shot))
    assert current().undone == []
    assert not current().root.modified()


def test_when_something_can_be_told_before_then_the_button_says_it_and_no_job_begins(shot: SmallShot) -> None:
    open_session()
    shot.set(range="typed", first=5, last=1)
    press(shot.node, "submit")
    assert "Understudy1: a frame range ends at or after" in current().messages[0]
    from understudy.host_plugins.nuke.session import current as session

    assert session().jobs.jobs == {}


def test_when_the_script_was_never_saved_then_the_button_says_where_takes_would_go(shot: SmallShot) -> None:
    open_session()
    current().root.script = ""
    shot.set(shot="sh010")
    press(shot.node, "submit")
    assert "never saved" in current().messages[0]
    assert "output folder" in current().messages[0]


def test_when_a_job_is_cancelled_while_it_is_exported_then_it_stops_before_the_next_frame(shot: SmallShot) -> None:
    shot.connect(0, make("Grade", shot.plate))
    open_session()
    press(shot.node, "submit")
    turn_until(lambda: any(call.name == "execute" for call in current().calls))
    press(shot.node, "cancel")
    turn_until(lambda: "cancelled" in status(shot))
    assert sum(call.name == "execute" for call in current().calls) < 3
    assert not shot.nodes("Write")


def test_when_there_is_no_job_then_cancel_and_details_say_so(shot: SmallShot) -> None:
    open_session()
    press(shot.node, "cancel")
    press(shot.node, "details")
    assert "has no job that runs" in current().messages[0]
    assert "has sent no job" in current().messages[1]


def test_when_details_is_pressed_then_cautions_and_remedies_are_all_there(shot: SmallShot) -> None:
    make("Write", shot.node, file_type="exr")
    open_session()
    press(shot.node, "submit")
    turn_until(lambda: "failed" in status(shot))
    press(shot.node, "details")
    assert "understudy serve" in current().messages[0]
    assert "Write1 drops what our files say" in current().messages[0]
    assert "Write1 drops" in status(shot)


@pytest.mark.parametrize("how", ["selected", "showPanel", "inputChange", "view"])
def test_when_a_node_is_looked_at_then_its_cautions_stand_on_it_before_the_button_is_pressed(
    shot: SmallShot, how: str
) -> None:
    from understudy.host_plugins.nuke import startup

    startup.start_menu()
    open_session()
    write = make("Write", shot.node, file_type="exr")
    current().undone.clear()
    current().root.set_modified(False)
    knob_changed(shot.node, how)
    assert "Write1 drops what our files say" in shot.node.table["label"].evaluate()  # type: ignore[attr-defined]
    assert (current().undone, current().root.modified(), current().callback_errors) == ([], False, [])
    write.table["metadata"].put("all metadata")
    knob_changed(shot.node, "xpos")
    assert "Write1" in status(shot), "nothing is looked for while a node is dragged"
    knob_changed(shot.node, how)
    assert status(shot) == ""


def test_when_a_job_has_ended_then_its_end_stands_on_the_node_with_the_cautions_of_now(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke import startup

    startup.start_menu()
    open_session()
    press(shot.node, "submit")
    turn_until(lambda: "failed" in status(shot))
    make("Write", shot.node, file_type="exr")
    knob_changed(shot.node, "selected")
    assert "no daemon answers" in status(shot)
    assert "Write1 drops" in status(shot)


def test_when_looking_at_a_node_goes_wrong_then_nuke_s_callback_raises_nothing(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke import startup

    startup.start_menu()
    open_session()
    current().fail_next("Node.input")
    knob_changed(shot.node, "selected")
    assert current().callback_errors == []


def test_when_nuke_renders_for_the_artist_then_the_node_says_that_its_job_waits(shot: SmallShot) -> None:
    open_session()
    current().executing = True
    press(shot.node, "submit")
    turn_until(lambda: "renders something of yours" in status(shot))
    current().executing = False
    turn_until(lambda: "failed" in status(shot))
    assert "no daemon answers" in status(shot)


def test_when_the_node_is_deleted_while_its_job_runs_then_nothing_breaks(shot: SmallShot) -> None:
    go_on = threading.Event()

    def later() -> Connection:
        go_on.wait(PATIENCE_SECONDS)
        return nobody_answers()

    open_session(later)
    press(shot.node, "submit")
    from understudy.host_plugins.nuke.session import current as session

    (job,) = session().jobs.jobs.values()
    turn_until(lambda: job.notice.done == 0 and not current().queue and not session().main.waiting)
    delete_node(shot.node)
    go_on.set()
    turn_until(lambda: job.ended)
    assert job.notice.stage == "failed"


def test_when_a_script_has_two_nodes_then_each_button_sends_its_own_shot_and_each_take_comes_to_its_own(
    shot: SmallShot,
) -> None:
    from understudy.host_plugins.nuke.node import create_node
    from understudy.host_plugins.nuke.session import current as session

    other = create_node()
    for number in range(3):
        other.setInput(number, shot.node.above[number])
    open_session()
    shot.set(shot="one")
    other["shot"].setValue("two")
    press(other, "submit")
    press(shot.node, "submit")
    turn_until(lambda: all(job.ended for job in session().jobs.jobs.values()))
    turn_until(lambda: not current().queue)
    assert session().host.select().shot == "one"  # the last one that was pressed
    assert "failed" in other["status"].value()
    take = shot.take()
    second = msgspec.structs.replace(take.job, job_id="of the other", anchor="Understudy2", version=5)
    shot.host.remember(second)
    shot.place(take)
    shot.place(msgspec.structs.replace(take, job=second))
    assert shot.node.table["version"].get() == "v001"
    assert other["version"].value() == "v005"


def test_when_a_panel_is_opened_then_views_and_engines_are_those_that_there_are(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke import startup

    startup.start_menu()
    current().views = ["left", "right"]
    shot.set(engine="identity")
    show_panel(shot.node)
    assert shot.node.table["view"]._entries[:2] == ["left", "right"]  # type: ignore[attr-defined]
    turn_until(lambda: not any(one.name == "understudy-engines" for one in threading.enumerate()))
    assert shot.node.table["engine"].get() == "identity"  # no daemon: as it was


def test_when_the_menu_is_used_then_a_node_is_made_under_the_selected_one(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke import startup

    startup.start_menu()
    startup.start_menu()
    for node in current().root.walk():
        node.is_selected = node is shot.plate
    choose("Nodes", "Understudy", "Understudy")
    made = current().root.find("Understudy2")
    assert made.above[0] is shot.plate
    assert list(current().menus["Nuke"].entries) == ["Understudy"]
    assert len(current().callbacks["addKnobChanged"]) == 1


def test_when_a_farm_cannot_see_the_folder_then_the_button_refuses_it(shot: SmallShot, home: Path) -> None:
    import json

    home.mkdir(exist_ok=True)
    (shot.folder / "farm").mkdir()
    roots = [{"name": "farm", "linux": str(shot.folder / "farm"), "farm_visible": True}]
    (home / "settings.json").write_text(json.dumps({"roots": roots}))
    open_session()
    press(shot.node, "submit")
    assert "a render farm cannot see" in current().messages[0]
    shot.set(folder=str(shot.folder / "farm" / "takes"))
    assert shot.host.default_folder(shot.select()) == shot.folder / "farm" / "takes"
