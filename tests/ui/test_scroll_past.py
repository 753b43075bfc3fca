from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QScrollArea, QSpinBox, QVBoxLayout, QWidget
from qt_rig import application, wait_until

from understudy.bridge.record_fields import record_fields
from understudy.ui.panel import Panel
from understudy.ui.record_editors import ChoiceEditor
from understudy.ui.scroll_past import scrolled_past

OpenPanel = Callable[..., Panel]


def turn_the_wheel(over: QWidget) -> None:
    """Turn it towards oneself by one notch, as the platform tells the window of it."""
    window = over.window()
    QTest.wheelEvent(window.windowHandle(), QPointF(over.mapTo(window, over.rect().center())), QPoint(0, -120))
    application().processEvents()


@pytest.fixture
def page() -> QScrollArea:
    """A page longer than its window, with a choice and a number in it."""
    page, body = QScrollArea(), QWidget()
    column = QVBoxLayout(body)
    choice, number = scrolled_past(QComboBox()), scrolled_past(QSpinBox())
    choice.addItems(["replace", "animate"])
    for widget in (choice, number):
        column.addWidget(widget)
    column.addStretch(1)
    number.setRange(-9, 9)
    body.setMinimumHeight(2000)
    page.setWidget(body)
    page.resize(200, 200)
    page.show()
    page.setFocus()
    wait_until(page.hasFocus)
    return page


def test_when_nobody_is_in_a_choice_then_the_wheel_over_it_scrolls_the_page(page: QScrollArea) -> None:
    choice, number, bar = page.findChild(QComboBox), page.findChild(QSpinBox), page.verticalScrollBar()
    for widget in (choice, number):
        bar.setValue(0)
        turn_the_wheel(widget)
        assert bar.value() > 0
        assert not widget.hasFocus()
    assert (choice.currentText(), number.value()) == ("replace", 0)


def test_when_somebody_is_in_a_choice_then_the_wheel_changes_it(page: QScrollArea) -> None:
    choice = page.findChild(QComboBox)
    choice.setFocus()
    wait_until(choice.hasFocus)
    turn_the_wheel(choice)
    assert choice.currentText() == "animate"


def test_when_the_form_is_scrolled_then_none_of_its_choices_changes(open_panel: OpenPanel) -> None:
    panel = open_panel()
    panel.open_form()
    assert panel.form is not None
    panel.form.fields["plate"].editor.setFocus()
    before = panel.form.options()
    panel.form.more.open()
    page = panel.form.findChild(QScrollArea)
    choices = [panel.form.fields[name].editor for name in ("mode", "engine", "window")]
    for choice in choices:
        page.ensureWidgetVisible(choice)
        turn_the_wheel(choice)
    assert panel.form.options() == before


def test_when_a_record_is_scrolled_then_its_choice_stays() -> None:
    field = next(one for one in record_fields().values() if one.kind == "choice")
    page = QScrollArea()
    choice = ChoiceEditor(field.path, field, page)
    page.setWidget(choice)
    page.show()
    page.setFocus()
    wait_until(page.hasFocus)
    turn_the_wheel(choice)
    assert choice.value() is None


def test_when_the_wheel_turns_over_the_daemons_then_the_panel_stays_with_its_own(
    open_panel: OpenPanel, tmp_path: Path
) -> None:
    panel = open_panel()
    panel.memory.memory.note_daemon(str(tmp_path / "other.json"))
    panel.open_daemon()
    assert panel.daemon is not None
    where = panel.session.where
    assert panel.daemon.recent.count() == 2
    turn_the_wheel(panel.daemon.recent)
    assert panel.session.where == where
