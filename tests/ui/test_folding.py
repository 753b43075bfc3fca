from __future__ import annotations

import pytest
from panel_rig import summaries, summary
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from qt_rig import application

from understudy.ui.job_list import SHOT, JobList
from understudy.ui.job_rows import JobRow, row_of
from understudy.ui.jobs_pane import JobsPane


@pytest.fixture
def pane() -> JobsPane:
    """Three shots of ten takes each."""
    made = JobsPane(JobList())
    menu = QMenu(made)
    made.add_menu(menu)
    made.add_folds(menu)
    made.jobs.set_jobs(row_of(job) for job in summaries(30))
    made.resize(900, 700)
    made.show()
    made.activateWindow()
    made.table.setFocus()
    application().processEvents()
    return made


def shots(pane: JobsPane) -> list[str]:
    return [pane.jobs.index(at, SHOT).data() for at in range(pane.jobs.rowCount())]


def test_when_a_shot_is_folded_by_key_then_its_newest_take_stays_and_says_how_many_are_behind_it(
    pane: JobsPane,
) -> None:
    pane.choose("job0000013")
    QTest.keyClick(pane.table, Qt.Key.Key_Left)
    assert shots(pane).count("sh0001  +9") == 1
    assert pane.jobs.rowCount() == 21
    assert pane.chosen_id == "job0000019"
    said = pane.jobs.index(pane.jobs.place("job0000019") or 0, SHOT).data(Qt.ItemDataRole.AccessibleTextRole)
    assert "9 older takes folded" in said
    QTest.keyClick(pane.table, Qt.Key.Key_Right)
    assert pane.jobs.rowCount() == 30


def test_when_every_shot_is_folded_then_one_line_a_shot_is_left_and_a_new_take_takes_its_place(pane: JobsPane) -> None:
    QTest.keyClick(pane.table, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert len(shots(pane)) == 3
    pane.jobs.change_jobs([row_of(summary(job_id="newest", shot="sh0000", created_at="2026-11-21T00"))])
    assert shots(pane) == ["sh0000  +10", "sh0002  +9", "sh0001  +9"]
    QTest.keyClick(pane.table, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert len(shots(pane)) == 31


def test_when_a_search_narrows_folded_shots_then_takes_behind_the_fold_are_found(pane: JobsPane) -> None:
    pane.fold_all()
    pane.search.setText("job000001")
    pane.search.setText("job0000013")
    assert [pane.jobs.row(at).summary.job_id for at in range(pane.jobs.rowCount())] == ["job0000013"]


def test_when_several_jobs_are_selected_then_they_stay_so_while_the_list_changes_round_them(pane: JobsPane) -> None:
    heard: list[list[JobRow]] = []
    pane.selected.connect(heard.append)
    for at, job_id in enumerate(("job0000003", "job0000015")):
        place = pane.jobs.place(job_id)
        assert place is not None
        flag = QItemSelectionModel.SelectionFlag
        how = flag.Rows | (flag.Select if at else flag.ClearAndSelect)
        pane.table.selectionModel().setCurrentIndex(pane.jobs.index(place, SHOT), how)
    assert {row.summary.job_id for row in heard[-1]} == {"job0000003", "job0000015"}
    pane.jobs.change_jobs([row_of(summary(job_id="newest", shot="sh0000", created_at="2026-11-21T00"))])
    assert {row.summary.job_id for row in heard[-1]} == {"job0000003", "job0000015"}
    assert pane.chosen_id == "job0000015"
    pane.jobs.change_jobs([row_of(summary(job_id="job0000003", shot="sh0000", state="failed"))])
    assert {row.summary.job_id: row.summary.state for row in heard[-1]}["job0000003"] == "failed"
