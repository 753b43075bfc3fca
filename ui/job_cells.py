"""How a cell of the job list is drawn: the take's badge, the state's mark, progress as a bar, a line above a shot."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QObject, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from understudy.ui.badges import badge_width, draw_badge
from understudy.ui.job_list import PROGRESS, SHOT, STATE, TAKE, THUMBNAIL, JobList
from understudy.ui.job_rows import JobRow, TakeStanding
from understudy.ui.theme import ACCENT, CHOSEN, LINE, QUIET, STATES, SUNKEN, TEXT

Index = QModelIndex | QPersistentModelIndex
WIDEST: TakeStanding = "demonstration"
"""The longest word of a badge."""
CELLS_KEPT = 2000
"""Pictures of cells: some 30 MB at 100 %. Most cells of a list say one of a few dozen things."""


class JobCells(QStyledItemDelegate):
    """Draws the cells. It asks the list itself: a question through Qt's model costs more than the drawing."""

    def __init__(self, jobs: JobList, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._selection: QItemSelectionModel | None = None
        self._drawn: dict[object, QPixmap] = {}
        self._font, self._ratio, self._looks = QFont(), 0.0, 0

    def use_selection(self, selection: QItemSelectionModel) -> None:
        """Mark what is selected there: asking it costs less than Qt's flags of every cell."""
        self._selection = selection

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802 - Qt's name
        font = option.font
        letters = QFontMetricsF(font)
        high = round(letters.height() * 2.2)
        wide = {
            THUMBNAIL: high * 16 / 9 + 4, SHOT: letters.averageCharWidth() * 18,
            TAKE: letters.averageCharWidth() * 7 + badge_width(WIDEST, font),
            STATE: letters.averageCharWidth() * 15, PROGRESS: letters.averageCharWidth() * 16,
        }  # fmt: skip
        return QSize(round(wide.get(index.column(), letters.averageCharWidth() * 14)), high)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw a cell: what was drawn once for the same words and size is a picture that is only put there."""
        at, column, rect = index.row(), index.column(), option.rect
        row, first = self._jobs.row(at), self._jobs.is_first(at)
        if self._selection is not None and self._selection.isRowSelected(at):
            painter.fillRect(rect, CHOSEN)
        if first and at:
            painter.fillRect(rect.x(), rect.y(), rect.width(), 1, LINE)
        if column == THUMBNAIL:
            _draw_thumbnail(painter, QRectF(rect).adjusted(5, 0, -5, 0), self._jobs.thumbnail(row))
            return
        text = self._jobs.text(row, column)
        if text:
            painter.drawPixmap(rect.x(), rect.y(), self._cell(painter, option, column, row, first, text))

    def _cell(
        self, painter: QPainter, option: QStyleOptionViewItem, column: int, row: JobRow, first: bool, text: str
    ) -> QPixmap:
        """Return the picture of a cell, on nothing: with its letters, badge or bar, drawn for this size and screen."""
        rect, ratio = option.rect, painter.device().devicePixelRatioF()
        told: object = None  # what is seen besides the words
        if column == TAKE:
            told = row.standing
        elif column == PROGRESS:
            told = row.done, row.total, row.summary.state == "delivered"
        elif column == SHOT:
            told = first
        look = self._look(option.font, ratio)
        key = (column, text, told, rect.width(), rect.height(), look)
        found = self._drawn.get(key)
        if found is None:
            if len(self._drawn) >= CELLS_KEPT:
                self._drawn.clear()
            found = self._drawn[key] = QPixmap(round(rect.width() * ratio), round(rect.height() * ratio))
            found.setDevicePixelRatio(ratio)
            found.fill(Qt.GlobalColor.transparent)
            with QPainter(found) as apart:
                apart.setFont(option.font)
                _paint_cell(
                    apart, QRectF(0, 0, rect.width(), rect.height()).adjusted(5, 0, -5, 0), column, row, first, text
                )
        return found

    def _look(self, font: QFont, ratio: float) -> int:
        """Return a number for this font on this screen: whoever enlarges letters gets other pictures."""
        if font != self._font or ratio != self._ratio:
            self._font, self._ratio = QFont(font), ratio
            self._looks += 1
            self._drawn.clear()
        return self._looks


def _paint_cell(painter: QPainter, area: QRectF, column: int, row: JobRow, first: bool, text: str) -> None:
    if column == TAKE:
        painter.setPen(TEXT)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)
        width = QFontMetricsF(painter.font()).horizontalAdvance("v0000 ")
        draw_badge(painter, area.adjusted(width, 0, 0, 0), row.standing)
    elif column == STATE:
        high = QFontMetricsF(painter.font()).height()
        draw_mark(painter, QRectF(area.left(), area.center().y() - high * 0.35, high * 0.7, high * 0.7), text)
        _draw_text(painter, area.adjusted(high, 0, 0, 0), text, STATES.get(text, TEXT))
    elif column == PROGRESS:
        _draw_progress(painter, area, row, text)
    elif column == SHOT:
        font = painter.font()
        font.setBold(first)
        painter.setFont(font)
        _draw_text(painter, area.adjusted(0 if first else 12, 0, 0, 0), text, TEXT if first else QUIET)
    else:
        _draw_text(painter, area, text, TEXT)


def draw_mark(painter: QPainter, box: QRectF, state: str) -> None:
    """Draw a state's own shape: tick, cross, bars, triangle, half disc, ring."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = STATES.get(state, QUIET)
    pen = QPen(colour, max(1.5, box.width() / 6))
    painter.setPen(pen)
    left, right, top, bottom, middle = box.left(), box.right(), box.top(), box.bottom(), box.center()
    if state == "delivered":
        painter.drawPolyline(
            QPolygonF([QPointF(left, middle.y()), QPointF(left + box.width() * 0.4, bottom), QPointF(right, top)])
        )
    elif state in ("failed", "refused", "cancelled"):
        painter.drawLine(box.topLeft(), box.bottomRight())
        painter.drawLine(box.topRight(), box.bottomLeft())
    elif state in ("paused", "parked"):
        for x in (left + box.width() * 0.25, left + box.width() * 0.75):
            painter.drawLine(QPointF(x, top), QPointF(x, bottom))
    elif state == "running":
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([box.topLeft(), QPointF(right, middle.y()), box.bottomLeft()]))
    elif state == "quarantined":
        painter.drawRect(box)
        painter.drawLine(box.bottomLeft(), box.topRight())
    elif state in ("checking", "uploading"):
        painter.drawEllipse(box)
        painter.setBrush(colour)
        painter.drawPie(box, 90 * 16, -180 * 16)
    else:
        painter.drawEllipse(box)
    painter.restore()


