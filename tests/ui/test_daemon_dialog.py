from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from qt_rig import wait_until

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonUnreachable
from understudy.bridge.keys import issue_key, load_connection, write_connection
from understudy.bridge.machine_messages import GpuNow, Machine, Waiting
from understudy.bridge.messages import Slot, Status
from understudy.ui.daemon_dialog import DaemonDialog
from understudy.ui.daemon_words import machine_rows
from understudy.ui.panel import Panel
from understudy.ui.session import Session

OpenPanel = Callable[..., Panel]


def dialog_of(panel: Panel) -> DaemonDialog:
    panel.open_daemon()
    assert panel.daemon is not None
    return panel.daemon


def test_when_the_daemon_lives_then_slots_queue_vault_and_who_one_is_are_told(open_panel: OpenPanel) -> None:
    text = dialog_of(open_panel()).text()
    assert "Daemon: alive" in text
    assert "on this machine" in text
    assert "idle" in text or "slot" in text.lower()
    assert "200.0 GiB" in text
    assert "every project" in text


def test_when_a_key_file_is_chosen_then_the_panel_is_that_user(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, tmp_path: Path
) -> None:
    key = tmp_path / "ben.json"
    write_connection(key, issue_key(shared_daemon.home, "ben", roles=("artist",), projects=("dune",), host="127.0.0.1"))
    dialog = dialog_of(open_panel())
    dialog.connect_by(key)
    wait_until(lambda: "ben (artist), dune" in dialog.text())


def test_when_a_key_file_is_no_key_file_then_it_says_so_and_the_old_one_can_be_had_back(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("nothing")
    bad.chmod(0o600)
    dialog = dialog_of(open_panel())
    dialog.connect_by(bad)
    wait_until(lambda: "is damaged" in dialog.text())
    dialog.connect_by(shared_daemon.home)
    wait_until(lambda: "Daemon: alive" in dialog.text())


@pytest.mark.long
def test_when_no_daemon_is_there_then_one_can_be_started_here(home: Path) -> None:
    panel = Panel(Session(home / "daemon.json"))
    panel.show()
    panel.session.start()
    dialog = dialog_of(panel)
    wait_until(lambda: panel.session.standing.life == "away")
    dialog.start.click()
    try:
        wait_until(lambda: panel.session.standing.life == "alive", 40, said=dialog.said.text())
    finally:
        with Client.connect(load_connection(home)) as client:
            client.drain(now=True)


def test_when_the_daemon_lives_then_packs_ledger_uptime_and_its_cards_are_told(open_panel: OpenPanel) -> None:
    dialog = dialog_of(open_panel())
    wait_until(lambda: "Packs in force" in dialog.text())
    text = dialog.text()
    assert "base@" in text
    assert "Ledger: " in text
    assert "entr" in text
    assert "Up for: " in text
    assert "GPU" in text


def test_when_a_machine_has_cards_and_jobs_wait_then_both_are_told_in_words() -> None:
    card = GpuNow(index="1", uuid="GPU-b", name="NVIDIA H200", used_bytes=22 << 30, total_bytes=140 << 30)
    waiting = [Waiting(job_id=f"job{n}", shot="sh010", user="ada", seconds=90) for n in range(6)]
    machine = Machine(gpus=(card,), queue=(*waiting, Waiting(job_id="hidden", seconds=5)), uptime_seconds=3700)
    slot = Slot(name="slot-2", job_id=None, process=1, gpus=("GPU-b",))
    rows = dict(machine_rows(machine, None)) | dict(machine_rows(machine, status_with(slot)))
    assert rows["GPU 1"] == "NVIDIA H200, 22.0 GiB of 140.0 GiB in use, slot-2"
    assert rows["Waiting 1"] == "sh010 by ada (job0), for 1 min 30 s"
    assert rows[""] == "and 2 jobs more"
    assert rows["Up for"] == "1 h 01 min"


def status_with(slot: Slot) -> Status:
    return Status(
        version="1", started_at="", draining=False, slots=(slot,), queued=0, vault_bytes=0, vault_quota_bytes=1,
        disk_free_bytes=1, home="",
    )  # fmt: skip


def test_when_an_artist_looks_then_the_daemon_cannot_be_drained(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, tmp_path: Path
) -> None:
    key = tmp_path / "cleo.json"
    write_connection(key, issue_key(shared_daemon.home, "cleo", roles=("artist",), projects=(), host="127.0.0.1"))
    dialog = dialog_of(open_panel())
    assert dialog.drain.isEnabled()
    dialog.connect_by(key)
    wait_until(lambda: "cleo" in dialog.text())
    assert not dialog.drain.isEnabled()


def test_when_an_admin_says_yes_then_the_daemon_drains_and_when_not_then_nothing_happens(
    open_panel: OpenPanel, daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = dialog_of(open_panel(daemon.home))
    asked: list[str] = []
    monkeypatch.setattr(dialog, "confirm", lambda question: bool(asked.append(question)))
    dialog.drain.click()
    assert "finish 0 jobs" in asked[0]
    assert daemon.process.poll() is None
    monkeypatch.setattr(dialog, "confirm", lambda question: True)
    dialog.drain.click()
    wait_until(lambda: daemon.process.poll() == 0)


def test_when_daemons_were_visited_then_they_can_be_had_back_from_the_list(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, tmp_path: Path
) -> None:
    key = tmp_path / "dora.json"
    write_connection(key, issue_key(shared_daemon.home, "dora", roles=("artist",), projects=(), host="127.0.0.1"))
    panel = open_panel()
    dialog = dialog_of(panel)
    dialog.connect_by(key)
    wait_until(lambda: "dora" in dialog.text())
    wait_until(lambda: dialog.recent.count() == 2)
    assert dialog.recent.itemText(0) == str(key)
    dialog.recent.setFocus()
    QTest.keyClick(dialog.recent, Qt.Key.Key_Down)
    assert (dialog.recent.currentIndex(), panel.session.where) == (1, key)  # who only looks stays where they are
    QTest.keyClick(dialog.recent, Qt.Key.Key_Return)
    wait_until(lambda: "dora" not in dialog.text() and "Daemon: alive" in dialog.text())
    assert not dialog.connect_recent.isEnabled()


def test_when_the_start_of_a_daemon_fails_then_what_happened_and_what_to_do_are_two_sentences(
    open_panel: OpenPanel,
) -> None:
    dialog = dialog_of(open_panel())
    dialog._failed(DaemonUnreachable("nobody answers", remedy="Start it again."))
    assert dialog.said.text() == "nobody answers. Start it again."
