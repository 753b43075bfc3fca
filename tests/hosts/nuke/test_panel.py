"""The panel from Nuke: the node's button and the menu, what the panel asks of the script, the job list in a pane."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from host_rig import Drawn, draw
from nuke_rig import NukeRig, running
from nuke_shot import SmallShot
from nuke_stand_in import Application, choose, current, press
from nuke_stand_in.panes import open_pane
from processes import has_ended

from understudy.bridge.client import Client
from understudy.bridge.desk_messages import Listener, Tell
from understudy.bridge.errors import DaemonUnreachable
from understudy.bridge.frames import FrameRate
from understudy.bridge.host_daemon import COMMAND_VARIABLE
from understudy.bridge.keys import Connection
from understudy.bridge.seat import this_seat
from understudy.bridge.watch import Watcher

PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    running_one = RunningDaemon(tmp_path_factory.mktemp("daemon") / "home")
    yield running_one
    running_one.stop()


@pytest.fixture
def session(shot: SmallShot, daemon: RunningDaemon) -> Iterator[None]:
    """Let the script's session talk to the daemon of these tests."""
    from understudy.host_plugins.nuke import session as sessions

    sessions.close_session()
    connection = daemon.connection
    sessions._open.append(sessions.Session(lambda: connection, known=lambda: connection))
    yield
    sessions.close_session()
    while current().serve_one():
        pass
    left = [one.name for one in threading.enumerate() if one.name.startswith("understudy-")]
    assert left == []


class PanelThere:
    """What listens as the panel does, without a window."""

    def __init__(self, connection: Connection) -> None:
        self.heard: list[Tell] = []
        self.watcher = Watcher(
            connection, (), None, lambda event: None, lambda: None,
            listener=Listener(ear="panel", seat=this_seat()), on_told=self.heard.append,
        )  # fmt: skip
        assert self.watcher.wait_subscribed(10)

    def kinds(self) -> list[str]:
        return [said.kind for said in self.heard]


@pytest.fixture
def panel(daemon: RunningDaemon) -> Iterator[PanelThere]:
    there = PanelThere(daemon.connection)
    yield there
    there.watcher.close()


