from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from qt_rig import wait_until

from understudy.bridge.client import Client
from understudy.bridge.keys import issue_key, load_connection, write_connection
from understudy.ui.daemon_dialog import DaemonDialog
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
