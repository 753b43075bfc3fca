"""How the panel looks: neutral greys, so that nothing beside a picture tints the eye, and one warm accent.

Sizes are in points and in the font's own height, never in pixels, so that 100 to 200 % look alike. What a state means
is told by word and shape first (`badges`); colour only helps.
"""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QWidget

GROUND = QColor(43, 43, 43)
RAISED = QColor(54, 54, 54)
SUNKEN = QColor(33, 33, 33)
LINE = QColor(74, 74, 74)
TEXT = QColor(222, 222, 222)
QUIET = QColor(164, 164, 164)
"""7 to 1 on GROUND: quiet, and still read (WCAG 2.2, 1.4.6)."""
ACCENT = QColor(228, 164, 72)
CHOSEN = QColor(84, 70, 48)
STATES = {
    "delivered": QColor(122, 196, 130),
    "for_review": QColor(126, 178, 226),
    "uncleared": QColor(236, 190, 92),
    "demonstration": QColor(204, 160, 226),
    "provisional": QColor(190, 190, 190),
    "quarantined": QColor(240, 120, 110),
    "none": QColor(150, 150, 150),
    "running": QColor(228, 164, 72),
    "checking": QColor(228, 164, 72),
    "parked": QColor(236, 190, 92),
    "paused": QColor(190, 190, 190),
    "refused": QColor(240, 120, 110),
    "failed": QColor(240, 120, 110),
}

_SHEET = f"""
QWidget {{ color: {TEXT.name()}; }}
QMainWindow, QDialog, QDockWidget, QScrollArea, QScrollArea > QWidget > QWidget {{ background: {GROUND.name()}; }}
QToolTip {{ background: {SUNKEN.name()}; color: {TEXT.name()}; border: 1px solid {LINE.name()}; padding: 3px; }}
QTableView, QTextBrowser, QLineEdit {{
  background: {SUNKEN.name()}; border: 1px solid {LINE.name()}; selection-background-color: {CHOSEN.name()};
  selection-color: {TEXT.name()};
}}
QLineEdit {{ padding: 2px 4px; border-radius: 2px; }}
QTableView {{ gridline-color: transparent; outline: 0; }}
QHeaderView::section {{
  background: {GROUND.name()}; color: {QUIET.name()}; border: 0;
  border-bottom: 1px solid {LINE.name()}; padding: 3px 6px;
}}
QPushButton {{
  background: {RAISED.name()}; border: 1px solid {LINE.name()}; border-radius: 2px; padding: 4px 12px;
}}
QPushButton:default {{ border-color: {ACCENT.name()}; color: {ACCENT.name()}; }}
QPushButton:hover {{ background: {LINE.name()}; }}
QPushButton:disabled, QPushButton:default:disabled {{ border-color: {LINE.name()}; color: #7d7d7d; }}
QLineEdit:disabled, QCheckBox:disabled, QRadioButton:disabled {{ color: #7d7d7d; }}
QLineEdit:focus, QTableView:focus, QTextBrowser:focus, QPushButton:focus {{ border: 1px solid {ACCENT.name()}; }}
QCheckBox:focus, QRadioButton:focus {{ color: {ACCENT.name()}; }}
QMenuBar, QMenu, QStatusBar {{ background: {GROUND.name()}; }}
QMenuBar::item:selected, QMenu::item:selected {{ background: {CHOSEN.name()}; }}
QMenu::item:disabled {{ color: #7d7d7d; }}
QMenu {{ border: 1px solid {LINE.name()}; }}
QCheckBox::indicator, QRadioButton::indicator {{
  width: 0.9em; height: 0.9em; background: {SUNKEN.name()}; border: 1px solid {QUIET.name()};
}}
QRadioButton::indicator {{ border-radius: 0.5em; }}
QCheckBox::indicator:checked, QRadioButton::indicator:checked {{ background: {ACCENT.name()}; }}
QSplitter::handle {{ background: {LINE.name()}; width: 1px; height: 1px; }}
QLabel[role="quiet"] {{ color: {QUIET.name()}; }}
QLabel[role="problem"] {{ color: {STATES["failed"].name()}; }}
QLabel[role="section"] {{ color: {QUIET.name()}; font-weight: bold; padding-top: 8px; }}
QLabel[role="empty"] {{ color: {QUIET.name()}; }}
QLabel[role="bar"] {{ padding: 2px 8px; }}
QPlainTextEdit, QComboBox QAbstractItemView {{
  background: {SUNKEN.name()}; border: 1px solid {LINE.name()}; selection-background-color: {CHOSEN.name()};
}}
QPlainTextEdit:focus, QComboBox:focus {{ border: 1px solid {ACCENT.name()}; }}
QPushButton[role="chip"] {{ padding: 2px 8px; border-radius: 8px; }}
QPushButton[role="fold"] {{
  background: transparent; border: 0; padding: 6px 0; text-align: left; font-weight: bold; color: {QUIET.name()};
}}
QPushButton[role="fold"]:focus {{ color: {ACCENT.name()}; }}
QFrame[role="row"] {{ border: 1px solid {LINE.name()}; }}
QFrame[role="finding"] {{ background: {RAISED.name()}; border: 0; border-left: 3px solid {QUIET.name()}; }}
QFrame[role="finding"][outcome="refuse"], QFrame[role="finding"][outcome="broken"] {{
  border-left-color: {STATES["failed"].name()};
}}
QFrame[role="finding"][outcome="warn"] {{ border-left-color: {STATES["parked"].name()}; }}
QLabel[role="outcome"] {{ font-weight: bold; }}
QLabel[outcome="refuse"], QLabel[outcome="broken"] {{ color: {STATES["failed"].name()}; }}
QLabel[outcome="warn"] {{ color: {STATES["parked"].name()}; }}
QLabel[outcome="note"] {{ color: {STATES["for_review"].name()}; }}
"""


def dress(application: QApplication) -> None:
    """Give the application this look, whatever the desktop's own."""
    application.setStyle("Fusion")
    application.setPalette(_palette())
    application.setStyleSheet(_SHEET)


def dress_within(widget: QWidget) -> None:
    """Give one widget this look, inside an application that keeps its own: our cells are drawn for this ground."""
    palette = _palette()
    widget.setStyleSheet(_SHEET)
    widget.setAutoFillBackground(True)
    for part in (widget, *widget.findChildren(QWidget)):  # under a sheet of its own Qt hands no palette down
        part.setPalette(palette)


def _palette() -> QPalette:
    palette = QPalette()
    for role, colour in (
        (QPalette.ColorRole.Window, GROUND), (QPalette.ColorRole.Base, SUNKEN),
        (QPalette.ColorRole.AlternateBase, GROUND), (QPalette.ColorRole.Button, RAISED),
        (QPalette.ColorRole.WindowText, TEXT), (QPalette.ColorRole.Text, TEXT), (QPalette.ColorRole.ButtonText, TEXT),
        (QPalette.ColorRole.ToolTipBase, SUNKEN), (QPalette.ColorRole.ToolTipText, TEXT),
        (QPalette.ColorRole.Highlight, CHOSEN), (QPalette.ColorRole.HighlightedText, TEXT),
        (QPalette.ColorRole.PlaceholderText, QUIET), (QPalette.ColorRole.Link, ACCENT),
    ):  # fmt: skip
        palette.setColor(role, colour)
    return palette
