"""The papers' form against a real daemon: judged while one types, mended by buttons, saved with all that it had."""

from __future__ import annotations

import json
from pathlib import Path

from daemon_rig import RunningDaemon
from panel_rig import no_problem
from papers_rig import NARROW, RULE, WHY, record, write_record
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QTableView,
)
from qt_rig import application, wait_until

from understudy.bridge.errors import Finding, RequestError
from understudy.ui.chips import Chips
from understudy.ui.consent_picker import ConsentPicker
from understudy.ui.packs_dialog import PacksDialog
from understudy.ui.papers_dialog import PapersDialog
from understudy.ui.record_editors import DayEditor, TruthEditor
from understudy.ui.row_editor import RowEditor
from understudy.ui.waiver_request import WaiverRequest

from .conftest import OpenPapers


def judged(dialog: PapersDialog) -> bool:
    return "refuse" in dialog.summary.text() or "warn" in dialog.summary.text() or "Nothing" in dialog.summary.text()


def answer(dialog: PapersDialog, button: QMessageBox.StandardButton) -> list[str]:
    """Answer the next question with a button, whenever it comes; return where it will stand."""
    asked: list[str] = []
    timer = QTimer(dialog, interval=20)

    def look() -> None:
        box = application().activeModalWidget()
        if isinstance(box, QMessageBox):
            timer.stop()
            asked.append(box.text())
            box.button(button).click()

    timer.timeout.connect(look)
    timer.start()
    return asked


def choose_file(dialog: PapersDialog, path: Path) -> None:
    """Name a file in the chooser that is open."""
    chooser = dialog.findChild(QFileDialog)
    assert chooser is not None
    chooser.findChild(QLineEdit).setText(str(path))
    chooser.findChild(QDialogButtonBox).buttons()[0].click()


def rules(dialog: PapersDialog, path: str) -> list[str]:
    return [box.finding.rule for box in dialog.form.lines[path].boxes if box.finding.refuses]


def shown(dialog: PapersDialog) -> set[str]:
    return {path for path, line in dialog.form.lines.items() if line.isVisible()}


# ---- unhappy first --------------------------------------------------------------------------------------------------


def test_when_the_daemon_is_away_then_papers_are_edited_and_saved_and_judged_as_soon_as_it_is_back(
    daemon: RunningDaemon, open_papers: OpenPapers, tmp_path: Path
) -> None:
    path = write_record(tmp_path / "r.json")
    daemon.kill()
    dialog = open_papers(path, where=daemon.home)
    wait_until(lambda: "Not judged" in dialog.summary.text())
    lens = dialog.form.lines["context.lens"].editor
    dialog.everything.setChecked(True)
    QTest.keyClicks(lens, "35")
    dialog.save.click()
    wait_until(lambda: not dialog.isWindowModified())
    assert json.loads(path.read_text())["context"] == {"lens": "35"}
    daemon.start_again()
    wait_until(lambda: judged(dialog), 60)


