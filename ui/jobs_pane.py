"""The left side of the panel: the list of jobs with its search, its filter and the actions on the chosen one."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import get_args

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QImage, QKeyEvent, QKeySequence, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from understudy.ui import words
from understudy.ui.empty_jobs import EmptyJobs
from understudy.ui.job_cells import JobCells
from understudy.ui.job_list import LEFT, PROGRESS, SHOT, STAGE, STATE, TAKE, THUMBNAIL, WHO, JobList
from understudy.ui.job_rows import Group, Show, group_of

SHOWS: tuple[Show, ...] = get_args(Show)
SHOW_WORDS: dict[Show, str] = {
    "all": words.ALL_STATES,
    "live": words.LIVE,
    "ended": words.ENDED,
    "attention": words.ATTENTION,
}


class JobsPane(QWidget):
    """Jobs by shot. The chosen job stays chosen while the list changes round it."""

    chosen = Signal(object)
    """JobRow, or None: the one whose details are shown."""
    selected = Signal(object)
    """list[JobRow]: what an action is done to."""

    def __init__(self, jobs: JobList, parent: QWidget | None = None, *, when_empty: str = words.NO_JOBS) -> None:
        """when_empty: what stands there while there is no job."""
        super().__init__(parent)
        self.jobs, self._when_empty = jobs, when_empty
        self.chosen_id = ""
        self.selected_ids: tuple[str, ...] = ()
        """Selected jobs; while none of them is shown, those that are selected again when they are."""
        self._finding = False
        self._when_empty_buttons: tuple[str, ...] = ()
        self.search = QLineEdit(self, placeholderText=words.SEARCH, clearButtonEnabled=True)
        self.search.setAccessibleName(words.SEARCH_NAME)
        self.show_box = QComboBox(self)
        self.show_box.setAccessibleName(words.FILTER_NAME)
        self.show_box.addItems([SHOW_WORDS[show] for show in SHOWS])
        self.table = _table(self, jobs)
        self.empty = EmptyJobs(when_empty, self.table)
        self._arrange()
        self.search.textChanged.connect(self._choose_shown)
        self.search.installEventFilter(self)
        self.show_box.currentIndexChanged.connect(self._choose_shown)
        self.table.selectionModel().currentRowChanged.connect(self._remember)
        self.table.selectionModel().selectionChanged.connect(self._note_selection)
        self.table.installEventFilter(self)
        jobs.rearranged.connect(self._find_again)
        jobs.dataChanged.connect(self._tell_change)
        self._find_again()

    def choose(self, job_id: str) -> None:
        """Choose this job and select it alone, as soon as it is shown."""
        self.chosen_id, self.selected_ids = job_id, (job_id,)
        self._find_again()

    def add_menu(self, menu: QMenu) -> None:
        """Offer these actions here: by their keys, and by a menu at the chosen row."""
        self._menu = menu
        self.table.addActions(menu.actions())

    def set_thumbnail(self, job_id: str, image: QImage) -> None:
        self.jobs.set_thumbnail(job_id, QPixmap.fromImage(image))

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(6, 6, 6, 4)
        head.addWidget(self.search, 1)
        head.addWidget(self.show_box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.table, 1)

    @property
    def shown(self) -> Show:
        """Which jobs are shown."""
        return SHOWS[self.show_box.currentIndex()]

    def take_shown(self, show: str) -> None:
        """Show these jobs, where there is such a choice."""
        if show in SHOWS:
            self.show_box.setCurrentIndex(SHOWS.index(show))

    def _choose_shown(self) -> None:
        self.jobs.choose(self.search.text(), SHOWS[self.show_box.currentIndex()])

    def _find_again(self) -> None:
        """Choose the chosen job again after the rows have moved, and select what was selected: no job more.

        The chosen one may have been taken out of the selection, which the next action must then leave alone.
        """
        kept = self.selected_ids
        at = self.jobs.place(self.chosen_id)
        self._finding = True
        if at is not None:
            only_current = QItemSelectionModel.SelectionFlag.NoUpdate
            self.table.selectionModel().setCurrentIndex(self.jobs.index(at, SHOT), only_current)
        else:
            self.chosen.emit(None)
        self._select(kept)
        self._finding = False
        self._note_selection()
        self.selected_ids = self.selected_ids or kept
        self.empty.setVisible(self.jobs.rowCount() == 0)
        self._fill_empty()

    def say_when_empty(self, text: str, *buttons: str) -> None:
        """Say this while there is no job at all, with these of the buttons that `empty` has."""
        self._when_empty, self._when_empty_buttons = text, buttons
        self._fill_empty()

    def _fill_empty(self) -> None:
        if self.jobs.count:
            self.empty.show_words(words.NOTHING_FOUND)
        else:
            self.empty.show_words(self._when_empty, *self._when_empty_buttons)

    def _select(self, job_ids: tuple[str, ...]) -> None:
        """Select these jobs and no others, where they are shown."""
        alone = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        found = QItemSelection()
        places = sorted(at for at in map(self.jobs.place, job_ids) if at is not None)
        # In runs of neighbours: Qt compares every part of a selection with every other.
        for _, run in groupby(enumerate(places), lambda one: one[1] - one[0]):
            rows = [at for _, at in run]
            found.select(self.jobs.index(rows[0], SHOT), self.jobs.index(rows[-1], SHOT))
        self.table.selectionModel().select(found, alone)

    def _note_selection(self) -> None:
        if self._finding:
            return
        # Not `selectedRows`: it asks the list for each of its cells.
        runs = self.table.selectionModel().selection().toList()
        rows = [self.jobs.row(at) for at in sorted({at for run in runs for at in range(run.top(), run.bottom() + 1)})]
        self.selected_ids = tuple(row.summary.job_id for row in rows)
        self.selected.emit(rows)

    # ---- shots that are folded ------------------------------------------------------------------------------------

    def add_folds(self, menu: QMenu) -> None:
        """Offer to fold shots, by keys and in a menu."""
        for name, do in {
            "fold": partial(self._fold_chosen, True), "unfold": partial(self._fold_chosen, False),
            "fold_all": self.fold_all, "unfold_all": lambda: self.jobs.fold(()),
        }.items():  # fmt: skip
            label, key, said = words.FOLDS[name]
            action = QAction(label, self, toolTip=said, statusTip=said)
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(do)
            self.table.addAction(action)
            menu.addAction(action)

    def fold_all(self) -> None:
        """Show the newest take of each shot; what was chosen gives way to the newest of its shot."""
        self._fold(self.jobs.groups())

    def _fold_chosen(self, folded: bool, _checked: bool = False) -> None:
        row = self.jobs.job(self.chosen_id)
        if row is not None:
            group = {group_of(row.summary)}
            self._fold(self.jobs.folded | group if folded else self.jobs.folded - group)

    def _fold(self, groups: frozenset[Group]) -> None:
        row = self.jobs.job(self.chosen_id)
        if row is not None and (head := self.jobs.newest(row)) is not None and group_of(row.summary) in groups:
            self.selected_ids = tuple(head if one == self.chosen_id else one for one in self.selected_ids)
            self.chosen_id = head
        self.jobs.fold(groups)

    def _remember(self, now: QModelIndex, _before: QModelIndex) -> None:
        if now.isValid():
            row = self.jobs.row(now.row())
            self.chosen_id = row.summary.job_id
            self.chosen.emit(row)

    def _tell_change(self, first: QModelIndex, last: QModelIndex) -> None:
        at = self.jobs.place(self.chosen_id)
        if at is not None and first.row() <= at <= last.row():
            self.chosen.emit(self.jobs.row(at))
        places = [at for at in map(self.jobs.place, self.selected_ids) if at is not None]
        if any(first.row() <= at <= last.row() for at in places):
            self.selected.emit([self.jobs.row(at) for at in places])

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if watched is self.table and event.type() == QEvent.Type.Resize:
            self.empty.setGeometry(self.table.rect())
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._key(watched, event):
            return True
        return super().eventFilter(watched, event)  # type: ignore[arg-type]

    def _key(self, watched: object, event: QKeyEvent) -> bool:
        """Esc shows everything; down and return go from the search into the list."""
        if event.key() == Qt.Key.Key_Escape and (self.search.text() or self.show_box.currentIndex()):
            self.search.clear()
            self.show_box.setCurrentIndex(0)
            return True
        if watched is self.search and event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.table.setFocus()
            if not self.table.selectionModel().hasSelection() and self.jobs.rowCount():
                self.table.setCurrentIndex(self.jobs.index(self.jobs.place(self.chosen_id) or 0, SHOT))
            return True
        return False

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        self._menu.popup(event.globalPos())


class _JobsTable(QTableView):
    """The letters here are actions' keys: one whose action is off chooses no other job."""

    def keyboardSearch(self, search: str) -> None:  # noqa: N802 - Qt's name
        """Leave searching to the field above."""


