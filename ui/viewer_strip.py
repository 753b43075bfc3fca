"""The strip of frames: which are there, which lack, where segments meet, what was found; each a click away."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from understudy.bridge.errors import Finding
from understudy.ui import look_words
from understudy.ui.playhead import Playhead
from understudy.ui.viewer_take import TakeFiles, findings_by_frame

HEIGHT_PIXELS = 58
_TOP, _BAR, _MARGIN = 16, 16, 28
_GROUND, _THERE, _LACKS, _NOW, _WORDS = (QColor(c) for c in ("#1e1e1e", "#6d7f8c", "#4a1f1f", "#ffffff", "#b8b8b8"))
_SEAM, _OUTSIDE = QColor("#4fc3f7"), QColor(0, 0, 0, 120)
_FOUND = {"refuse": QColor("#ff5252"), "broken": QColor("#ff5252"), "warn": QColor("#ffb300")}
_NOTED = QColor("#aed581")


class FrameStrip(QWidget):
    """One column a frame, or several frames a column. Of the interface's thread."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(look_words.STRIP_NAME)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT_PIXELS)
        self._head: Playhead | None = None
        self._there: frozenset[int] = frozenset()
        self._seams: tuple[int, ...] = ()
        self._found: dict[int, list[Finding]] = {}

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(640, HEIGHT_PIXELS)

    def show_take(self, take: TakeFiles, layer: str) -> None:
        self._there = frozenset(take.layers.get(layer, {}))
        self._seams = take.seams
        self._found = findings_by_frame(take.findings)
        self.update()

    def show_head(self, head: Playhead | None) -> None:
        self._head = head
        self.update()

    def frame_at(self, x: float) -> int | None:
        """Return the frame whose column is at `x` of the widget, the nearest one beyond the ends."""
        if self._head is None:
            return None
        count = self._head.last - self._head.first + 1
        index = int((x - _MARGIN) / self._room() * count // 1)
        return self._head.first + max(0, min(count - 1, index))

    def x_of(self, frame: float) -> float:
        """Return where a frame's column begins."""
        head = self._head
        if head is None:
            return _MARGIN
        return _MARGIN + (frame - head.first) / (head.last - head.first + 1) * self._room()

    def _room(self) -> float:
        return max(1.0, self.width() - 2 * _MARGIN)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.fillRect(self.rect(), _GROUND)
        if self._head is not None:
            self._draw_frames(painter, self._head)
            self._draw_marks(painter)
            self._draw_head(painter, self._head)
        painter.end()

    def _draw_frames(self, painter: QPainter, head: Playhead) -> None:
        column = self._room() / (head.last - head.first + 1)
        gap = 1.0 if column >= 4 else 0.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(Qt.BrushStyle.BDiagPattern)
        for first, last, there in self._runs(head, alone=gap > 0):
            left = self.x_of(first)
            box = QRectF(left, _TOP, max(1.0, self.x_of(last + 1) - left - gap), _BAR)
            painter.fillRect(box, _THERE if there else _LACKS)
            if not there:
                painter.drawRect(box)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for first, last in ((head.first, head.mark_in), (head.mark_out + 1, head.last + 1)):
            left = self.x_of(first)
            painter.fillRect(QRectF(left, _TOP, self.x_of(last) - left, _BAR), _OUTSIDE)

    def _runs(self, head: Playhead, *, alone: bool) -> Iterator[tuple[int, int, bool]]:
        """Yield (first, last, there) of frames that are alike; each by itself where it has a column to be seen in."""
        first = head.first
        for frame in range(head.first, head.last + 1):
            there = frame in self._there
            if frame == head.last or alone or (frame + 1 in self._there) != there:
                yield first, frame, there
                first = frame + 1

    def _draw_marks(self, painter: QPainter) -> None:
        painter.setPen(QPen(_SEAM, 2))
        for frame in self._seams:
            x = self.x_of(frame)
            painter.drawLine(QPointF(x, _TOP - 3), QPointF(x, _TOP + _BAR + 3))
        painter.setPen(Qt.PenStyle.NoPen)
        for frame, found in self._found.items():
            x = (self.x_of(frame) + self.x_of(frame + 1)) / 2
            painter.setBrush(_worst(found))
            painter.drawPolygon(QPolygonF([QPointF(x - 5, 3), QPointF(x + 5, 3), QPointF(x, 12)]))

    def _draw_head(self, painter: QPainter, head: Playhead) -> None:
        middle = (self.x_of(head.frame) + self.x_of(head.frame + 1)) / 2
        painter.setPen(QPen(_NOW, 2))
        painter.drawLine(QPointF(middle, _TOP - 2), QPointF(middle, _TOP + _BAR + 2))
        painter.setPen(_WORDS)
        metrics = painter.fontMetrics()
        base = _TOP + _BAR + 4 + metrics.ascent()
        now = str(head.frame)
        wide = metrics.horizontalAdvance(now)
        x = max(2.0, min(self.width() - wide - 2.0, middle - wide / 2))
        for frame, left in (
            (head.first, 4.0),
            (head.last, self.width() - 4.0 - metrics.horizontalAdvance(str(head.last))),
        ):
            apart = abs(left + metrics.horizontalAdvance(str(frame)) / 2 - (x + wide / 2))
            if frame != head.frame and apart > wide + 12:
                painter.drawText(QPointF(left, base), str(frame))
        painter.setPen(_NOW)
        painter.drawText(QPointF(x, base), now)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._choose(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._choose(event)

    def _choose(self, event: QMouseEvent) -> None:
        frame = self.frame_at(event.position().x())
        if frame is not None and self._head is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self.chosen.emit(frame)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            frame = self.frame_at(event.pos().x())
            QToolTip.showText(event.globalPos(), self.words_of(frame) if frame is not None else "", self)
            return True
        return super().event(event)

    def words_of(self, frame: int) -> str:
        """Return what is to be said of a frame: whether it is there, and every finding that names it."""
        lines = [str(frame) if frame in self._there else f"{frame} is missing"]
        if frame in self._seams:
            lines.append("another segment begins here")
        return "\n".join([*lines, *(finding.message for finding in self._found.get(frame, ()))])

    def next_found(self, direction: int) -> int | None:
        """Return the nearest frame before or behind this one that has a finding, a seam or is missing."""
        head = self._head
        if head is None:
            return None
        lacking = set(range(head.first, head.last + 1)) - self._there
        marked = sorted({*self._found, *self._seams, *lacking}, reverse=direction < 0)
        return next((frame for frame in marked if (frame - head.frame) * direction > 0), None)


def _worst(found: list[Finding]) -> QColor:
    return next((_FOUND[word] for word in ("refuse", "broken", "warn") if word in {f.outcome for f in found}), _NOTED)
