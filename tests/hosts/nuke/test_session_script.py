"""What a script keeps of its jobs: saved, opened, closed, copied, renamed, and opened where nothing of ours is."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest
from nuke_session import open_session, status, turn_until
from nuke_shot import SmallShot, make
from nuke_stand_in import current, press
from nuke_stand_in.script import save

pytestmark = pytest.mark.usefixtures("no_session_left")


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