def test_when_a_file_is_no_record_then_it_is_said_and_what_was_there_is_kept(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    dialog = open_papers(write_record(tmp_path / "good.json"))
    wait_until(lambda: dialog.form.document.get("record_id") == "r-1")
    broken = tmp_path / "broken.json"
    broken.write_text('{"schema": 2,')
    dialog.edit_file(broken)
    wait_until(lambda: "broken.json" in dialog.said.text())
    assert "not JSON" in dialog.said.text()
    assert dialog.form.document["record_id"] == "r-1"
    assert dialog.desk.path == tmp_path / "good.json"


def test_when_a_record_has_fields_that_nobody_knows_then_they_are_named_and_saved_as_they_are(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    path = write_record(tmp_path / "r.json", our_ticket={"number": 7}, use={"territories": ["DE"], "channel": "arte"})
    dialog = open_papers(path)
    wait_until(lambda: bool(dialog.form.boxes()))
    assert "our_ticket" in dialog.form.top_boxes[0].finding.message
    chips = dialog.form.lines["use.territories"].editor
    assert isinstance(chips, Chips)
    chips.add("AT")
    dialog.save.click()
    wait_until(lambda: not dialog.isWindowModified())
    after = json.loads(path.read_text())
    assert after["our_ticket"] == {"number": 7}
    assert after["use"] == {"territories": ["DE", "AT"], "channel": "arte"}


def test_when_a_request_was_closed_before_the_daemon_refused_it_then_it_comes_back_and_says_so(
    open_papers: OpenPapers,
) -> None:
    dialog = open_papers()
    dialog.job_id = "00000000"
    request = dialog.ask_waiver(Finding(rule=RULE, outcome="refuse", message=""))
    request.reason.setPlainText(WHY)
    request.go.click()
    request.reject()
    wait_until(request.isVisible)
    assert "00000000" in request.said.text()
    assert request.reason.value() == WHY
    request.reject()
    wait_until(lambda: not dialog.findChildren(WaiverRequest))


def test_when_windows_over_the_papers_are_closed_then_they_are_gone_and_their_answers_with_them(
    open_papers: OpenPapers,
) -> None:
    dialog = open_papers()
    for opened in (dialog.pick_consents(), dialog.show_packs()):
        opened.reject()  # the picker's answer is still on its way
    wait_until(lambda: not dialog.findChildren(ConsentPicker) and not dialog.findChildren(PacksDialog))
    answered: list[str] = []
    dialog._session.ask(lambda client: client.status().home, answered.append, no_problem)
    wait_until(lambda: bool(answered))  # behind the picker's: nothing went wrong with that


def test_when_what_is_typed_is_not_sound_then_that_stands_beside_its_field(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    dialog = open_papers(write_record(tmp_path / "r.json", use={"territories": ["Germany"]}))
    wait_until(lambda: bool(rules(dialog, "use.territories")))
    assert "'Germany'" in dialog.form.lines["use.territories"].boxes[0].finding.message
    day = dialog.form.lines["retention_until"].editor
    assert isinstance(day, DayEditor)
    dialog.everything.setChecked(True)
    QTest.keyClicks(day.line, "soon")
    assert dialog.form.lines["retention_until"].problem.isVisible()
    wait_until(lambda: bool(rules(dialog, "retention_until")))


def test_when_a_name_is_typed_without_its_suffix_then_the_file_that_is_meant_is_asked_about_before_it_is_written_over(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    path = write_record(tmp_path / "ana.json", record_id="of-ana")
    before = path.read_bytes()
    dialog = open_papers()
    asked = answer(dialog, QMessageBox.StandardButton.No)
    QTimer.singleShot(0, lambda: choose_file(dialog, tmp_path / "ana"))
    dialog.save_as.click()
    wait_until(lambda: bool(asked))
    assert "ana.json" in asked[0]
    assert path.read_bytes() == before
    asked = answer(dialog, QMessageBox.StandardButton.Yes)
    choose_file(dialog, tmp_path / "ana")
    wait_until(lambda: dialog.desk.path == path)
    assert "of-ana" not in path.read_text()


def test_when_a_record_is_to_be_saved_under_a_name_that_is_not_jsons_then_it_is_said_and_nothing_is_written(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    dialog = open_papers()
    QTimer.singleShot(0, lambda: choose_file(dialog, tmp_path / "ana.toml"))
    dialog.use.click()
    wait_until(lambda: "ana.toml" in dialog.said.text())
    assert ".json" in dialog.said.text()
    assert list(tmp_path.iterdir()) == []
    dialog.save_to(tmp_path / "ana.json")
    wait_until(lambda: dialog.desk.path is not None)
    assert dialog.isVisible()  # what was to be used was not saved then, and is not used now


def test_when_papers_are_saved_while_a_word_is_typed_then_it_is_saved_with_them(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    path = write_record(tmp_path / "r.json", consents=[], approvals=[{"kind": "legal", "reference": "x"}])
    dialog = open_papers(path)
    wait_until(lambda: dialog.form.document.get("record_id") == "r-1")
    dialog.everything.setChecked(True)
    media, rows = dialog.form.lines["use.media"].editor, dialog.form.lines["approvals"].editor
    assert isinstance(media, Chips)
    assert isinstance(rows, RowEditor)
    shots = rows.editors[0]["shots"]
    assert isinstance(shots, Chips)
    for line, word in ((dialog.form.consents.typed, "c-ana"), (media.line, "online"), (shots.line, "sh010")):
        line.setText(word)
    QTest.keyClick(media.line, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    wait_until(lambda: not dialog.isWindowModified() and "saved" in dialog.said.text())
    after = json.loads(path.read_text())
    assert after["consents"] == [{"consent_id": "c-ana"}]
    assert after["use"]["media"] == ["streaming", "online"]
    assert after["approvals"] == [{"kind": "legal", "reference": "x", "shots": ["sh010"]}]


def test_when_the_form_is_closed_while_a_word_is_typed_then_it_is_asked_first(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    dialog = open_papers(write_record(tmp_path / "r.json"))
    wait_until(lambda: dialog.form.document.get("record_id") == "r-1")
    media = dialog.form.lines["use.media"].editor
    assert isinstance(media, Chips)
    media.line.setText("online")
    asked: list[str] = []
    dialog.confirm = lambda question: bool(asked.append(question))  # type: ignore[method-assign]
    dialog.reject()
    assert len(asked) == 1
    assert dialog.isVisible()
    assert dialog.form.document["use"]["media"] == ["streaming", "online"]
    dialog.confirm = lambda question: True  # type: ignore[method-assign]


def test_when_the_line_of_a_consent_is_left_then_its_id_is_in_the_record(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    dialog = open_papers(write_record(tmp_path / "r.json", consents=[]))
    wait_until(lambda: dialog.form.document.get("record_id") == "r-1")
    dialog.everything.setChecked(True)
    QTest.keyClicks(dialog.form.consents.typed, "c-ana")
    dialog.form.consents.typed.editingFinished.emit()  # what Qt says when the line is left
    assert dialog.form.document["consents"] == [{"consent_id": "c-ana"}]
    assert dialog.form.consents.typed.text() == ""


# ---- what is asked --------------------------------------------------------------------------------------------------


def test_when_a_pack_asks_for_a_field_then_the_form_shows_it_with_the_pack_and_nothing_that_nobody_asks(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    dialog = open_papers(write_record(tmp_path / "r.json", context={"camera_move": "dolly"}))
    wait_until(lambda: RULE in rules(dialog, "context.lens"))
    assert "our-show" in dialog.form.lines["context.lens"].asked_by.text()
    assert "What our show asks" in dialog.form.lines["context.lens"].asked_by.toolTip()
    assert "cn.producer_code" not in shown(dialog)
    dialog.everything.setChecked(True)
    assert shown(dialog) == set(dialog.form.lines)


def test_when_a_field_is_filled_in_then_its_finding_goes_and_the_summary_counts_anew(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    dialog = open_papers(write_record(tmp_path / "r.json", context={"camera_move": "dolly"}))
    wait_until(lambda: RULE in rules(dialog, "context.lens"))
    assert "1 rule refuses" in dialog.summary.text()
    QTest.keyClicks(dialog.form.lines["context.lens"].editor, "35 mm")
    wait_until(lambda: judged(dialog) and "rule refuses" not in dialog.summary.text())
    assert rules(dialog, "context.lens") == []


def test_when_packs_are_opened_then_each_says_why_it_is_asked_and_that_no_lawyer_has_read_it(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    dialog = open_papers(write_record(tmp_path / "r.json"))
    wait_until(lambda: judged(dialog))
    page = dialog.show_packs().page.toPlainText()
    assert "ASKED our-show" in page
    assert "LEFT OUT cn-gb45438" in page
    assert "No lawyer has read this pack." in page


# ---- mending --------------------------------------------------------------------------------------------------------


def test_when_a_fix_is_pressed_then_only_its_field_changes_and_the_papers_are_judged_anew(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    path = write_record(tmp_path / "r.json", use={"territories": ["DE", "BR"], "media": ["streaming"]})
    dialog = open_papers(path)
    wait_until(lambda: NARROW in rules(dialog, "use.territories"))
    (box,) = (one for one in dialog.form.lines["use.territories"].boxes if one.finding.rule == NARROW)
    box.buttons["narrow_territories"].click()
    wait_until(lambda: judged(dialog) and NARROW not in rules(dialog, "use.territories"))
    dialog.save.click()
    wait_until(lambda: not dialog.isWindowModified())
    assert json.loads(path.read_text()) == record(use={"territories": ["DE"], "media": ["streaming"]})


def test_when_a_consent_is_picked_then_its_id_is_in_the_record_and_its_scope_in_view(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    dialog = open_papers(write_record(tmp_path / "r.json", consents=[]))
    picker = dialog.pick_consents()
    wait_until(lambda: picker.model.rowCount() == 2)
    assert [row.card.consent_id for row in picker.model.rows] == ["c-ana", "c-bo"]
    assert "FOR THIS SHOT" in picker.model.rows[0].cells[2]
    assert "ran out" in picker.model.rows[1].cells[3]
    picker.covering.setChecked(True)
    assert picker.model.rowCount() == 1
    picker.pick.click()
    assert dialog.form.document["consents"] == [{"consent_id": "c-ana"}]
    assert "DE, AT" in dialog.form.consents.words_of({"consent_id": "c-ana"})


def test_when_the_registry_cannot_be_asked_then_the_picker_says_what_happened_and_what_to_do_as_sentences(
    open_papers: OpenPapers,
) -> None:
    picker = open_papers().pick_consents()
    wait_until(lambda: picker.model.rowCount() == 2)
    picker._failed(RequestError("the registry is locked", remedy="Ask again."))
    assert picker.said.text() == "the registry is locked. Ask again."


def test_when_a_toml_record_is_opened_then_it_is_saved_as_json_beside_it_and_says_so(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    path = tmp_path / "r.toml"
    path.write_text('# by hand\nschema = 2\nrecord_id = "r-1"\nlikeness = "non_human"\nretention_until = 2027-01-01\n')
    before = path.read_bytes()
    dialog = open_papers(path)
    wait_until(lambda: "r.json" in dialog.said.text())
    dialog.everything.setChecked(True)
    truth = dialog.form.lines["content.intimate"].editor
    assert isinstance(truth, TruthEditor)
    truth.buttons[False].click()
    dialog.save.click()
    wait_until(lambda: (tmp_path / "r.json").exists())
    after = json.loads((tmp_path / "r.json").read_text())
    assert (after["retention_until"], after["content"]) == ("2027-01-01", {"intimate": False})
    assert path.read_bytes() == before


# ---- keys and names -------------------------------------------------------------------------------------------------


def test_when_only_keys_are_used_then_words_are_added_and_taken_away_and_a_day_is_chosen(
    open_papers: OpenPapers, tmp_path: Path
) -> None:
    dialog = open_papers(write_record(tmp_path / "r.json"))
    wait_until(lambda: dialog.form.document.get("record_id") == "r-1")
    dialog.everything.setChecked(True)
    chips = dialog.form.lines["use.media"].editor
    assert isinstance(chips, Chips)
    QTest.keyClicks(chips.line, "online")
    QTest.keyClick(chips.line, Qt.Key.Key_Return)
    QTest.keyClicks(chips.line, "cinema,")
    assert dialog.form.document["use"]["media"] == ["streaming", "online", "cinema"]
    QTest.keyClick(chips.line, Qt.Key.Key_Backspace)
    assert dialog.form.document["use"]["media"] == ["streaming", "online"]
    QTest.keyClick(dialog.form.lines["record_id"].editor, Qt.Key.Key_Return)
    assert dialog.isVisible()  # Return was not the window's
    day = dialog.form.lines["retention_until"].editor
    assert isinstance(day, DayEditor)
    QTest.keyClicks(day.line, "2027-03-01")
    popup = day.open_calendar()
    QTest.keyClick(popup.findChild(QTableView), Qt.Key.Key_Right)
    QTest.keyClick(popup.findChild(QTableView), Qt.Key.Key_Return)
    assert dialog.form.document["retention_until"] == "2027-03-02"


def test_every_control_of_the_form_has_a_name_for_who_hears_it(open_papers: OpenPapers, tmp_path: Path) -> None:
    path = write_record(tmp_path / "r.json", cast=[{"talent": "ana"}], approvals=[{"kind": "legal", "reference": "x"}])
    dialog = open_papers(path)
    dialog.everything.setChecked(True)
    wait_until(lambda: judged(dialog))
    application().processEvents()
    nameless = [
        one
        for kind in (QLineEdit, QComboBox, QPlainTextEdit, QAbstractButton)
        for one in dialog.findChildren(kind)
        if one.isVisible() and not (one.accessibleName() or (isinstance(one, QAbstractButton) and one.text()))
    ]
    assert nameless == []
