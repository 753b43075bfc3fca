"""Words of other people are shown as they are: never as HTML, which would fetch pictures and hide what it likes."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from panel_rig import summary
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QWidget

from understudy.bridge.papers_messages import WaiverCard
from understudy.ui.chips import Chips
from understudy.ui.job_list import JobList
from understudy.ui.job_rows import row_of
from understudy.ui.plain import plain_tip
from understudy.ui.waivers_dialog import WaiverTable

UI = Path(__file__).parents[2] / "ui"
HOSTILE = "<img src='file://elsewhere/share/x.png'><b>granted</b>"
TIP = Qt.ItemDataRole.ToolTipRole


@given(st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=("Cc", "Z")), max_size=60))
def test_when_a_tip_is_shown_then_it_says_just_its_words(text: str) -> None:
    tip = plain_tip(text)
    shown = QTextDocument()
    if tip != text:
        shown.setHtml(tip)
    else:
        shown.setPlainText(tip)
        assert "<" not in tip
    assert shown.toPlainText() == text


def test_when_another_key_s_words_are_html_then_no_tip_is() -> None:
    waivers = WaiverTable()
    waivers.show((WaiverCard(waiver_id="w", rule="r", pack="p", record_id=HOSTILE, reason=HOSTILE),))
    jobs = JobList()
    jobs.set_jobs([row_of(msgspec.structs.replace(summary(), engine=HOSTILE))])
    window = QWidget()
    chips = Chips("Cast", window)
    chips.set_value([HOSTILE])
    tips = [waivers.data(waivers.index(0, column), TIP) for column in range(waivers.columnCount())]
    tips += [jobs.data(jobs.index(0, column), TIP) for column in range(jobs.columnCount())]
    tips += [chip.toolTip() for chip in chips.findChildren(object) if hasattr(chip, "toolTip")]
    assert any("&lt;img" in str(tip) for tip in tips)
    assert not any("<img" in str(tip) for tip in tips)


def test_when_a_label_or_a_question_is_made_then_it_is_told_that_its_words_are_plain() -> None:
    open_to_html = [
        f"{path.name}:{call.lineno}"
        for path in sorted(UI.rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("QLabel", "QMessageBox")
        if "textFormat" not in {keyword.arg for keyword in call.keywords}
    ]
    assert open_to_html == []