def turn_until(done: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < end, "it did not come to that"
        if not current().serve_one():
            time.sleep(0.002)


def status(shot: SmallShot) -> str:
    return str(shot.node.table["status"].get())


@pytest.mark.usefixtures("session")
def test_when_panel_is_pressed_on_a_node_then_its_shot_comes_into_the_form(shot: SmallShot, panel: PanelThere) -> None:
    shot.set(prompt="a fox", seed=7)
    press(shot.node, "panel")
    turn_until(lambda: "selection" in panel.kinds())
    assert panel.kinds() == ["show", "selection"]
    said = panel.heard[1]
    options = said.options
    assert options is not None
    assert (options.frames, options.rate, options.prompt, options.seed) == ("1001-1003", "24/1", "a fox", 7)
    assert options.plate == str(shot.folder / "plate/plate.%04d.exr")
    assert (said.title, options.series) == ("Nuke (comp.nk)", str(shot.folder / "understudy/comp"))
    turn_until(lambda: status(shot).startswith("shown"))


@pytest.mark.usefixtures("session")
def test_when_the_menu_is_chosen_and_no_node_is_selected_then_the_panel_only_comes_to_the_front(
    shot: SmallShot, panel: PanelThere
) -> None:
    from understudy.host_plugins.nuke import startup

    startup.start_menu()
    shot.node.setSelected(False)
    choose("Nuke", "Understudy", "Panel")
    turn_until(lambda: panel.heard)
    from understudy.host_plugins.nuke.session import current as open_session

    turn_until(lambda: all(job.ended for job in open_session().jobs.jobs.values()))
    assert panel.kinds() == ["show"]


@pytest.mark.usefixtures("session")
def test_when_a_job_that_is_not_there_is_asked_for_then_the_panel_is_told_why_nothing_came(
    shot: SmallShot, panel: PanelThere, daemon: RunningDaemon
) -> None:
    with Client.connect(daemon.connection) as client:
        turn_until(lambda: len(client.desks(this_seat()).hosts) == 1)  # that of the test before is gone
        (host,) = client.desks(this_seat()).hosts
        told = Tell(to="host", kind="import_take", seat=this_seat(), desk=host.desk, job_id="abcd1234")
        assert client.tell(told) == 1
    turn_until(lambda: "answer" in panel.kinds())
    answer = panel.heard[-1]
    assert answer.error is not None
    assert "abcd1234" in answer.error.message
    assert answer.job_id == "abcd1234"


def test_when_no_daemon_can_be_had_then_the_node_says_so_in_words(shot: SmallShot, home: Path) -> None:
    from understudy.host_plugins.nuke import session as sessions

    def nobody() -> Connection:
        raise DaemonUnreachable("no daemon answers", remedy="Start it with `understudy serve`.")

    sessions.close_session()
    sessions._open.append(sessions.Session(nobody))
    press(shot.node, "panel")
    turn_until(lambda: "understudy serve" in status(shot))
    sessions.close_session()


def test_when_no_panel_is_open_then_the_host_starts_one_and_after_it_was_killed_another(
    daemon: RunningDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("PySide6.QtWidgets", reason="the real panel needs Qt's libraries", exc_type=ImportError)
    command = tmp_path / "understudy"
    process = tmp_path / "process"
    line = f"{shlex.quote(sys.executable)} -m understudy.bridge.cli"
    command.write_text(f'#!/bin/sh\necho $$ >> "{process}"\nexec {line} "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv(COMMAND_VARIABLE, str(command))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    drawn = draw(tmp_path / "drawn")
    try:
        with running():
            rig, session = _with_session(tmp_path, daemon, drawn)
            for opened in (1, 2):
                job = session.open_panel(rig.node)
                turn_until(lambda job=job: job.ended)  # type: ignore[misc]
                assert job.notice.stage == "shown", job.notice
                numbers = process.read_text().split()
                assert len(numbers) == opened
                subprocess.run(["kill", "-9", numbers[-1]], check=True)
                turn_until(lambda killed=int(numbers[-1]): has_ended(killed))  # type: ignore[misc]
            session.close()
    finally:
        for number in process.read_text().split() if process.exists() else ():
            subprocess.run(["kill", "-9", number], check=False, capture_output=True)


def _with_session(folder: Path, daemon: RunningDaemon, drawn: Drawn):  # type: ignore[no-untyped-def]
    from understudy.host_plugins.nuke.session import Session

    (folder / "document").mkdir()
    rig = NukeRig(folder / "document")
    rig.make_shot(drawn, shot="sh010", rate=FrameRate(24))
    connection = daemon.connection
    return rig, Session(lambda: connection, known=lambda: connection)


# ---- the pane of Nuke 16 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "offered"), [((16, 0, 1), True), ((15, 1, 0), False)])
def test_when_nuke_brings_pyside6_then_a_pane_is_offered_and_before_none(
    version: tuple[int, int, int], offered: bool
) -> None:
    with running(version=version) as application:
        from understudy.host_plugins.nuke import startup

        startup.start_menu()
        assert list(application.menus["Nuke"].entries["Understudy"].entries) == ["Understudy", "Panel"]
        assert [name for name, _ in application.panes.values()] == (["Understudy jobs"] if offered else [])


def test_when_the_pane_is_shown_then_it_lists_the_jobs_and_when_it_is_hidden_its_threads_end(
    application: Application, daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("PySide6.QtWidgets", reason="the pane needs Qt's libraries", exc_type=ImportError)
    from qt_rig import application as qt
    from qt_rig import wait_until

    qt()
    monkeypatch.setenv("UNDERSTUDY_HOME", str(daemon.home))
    from understudy.host_plugins.nuke.startup import DOCK_ID, start_menu

    start_menu()
    dock = open_pane(DOCK_ID)
    wait_until(lambda: not any(one.name == "understudy-read-ahead" for one in threading.enumerate()))
    assert dock.session is None
    assert qt().styleSheet() == ""  # Nuke's own looks are Nuke's
    before = set(threading.enumerate())
    dock.show()
    wait_until(lambda: "alive" in dock.line.text())
    assert set(threading.enumerate()) - before
    dock.hide()
    wait_until(lambda: not set(threading.enumerate()) - before)
    dock.show()
    wait_until(lambda: dock.session is not None and dock.session.standing.life == "alive")
    dock.close()
    wait_until(lambda: not set(threading.enumerate()) - before)
    dock.deleteLater()


def test_when_nuke_ends_with_the_pane_open_then_nothing_holds_it(daemon: RunningDaemon) -> None:
    pytest.importorskip("PySide6.QtWidgets", reason="the pane needs Qt's libraries", exc_type=ImportError)
    code = (
        "import sys, time, types\n"
        "nuke = sys.modules['nuke'] = types.ModuleType('nuke')\n"
        "nuke.__getattr__ = lambda name: type(name, (), {})\n"
        "from PySide6.QtWidgets import QApplication\n"
        "app = QApplication([])\n"
        "from understudy.host_plugins.nuke.dock import JobsDock\n"
        "dock = JobsDock(); dock.show()\n"
        "end = time.monotonic() + 20\n"
        "while 'alive' not in dock.line.text() and time.monotonic() < end: app.processEvents(); time.sleep(0.01)\n"
        "print(dock.line.text())\n"
        "heavy = {'numpy', 'OpenEXR', 'PyOpenColorIO', 'typer', 'torch'} & set(sys.modules)\n"
        "print('heavy', sorted(heavy))\n"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "UNDERSTUDY_HOME": str(daemon.home), "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "alive" in done.stdout
    assert "heavy []" in done.stdout
    assert time.monotonic() - started < 40
