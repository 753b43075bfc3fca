"""Every window of the panel, one maker each, and what each must hold to: names, letters, order, nothing cut.

Whoever adds a window adds its maker to MAKERS; the tests of names, tab order and scaling then walk it as well. As a
program, `every_window.py HOME FOLDER` opens them all at the scale of QT_SCALE_FACTOR, draws each into FOLDER and prints
what is cut as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from panel_rig import summary
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMainWindow,
    QMenuBar,
    QPlainTextEdit,
    QScrollArea,
    QScrollBar,
    QTextEdit,
    QWidget,
)
from qt_rig import application, wait_until

from understudy.bridge.errors import Finding
from understudy.bridge.options import JobOptions
from understudy.ui.collecting import Collector
from understudy.ui.consent_picker import ConsentPicker
from understudy.ui.draft import Draft
from understudy.ui.faults import FaultWindow
from understudy.ui.packs_dialog import PacksDialog
from understudy.ui.panel import Panel
from understudy.ui.papers_dialog import PapersDialog
from understudy.ui.redo_dialog import RedoDialog
from understudy.ui.session import Session
from understudy.ui.take_centre import TakeCentre
from understudy.ui.theme import dress
from understudy.ui.viewer_canvas import Canvas
from understudy.ui.viewer_strip import FrameStrip
from understudy.ui.waiver_request import WaiverRequest
from understudy.ui.waivers_dialog import WaiversDialog

CONTROLS = (
    QAbstractButton, QLineEdit, QComboBox, QAbstractSpinBox, QAbstractItemView, QTextEdit, QPlainTextEdit,
    QAbstractSlider,
)  # fmt: skip
DRAWN = (Canvas, FrameStrip)
HAS_KEYS = frozenset({"LookBar"})
"""Whose numbers have keys of their own in the viewer, so that Tab need not come to them."""
ROUNDING_PIXELS = 1
SETTLE_SECONDS = 0.3


def _form(panel: Panel) -> QWidget:
    panel.open_form()
    assert panel.form is not None
    wait_until(lambda: panel.form is not None and bool(panel.form.costs.box.said.text()))
    return panel.form


def _daemon(panel: Panel) -> QWidget:
    panel.open_daemon()
    assert panel.daemon is not None
    wait_until(lambda: panel.daemon is not None and "Packs" in panel.daemon.text())
    return panel.daemon


def _redo(panel: Panel) -> QWidget:
    return RedoDialog(summary(state="delivered", version=2), panel)


def _fault(panel: Panel) -> QWidget:
    window = FaultWindow(panel)
    window.add(KeyError("no such noun"))
    return window


def _viewer(panel: Panel) -> QWidget:
    assert isinstance(panel.middle, TakeCentre)
    panel.middle.setCurrentWidget(panel.middle.viewer)
    return panel


def _fetch(panel: Panel) -> QWidget:
    return panel.actions_on_job.fetching.open_progress(summary(state="delivered"))


def _papers(panel: Panel) -> QWidget:
    dialog = PapersDialog(panel.session, Draft(shot="sh010", project="dune"), panel)
    dialog.everything.setChecked(True)
    wait_until(lambda: len(dialog.form.lines) > 40)
    return dialog


def _request(panel: Panel) -> QWidget:
    finding = Finding(rule="us-ny-ads.disclose", outcome="refuse", message="")
    return WaiverRequest(panel.session, finding, "DUNE-SH010", panel)


MAKERS: dict[str, Callable[[Panel], QWidget]] = {
    "panel": lambda panel: panel,
    "viewer": _viewer,
    "form": _form,
    "daemon": _daemon,
    "redo": _redo,
    "fetch": _fetch,
    "fault": _fault,
    "papers": _papers,
    "consents": lambda panel: ConsentPicker(panel.session, Draft(shot="sh010", project="dune"), panel),
    "packs": lambda panel: PacksDialog((), panel),
    "waivers": lambda panel: WaiversDialog(panel.session, parent=panel),
    "waiver-request": _request,
}
"""A name for each window, and what opens it over a panel whose daemon answers."""


def open_windows(home: Path) -> Iterator[tuple[str, QWidget]]:
    """Yield every window, shown and settled; each is closed behind its turn."""
    panel = Panel(Session(home), JobOptions(), TakeCentre())
    panel.show()
    panel.session.start()
    wait_until(lambda: panel.session.standing.life == "alive")
    try:
        for name, make in MAKERS.items():
            window = make(panel)
            window.show()
            _settle(panel)
            yield name, window
            if window is not panel:
                window.close()
    finally:
        panel.close()


def _settle(panel: Panel) -> None:
    """Give a window the turns in which it learns what it asked for and lays itself out."""
    ends = time.monotonic() + SETTLE_SECONDS
    wait_until(lambda: time.monotonic() > ends and panel.session.errands.idle)
    for _ in range(2):
        application().processEvents()


def controls(window: QWidget) -> list[QWidget]:
    """Return what somebody can use there, less what Qt makes inside a control."""
    found = [widget for kind in CONTROLS for widget in window.findChildren(kind) if widget.window() is window]
    return [widget for widget in dict.fromkeys(found) if not _is_part(widget)]


def nameless(window: QWidget) -> list[str]:
    """Return the controls, and what we draw ourselves, that a screen reader has no word for."""
    drawn = [widget for kind in DRAWN for widget in window.findChildren(kind)]
    return [_told(widget) for widget in (*controls(window), *drawn) if not name_of(widget)]


def name_of(widget: QWidget) -> str:
    """Return what a control is called, by its own words where they are words: `|<` is none."""
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return widget.accessibleName() or (text if any(letter.isalpha() for letter in text) else "")


def one_letter_twice(window: QWidget) -> list[str]:
    """Return the keys with Alt that two visible controls of a window share, so that neither has it."""
    said = [one.text() for one in window.findChildren(QAbstractButton) if one.isVisible() and one.window() is window]
    labels = [one for one in window.findChildren(QLabel) if one.buddy() and one.isVisible() and one.window() is window]
    keys = [QKeySequence.mnemonic(text).toString() for text in (*said, *(one.text() for one in labels))]
    return sorted({key for key in keys if key and keys.count(key) > 1})


def unreachable(window: QWidget) -> list[str]:
    """Return the visible controls that Tab never comes to, and would have a use for the keyboard."""
    chain = {window}
    at = window.nextInFocusChain()
    while at is not window and at is not None:
        chain.add(at)
        at = at.nextInFocusChain()
    wanting = (one for one in controls(window) if one.isVisible() and one.isEnabled())
    return [_told(one) for one in wanting if one not in chain or not _takes_tab(one)]


def _takes_tab(widget: QWidget) -> bool:
    """Say whether Tab comes to a control, or it needs none: a button with a shortcut, a number with keys of its own."""
    if isinstance(widget, QAbstractButton | QScrollBar | QHeaderView) or type(widget.parent()).__name__ in HAS_KEYS:
        return True
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)


def tab_order(window: QWidget) -> list[QWidget]:
    """Return the visible controls in the order in which Tab comes to them."""
    order, at = [], window.nextInFocusChain()
    wanted = frozenset(controls(window))
    while at is not window and at is not None:
        if at in wanted and at.isVisible() and at.focusPolicy() & Qt.FocusPolicy.TabFocus:
            order.append(at)
        at = at.nextInFocusChain()
    return order


def cut(window: QWidget) -> list[str]:
    """Return the labels and buttons that are smaller than their words."""
    labels = [one for one in window.findChildren(QLabel) if one.text() and _is_cut(one)]
    buttons = [one for one in window.findChildren(QAbstractButton) if one.text() and _is_smaller(one)]
    return [_told(one) for one in (*labels, *buttons) if one.isVisible() and one.window() is window]


def _is_cut(label: QLabel) -> bool:
    if label.wordWrap():
        return label.heightForWidth(label.width()) > label.height() + ROUNDING_PIXELS
    return _is_smaller(label)


def _is_smaller(widget: QWidget) -> bool:
    """Say whether a widget has less room than its words take."""
    hint = widget.sizeHint()
    return hint.width() > widget.width() + ROUNDING_PIXELS or hint.height() > widget.height() + ROUNDING_PIXELS


def _is_part(widget: QWidget) -> bool:
    """Say whether Qt made it inside another control: a spin box's line, a table's corner, a list's scroll bar."""
    inside = (QComboBox, QAbstractSpinBox, QAbstractItemView, QLineEdit, QMenuBar, QTextEdit, QPlainTextEdit)
    at = widget.parent()
    while isinstance(at, QWidget) and not isinstance(at, QMainWindow):
        if isinstance(at, inside) or (isinstance(at, QScrollArea) and isinstance(widget, QScrollBar)):
            return True
        at = at.parent()
    return widget.objectName().startswith("qt_")


def _told(widget: QWidget) -> str:
    words = getattr(widget, "text", lambda: "")()
    size, hint = widget.size(), widget.sizeHint()
    return (
        f"{type(widget).__name__} '{words if isinstance(words, str) else ''}' in {type(widget.parent()).__name__}: "
        f"{size.width()}x{size.height()}, wants {hint.width()}x{hint.height()}"
    )


def main() -> None:
    home, folder = Path(sys.argv[1]), Path(sys.argv[2])
    dress(application())
    collector = Collector()
    told = {}
    for name, window in open_windows(home):
        window.grab().save(str(folder / f"{name}.png"))
        told[name] = cut(window)
    collector.end()
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
