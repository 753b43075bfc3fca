"""Python's garbage is collected in the interface's thread alone.

A window that nobody holds any more often hangs in a ring of references (a slot that is a lambda of its own), and goes
when Python collects rings. Python does so in whatever thread happens to make the next object; a widget that is
destroyed beside the interface's thread takes the process with it. See docs/decisions/0060.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

LOOK_MILLISECONDS = 200
"""Nobody sees a fifth of a second's garbage, and a look at three counters costs nothing."""


class Collector(QObject):
    """Collects for the whole process from now on, until it is ended. For the interface's thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self, interval=LOOK_MILLISECONDS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def look(self) -> None:
        """Collect the oldest generation that is due by Python's own thresholds; most often none is."""
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > gc.get_threshold()[generation]:
                gc.collect(generation)
                return

    def end(self) -> None:
        """Collect once more, and let Python collect by itself again."""
        self._timer.stop()
        gc.collect()
        gc.enable()
