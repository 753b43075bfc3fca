"""The actions on real jobs of a real daemon with one slot: what waits behind a running job can be changed in peace."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from daemon_rig import RunningDaemon
from panel_rig import shot_options
from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from qt_rig import wait_until

from understudy.bridge.client import Client
from understudy.bridge.gather import gather_job
from understudy.bridge.roundtrip import new_token, send_job
from understudy.ui import words
from understudy.ui.job_command import JobCommand
from understudy.ui.job_rows import row_of
from understudy.ui.panel import Panel
from understudy.ui.redo_dialog import RedoDialog


@pytest.fixture
def panel(open_panel: Callable[..., Panel]) -> Panel:
    return open_panel()


def submit(daemon: RunningDaemon, drawn: Path, **changed: object) -> str:
    return send_job(daemon.connection, gather_job(shot_options(drawn, **changed))).job_id


def cancel(daemon: RunningDaemon, job_id: str) -> None:
    with Client.connect(daemon.connection) as client:
        client.control(job_id, "cancel")


def choose(panel: Panel, job_id: str) -> None:
    wait_until(lambda: panel.jobs.place(job_id) is not None)
    panel.pane.choose(job_id)


def state(panel: Panel, job_id: str) -> str:
    row = panel.jobs.job(job_id)
    return row.summary.state if row is not None else ""


def test_when_a_job_waits_then_it_can_be_paused_resumed_hurried_cancelled_and_tried_again(
    panel: Panel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    with shared_daemon.holding_its_slot():
        first = submit(shared_daemon, drawn, engine="preview", prompt="first")
        job_id = submit(shared_daemon, drawn, shot="sh020", engine="preview", prompt="second")
        choose(panel, job_id)
        actions = panel.actions_on_job.by_name
        actions["pause"].trigger()
        wait_until(lambda: state(panel, job_id) == "paused")
        assert actions["resume"].isEnabled()
        assert not actions["pause"].isEnabled()
        actions["sooner"].trigger()
        wait_until(lambda: panel.jobs.job(job_id).summary.priority == 10)  # type: ignore[union-attr]
        actions["cancel"].trigger()
        wait_until(lambda: state(panel, job_id) == "cancelled")
        cancel(shared_daemon, first)
    assert not actions["cancel"].isEnabled()
    actions["retry"].trigger()
    wait_until(lambda: state(panel, job_id) == "delivered", 180)


def test_when_the_daemon_refuses_an_action_then_its_words_are_shown_and_nothing_is_lost(
    panel: Panel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    job_id = submit(shared_daemon, drawn)
    choose(panel, job_id)
    wait_until(lambda: state(panel, job_id) == "delivered", 60)
    row = panel.jobs.job(job_id)
    assert row is not None
    paused = msgspec.structs.replace(row.summary, state="paused")  # as the list still has it for a moment
    panel.actions_on_job.choose([row_of(paused)])
    panel.actions_on_job.by_name["resume"].trigger()
    wait_until(lambda: "cannot be resumed" in panel.statusBar().currentMessage())
    assert state(panel, job_id) == "delivered"


def test_when_a_segment_is_redone_then_a_new_version_of_the_shot_appears(
    panel: Panel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    job_id = submit(shared_daemon, drawn, shot="sh030")
    choose(panel, job_id)
    wait_until(lambda: state(panel, job_id) == "delivered", 60)
    panel.actions_on_job.by_name["redo"].trigger()
    dialog = panel.findChild(RedoDialog)
    assert isinstance(dialog, RedoDialog)
    dialog.go.click()

    def versions() -> list[int]:
        rows = (panel.jobs.row(at).summary for at in range(panel.jobs.rowCount()))
        return [one.version for one in rows if one.shot == "sh030" and one.state == "delivered"]

    wait_until(lambda: versions() == [2, 1], 60)
    wait_until(lambda: not panel.findChildren(RedoDialog), said="a window that was closed stays")


def test_when_how_to_fetch_a_job_is_copied_then_the_command_brings_it(
    panel: Panel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    job_id = submit(shared_daemon, drawn)
    choose(panel, job_id)
    wait_until(lambda: state(panel, job_id) == "delivered", 60)
    panel.actions_on_job.by_name["copy_fetch"].trigger()
    assert QGuiApplication.clipboard().text() == f"understudy fetch {job_id} --out out/sh010"


def test_when_a_jobs_files_are_gone_then_opening_their_folder_says_what_to_do_instead(
    panel: Panel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    job_id = submit(shared_daemon, drawn, shot="sh040")
    choose(panel, job_id)
    wait_until(lambda: state(panel, job_id) == "delivered" and panel.details.folder is not None, 60)
    with Client.connect(shared_daemon.connection) as client:
        folder = Path(client.outputs(job_id, files=False).folder)
    shutil.move(folder, folder.with_name("elsewhere"))
    panel.details.choose(panel.jobs.job(job_id))
    wait_until(lambda: panel.details.folder is None)
    panel.actions_on_job.by_name["open"].trigger()
    assert panel.statusBar().currentMessage() == words.NO_FOLDER_HERE


def test_when_several_jobs_are_cancelled_then_it_is_asked_once_and_what_has_ended_is_left_alone(
    panel: Panel, shared_daemon: RunningDaemon, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(panel.actions_on_job, "confirm", lambda question: bool(asked.append(question)) or True)
    with shared_daemon.holding_its_slot():
        first = submit(shared_daemon, drawn, engine="preview", prompt="holds the slot")
        waiting = [submit(shared_daemon, drawn, shot=f"sh06{at}", engine="preview", prompt="waits") for at in range(2)]
        for job_id in waiting:
            choose(panel, job_id)
        panel.pane._select(tuple(waiting))
        actions = panel.actions_on_job.by_name
        assert not actions["redo"].isEnabled()
        actions["cancel"].trigger()
        wait_until(lambda: [state(panel, job_id) for job_id in waiting] == ["cancelled"] * 2)
        cancel(shared_daemon, first)
    assert len(asked) == 1
    assert "2 jobs" in asked[0]
    wait_until(lambda: panel.statusBar().currentMessage() == "2 jobs changed.")


def test_when_a_job_is_copied_as_a_command_then_it_submits_the_same_job_again(
    panel: Panel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    job_id = submit(shared_daemon, drawn, shot="sh070", seed=7)
    choose(panel, job_id)
    panel.actions_on_job.by_name["copy"].trigger()
    wait_until(lambda: "submit" in QGuiApplication.clipboard().text())
    line = QGuiApplication.clipboard().text()
    assert line.startswith("understudy submit --plate ")
    assert "--shot sh070" in line
    assert "--self-attest 'Ada, to test the panel'" in line


def test_when_a_copied_command_does_not_know_all_then_what_it_lacks_is_not_said_to_be_copied(panel: Panel) -> None:
    panel.actions_on_job._copied(JobCommand("understudy submit", (words.COPY_FOLDER,)))
    assert QGuiApplication.clipboard().text() == "understudy submit"
    assert panel.statusBar().currentMessage() == f"Copied, but {words.COPY_FOLDER}."


def test_when_plus_is_pressed_thrice_at_once_then_the_priority_rises_by_thirty(
    panel: Panel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    gathered = gather_job(shot_options(drawn, shot="sh080"))
    with Client.connect(shared_daemon.connection) as client:
        job_id = client.submit(gathered.job, new_token()).job_id  # its files never come: it stands where it is
        choose(panel, job_id)
        for _ in range(3):
            panel.actions_on_job.by_name["sooner"].trigger()
        wait_until(lambda: client.show_job(job_id).summary.priority >= 30)
        panel.actions_on_job.by_name["later"].trigger()
        wait_until(lambda: client.show_job(job_id).summary.priority == 20)
        client.control(job_id, "cancel")


class Folders(QObject):
    """What stands for a desktop: folders that were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(url.toLocalFile())


@pytest.fixture
def folders() -> Iterator[Folders]:
    made = Folders()
    QDesktopServices.setUrlHandler("file", made, "open")
    yield made
    QDesktopServices.unsetUrlHandler("file")


def test_when_another_job_is_chosen_and_its_folder_asked_for_at_once_then_it_is_that_jobs_folder(
    panel: Panel, shared_daemon: RunningDaemon, drawn: Path, folders: Folders
) -> None:
    one, other = (submit(shared_daemon, drawn, shot=shot) for shot in ("sh081", "sh082"))
    for job_id in (one, other):
        wait_until(lambda job_id=job_id: state(panel, job_id) == "delivered", 60)
    choose(panel, one)
    wait_until(lambda: panel.details.shows(one) and panel.details.folder is not None)
    choose(panel, other)
    panel.actions_on_job.by_name["open"].trigger()
    wait_until(lambda: bool(folders.opened))
    with Client.connect(shared_daemon.connection) as client:
        assert folders.opened == [client.outputs(other, files=False).folder]
