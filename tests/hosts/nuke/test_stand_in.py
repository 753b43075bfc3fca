"""The stand-in is strict where Nuke is: each test is a mistake that it must catch."""

from __future__ import annotations

import threading

import pytest
from nuke_rig import running
from nuke_shot import make
from nuke_stand_in import Application, Guesses
from nuke_stand_in.nodes import delete_node


def in_another_thread(call: object) -> list[BaseException]:
    problems: list[BaseException] = []

    def work() -> None:
        try:
            call()  # type: ignore[operator]
        except BaseException as problem:  # noqa: BLE001 - whatever it is, the test looks at it
            problems.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return problems


def test_when_a_node_is_touched_in_another_thread_then_that_is_an_error(application: Application) -> None:
    import nuke

    node = make("Grade")
    for call in (node.name, nuke.allNodes, node.table["multiply"].value, nuke.Undo.disable, lambda: nuke.nodes.Dot()):
        assert "only the main thread" in str(in_another_thread(call)[0])


def test_when_another_thread_hands_over_then_the_main_thread_does_it_later(application: Application) -> None:
    import nuke

    assert in_another_thread(lambda: nuke.executeInMainThread(nuke.tprint, ("later",))) == []
    assert application.printed == []
    assert application.serve_one()
    assert application.printed == ["later"]


@pytest.mark.parametrize("kind", [NameError, KeyError])
def test_when_a_knob_is_missing_then_the_bracket_raises_and_the_method_gives_none(kind: type[Exception]) -> None:
    with running(guesses=Guesses(missing_knob=kind)):
        node = make("Grade")
        assert node.knob("nonsense") is None
        with pytest.raises(kind):
            node["nonsense"]


def test_when_a_node_was_deleted_then_every_call_raises(application: Application) -> None:
    node = make("Grade")
    delete_node(node)
    for call in (node.name, node.inputs, lambda: node["multiply"], lambda: node.setInput(0, None)):
        with pytest.raises(ValueError, match="not attached"):
            call()


def test_when_a_group_is_begun_and_not_ended_then_the_test_fails(application: Application) -> None:
    group = make("Group")
    group.begin()  # type: ignore[attr-defined]
    assert "never ended" in application.unclean()[0]
    group.end()  # type: ignore[attr-defined]


def test_when_undo_is_left_open_or_off_then_the_test_fails(application: Application) -> None:
    import nuke

    nuke.Undo.begin()
    assert "left open" in application.unclean()[0]
    nuke.Undo.end()
    nuke.Undo.disable()
    assert "disabled (1)" in application.unclean()[0]
    nuke.Undo.enable()
    assert application.unclean() == []


def test_when_a_refusal_was_ordered_and_never_came_then_the_test_fails(application: Application) -> None:
    application.fail_next("execute")
    assert "never failed" in application.unclean()[0]
    application.failures.clear()


def test_when_a_callback_raises_then_the_test_fails(application: Application) -> None:
    import nuke

    nuke.executeInMainThread(lambda: 1 / 0)
    application.serve_one()
    assert "ZeroDivisionError" in application.unclean()[0]
    application.callback_errors.clear()


def test_when_a_write_is_no_exr_yet_then_it_has_no_knob_of_exr(application: Application) -> None:
    write = make("Write")
    assert write.knob("datatype") is None
    write["file_type"].setValue("exr")
    assert write["datatype"].value() == "16 bit half"


def test_when_a_write_s_folder_is_missing_or_it_has_no_input_then_it_refuses(application: Application) -> None:
    import nuke

    write = make("Write", file_type="exr", file="/nowhere/at/all/x.####.exr")
    with pytest.raises(RuntimeError, match="no input"):
        nuke.execute(write, 1, 1)
    write.above[0] = make("Dot")
    with pytest.raises(RuntimeError, match="No such file"):
        nuke.execute(write, 1, 1)
    write["file"].setValue("/nowhere/x.exr")
    with pytest.raises(RuntimeError, match="no frame number"):
        nuke.execute(write, 1, 2)


def test_when_the_text_of_a_file_is_a_program_then_it_runs(application: Application) -> None:
    import nuke

    with pytest.raises(RuntimeError, match="invalid command name"):
        nuke.filename(make("Read", file="/show/[final]/x.exr"))
    with pytest.raises(RuntimeError, match="no such variable"):
        nuke.filename(make("Read", file="/show/$shot/x.exr"))
    assert nuke.filename(make("Read", file="/show/\\[final\\]/x.exr")) == "/show/[final]/x.exr"


def test_when_there_is_no_window_then_there_are_no_dialogs_and_no_menus() -> None:
    with running(gui=False):
        import nuke

        for call in (lambda: nuke.message("x"), lambda: nuke.menu("Nuke")):
            with pytest.raises(RuntimeError, match="without a window"):
                call()


def test_when_an_enumeration_has_not_what_is_set_then_it_keeps_what_it_had_or_raises() -> None:
    for raises in (False, True):
        with running(guesses=Guesses(unknown_entry_raises=raises)):
            knob = make("Read")["before"]
            if raises:
                with pytest.raises(TypeError):
                    knob.setValue("nonsense")
            else:
                knob.setValue("nonsense")
            assert knob.value() == "hold"
            knob.setValue(3)
            assert knob.value() == "black"


def test_when_a_channel_is_unknown_then_its_knob_raises(application: Application) -> None:
    with pytest.raises(ValueError, match="no such channel"):
        make("Copy")["from0"].setValue("nonsense")
