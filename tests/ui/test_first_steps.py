"""What the empty list leads a newcomer to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from qt_rig import wait_until

from understudy.ui import words
from understudy.ui.panel import Panel
from understudy.ui.session import Session

OpenPanel = Callable[..., Panel]


def offered(panel: Panel) -> list[str]:
    return [label for label, button in panel.pane.empty.buttons.items() if button.isVisible()]


def button_of(panel: Panel, label: str) -> QPushButton:
    return panel.pane.empty.buttons[label]


def test_when_no_daemon_ever_answered_then_the_list_says_what_one_is_and_offers_to_start_it(tmp_path: Path) -> None:
    panel = Panel(Session(tmp_path / "daemon.json"))
    panel.show()
    panel.session.start()
    wait_until(lambda: panel.session.standing.life == "away")
    assert offered(panel) == [words.EMPTY_START, words.EMPTY_DAEMON]
    assert panel.daemon_line.text() == words.DAEMON_NONE
    panel.close()


def test_when_a_daemon_does_not_start_then_its_own_words_stand_above_the_button(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "understudy"
    broken.write_text("#!/bin/sh\necho the disk is full >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("UNDERSTUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UNDERSTUDY_COMMAND", str(broken))
    panel = Panel(Session(tmp_path / "home/daemon.json"))
    panel.show()
    panel.session.start()
    wait_until(lambda: panel.session.standing.life == "away")
    QTest.mouseClick(button_of(panel, words.EMPTY_START), Qt.MouseButton.LeftButton)
    assert panel.pane.empty.label.text() == words.DAEMON_STARTING.capitalize()
    assert offered(panel) == []
    wait_until(lambda: "the disk is full" in panel.pane.empty.label.text(), 30)
    assert words.EMPTY_START in offered(panel)
    panel.close()


def test_when_a_daemon_answers_and_has_no_job_then_the_form_is_a_click_away(open_panel: OpenPanel) -> None:
    panel = open_panel()
    panel.jobs.set_jobs([])
    assert offered(panel) == [words.EMPTY_NEW]
    QTest.mouseClick(button_of(panel, words.EMPTY_NEW), Qt.MouseButton.LeftButton)
    assert panel.form is not None
    assert panel.form.isVisible()
    assert not panel.form.more.is_open
    panel.form.fields["colour"].set_value(None)
    QTest.mouseClick(panel.form.more.button, Qt.MouseButton.LeftButton)
    assert panel.form.fields["colour"].editor.isVisible()
