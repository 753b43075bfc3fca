"""Asks which segment of a delivered take is made again, and says what will come of it before it runs."""

from __future__ import annotations

from PySide6.QtCore import Signal
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
from understudy.ui import cost_words, words
from understudy.ui.redo_costs import RedoCosts

SEGMENTS_MOST = 100_000
SEED_MOST = 2**31 - 1
"""What a spin box of Qt holds; larger seeds are for the command line."""


class RedoDialog(QDialog):
    """One segment, cascade or alone."""

    asked = Signal(object)
    """RedoSegment."""

    def __init__(self, summary: JobSummary, parent: QWidget | None = None, costs: RedoCosts | None = None) -> None:
        super().__init__(parent)
        self._costs = costs
        self._summary = summary
        self._token = new_token()  # made once: pressing twice asks for the same job
        self.setWindowTitle(f"{words.REDO_TITLE}: {words.take_of(summary.shot, summary.version)}")
        self.segment = QSpinBox(self, minimum=1, maximum=SEGMENTS_MOST)
        self.seed = QSpinBox(self, minimum=-1, maximum=SEED_MOST, value=-1)
        self.seed.setSpecialValueText(words.REDO_SEED_SAME)
        self.cascade = QRadioButton(words.REDO_CASCADE, self)
        self.cascade.setChecked(True)
        self.alone = QRadioButton(words.REDO_ALONE, self)
        self.dissolve = QCheckBox(words.REDO_DISSOLVE, self)
        self.will = QLabel(self, wordWrap=True)
        self.will.setAccessibleName(words.REDO_TITLE)
        self.cost = QLabel(self, wordWrap=True)
        self.cost.setProperty("role", "quiet")
        self.cost.setAccessibleName(cost_words.TITLE)
        self._arrange()
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
        alone = self.alone.isChecked()
        self.dissolve.setEnabled(alone)
        text = words.REDO_WILL["alone" if alone else "cascade"].format(segment=self.segment.value())
        if alone and self.dissolve.isChecked():
            text += words.REDO_WILL["dissolve"]
        self.will.setText(text + words.REDO_VERSION.format(version=self._summary.version))
        said = self._costs.words(self.segment.value(), alone) if self._costs is not None else ""
        self.cost.setText(said)
        self.cost.setVisible(bool(said))

    def _ask(self) -> None:
        self.asked.emit(self.request())
        self.accept()
