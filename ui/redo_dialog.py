"""Asks which segment of a delivered take is made again, and says what will come of it before it runs."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from understudy.bridge.messages import JobSummary, RedoSegment
from understudy.bridge.roundtrip import new_token
from understudy.bridge.take_segments import TakeSegment
from understudy.ui import cost_words, words
from understudy.ui.growing import Growing
from understudy.ui.redo_costs import RedoCosts
from understudy.ui.segment_strip import SegmentStrip

WIDE_LETTERS = 72
SEGMENTS_MOST = 100_000
SEED_MOST = 2**31 - 1
"""What a spin box of Qt holds; larger seeds are for the command line."""


class RedoDialog(QDialog):
    """One segment, cascade or alone."""

    asked = Signal(object)
    """RedoSegment."""

    def __init__(
        self,
        summary: JobSummary,
        parent: QWidget | None = None,
        segments: tuple[TakeSegment, ...] = (),
        costs: RedoCosts | None = None,
    ) -> None:
        """segments: where they lie, where that is known."""
        super().__init__(parent)
        self._summary, self._segments, self._costs = summary, segments, costs
        self._token = new_token()  # made once: pressing twice asks for the same job
        self.setWindowTitle(f"{words.REDO_TITLE}: {words.take_of(summary.shot, summary.version)}")
        self.segment = QSpinBox(self, minimum=1, maximum=len(segments) or SEGMENTS_MOST)
        self.strip = SegmentStrip(segments, self)
        self.frames = QLabel(self, textFormat=Qt.TextFormat.PlainText)
        self.seed = QSpinBox(self, minimum=-1, maximum=SEED_MOST, value=-1)
        self.seed.setSpecialValueText(words.REDO_SEED_SAME)
        self.cascade = QRadioButton(words.REDO_CASCADE, self)
        self.cascade.setChecked(True)
        self.alone = QRadioButton(words.REDO_ALONE, self)
        self.dissolve = QCheckBox(words.REDO_DISSOLVE, self)
        self.will = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.will.setAccessibleName(words.REDO_TITLE)
        self.cost = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.cost.setProperty("role", "quiet")
        self.cost.setAccessibleName(cost_words.TITLE)
        self._arrange()
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * WIDE_LETTERS)
        Growing(self)
        self.strip.chosen.connect(self.segment.setValue)
        if costs is not None:
            costs.setParent(self)
            costs.changed.connect(self._say_what_comes)
        for changed in (self.segment.valueChanged, self.alone.toggled, self.dissolve.toggled):
            changed.connect(self._say_what_comes)
        self._say_what_comes()

    def request(self) -> RedoSegment:
        """Return what was chosen."""
        alone = self.alone.isChecked()
        return RedoSegment(
            token=self._token,
            job_id=self._summary.job_id,
            segment=self.segment.value(),
            alone=alone,
            dissolve=alone and self.dissolve.isChecked(),
            seed=self.seed.value() if self.seed.value() >= 0 else None,
        )

    def _arrange(self) -> None:
        form = QFormLayout()
        form.addRow(words.REDO_SEGMENT, self.segment)
        form.addRow(self.frames)
        form.addRow(self.strip)
        form.addRow(words.REDO_SEED, self.seed)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, parent=self)
        self.go = buttons.addButton(words.REDO_GO, QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setDefault(True)
        buttons.accepted.connect(self._ask)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        for widget in (self.cascade, self.alone, self.dissolve, self.will, self.cost, buttons):
            layout.addWidget(widget)
        self.segment.setAccessibleName(words.REDO_SEGMENT.replace("&", ""))
        self.seed.setAccessibleName(words.REDO_SEED.replace("&", ""))

    def _say_what_comes(self) -> None:
        self._say_where()
        alone = self.alone.isChecked()
        self.dissolve.setEnabled(alone)
        text = words.REDO_WILL["alone" if alone else "cascade"].format(segment=self.segment.value())
        if alone and self.dissolve.isChecked():
            text += words.REDO_WILL["dissolve"]
        self.will.setText(text + words.REDO_VERSION.format(version=self._summary.version))
        chosen = self.segment.value() - 1
        made = self._segments[chosen : chosen + 1] if alone else self._segments[chosen:]
        planned = sum(one.last - one.first + 1 for one in made)
        said = self._costs.words(self.segment.value(), alone, planned) if self._costs is not None else ""
        self.cost.setText(said)
        self.cost.setVisible(bool(said))

    def _say_where(self) -> None:
        self.frames.setVisible(bool(self._segments))
        if not self._segments:
            return
        segment = self._segments[self.segment.value() - 1]
        text = words.REDO_FRAMES.format(first=segment.first, last=segment.last, version=segment.version)
        if segment.carried:
            text += words.REDO_CARRIED.format(carried=segment.carried)
        self.frames.setText(text)
        self.strip.choose(self.segment.value())

    def _ask(self) -> None:
        self.asked.emit(self.request())
        self.accept()