def _table(parent: QWidget, jobs: JobList) -> QTableView:
    table = _JobsTable(parent)
    table.setAccessibleName(words.JOBS_NAME)
    cells = JobCells(jobs, table)
    table.setItemDelegate(cells)
    table.setModel(jobs)
    cells.use_selection(table.selectionModel())
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)  # Tab leaves the list, as everywhere
    table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setMouseTracking(False)
    rows, columns = table.verticalHeader(), table.horizontalHeader()
    rows.hide()
    rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # else Qt measures every one of 10,000
    columns.setHighlightSections(False)
    columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    columns.setStretchLastSection(True)
    _size(table)
    return table


def _size(table: QTableView) -> None:
    """Give rows and columns their sizes by the font, so that they grow with it."""
    letters = table.fontMetrics()
    high, wide = round(letters.height() * 2.2), letters.averageCharWidth()
    table.verticalHeader().setDefaultSectionSize(high)
    badge = letters.horizontalAdvance(words.STANDINGS["demonstration"])
    widths = {THUMBNAIL: round(high * 16 / 9) + 6, SHOT: wide * 16, TAKE: badge + wide * 10, STATE: wide * 17}
    widths |= {STAGE: wide * 17, PROGRESS: wide * 12, LEFT: wide * 13, WHO: wide * 8}
    for column in range(len(words.COLUMNS)):
        table.setColumnWidth(column, widths.get(column, wide * 11))
