"""The picture itself: layers laid over each other, wiped, flickered or mixed; zoom and pan; the words over it.

Draws what the reading threads made and decides nothing about files. The state of a take that is not delivered is drawn
over the picture in every mode and at every zoom: there is no way to switch it off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from understudy.ui import look_words
from understudy.ui.frames.wishes import Shown

Mode = Literal["single", "wipe", "flicker", "onion", "difference"]
Rectangle = tuple[int, int, int, int]
FRONT, BACK, MATTE = "front", "back", "matte"
SMALLEST_ZOOM, LARGEST_ZOOM = 1 / 32, 64.0
WIPE_REACH_PIXELS = 8
_GROUND, _EDGE, _WORDS = QColor("#161616"), QColor("#5a5a5a"), QColor("#e8e8e8")
_BANNER, _BANNER_WORDS = QColor("#c9481f"), QColor("#ffffff")


@dataclass(frozen=True, slots=True)
class Laid:
    """A picture that landed: its image, and where it lies in the display window's coordinates."""

    image: QImage
    rectangle: Rectangle
    label: str
    codes: object
    """Keeps the memory alive that the image looks into."""


def laid_of(shown: Shown, label: str) -> Laid | None:
    """Return a landed picture as an image on the same memory; None for one that could not be read."""
    codes = shown.codes
    if codes is None:
        return None
    height, width = codes.shape[:2]
    overlay = shown.wanted.kind == "overlay"
    layout = QImage.Format.Format_RGBA8888_Premultiplied if overlay else QImage.Format.Format_RGBX8888
    return Laid(QImage(codes.data, width, height, width * 4, layout), shown.rectangle, label, codes)


