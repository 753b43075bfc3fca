"""Jobs while a script is open: buttons that return at once, a status on the node, everything found again."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from nuke_shot import SmallShot, make
from nuke_stand_in import choose, current, knob_changed, press, show_panel
from nuke_stand_in.nodes import delete_node
from nuke_stand_in.script import save

from understudy.bridge.errors import DaemonUnreachable
from understudy.bridge.keys import Connection

PATIENCE_SECONDS = 20.0


def nobody_answers() -> Connection:
    raise DaemonUnreachable("no daemon answers", remedy="Start it with `understudy serve`.")


def open_session(connect: Callable[[], Connection] = nobody_answers) -> None:
    """Let the script's session reach no daemon but this one."""
    from understudy.host_plugins.nuke import session

    session.close_session()
    session._open.append(session.Session(connect))


def turn_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < end
        if not current().serve_one():
            time.sleep(0.002)


def status(shot: SmallShot) -> str:
    return str(shot.node.table["status"].get())


@pytest.fixture
def no_session_left(shot: SmallShot) -> object:
    yield None
    from understudy.host_plugins.nuke import session

    session.close_session()
    while current().serve_one():
        pass
    left = [one for one in threading.enumerate() if one.name.startswith("understudy-")]
    for thread in left:
        thread.join(10)  # one that was asking the daemon ends with its question
    assert [one.name for one in left if one.is_alive()] == []


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


def test_when_a_node_was_pasted_then_jobs_that_are_settled_since_are_not_taken_up_from_its_copy(
    shot: SmallShot,
) -> None:
    from understudy.host_plugins.nuke import memory
    from understudy.host_plugins.nuke.node import create_node

    job = shot.take().job
    copy = create_node()
    copy["understudy_memory"].setValue(shot.node.table["understudy_memory"].get())
    assert [memory.jobs_of(node) for node in (copy, shot.node)] == [(job,), (job,)]
    memory.keep(msgspec.structs.replace(job, settled=True))
    assert [one.settled for one in shot.host.remembered()] == [True]
    assert [len(memory.jobs_of(node)) for node in (copy, shot.node)] == [0, 1]


def test_when_a_script_of_before_has_a_copy_with_an_unsettled_job_then_the_settled_word_counts(
    shot: SmallShot,
) -> None:
    from understudy.host_plugins.nuke.node import create_node

    job = shot.take().job
    copy = create_node()
    settled = msgspec.json.encode((msgspec.structs.replace(job, settled=True),)).decode()
    unsettled = msgspec.json.encode((job,)).decode()
    for texts in ((settled, unsettled), (unsettled, settled)):
        for node, text in zip((shot.node, copy), texts, strict=True):
            node["understudy_memory"].setValue(text)
        assert [one.settled for one in shot.host.remembered()] == [True], "whichever comes first"


def test_when_the_node_was_renamed_then_notices_find_it_again_without_a_search(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke import memory

    job = shot.take().job
    shot.node.setName("Hero")
    assert memory.owner(job).name() == "Hero"
    before = len(current().calls)
    assert memory.owner(job).name() == "Hero"
    assert not any(call.name == "allNodes" for call in current().calls[before:])
    other = make("NoOp")
    other.setName(job.anchor)  # another node that bears the old name is not taken for it
    assert memory.owner(job).name() == "Hero"


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


def test_when_a_script_is_opened_then_its_unsettled_jobs_are_taken_up_and_settled_ones_are_not(
    shot: SmallShot,
) -> None:
    import nuke

    from understudy.host_plugins.nuke import session, startup

    startup.start()
    take = shot.take()
    shot.host.remember(msgspec.structs.replace(take.job, job_id="settled", settled=True))
    save(current(), str(shot.folder / "comp.nk"))
    nuke.scriptOpen(str(shot.folder / "comp.nk"))
    jobs = session.current().jobs.jobs.values()
    assert [job.remembered.job_id for job in jobs if job.remembered is not None] == [take.job.job_id]
    nuke.scriptClose()
    assert session._open == []


def test_when_what_an_export_changed_cannot_be_put_back_then_the_script_closes_all_the_same(shot: SmallShot) -> None:
    import nuke

    from understudy.bridge.host import Step, Steps
    from understudy.bridge.host_jobs import HostJob
    from understudy.host_plugins.nuke import session, startup

    def steps() -> Steps[None]:
        try:
            yield Step(0, 1)
        finally:
            raise RuntimeError("the proxy knob is locked")

    startup.start()
    open_session()
    job = session.current().jobs.jobs["job1"] = HostJob("job1")
    job.steps = steps()
    next(job.steps)
    nuke.scriptClose()
    assert current().callback_errors == []
    assert any("the proxy knob is locked" in words for words in current().printed)


def test_when_a_script_is_closed_while_its_job_runs_then_nothing_is_drawn_on_the_next_one(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke import session

    open_session()
    press(shot.node, "submit")
    session.close_session()
    turn_until(lambda: not current().queue)
    assert status(shot) == ""


def test_when_a_script_without_jobs_is_opened_then_no_thread_is_started(shot: SmallShot) -> None:
    import nuke

    from understudy.host_plugins.nuke import session, startup

    startup.start()
    save(current(), str(shot.folder / "comp.nk"))
    nuke.scriptOpen(str(shot.folder / "comp.nk"))
    assert session._open == []


def test_when_the_kept_jobs_do_not_read_then_the_script_opens_all_the_same(shot: SmallShot) -> None:
    import nuke

    from understudy.host_plugins.nuke import startup

    startup.start()
    shot.node.table["understudy_memory"].put("{ not ours }")
    save(current(), str(shot.folder / "comp.nk"))
    nuke.scriptOpen(str(shot.folder / "comp.nk"))
    assert current().callback_errors == []


def test_when_the_plugin_is_missing_then_a_button_says_so_and_the_take_is_shown_all_the_same(
    shot: SmallShot, tmp_path: Path
) -> None:
    shot.place(shot.take())
    path = str(tmp_path / "sent.nk")
    save(current(), path)
    shown = current().root.find("Understudy1").picture().channels["rgba.red"][0, 0]
    hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("understudy.host_plugins")}
    sys.modules["understudy.host_plugins"] = None  # type: ignore[assignment]  # as where it was never installed
    try:
        from nuke_stand_in.script import open_into

        open_into(current(), path)
        node = current().root.find("Understudy1")
        press(node, "submit")
        assert "not installed" in current().messages[-1]
        assert node.picture().channels["rgba.red"][0, 0] == shown
    finally:
        sys.modules.update(hidden)


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


def test_when_a_node_is_copied_then_its_job_is_taken_up_once(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke.node import create_node

    take = shot.take()
    copy = create_node()
    copy["understudy_memory"].setValue(shot.node.table["understudy_memory"].get())
    assert [job.job_id for job in shot.host.remembered()] == [take.job.job_id]
    shot.place(take)
    assert shot.node.table["version"].get() == "v001"  # the one that sent it, not its copy


def test_when_a_script_grows_old_then_it_keeps_the_last_settled_jobs_and_every_open_one(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke.memory import SETTLED_KEPT

    take = shot.take()
    for number in range(SETTLED_KEPT + 3):
        shot.host.remember(msgspec.structs.replace(take.job, job_id=f"old{number}", settled=True))
    kept = [job.job_id for job in shot.host.remembered()]
    assert kept[0] == take.job.job_id
    assert (len(kept), kept[-1]) == (SETTLED_KEPT + 1, f"old{SETTLED_KEPT + 2}")


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
