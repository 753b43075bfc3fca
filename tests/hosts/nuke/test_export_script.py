"""The artist's script during an export: nothing of ours in it, and what gets in its way said in words."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from nuke_rig import running
from nuke_shot import FRAMES, SmallShot, make
from nuke_stand_in import Application, current
from nuke_stand_in.nodes import make_node

from understudy.bridge.errors import HostError, JobCancelled


def test_when_a_frame_was_rendered_then_nothing_of_ours_stands_in_the_script(shot: SmallShot) -> None:
    shot.connect(0, make("Grade", shot.plate))
    current().root.table["proxy"].put(True)
    current().root.set_modified(False)
    current().undone.clear()
    before = [node.said for node in current().root.walk()]
    (shot.folder / "export").mkdir()
    steps = shot.host.export(shot.select(), shot.folder / "export")
    for _ in range(2):
        next(steps)
        assert [node.said for node in current().root.walk()] == before
        assert current().root.table["proxy"].get() is True
        assert not current().root.modified()
        assert (current().undone, current().undo_disabled) == ([], 0)
    steps.close()


def test_when_the_artist_had_switched_undo_off_then_it_stays_off(shot: SmallShot) -> None:
    shot.connect(0, make("Grade", shot.plate))
    current().undo_disabled = 1
    shot.export()
    assert current().undo_disabled == 1
    current().undo_disabled = 0


def test_when_cancel_is_pressed_in_nuke_s_own_progress_bar_then_the_job_is_cancelled_not_failed(
    shot: SmallShot,
) -> None:
    shot.connect(0, make("Grade", shot.plate))
    current().cancel_next_render = True
    with pytest.raises(JobCancelled, match="frame 1001 of Grade1"):
        shot.export()


def test_when_nuke_renders_for_the_artist_then_the_export_waits_and_says_so(shot: SmallShot) -> None:
    shot.connect(0, make("Grade", shot.plate))
    (shot.folder / "export").mkdir()
    steps = shot.host.export(shot.select(), shot.folder / "export")
    done = 0
    while done < len(FRAMES):
        current().executing = True
        before = len(current().calls)
        for _ in range(3):
            step = next(steps)
            assert (step.done, "renders something of yours" in step.words) == (done, True)
            assert step.pause_seconds > 0
        assert {call.name for call in current().calls[before:]} <= {"executing"}, "and touches nothing meanwhile"
        current().executing = False
        done = next(steps).done


def test_when_nuke_renders_for_the_artist_then_a_take_is_placed_after_it(shot: SmallShot) -> None:
    steps = shot.host.place(shot.take())
    current().executing = True
    assert [next(steps).pause_seconds > 0 for _ in range(3)] == [True] * 3
    assert not [node for node in shot.nodes("Read") if "_v001_" in node.said]
    current().executing = False
    for _ in steps:
        pass
    assert [node for node in shot.nodes("Read") if "_v001_" in node.said]


def test_when_a_render_in_a_terminal_asks_for_a_recast_then_nobody_waits_for_ever(tmp_path: Path, home: Path) -> None:
    with running(gui=False):
        shot = SmallShot(tmp_path / "show")
        current().executing = True
        with pytest.raises(HostError, match="renders something else") as caught:
            shot.export()
        current().executing = False
        assert "callback" in caught.value.remedy


def test_when_the_plate_is_deleted_between_two_frames_then_the_error_names_it(shot: SmallShot) -> None:
    from nuke_stand_in.nodes import delete_node

    grade = make("Grade", shot.plate)
    shot.connect(0, grade)
    (shot.folder / "export").mkdir()
    steps = shot.host.export(shot.select(), shot.folder / "export")
    next(step for step in steps if step.done)
    delete_node(grade)
    with pytest.raises(HostError, match="Grade1 was deleted"):
        next(steps)


def test_when_a_studio_s_callback_renames_the_file_then_the_export_says_that_it_is_not_there(shot: SmallShot) -> None:
    import nuke

    def rename() -> None:
        (write,) = [node for node in current().root.walk() if node.kind == "Write"]
        write.table["file"].put(write.table["file"].get().replace("plate.", "elsewhere."))

    nuke.addBeforeFrameRender(rename)
    shot.connect(0, make("Grade", shot.plate))
    with pytest.raises(HostError, match=r"plate\.1001\.exr is not there"):
        shot.export()


def test_when_a_call_comes_from_another_thread_then_nuke_would_not_have_it(application: Application) -> None:
    import nuke

    problems: list[BaseException] = []

    def work() -> None:
        try:
            nuke.root()
        except RuntimeError as problem:
            problems.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "only the main thread" in str(problems[0])
    assert make_node("Dot") is not None
