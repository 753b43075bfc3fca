from __future__ import annotations

import sys

from PySide6.QtWidgets import QLineEdit

CALLS = 500


def test_when_qt_is_called_then_it_uses_up_no_none() -> None:
    """PySide6 6.12.0 gives one reference to None away at each call under Python 3.11, and kills the process in the end.

    See docs/decisions/0048: this is what keeps a newer one out until it is mended.
    """
    line = QLineEdit()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        line.clear()
    assert before - sys.getrefcount(None) < CALLS / 2
