"""What a take may be used for, as a badge: a word in a shape of its own, told apart without colour.

delivered: filled, rounded. for review: outlined, rounded. uncleared: stripes. demonstration: dashed. provisional:
dotted. quarantined: filled, square, barred at its left. No take: the bare word.
"""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QRegion

from understudy.ui import words
from understudy.ui.job_rows import TakeStanding
from understudy.ui.theme import GROUND, STATES

_LINES = {
    "demonstration": Qt.PenStyle.DashLine,
    "provisional": Qt.PenStyle.DotLine,
}


def badge_width(standing: TakeStanding, font: QFont) -> float:
    """Return how wide the badge of this standing is, in device-independent pixels."""
    return _measured(font.toString(), standing)


@lru_cache(maxsize=256)
def _measured(font_words: str, standing: TakeStanding) -> float:
    """Measure once what every row asks for at every drawing."""
    font = QFont()
    font.fromString(font_words)
    return QFontMetricsF(_small(font)).horizontalAdvance(words.STANDINGS[standing]) + QFontMetricsF(font).height()


def draw_badge(painter: QPainter, place: QRectF, standing: TakeStanding) -> None:
    """Draw the badge at the left of `place`, in its middle's height."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = STATES[standing]
    high = QFontMetricsF(painter.font()).height()
    box = QRectF(place.left() + 0.5, place.center().y() - high * 0.5, badge_width(standing, painter.font()), high)
    _draw_shape(painter, box, standing, colour)
    painter.setFont(_small(painter.font()))
    filled = standing in ("delivered", "quarantined")
    painter.setPen(GROUND if filled else colour)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words.STANDINGS[standing])
    painter.restore()


def _draw_shape(painter: QPainter, box: QRectF, standing: TakeStanding, colour: QColor) -> None:
    painter.setPen(QPen(colour, 1.0, _LINES.get(standing, Qt.PenStyle.SolidLine)))
    round_ends = box.height() / 2
    if standing == "delivered":
        painter.setBrush(colour)
        painter.drawRoundedRect(box, round_ends, round_ends)
    elif standing == "for_review":
        painter.drawRoundedRect(box, round_ends, round_ends)
    elif standing == "uncleared":
        painter.drawRect(box)
        _draw_stripes(painter, box, colour)
    elif standing in _LINES:
        painter.drawRect(box)
    elif standing == "quarantined":
        painter.fillRect(box, colour)
        painter.fillRect(QRectF(box.left(), box.top(), box.height() / 4, box.height()), GROUND)


def _draw_stripes(painter: QPainter, box: QRectF, colour: QColor) -> None:
    """Draw hazard stripes at both ends, so that the word between them stays easy to read."""
    painter.save()
    end = box.height() * 0.42
    ends = QRegion(QRectF(box.left(), box.top(), end, box.height()).toRect())
    painter.setClipRegion(ends.united(QRectF(box.right() - end, box.top(), end, box.height()).toRect()))
    painter.setPen(QPen(colour, box.height() / 6))
    at = box.left() - box.height()
    while at < box.right():
        painter.drawLine(QPointF(at, box.bottom()), QPointF(at + box.height(), box.top()))
        at += box.height() * 0.36
    painter.restore()


def _small(font: QFont) -> QFont:
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * 0.8)
    small.setBold(True)
    return small
