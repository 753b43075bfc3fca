"""Qt for Python must not lose references to None: before Python 3.12 that ends the process (docs/decisions/0053)."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QLabel

CALLS = 500


def test_when_qt_is_called_often_then_none_loses_no_reference() -> None:
    label = QLabel()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        label.setText("words")
    assert sys.getrefcount(None) > before - CALLS / 2
