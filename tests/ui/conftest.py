"""Tests of the panel: real widgets on Qt's offscreen platform, a real daemon behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

try:
    from qt_rig import application
except ImportError as problem:  # a machine without libEGL, libxkbcommon or fontconfig
    collect_ignore_glob = ["test_*.py"]
    print(f"tests of the panel are left out: Qt does not load here ({problem})")
else:

    @pytest.fixture(autouse=True)
    def qt() -> Iterator[Any]:
        """The process's application; what a test left open is closed behind it."""
        made = application()
        yield made
        for window in made.topLevelWidgets():
            window.close()
            window.deleteLater()
        made.processEvents()