class Canvas(QWidget):
    """Where pictures are shown. Of the interface's thread."""

    moved = Signal()
    """Zoom, pan or size changed: other pixels may be needed."""
    pointed = Signal(int, int)
    """The cursor is on this pixel of the display window's coordinates."""
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(look_words.CANVAS_NAME)
        self.setMouseTracking(True)
        self.setMinimumSize(320, 180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.mode: Mode = "single"
        self.wipe = 0.5
        self.flicker_back = False
        self.banner = ""
        self.problem = ""
        self._display: Rectangle = (0, 0, 1920, 1080)
        self._aspect = 1.0
        self._laid: dict[str, Laid] = {}
        self._fits = True
        self._zoom = 1.0
        self._centre = QPointF(960, 540)
        self._dragged: QPoint | None = None
        self._wiping = False

    @property
    def zoom(self) -> float:
        """Pixels of the screen that one row of the picture takes."""
        width, height = self._display[2] * self._aspect, self._display[3]
        return min(self.width() / width, self.height() / height) if self._fits else self._zoom

    @property
    def fits(self) -> bool:
        return self._fits

    def lay(self, place: str, laid: Laid | None) -> None:
        """Put a picture at its place, or take it away."""
        if laid is None:
            self._laid.pop(place, None)
        else:
            self._laid[place] = laid
        self.update()

    def clear(self) -> None:
        self._laid.clear()
        self.update()

    def set_display(self, display: Rectangle, aspect: float) -> bool:
        """Take the front picture's display window and pixel aspect; say whether they are other ones."""
        if (display, aspect) == (self._display, self._aspect):
            return False
        self._display, self._aspect = display, aspect if aspect > 0 else 1.0
        self._centre = QPointF(display[0] + display[2] / 2, display[1] + display[3] / 2)
        self.update()
        return True

    def fit(self) -> None:
        self._fits = True
        self._centre = QPointF(self._display[0] + self._display[2] / 2, self._display[1] + self._display[3] / 2)
        self._has_moved()

    def set_zoom(self, zoom: float, about: QPointF | None = None) -> None:
        """Zoom about a point of the widget, its middle by default: what lies there stays there."""
        about = about or QPointF(self.width() / 2, self.height() / 2)
        held = self.picture_point(about)
        self._zoom = max(SMALLEST_ZOOM, min(LARGEST_ZOOM, zoom))
        self._fits = False
        now = self.picture_point(about)
        self._centre += held - now
        self._has_moved()

    def picture_point(self, at: QPointF) -> QPointF:
        """Return a point of the widget in the display window's coordinates."""
        across, down = self.zoom * self._aspect, self.zoom
        return self._centre + QPointF((at.x() - self.width() / 2) / across, (at.y() - self.height() / 2) / down)

    def widget_rectangle(self, rectangle: Rectangle) -> QRectF:
        """Return where a rectangle of the picture lies in the widget."""
        across, down = self.zoom * self._aspect, self.zoom
        left = (rectangle[0] - self._centre.x()) * across + self.width() / 2
        top = (rectangle[1] - self._centre.y()) * down + self.height() / 2
        return QRectF(left, top, rectangle[2] * across, rectangle[3] * down)

    def region(self) -> Rectangle | None:
        """Return left, top, right, bottom of what can be seen, a quarter wider each way; None where all of it is."""
        if self._fits:
            return None
        first = self.picture_point(QPointF(0, 0))
        last = self.picture_point(QPointF(self.width(), self.height()))
        across, down = (last.x() - first.x()) / 4, (last.y() - first.y()) / 4
        return (
            int(first.x() - across), int(first.y() - down), int(last.x() + across) + 1, int(last.y() + down) + 1
        )  # fmt: skip

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.fillRect(self.rect(), _GROUND)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.zoom < 2)
        self._draw_pictures(painter)
        if MATTE in self._laid:
            self._draw(painter, self._laid[MATTE])
        painter.setPen(QPen(_EDGE, 1))
        painter.drawRect(self.widget_rectangle(self._display))
        self._draw_words(painter)
        painter.end()

    def _draw_pictures(self, painter: QPainter) -> None:
        front, back = self._laid.get(FRONT), self._laid.get(BACK)
        if self.mode == "flicker" and self.flicker_back and back is not None:
            front = back
        if front is not None:
            self._draw(painter, front)
        if self.mode == "wipe" and back is not None:
            self._draw_wipe(painter, back)
        if self.mode == "onion":
            others = [laid for place, laid in self._laid.items() if place.startswith(BACK)]
            for number, laid in enumerate(others, 2):
                painter.setOpacity(1 / number)
                self._draw(painter, laid)
            painter.setOpacity(1)

    def _draw(self, painter: QPainter, laid: Laid) -> None:
        painter.drawImage(self.widget_rectangle(laid.rectangle), laid.image)

    def _draw_wipe(self, painter: QPainter, back: Laid) -> None:
        at = self._wipe_x()
        painter.save()
        painter.setClipRect(QRectF(at, 0, self.width() - at, self.height()))
        painter.fillRect(self.rect(), _GROUND)
        self._draw(painter, back)
        painter.restore()
        painter.setPen(QPen(_WORDS, 1))
        painter.drawLine(QPointF(at, 0), QPointF(at, self.height()))

    def _wipe_x(self) -> float:
        area = self.widget_rectangle(self._display)
        return area.left() + area.width() * self.wipe

    def _draw_words(self, painter: QPainter) -> None:
        top = 0
        if self.banner:
            painter.setFont(_font(self, 1.15, bold=True))
            wraps = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter)
            room = painter.boundingRect(QRectF(12, 4, self.width() - 24, self.height()), wraps, self.banner)
            top = int(room.height()) + 10
            painter.fillRect(QRectF(0, 0, self.width(), top), _BANNER)
            painter.setPen(_BANNER_WORDS)
            painter.drawText(QRectF(12, 0, self.width() - 24, top), wraps, self.banner)
        painter.setFont(_font(self, 1.0))
        for words, on_the_right in self._labels():
            self._draw_label(painter, words, on_the_right, top + 6)
        if self.problem:
            painter.setPen(_WORDS)
            place = QRectF(24, 24, self.width() - 48, self.height() - 48)
            painter.drawText(place, int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter), self.problem)

    def _labels(self) -> list[tuple[str, bool]]:
        front, back = self._laid.get(FRONT), self._laid.get(BACK)
        if front is None:
            return []
        if self.mode == "single" or back is None:
            return [(front.label, False)]
        if self.mode == "flicker":
            return [((back if self.flicker_back else front).label, False)]
        if self.mode == "onion":
            others = [laid.label for place, laid in self._laid.items() if place.startswith(BACK)]
            return [(" + ".join([front.label, *others]), False)]
        return [(front.label, False), (back.label, True)]

    def _draw_label(self, painter: QPainter, words: str, on_the_right: bool, top: int) -> None:
        room = painter.fontMetrics().size(0, words)
        left = self.width() - room.width() - 20 if on_the_right else 8
        box = QRectF(left, top, room.width() + 12, room.height() + 6)
        painter.fillRect(box, QColor(0, 0, 0, 170))
        painter.setPen(_WORDS)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), words)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        near = abs(event.position().x() - self._wipe_x()) <= WIPE_REACH_PIXELS
        self._wiping = self.mode == "wipe" and near and event.button() == Qt.MouseButton.LeftButton
        if not self._wiping:
            self._dragged = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        at = event.position()
        if self._wiping:
            area = self.widget_rectangle(self._display)
            self.wipe = max(0.0, min(1.0, (at.x() - area.left()) / max(1.0, area.width())))
            self.update()
        elif self._dragged is not None and event.buttons() != Qt.MouseButton.NoButton:
            self._pan(at.toPoint() - self._dragged)
            self._dragged = at.toPoint()
        point = self.picture_point(at)
        self.pointed.emit(int(point.x() // 1), int(point.y() // 1))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self._dragged, self._wiping = None, False

    def leaveEvent(self, event: object) -> None:  # noqa: N802
        self.left.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        self.set_zoom(self.zoom * 1.2 ** (event.angleDelta().y() / 120), event.position())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self.moved.emit()

    def _pan(self, by: QPoint) -> None:
        self._zoom, self._fits = self.zoom, False
        self._centre -= QPointF(by.x() / (self.zoom * self._aspect), by.y() / self.zoom)
        self._has_moved()

    def _has_moved(self) -> None:
        self.update()
        self.moved.emit()


def _font(widget: QWidget, times: float, *, bold: bool = False) -> QFont:
    font = QFont(widget.font())
    font.setPointSizeF(max(8.0, font.pointSizeF() * times))
    font.setBold(bold)
    return font
