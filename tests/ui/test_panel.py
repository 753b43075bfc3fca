from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from daemon_rig import RunningDaemon
from panel_rig import shot_options
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSpinBox, QTableView, QTextBrowser, QWidget
from qt_rig import application, wait_until

from understudy.bridge.client import Client
from understudy.bridge.errors import RequestError
from understudy.bridge.gather import gather_job
from understudy.bridge.roundtrip import new_token, send_job
from understudy.ui.centre import EmptyCentre
from understudy.ui.job_list import TAKE
from understudy.ui.job_rows import row_of
from understudy.ui.panel import SETTLE_MILLISECONDS, Panel

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


def test_when_a_take_was_delivered_while_nobody_listened_then_its_files_are_asked_again(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    panel = open_panel()
    job_id = submit(shared_daemon, drawn)
    wait_until(lambda: panel.jobs.job(job_id) is not None and panel.jobs.job(job_id).summary.state == "delivered", 60)  # type: ignore[union-attr]
    row = panel.jobs.job(job_id)
    assert row is not None
    told: list[tuple[str, str]] = []
    panel.thumbnails.state_told.connect(lambda job, state: told.append((job, state)))
    panel.session.jobs_listed.emit([row_of(msgspec.structs.replace(row.summary, state="running"))])
    wait_until(lambda: (job_id, "uncleared") in told)  # asked since it is drawn
    told.clear()
    panel.session.jobs_listed.emit([row])
    wait_until(lambda: (job_id, "uncleared") in told)


def test_when_frames_land_faster_than_the_page_waits_then_the_page_is_read_all_the_same(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    panel = open_panel()
    gathered = gather_job(shot_options(drawn, shot="sh830"))
    with Client.connect(shared_daemon.connection) as client:
        job_id = client.submit(gathered.job, new_token()).job_id  # its files never come: it has no folder
        wait_until(lambda: panel.jobs.place(job_id) is not None)
        panel.pane.choose(job_id)
        wait_until(lambda: panel.details.shows(job_id))
        wait_until(lambda: not panel._settle.isActive())
        read: list[str] = []
        panel.details.textChanged.connect(lambda: read.append(job_id))
        landing = QTimer(panel, interval=SETTLE_MILLISECONDS // 10)
        landing.timeout.connect(lambda: panel.session.frames_finished.emit(job_id, [1001]))
        landing.start()
        wait_until(lambda: bool(read))
        landing.stop()
        client.control(job_id, "cancel")


def test_when_a_job_arrives_at_the_daemon_that_was_left_then_nothing_is_chosen_for_it_here(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, daemon: RunningDaemon, drawn: Path
) -> None:
    panel = open_panel(choices=shot_options(drawn, shot="sh840"))
    panel.open_form()
    form = panel.form
    assert form is not None
    wait_until(form.final.isEnabled)
    accepted: list[str] = []
    form.accepted_job.connect(lambda job_id, text: accepted.append(job_id))
    form.final.click()
    panel.session.connect_to(daemon.home)
    wait_until(lambda: bool(accepted), 60)
    assert panel.pane.chosen_id == ""
    assert accepted[0] in panel.statusBar().currentMessage()  # it is said all the same


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
