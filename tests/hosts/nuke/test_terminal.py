"""Nuke without a window: one call that blocks until the take is placed, with a real daemon behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from host_rig import draw
from nuke_rig import NukeRig, running
from nuke_shot import SmallShot
from nuke_stand_in import Application, current

from understudy.bridge.errors import DaemonUnreachable, HostError, RequestError
from understudy.bridge.exit_codes import FAILED
from understudy.bridge.frames import FrameRate
from understudy.bridge.keys import Connection


@pytest.fixture
def terminal() -> Iterator[Application]:
    with running(gui=False) as application:
        yield application


def nobody_answers() -> Connection:
    raise DaemonUnreachable("no daemon answers", remedy="Start it with `understudy serve`.")


def test_when_a_script_is_recast_in_a_terminal_then_it_is_saved_with_the_take_in_it(
    terminal: Application, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = RunningDaemon(home)
    try:
        rig = NukeRig(tmp_path)
        rig.make_shot(draw(tmp_path / "drawn"), shot="sh010", rate=FrameRate(24))
        rig.node.table["engine"].put("identity")
        rig.host.remembered()
        from nuke_stand_in.script import open_into, save

        save(current(), rig.script)
        from understudy.host_plugins.nuke.terminal import main

        assert main([rig.script, "Understudy1"]) == 0
        open_into(current(), rig.script)
        assert rig.takes() == (1,)
        assert "version 1 of sh010" in capsys.readouterr().out
        assert terminal.queue == []  # there is no event loop: nothing was left to one
    finally:
        daemon.stop()


@pytest.mark.parametrize("what", ["opened", "saved"])
def test_when_a_studio_s_callback_fails_then_it_is_told_in_words_and_the_exit_code_says_so(
    terminal: Application, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    import nuke

    from understudy.host_plugins.nuke.terminal import main

    rig = NukeRig(tmp_path)
    daemon = RunningDaemon(home)
    try:
        rig.make_shot(draw(tmp_path / "drawn"), shot="sh010", rate=FrameRate(24))
        rig.node.table["engine"].put("identity")
        from nuke_stand_in.script import save

        save(current(), rig.script)

        def fail() -> None:
            raise OSError("the studio's server is away")

        {"opened": nuke.addOnScriptLoad, "saved": nuke.addOnScriptSave}[what](fail)
        assert main([rig.script, "Understudy1"]) == FAILED
    finally:
        daemon.stop()
    said = capsys.readouterr().err
    assert f"{rig.script} could not be {what}" in said
    assert "OSError: the studio's server is away" in said
    if what == "saved":
        assert f"The take lies in {rig.folder}" in said


def test_when_no_daemon_answers_then_the_error_is_the_job_s_own(
    terminal: Application, tmp_path: Path, home: Path
) -> None:
    SmallShot(tmp_path / "show")
    from understudy.host_plugins.nuke.terminal import recast_node

    with pytest.raises(DaemonUnreachable, match="no daemon answers"):
        recast_node("Understudy1", nobody_answers)


def test_when_the_node_does_not_exist_then_the_only_other_one_is_named_and_not_recast(
    terminal: Application, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from understudy.host_plugins.nuke.terminal import main

    SmallShot(tmp_path / "show").node.setName("Other")
    from nuke_stand_in.script import save

    save(current(), str(tmp_path / "x.nk"))
    assert main([str(tmp_path / "x.nk"), "Understudy1"]) != 0
    said = capsys.readouterr().err
    assert "no Understudy node Understudy1" in said
    assert "Other" in said


def test_when_arguments_are_missing_then_the_usage_is_said(
    terminal: Application, capsys: pytest.CaptureFixture[str]
) -> None:
    from understudy.host_plugins.nuke.terminal import main

    assert main(["x.nk"]) == 2
    assert "SCRIPT NODE" in capsys.readouterr().err


def test_when_there_is_a_window_then_nothing_may_hold_it(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke.terminal import recast_node

    with pytest.raises(HostError, match="hold Nuke's window"):
        recast_node("Understudy1", nobody_answers)


@pytest.mark.parametrize("edition", ["nc", "indie"])
def test_when_the_edition_has_no_command_line_then_that_is_said_first(edition: str, home: Path) -> None:
    with running(gui=False, edition=edition):
        from understudy.host_plugins.nuke.terminal import recast_node

        with pytest.raises(HostError, match="does not run from the command line"):
            recast_node("Understudy1", nobody_answers)


def test_when_a_record_is_missing_then_it_is_refused_as_on_the_command_line(
    terminal: Application, tmp_path: Path, home: Path
) -> None:
    SmallShot(tmp_path / "show").set(record=str(tmp_path / "none.json"))
    from understudy.host_plugins.nuke.terminal import recast_node

    with pytest.raises((RequestError, DaemonUnreachable)):
        recast_node("Understudy1", nobody_answers)


def test_when_nuke_has_no_window_then_a_script_that_is_opened_starts_nothing(terminal: Application) -> None:
    from understudy.host_plugins.nuke import session

    session.script_opened()
    assert session._open == []
    assert "understudy.host_plugins.nuke.terminal" not in sys.modules