def _draw_text(painter: QPainter, area: QRectF, text: str, colour: QColor) -> None:
    if not text:
        return
    painter.setPen(colour)
    cut = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, cut)


def _draw_thumbnail(painter: QPainter, area: QRectF, picture: object) -> None:
    place = area.adjusted(-3, 2, 3, -2)
    if not isinstance(picture, QPixmap) or picture.isNull():
        painter.setPen(QPen(LINE, 1))
        painter.drawRect(place)
        return
    size = picture.deviceIndependentSize().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    corner = QPointF(place.center().x() - size.width() / 2, place.center().y() - size.height() / 2)
    painter.drawPixmap(QRectF(corner, size), picture, QRectF(picture.rect()))


def _draw_progress(painter: QPainter, area: QRectF, row: JobRow, text: str) -> None:
    if not row.total:
        return
    bar = QRectF(area.left(), area.bottom() - 7, area.width(), 3)
    painter.fillRect(bar, SUNKEN.lighter(150))
    part = min(1.0, row.done / row.total)
    colour = STATES["delivered"] if row.summary.state == "delivered" else ACCENT
    painter.fillRect(QRectF(bar.left(), bar.top(), bar.width() * part, bar.height()), colour)
    _draw_text(painter, area.adjusted(0, 0, 0, -6), text, TEXT)
