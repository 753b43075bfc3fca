"""What is selected in the list, and stays so: the next key acts on just that."""

from __future__ import annotations

import pytest
from panel_rig import summaries, summary
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from qt_rig import application

from understudy.ui.job_list import SHOT, JobList
from understudy.ui.job_rows import JobRow, row_of
from understudy.ui.jobs_pane import JobsPane

PLAIN, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
FIRST, SECOND, THIRD = "job0000009", "job0000008", "job0000007"


class Shown:
    """A pane of ten jobs, and what was told of its selection."""

    def __init__(self) -> None:
        self.pane = JobsPane(JobList())
        self.pane.add_menu(QMenu(self.pane))
        self.pane.jobs.set_jobs(row_of(job) for job in summaries(10))
        self.pane.resize(900, 700)
        self.pane.show()
        self.pane.activateWindow()
        self.pane.table.setFocus()
        application().processEvents()
        self.told: list[list[JobRow]] = []
        self.pane.selected.connect(self.told.append)

    def click(self, job_id: str, modifier: Qt.KeyboardModifier = PLAIN) -> None:
        table, at = self.pane.table, self.pane.jobs.place(job_id)
        assert at is not None
        place = table.visualRect(self.pane.jobs.index(at, SHOT)).center()
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, modifier, place)

    def new_job(self) -> None:
        self.pane.jobs.change_jobs([row_of(summary(job_id="newest01", shot="sh0000", created_at="2026-12-01"))])

    def selected(self) -> set[str]:
        rows = self.pane.table.selectionModel().selectedRows()
        marked = {self.pane.jobs.row(index.row()).summary.job_id for index in rows}
        assert marked == {row.summary.job_id for row in self.told[-1]}  # what is seen is what is acted on
        return marked


@pytest.fixture
def shown() -> Shown:
    return Shown()


def test_when_a_job_is_taken_out_of_the_selection_then_it_stays_out_while_the_list_changes(shown: Shown) -> None:
    shown.click(FIRST)
    shown.click(SECOND, CONTROL)
    shown.click(THIRD, CONTROL)
    shown.click(SECOND, CONTROL)
    shown.new_job()
    assert shown.selected() == {FIRST, THIRD}
    assert shown.pane.chosen_id == SECOND


def test_when_one_job_is_left_of_the_selection_then_the_one_taken_out_does_not_take_its_place(shown: Shown) -> None:
    shown.click(FIRST)
    shown.click(SECOND, CONTROL)
    shown.click(SECOND, CONTROL)
    shown.new_job()
    assert shown.selected() == {FIRST}


def test_when_nothing_is_left_of_the_selection_then_nothing_is_selected_when_the_list_changes(shown: Shown) -> None:
    shown.click(FIRST)
    shown.click(FIRST, CONTROL)
    shown.new_job()
    assert shown.selected() == set()


def test_when_selected_jobs_are_searched_away_then_they_are_selected_again_when_they_are_shown(shown: Shown) -> None:
    shown.click(FIRST)
    shown.click(SECOND, CONTROL)
    shown.pane.search.setText("nothing like that")
    assert shown.selected() == set()
    shown.pane.search.clear()
    assert shown.selected() == {FIRST, SECOND}


def test_when_a_job_is_chosen_for_somebody_then_it_alone_is_selected_as_soon_as_it_comes(shown: Shown) -> None:
    shown.click(FIRST)
    shown.click(SECOND, CONTROL)
    shown.pane.choose("newest01")
    shown.new_job()
    assert shown.selected() == {"newest01"}


def test_when_another_job_than_the_one_with_the_details_changes_then_what_is_selected_of_it_is_told_anew(
    shown: Shown,
) -> None:
    shown.click(FIRST)
    shown.click(SECOND, CONTROL)
    shown.click(SECOND, CONTROL)
    shown.pane.jobs.change_jobs([row_of(summary(job_id=FIRST, shot="sh0000", priority=30))])
    assert [row.summary.priority for row in shown.told[-1]] == [30]


def test_when_a_letter_s_action_is_off_then_the_letter_chooses_no_other_job(shown: Shown) -> None:
    shown.pane.jobs.change_jobs([row_of(summary(job_id="retry001", shot="retry", created_at="2026-01-01"))])
    shown.click(FIRST)
    shown.click(SECOND, CONTROL)
    QTest.keyClick(shown.pane.table, Qt.Key.Key_R)
    assert shown.selected() == {FIRST, SECOND}
    assert shown.pane.chosen_id == SECOND


def test_when_somebody_goes_down_from_the_search_then_a_job_is_selected(shown: Shown) -> None:
    shown.pane.search.setFocus()
    QTest.keyClick(shown.pane.search, Qt.Key.Key_Down)
    assert shown.selected() == {FIRST}
