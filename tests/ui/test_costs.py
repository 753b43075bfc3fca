"""What jobs cost, in the form and before a redo: a real daemon whose worker has really made a take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from panel_rig import shot_options
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from qt_rig import wait_until

from understudy.bridge.client import Client
from understudy.bridge.gather import gather_job
from understudy.bridge.roundtrip import send_job
from understudy.ui.panel import Panel
from understudy.ui.redo_dialog import RedoDialog

OpenPanel = Callable[..., Panel]


def made(daemon: RunningDaemon, drawn: Path) -> str:
    """Have a take made and return its job."""
    job_id = send_job(daemon.connection, gather_job(shot_options(drawn, engine="preview"))).job_id
    with Client.connect(daemon.connection) as client:
        wait_until(lambda: client.show_job(job_id).summary.state == "delivered", 60)
    return job_id


def test_when_nothing_was_made_here_then_the_form_says_so_and_when_something_was_then_what_it_took(
    open_panel: OpenPanel, daemon: RunningDaemon, drawn: Path
) -> None:
    panel = open_panel(daemon.home, shot_options(drawn, engine="preview"))
    panel.open_form()
    form = panel.form
    assert form is not None
    box = form.costs.box
    wait_until(lambda: "ot measured here yet" in box.said.text())
    assert "1.5 GiB" in box.said.text()
    assert form.draft.text() == "&Draft with preview"
    job_id = made(daemon, drawn)
    with Client.connect(daemon.connection) as client:
        (cost,) = client.costs()
    assert (cost.engine, cost.jobs, cost.device) == ("preview", 1, "CPU")
    assert cost.frame_seconds > 0
    assert cost.host_bytes > 2**20
    form.costs.ask()
    wait_until(lambda: "for 4 frames (one job here)" in box.said.text(), said=box.said.text())
    assert "(about " in form.draft.text()
    chosen = [row.cells[0] for row in box._rows if row.is_chosen]
    assert chosen == ["preview"]
    _before_a_redo(panel, job_id)


def _before_a_redo(panel: Panel, job_id: str) -> None:
    wait_until(lambda: panel.jobs.place(job_id) is not None)
    wait_until(lambda: panel.jobs.job(job_id).summary.state == "delivered")  # type: ignore[union-attr]
    panel.pane.choose(job_id)
    panel.actions_on_job.by_name["redo"].trigger()
    dialog = panel.findChild(RedoDialog)
    assert isinstance(dialog, RedoDialog)
    wait_until(dialog.cost.isVisible)
    assert "for 4 frames (one job here)" in dialog.cost.text()
    dialog.segment.setValue(9)
    assert dialog.cost.text() == ""


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_when_return_takes_a_row_of_the_comparison_then_the_job_is_not_sent(
    open_panel: OpenPanel, drawn: Path, key: Qt.Key
) -> None:
    panel = open_panel(choices=shot_options(drawn))
    panel.actions_on_job.confirm = lambda question: True  # type: ignore[method-assign]  # nobody is here to be asked
    panel.open_form()
    form = panel.form
    assert form is not None
    wait_until(form.final.isEnabled)
    table = form.costs.box.table
    table.setFocus()
    table.setCurrentCell([row.engine for row in form.costs.box._rows].index("preview"), 0)
    QTest.keyClick(table, key)
    assert form.fields["engine"].value() == "preview"
    assert not form.is_sending


def test_when_a_row_of_the_comparison_is_taken_then_the_form_says_its_engine_and_preset(open_panel: OpenPanel) -> None:
    panel = open_panel()
    panel.open_form()
    form = panel.form
    assert form is not None
    rows = [row.cells[0] for row in form.costs.box._rows]
    form.costs.box.table.activated.emit(form.costs.box.table.model().index(rows.index("wan-animate draft"), 0))
    assert form.fields["engine"].value() == "wan-animate"
    assert form.engine_fields["preset"].value() == "draft"
