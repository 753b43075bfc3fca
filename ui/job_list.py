"""The jobs as a table for Qt: filtered, searched and ordered here, so that 10,000 of them hold nobody up.

Rows are made elsewhere (`job_rows`, in the errands' thread). No order changes while jobs run: a change redraws its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QFont, QPixmap

from understudy.bridge.messages import Progress
from understudy.ui import words
from understudy.ui.job_rows import Group, JobRow, Ordered, Show, folded, group_of, in_order, matching, standing_of
from understudy.ui.plain import plain_tip

THUMBNAIL, SHOT, TAKE, STATE, STAGE, PROGRESS, LEFT, WHO, WHERE = range(len(words.COLUMNS))
FIRST_ROLE = Qt.ItemDataRole.UserRole
"""Whether the row is the first of its shot."""
Index = QModelIndex | QPersistentModelIndex
PICTURES_KEPT = 400
"""Some 83 kB each; more rows than any screen shows, else those in sight would push each other out."""
WITHDRAWN = frozenset({"none", "quarantined"})
"""Standings of takes that nobody looks at."""
_NOWHERE = QModelIndex()


class JobList(QAbstractTableModel):
    """Jobs by shot. For the interface's thread."""

    rearranged = Signal()
    """Rows came, went or moved: whoever remembers rows finds them again by their jobs."""
    take_changed = Signal(str)
    """A job in another state: its files may say something else of themselves, and look otherwise."""
    thumbnail_wanted = Signal(str)
    """A job that is looked at, and whose picture or state of files is not known as it is now."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: dict[str, JobRow] = {}  # in the order in which they are shown
        self._shown: list[JobRow] = []
        self._at: dict[str, int] = {}
        self._take_states: dict[str, str] = {}
        self._thumbnails: dict[str, QPixmap] = {}  # the one that was not drawn for longest stands first
        self._unasked: set[str] = set()
        """Jobs whose picture here is old, or was let go of."""
        self._search = ""
        self._show: Show = "all"
        self._folded: frozenset[Group] = frozenset()
        self._behind: dict[str, int] = {}

    @property
    def count(self) -> int:
        """Return how many jobs there are, shown or not."""
        return len(self._jobs)

    def every(self) -> Iterable[JobRow]:
        """Return all jobs, shown or not."""
        return self._jobs.values()

    def row(self, at: int) -> JobRow:
        return self._shown[at]

    def place(self, job_id: str) -> int | None:
        """Return where a job stands, or None where it is not shown."""
        return self._at.get(job_id)

    def job(self, job_id: str) -> JobRow | None:
        return self._jobs.get(job_id)

    def set_jobs(self, rows: Iterable[JobRow]) -> None:
        """Take these jobs in the place of all that were here."""
        ordered = rows if isinstance(rows, Ordered) else in_order(rows)
        for row in ordered:
            self._note_state(row)
        judged = map(self._judged, ordered) if self._take_states else ordered
        self._jobs = {row.summary.job_id: row for row in judged}
        self._let_go_of_others()
        self._arrange()

    def change_jobs(self, rows: Iterable[JobRow]) -> None:
        """Take jobs that changed or are new."""
        changed = list(rows)
        new = moved = False
        for row in changed:
            before = self._jobs.get(row.summary.job_id)
            self._note_state(row)
            row = self._judged(row)
            row = replace(row, progress=before.progress) if before is not None and _same_run(before, row) else row
            self._jobs[row.summary.job_id] = row
            new = new or before is None
            moved = moved or before is None or self._matches(before) != self._matches(row)
        if new:
            self._jobs = {row.summary.job_id: row for row in in_order(self._jobs.values())}
        if moved:
            self._arrange()
        else:
            self._redraw(row.summary.job_id for row in changed)

    def set_progress(self, newest: Mapping[str, Progress]) -> None:
        """Show where running jobs stand."""
        for job_id, progress in newest.items():
            row = self._jobs.get(job_id)
            if row is not None:
                self._jobs[job_id] = replace(row, progress=progress)
        self._redraw(newest)

    def choose(self, search: str, show: Show) -> None:
        """Show only the jobs that match."""
        if (search, show) != (self._search, self._show):
            # Another letter of the same words: what does not match yet never will.
            narrower = show == self._show and search.startswith(self._search) and not self._folded
            self._search, self._show = search, show
            self._arrange(self._shown if narrower else self._jobs.values())

    @property
    def folded(self) -> frozenset[Group]:
        """Shots of which the newest take alone is shown."""
        return self._folded

    def fold(self, groups: Iterable[Group]) -> None:
        """Show the newest take alone of these shots, and every take of the others."""
        if (groups := frozenset(groups)) != self._folded:
            self._folded = groups
            self._arrange()

    def groups(self) -> frozenset[Group]:
        """Return every shot that is listed."""
        return frozenset(group_of(row.summary) for row in self._jobs.values())

    def newest(self, row: JobRow) -> str | None:
        """Return the shown job that stands first of its shot."""
        group = group_of(row.summary)
        return next((one.summary.job_id for one in self._shown if group_of(one.summary) == group), None)

    def set_thumbnail(self, job_id: str, picture: QPixmap) -> None:
        if job_id not in self._jobs:
            return  # of a daemon that was left meanwhile
        self._thumbnails.pop(job_id, None)
        self._thumbnails[job_id] = picture
        while len(self._thumbnails) > PICTURES_KEPT:
            longest = next(iter(self._thumbnails))
            del self._thumbnails[longest]
            self._unasked.add(longest)
        self._redraw((job_id,))

    def set_take_state(self, job_id: str, state: str) -> None:
        """Take note of what the files of a take say of themselves."""
        row = self._jobs.get(job_id)
        if row is None:
            return
        self._take_states[job_id] = state
        self._unasked.discard(job_id)
        if row.standing != (judged := self._judged(row)).standing:
            self._jobs[job_id] = judged
            self._redraw((job_id,))

    # ---- what Qt asks -------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(words.COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802 - Qt's name
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return words.COLUMNS[section]
        return words.COLUMN_HELP[section] if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self._shown[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(row, column)
        if role == FIRST_ROLE:
            return self.is_first(index.row())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._sentence(row) if column == SHOT else self.text(row, column)
        if role == Qt.ItemDataRole.DecorationRole and column == THUMBNAIL:
            return self.thumbnail(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(_tip(row, column))
        if role == Qt.ItemDataRole.FontRole and column == SHOT and self.is_first(index.row()):
            font = QFont()
            font.setBold(True)
            return font
        return None

    # ---- within -------------------------------------------------------------------------------------------------

    def _note_state(self, row: JobRow) -> None:
        """Of a job in another state than before, forget what its files said, and a withdrawn one's picture."""
        job_id = row.summary.job_id
        before = self._jobs.get(job_id)
        if before is None or before.summary.state == row.summary.state:
            return
        self._take_states.pop(job_id, None)
        self._unasked.add(job_id)
        if row.standing in WITHDRAWN:
            self._thumbnails.pop(job_id, None)
        self.take_changed.emit(job_id)
        if row.summary.state == "delivered":
            self.thumbnail_wanted.emit(job_id)  # also where it is not drawn now: its badge waits for it

    def _let_go_of_others(self) -> None:
        """Forget pictures and states of jobs that are no longer listed."""
        self._thumbnails = {job_id: one for job_id, one in self._thumbnails.items() if job_id in self._jobs}
        self._take_states = {job_id: one for job_id, one in self._take_states.items() if job_id in self._jobs}
        self._unasked.intersection_update(self._jobs)

    def _matches(self, row: JobRow) -> bool:
        """Say whether the search and the filter let a job be shown."""
        return bool(matching((row,), self._search, self._show))

    def _judged(self, row: JobRow) -> JobRow:
        """Return the row with what its files are known to say."""
        state = self._take_states.get(row.summary.job_id, "")
        standing = standing_of(row.summary, state) if state else row.standing
        return row if standing == row.standing else replace(row, standing=standing)

    def text(self, row: JobRow, column: int) -> str:
        summary = row.summary
        if column == SHOT:
            more = self._behind.get(summary.job_id, 0)
            return words.FOLDED.format(shot=summary.shot, more=more) if more else summary.shot
        if column == TAKE:
            return f"v{summary.version:03}" if summary.version else ""
        if column == STATE:
            return words.STATES[summary.state]
        if column == STAGE:
            return row.stage
        if column == PROGRESS:
            return f"{row.done} / {row.total}" if row.total else ""
        if column == LEFT:
            return words.in_time(row.seconds_left) if row.seconds_left is not None else ""
        if column == WHO:
            return summary.user
        return (summary.project or "own folder") if column == WHERE else ""

    def _sentence(self, row: JobRow) -> str:
        more = self._behind.get(row.summary.job_id, 0)
        return in_words(row) + (words.FOLDED_IN_WORDS.format(takes=words.counted(more, "older take")) if more else "")

    def is_first(self, at: int) -> bool:
        if at == 0:
            return True
        here, above = self._shown[at].summary, self._shown[at - 1].summary
        return (here.shot, here.project) != (above.shot, above.project)

    def thumbnail(self, row: JobRow) -> QPixmap | None:
        job_id = row.summary.job_id
        if row.standing in WITHDRAWN:
            return None
        if job_id in self._unasked or job_id not in self._take_states:
            self.thumbnail_wanted.emit(job_id)
        picture = self._thumbnails.pop(job_id, None)
        if picture is not None:
            self._thumbnails[job_id] = picture  # drawn last
        return picture

    def _arrange(self, among: Iterable[JobRow] | None = None) -> None:
        """Show what matches. among: rows of which every match is one, in their order; None = all."""
        self.beginResetModel()
        self._shown = matching(self._jobs.values() if among is None else among, self._search, self._show)
        self._behind = {}
        if self._folded:
            self._shown, self._behind = folded(self._shown, self._folded)
        self._at = {row.summary.job_id: at for at, row in enumerate(self._shown)}
        self.endResetModel()
        self.rearranged.emit()

    def _redraw(self, job_ids: Iterable[str]) -> None:
        """Tell of changed rows at once: the view draws what can be seen of them, however many there are."""
        places = {self._at[job_id]: job_id for job_id in job_ids if job_id in self._at}
        for at, job_id in places.items():
            self._shown[at] = self._jobs[job_id]
        if places:
            last = len(words.COLUMNS) - 1
            self.dataChanged.emit(self.index(min(places), 0), self.index(max(places), last))


def in_words(row: JobRow) -> str:
    """Return the row as one sentence, for a screen reader."""
    summary = row.summary
    standing = words.STANDINGS[row.standing].lower()
    done = f", {row.done} of {row.total}" if row.total else ""
    return (
        f"{summary.shot}, take {summary.version}, {standing}, {words.STATES[summary.state]} {row.stage}{done}".strip()
    )


def _tip(row: JobRow, column: int) -> str:
    if column == TAKE:
        return f"{words.STANDINGS[row.standing]}: {words.STANDING_HELP[row.standing]}"
    if column in (STATE, STAGE) and row.summary.error is not None:
        return f"{row.summary.error.message}\n{row.summary.error.remedy}".strip()
    return f"{row.summary.job_id}, {row.summary.engine}, {row.summary.created_at}"


def _same_run(before: JobRow, now: JobRow) -> bool:
    """Say whether the progress that was heard still holds: the job runs on."""
    return before.progress is not None and now.summary.state == before.summary.state == "running"
