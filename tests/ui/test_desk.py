"""The panel at the artist's desk: what hosts select comes into its form, takes go back to them, there is one of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from daemon_rig import RunningDaemon
from panel_rig import shot_options
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from qt_rig import wait_until

from understudy.bridge.client import Client
from understudy.bridge.desk_messages import Listener, Tell
from understudy.bridge.errors import HostError
from understudy.bridge.gather import gather_job
from understudy.bridge.keys import Connection
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import send_job
from understudy.bridge.seat import this_seat
from understudy.bridge.watch import Watcher
from understudy.ui.job_list import SHOT
from understudy.ui.panel import Panel

OpenPanel = Callable[..., Panel]
OPEN_SECONDS = 60.0


class FakeHost:
    """A program that listens as a host does, without one around it."""

    def __init__(self, connection: Connection, desk: str, title: str) -> None:
        self.heard: list[Tell] = []
        self.watcher = Watcher(
            connection, (), None, lambda event: None, lambda: None,
            listener=Listener(ear="host", seat=this_seat(), desk=desk, title=title), on_told=self.heard.append,
        )  # fmt: skip
        assert self.watcher.wait_subscribed(10)


@pytest.fixture
def hosts(shared_daemon: RunningDaemon) -> Iterator[Callable[[str, str], FakeHost]]:
    with ExitStack() as opened:

        def listening(desk: str, title: str) -> FakeHost:
            host = FakeHost(shared_daemon.connection, desk, title)
            opened.callback(host.watcher.close)
            return host

        yield listening


def tell(daemon: RunningDaemon, **said: object) -> int:
    with Client.connect(daemon.connection) as client:
        return client.tell(Tell(to="panel", seat=this_seat(), **said))  # type: ignore[arg-type]


def panels(daemon: RunningDaemon) -> int:
    with Client.connect(daemon.connection) as client:
        return client.desks(this_seat()).panels


def listening(panel: Panel, daemon: RunningDaemon) -> Panel:
    wait_until(lambda: panel.desk._ear is not None and panel.desk._ear.wait(0))
    return panel


def delivered(panel: Panel, daemon: RunningDaemon, drawn: Path) -> str:
    job_id = send_job(daemon.connection, gather_job(shot_options(drawn))).job_id
    wait_until(lambda: panel.jobs.place(job_id) is not None)
    wait_until(lambda: panel.jobs.job(job_id).summary.state == "delivered", 60)  # type: ignore[union-attr]
    panel.pane.choose(job_id)
    return job_id


def test_when_a_host_sends_its_shot_then_the_form_says_just_that(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    panel = listening(open_panel(), shared_daemon)
    choices = shot_options(drawn, frames="1001-1004", handles="1:0", prompt="a fox")
    assert tell(shared_daemon, kind="selection", options=choices, title="Nuke (comp.nk)") == 1
    wait_until(lambda: panel.form is not None and panel.form.isVisible())
    assert panel.form is not None
    assert msgspec.structs.replace(panel.form.options()[0], handles="1:0") == choices
    assert panel.statusBar().currentMessage() == "Nuke (comp.nk) has put sh010 into the form."


def test_when_another_shot_comes_then_nothing_of_the_one_before_is_left_but_papers_and_project(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    panel = listening(open_panel(choices=shot_options(drawn, clean_plate="/clean.exr", project="dune")), shared_daemon)
    panel.open_form()
    other = shot_options(drawn, shot="sh020", self_attest=None)
    tell(shared_daemon, kind="selection", options=other)
    form = panel.form
    assert form is not None
    wait_until(lambda: form.options()[0].shot == "sh020")
    said = form.options()[0]
    assert (said.clean_plate, said.project, said.self_attest) == (None, "dune", "Ada, to test the panel")


def test_when_a_job_is_being_sent_then_the_host_s_shot_waits_until_it_is_sent(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    panel = listening(open_panel(choices=shot_options(drawn, shot="sh930")), shared_daemon)
    panel.open_form()
    form = panel.form
    assert form is not None
    wait_until(form.final.isEnabled)
    form.final.click()
    assert form.take_shot(shot_options(drawn, shot="sh931")).shot == "sh931"
    assert form.options()[0].shot == "sh930"
    wait_until(lambda: form.options()[0].shot == "sh931", 60)
    wait_until(lambda: panel.jobs.place(panel.pane.chosen_id) is not None)
    assert panel.jobs.job(panel.pane.chosen_id).summary.shot == "sh930"  # type: ignore[union-attr]


def test_when_the_panel_is_minimised_and_called_then_it_is_there_again(
    open_panel: OpenPanel, shared_daemon: RunningDaemon
) -> None:
    panel = listening(open_panel(), shared_daemon)
    panel.showMinimized()
    tell(shared_daemon, kind="show")
    wait_until(lambda: not panel.isMinimized() and panel.isActiveWindow())
    assert panel.form is None


def test_when_no_host_is_open_then_import_is_not_offered(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    panel = open_panel()
    delivered(panel, shared_daemon, drawn)
    wait_until(lambda: panel.import_action._row is not None)
    wait_until(lambda: not panel.desk.hosts)
    assert not panel.import_action.isEnabled()


def test_when_a_take_is_delivered_then_the_key_i_asks_the_one_host_and_its_answer_is_shown(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, drawn: Path, hosts: Callable[[str, str], FakeHost]
) -> None:
    nuke = hosts("nuke 1", "Nuke (comp.nk)")
    panel = listening(open_panel(), shared_daemon)
    job_id = delivered(panel, shared_daemon, drawn)
    wait_until(panel.import_action.isEnabled)
    assert panel.import_action.text() == "&Import into Nuke (comp.nk)"
    panel.activateWindow()
    panel.pane.table.setFocus()
    QTest.keyClick(panel.pane.table, Qt.Key.Key_I)
    wait_until(lambda: bool(nuke.heard))
    assert (nuke.heard[0].kind, nuke.heard[0].job_id) == ("import_take", job_id)
    tell(shared_daemon, kind="answer", title="Nuke (comp.nk)", words="version 1 is in place", job_id=job_id)
    wait_until(lambda: panel.statusBar().currentMessage() == "Nuke (comp.nk): version 1 is in place.")
    problem = HostError("the script was never saved", remedy="Save it.").report()
    tell(shared_daemon, kind="answer", title="Nuke (comp.nk)", error=problem)
    wait_until(lambda: panel.statusBar().currentMessage() == "Nuke (comp.nk): the script was never saved. Save it.")


def test_when_the_last_job_is_taken_out_of_the_selection_then_the_key_i_imports_the_one_that_is_left(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, drawn: Path, hosts: Callable[[str, str], FakeHost]
) -> None:
    nuke = hosts("nuke 1", "Nuke (comp.nk)")
    panel = listening(open_panel(), shared_daemon)
    left, out = (delivered(panel, shared_daemon, drawn) for _ in range(2))
    panel.pane.choose(left)
    for expected in ({left, out}, {left}):
        at = panel.jobs.place(out)
        assert at is not None
        place = panel.pane.table.visualRect(panel.jobs.index(at, SHOT)).center()
        control = Qt.KeyboardModifier.ControlModifier
        QTest.mouseClick(panel.pane.table.viewport(), Qt.MouseButton.LeftButton, control, place)
        assert set(panel.pane.selected_ids) == expected
        assert panel.import_action.isEnabled() == (len(expected) == 1 and bool(panel.desk.hosts))
    wait_until(panel.import_action.isEnabled)
    panel.import_action.trigger()
    wait_until(lambda: bool(nuke.heard))
    assert nuke.heard[0].job_id == left


def test_when_several_hosts_are_open_then_one_is_chosen_from_a_menu(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, drawn: Path, hosts: Callable[[str, str], FakeHost]
) -> None:
    nuke, blender = hosts("nuke 1", "Nuke (comp.nk)"), hosts("blender 2", "Blender (cut & go.blend)")
    panel = open_panel()
    delivered(panel, shared_daemon, drawn)
    wait_until(lambda: len(panel.desk.hosts) == 2 and panel.import_action.isEnabled())
    panel.import_action.trigger()
    menu = panel.import_action.menu_of_hosts
    assert [action.text() for action in menu.actions()] == ["Nuke (comp.nk)", "Blender (cut && go.blend)"]
    menu.actions()[1].trigger()
    menu.close()
    wait_until(lambda: bool(blender.heard))
    assert nuke.heard == []


def test_when_the_host_has_gone_then_the_panel_says_so(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    nuke = FakeHost(shared_daemon.connection, "nuke 1", "Nuke (comp.nk)")
    panel = open_panel()
    delivered(panel, shared_daemon, drawn)
    wait_until(panel.import_action.isEnabled)
    host = next(one for one in panel.desk.hosts if one.title == "Nuke (comp.nk)")
    nuke.watcher.close()
    wait_until(lambda: not _hosts(shared_daemon))
    panel.import_action.import_into(host)  # chosen from a menu that was open meanwhile
    wait_until(lambda: panel.statusBar().currentMessage().startswith("Nuke (comp.nk) is no longer open."))


def _hosts(daemon: RunningDaemon) -> int:
    with Client.connect(daemon.connection) as client:
        return len(client.desks(this_seat()).hosts)


# ---- the process ----------------------------------------------------------------------------------------------------


class Opened:
    """`understudy panel` as a process, on no screen."""

    def __init__(self, home: Path, *options: str, cwd: Path | None = None) -> None:
        environment = {**os.environ, "UNDERSTUDY_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
        command = [sys.executable, "-m", "understudy.bridge.cli", "panel", *options]
        self.process = subprocess.Popen(
            command, env=environment, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()


@pytest.fixture
def processes() -> Iterator[list[Opened]]:
    opened: list[Opened] = []
    yield opened
    for one in opened:
        one.end()


def test_when_a_second_panel_is_opened_then_the_first_has_its_options_and_the_second_ends(
    open_panel: OpenPanel, daemon: RunningDaemon, drawn: Path, processes: list[Opened]
) -> None:
    panel = listening(open_panel(daemon.home), daemon)
    second = Opened(
        daemon.home, "--plate", "plate/plate.####.exr", "--shot", "sh950", "--ocio", "colour/config.ocio", cwd=drawn
    )
    processes.append(second)
    wait_until(lambda: second.process.poll() is not None, OPEN_SECONDS)
    assert second.process.returncode == 0, second.process.communicate()[0]
    wait_until(lambda: panel.form is not None and panel.form.options()[0].shot == "sh950")
    form = panel.form
    assert form is not None
    said = form.options()[0]
    assert (said.plate, said.shot) == (str(drawn / "plate/plate.####.exr"), "sh950")
    assert said.ocio == str(drawn / "colour/config.ocio")


def test_when_the_first_panel_was_killed_then_the_next_one_opens_and_another_beside_it_where_it_is_wanted(
    daemon: RunningDaemon, processes: list[Opened]
) -> None:
    processes.append(Opened(daemon.home))
    wait_until(lambda: panels(daemon) == 1, OPEN_SECONDS)
    os.kill(processes[0].process.pid, signal.SIGKILL)
    processes[0].process.wait()
    wait_until(lambda: panels(daemon) == 0)
    processes.append(Opened(daemon.home))
    wait_until(lambda: panels(daemon) == 1, OPEN_SECONDS)
    assert processes[1].process.poll() is None
    processes.append(Opened(daemon.home, "--another"))
    wait_until(lambda: panels(daemon) == 2, OPEN_SECONDS)
    assert [one.process.poll() for one in processes[1:]] == [None, None]


def test_when_no_daemon_is_there_then_the_panel_opens_all_the_same(tmp_path: Path, processes: list[Opened]) -> None:
    from understudy.ui.one_panel import take_the_desk

    assert take_the_desk(tmp_path / "daemon.json", JobOptions(shot="sh010")) is None
