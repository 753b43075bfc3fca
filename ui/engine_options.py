"""The chosen engine's own options in the form, a line each; what is said of another is kept until it comes back."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFormLayout, QWidget

from understudy.bridge.engine_description import EngineDescription
from understudy.ui import words
from understudy.ui.form_check import engine_option_problem, range_in_words
from understudy.ui.form_fields import Field, engine_field, section_title


class EngineOptions(QObject):
    """Lays them out for whichever engine is chosen. For the interface's thread."""

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.title = section_title(words.SECTIONS["options"], parent)
        self.form = QFormLayout()
        self.fields: dict[str, Field] = {}
        self._asked: dict[str, str] = {}

    def said(self) -> dict[str, str]:
        """Return what is said of the engine that is shown."""
        return {name: str(value) for name, field in self.fields.items() if (value := field.value())}

    def say(self, own: Mapping[str, str]) -> None:
        """Have them say this, of whichever engine, and nothing else."""
        self._asked = dict(own)
        for name, field in self.fields.items():
            field.set_value(own.get(name))

    def show_engine(self, engine: EngineDescription | None) -> None:
        """Lay out the options of this engine."""
        self._keep()
        while self.form.rowCount():
            self.form.removeRow(0)
        self.fields = {}
        if engine is not None:
            for name in engine.options:
                self._add(name, engine)
        self.title.setVisible(bool(self.fields))

    def check(self, engine: EngineDescription | None) -> bool:
        """Show beside each what is wrong with it; return whether nothing is."""
        right = True
        for name, field in self.fields.items():
            found = engine_option_problem(name, str(field.value() or ""), engine) if engine is not None else ""
            field.show_problem(found)
            right = right and not found
        return right

    def _keep(self) -> None:
        others = {name: value for name, value in self._asked.items() if name not in self.fields}
        self._asked = {**others, **self.said()}  # one that was cleared says nothing when its engine comes back

    def _add(self, name: str, engine: EngineDescription) -> None:
        said = f"{engine.options[name]} {range_in_words(name, engine)}".strip()
        field = engine_field(name, engine.choices.get(name, ()), name in engine.ranges, said, self._window)
        field.set_value(self._asked.get(name))
        field.changed.connect(self.changed)
        self.fields[name] = field
        self.form.addRow(field.label, field.editor)
        self.form.addRow("", field.problem)
