"""Where a take's segments lie, as one bar to click in; the chosen one is marked. Of the interface's thread."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from understudy.bridge.take_segments import TakeSegment
from understudy.ui import words


class SegmentStrip(QWidget):
    """Segments as wide as they are long, to scale. The number beside it is its keyboard."""

    chosen = Signal(int)
    """A segment, from 1."""

    def __init__(self, segments: tuple[TakeSegment, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._segments, self._number = segments, 1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(words.REDO_STRIP_NAME)
        self.setVisible(len(segments) > 0)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        letters = self.fontMetrics()
        return QSize(letters.averageCharWidth() * 60, letters.height() * 3)

    def choose(self, number: int) -> None:
        """Mark a segment, from 1."""
        self._number = number
        self.update()

    def box_of(self, number: int) -> QRectF:
        """Return where a segment's bar lies in the widget."""
        first, last = self._segments[0].first, self._segments[-1].last
        segment, column = self._segments[number - 1], self.width() / (last - first + 1)
        left = (segment.first - first) * column
        return QRectF(left, 0, (segment.last - segment.first + 1) * column - 1, self.fontMetrics().height() * 1.6)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter, colours = QPainter(self), self.palette()
        letters = self.fontMetrics()
        for number in range(1, len(self._segments) + 1):
            box, is_chosen = self.box_of(number), number == self._number
            painter.fillRect(box, colours.highlight() if is_chosen else colours.alternateBase())
            painter.setPen(QPen(colours.windowText().color(), 1))
            painter.drawRect(box)
            if box.width() > letters.horizontalAdvance(str(number)) + 4:
                painter.setPen(colours.highlightedText().color() if is_chosen else colours.windowText().color())
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(number))
        painter.setPen(colours.windowText().color())
        room = QRectF(0, letters.height() * 1.7, self.width(), letters.height())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft, str(self._segments[0].first))
        painter.drawText(room, Qt.AlignmentFlag.AlignRight, str(self._segments[-1].last))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        at = event.position().x()
        number = next((n for n in range(1, len(self._segments) + 1) if at <= self.box_of(n).right() + 1), None)
        if number is not None:
            self.chosen.emit(number)
