from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from panel_rig import shot_options
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSpinBox, QTableView, QTextBrowser, QWidget
from qt_rig import application, wait_until

from understudy.bridge.errors import RequestError
from understudy.bridge.gather import gather_job
from understudy.bridge.roundtrip import send_job
from understudy.ui.centre import EmptyCentre
from understudy.ui.job_list import TAKE
from understudy.ui.panel import Panel

OpenPanel = Callable[..., Panel]
CONTROLS = (QAbstractButton, QLineEdit, QComboBox, QSpinBox, QTableView, QTextBrowser)


def shown(panel: Panel) -> str:
    assert isinstance(panel.middle, EmptyCentre)
    return panel.middle.label.text()


def submit(daemon: RunningDaemon, drawn: Path, **changed: str) -> str:
    return send_job(daemon.connection, gather_job(shot_options(drawn, **changed))).job_id


def test_when_a_take_is_chosen_then_its_page_its_folder_and_its_picture_come(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    panel = open_panel()
    job_id = submit(shared_daemon, drawn)
    wait_until(lambda: panel.jobs.place(job_id) is not None)
    panel.pane.choose(job_id)
    wait_until(lambda: "UNCLEARED" in shown(panel), 60)
    assert str(shared_daemon.home) in shown(panel)
    assert "every file says uncleared" in panel.details.toPlainText()
    wait_until(lambda: panel.jobs.index(panel.jobs.place(job_id), 0).data(Qt.ItemDataRole.DecorationRole) is not None)
    wait_until(
        lambda: "UNCLEARED" in panel.jobs.index(panel.jobs.place(job_id), TAKE).data(Qt.ItemDataRole.ToolTipRole)
    )


def test_when_something_does_not_work_then_what_happened_and_what_to_do_are_two_sentences(
    open_panel: OpenPanel,
) -> None:
    panel = open_panel()
    panel.tell_problem(RequestError("the take is gone", remedy="Fetch it again."))
    assert panel.statusBar().currentMessage() == "the take is gone. Fetch it again."


def test_when_the_daemon_dies_then_the_list_stays_and_says_so_and_all_is_right_when_it_is_back(
    open_panel: OpenPanel, daemon: RunningDaemon, drawn: Path
) -> None:
    panel = open_panel(daemon.home)
    job_id = submit(daemon, drawn)
    wait_until(lambda: panel.jobs.place(job_id) is not None)
    daemon.kill()
    wait_until(lambda: "away" in panel.daemon_line.text())
    assert panel.jobs.place(job_id) is not None
    daemon.start_again()
    wait_until(lambda: panel.jobs.job(job_id).summary.state == "delivered", 60)  # type: ignore[union-attr]
    assert "alive" in panel.daemon_line.text()


def test_when_only_keys_are_pressed_then_search_list_and_form_are_reached(open_panel: OpenPanel) -> None:
    panel = open_panel()
    panel.activateWindow()
    QTest.keyClick(panel, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    wait_until(panel.pane.search.hasFocus)
    QTest.keyClick(panel.pane.search, Qt.Key.Key_Down)
    wait_until(panel.pane.table.hasFocus)
    QTest.keyClick(panel, Qt.Key.Key_F4)
    wait_until(panel.details.hasFocus)
    QTest.keyClick(panel, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert panel.form is not None
    assert panel.form.isVisible()


def test_when_a_screen_reader_asks_then_every_control_has_a_name(open_panel: OpenPanel) -> None:
    panel = open_panel()
    panel.open_form()
    panel.open_daemon()
    windows = (panel, panel.form, panel.daemon)
    found = [widget for window in windows if window for kind in CONTROLS for widget in window.findChildren(kind)]
    nameless = [widget for widget in found if not _is_part(widget) and not _name(widget)]
    assert nameless == []
    assert len(found) > 50


def _is_part(widget: QWidget) -> bool:
    """Say whether Qt made it inside another control: a header's corner, a spin box's line, a menu bar's arrow."""
    return widget.objectName().startswith("qt_") or isinstance(
        widget.parent(), (QComboBox, QSpinBox, QTableView, QLineEdit)
    )


def _name(widget: QWidget) -> str:
    return widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_when_letters_grow_then_rows_and_windows_grow_with_them(open_panel: OpenPanel, scale: float) -> None:
    made = application()
    plain = made.font()
    font = made.font()
    font.setPointSizeF(plain.pointSizeF() * scale)
    made.setFont(font)
    try:
        panel = open_panel()
        assert panel.pane.table.verticalHeader().defaultSectionSize() >= 2 * panel.fontMetrics().height()
        assert panel.pane.table.columnWidth(TAKE) > panel.fontMetrics().horizontalAdvance("v001 DEMONSTRATION")
    finally:
        made.setFont(plain)
