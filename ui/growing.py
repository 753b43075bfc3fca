"""A window as high as its wrapped words need: Qt makes it so once, and not when they change."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget


class Growing(QObject):
    """Lets a window grow whenever it is laid out anew; it is never made smaller. For the interface's thread."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._grow)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show):
            self._timer.start()
        return super().eventFilter(watched, event)

    def _grow(self) -> None:
        layout = self._window.layout()
        if layout is None:
            return
        layout.activate()
        needed = layout.totalHeightForWidth(self._window.width())
        if needed > self._window.height():
            self._window.resize(self._window.width(), needed)
