"""The rows of controls around the picture: what is shown and how, and the transport. They hold no state of a take."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from understudy.ui import look_words
from understudy.ui.frames.view import Look

CHANNELS = ("RGB", "R", "G", "B", "A")
MODES = ("single", "wipe", "flicker", "onion", "difference")
NARROWEST = 62
"""Pixels of a box where the viewer has little room."""


class LookBar(QWidget):
    """Layer, comparison, view, exposure, gamma, channel."""

    changed = Signal()
    fit_asked = Signal()
    pixels_asked = Signal()
    typed = Signal()
    """A number is typed in whole: the keys are the viewer's again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layer, self.mode, self.other = _box(100), _box(110), _box(130)
        self.display, self.view, self.channel = _box(150), _box(170), _box(60)
        self.mode.addItems(MODES)
        self.mode.setMinimumContentsLength(len("difference"))
        self.channel.addItems(CHANNELS)
        self.exposure = _number(-20, 20, 0.25, " stops")
        self.gamma = _number(0.1, 5, 0.05, "")
        self.gamma.setValue(1)
        self.overlay = QPushButton(look_words.MATTE)
        self.overlay.setCheckable(True)
        self.fit, self.pixels = QPushButton(look_words.FIT), QPushButton("1:1")
        self._displays: dict[str, tuple[str, ...]] = {}
        self._lay_out()
        self._connect()

    def set_displays(self, displays: dict[str, tuple[str, ...]]) -> None:
        """Take a config's displays and views; a choice that still stands stays."""
        if displays == self._displays:
            return
        self._displays = displays
        set_items(self.display, list(displays))
        self._set_views()

    def look(self, space: str) -> Look:
        """Return how a picture of `space` is to be looked at."""
        exposure, gamma = round(self.exposure.value(), 3), round(self.gamma.value(), 3)
        return Look(space, self.display.currentText(), self.view.currentText(), exposure, gamma)

    def _set_views(self) -> None:
        set_items(self.view, list(self._displays.get(self.display.currentText(), ())))

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 6, 4)
        row.setSpacing(4)
        shown = (
            self.layer, self.mode, self.other, self.overlay, self.display, self.view, self.exposure, self.gamma,
            self.channel, self.fit, self.pixels,
        )  # fmt: skip
        for (words, name), widget in zip(look_words.LOOK, shown, strict=True):
            if words:
                row.addWidget(QLabel(words, textFormat=Qt.TextFormat.PlainText))
            widget.setAccessibleName(name)
            widget.setToolTip(look_words.KEYS.get(name, name))
            row.addWidget(widget)
        for button in (self.overlay, self.fit, self.pixels):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setMaximumWidth(64)
        row.addStretch(1)

    def _connect(self) -> None:
        self.display.currentIndexChanged.connect(self._set_views)
        for box in (self.layer, self.mode, self.other, self.display, self.view, self.channel):
            box.currentIndexChanged.connect(lambda _: self.changed.emit())
        for number in (self.exposure, self.gamma):
            number.valueChanged.connect(lambda _: self.changed.emit())
            number.editingFinished.connect(self.typed.emit)
        self.overlay.toggled.connect(lambda _: self.changed.emit())
        self.fit.clicked.connect(lambda: self.fit_asked.emit())
        self.pixels.clicked.connect(lambda: self.pixels_asked.emit())


class TransportBar(QWidget):
    """Play, steps, marks, and what the playback does."""

    asked = Signal(str)
    """One of `play`, `back`, `on`, `first`, `last`, `in`, `out`, `unmark`, `found_before`, `found_after`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 2, 6, 4)
        row.setSpacing(4)
        self.play = QPushButton(look_words.PLAY)
        self.play.setCheckable(True)
        for words, name, said, key in look_words.TRANSPORT:
            button = self.play if name == "play" else QPushButton(words)
            button.setAccessibleName(said)
            button.setToolTip(f"{said} ({key})")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setMaximumWidth(72 if len(words) > 3 else 44)
            button.clicked.connect(lambda _=False, name=name: self.asked.emit(name))
            row.addWidget(button)
        self.words = QLabel(textFormat=Qt.TextFormat.PlainText)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.words, 1)


def set_items(box: QComboBox, items: list[str]) -> None:
    """Give a box its items without telling anybody; what was chosen stays chosen where it is still there."""
    before = box.currentText()
    if [box.itemText(index) for index in range(box.count())] == items:
        return
    with QSignalBlocker(box):
        box.clear()
        box.addItems(items)
        box.setCurrentIndex(max(0, box.findText(before)))


def _box(width: int) -> QComboBox:
    box = QComboBox()
    box.setMinimumWidth(min(width, NARROWEST))
    box.setMaximumWidth(width)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return box


def _number(least: float, most: float, step: float, suffix: str) -> QDoubleSpinBox:
    number = QDoubleSpinBox()
    number.setRange(least, most)
    number.setSingleStep(step)
    number.setDecimals(2)
    number.setSuffix(suffix)
    number.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)  # the wheel and the keys [ and ] step it
    number.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    number.setMaximumWidth(84)
    return number
