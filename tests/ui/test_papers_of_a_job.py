"""Papers from the refusal to the delivery: fixed by a button, mended from a page, waived by another key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from daemon_rig import RunningDaemon
from panel_rig import shot_options
from papers_rig import NARROW, RULE, WHY, key_of, write_record
from PySide6.QtTest import QTest
from qt_rig import wait_until

from understudy.bridge.errors import Finding
from understudy.bridge.options import JobOptions
from understudy.inference.authority.ledger import read_ledger
from understudy.ui.panel import Panel
from understudy.ui.session import Session
from understudy.ui.submit_dialog import SubmitDialog
from understudy.ui.waiver_request import WaiverRequest
from understudy.ui.waivers_dialog import WaiversDialog

OpenPanel = Callable[..., Panel]


@pytest.fixture
def options(drawn: Path, tmp_path: Path) -> Callable[..., JobOptions]:
    """Return what makes the options of a job on a record of its own."""

    def made(name: str, **changed: Any) -> JobOptions:
        path = write_record(tmp_path / f"{name}.json", record_id=name, **changed)
        return shot_options(drawn, shot=name, record=str(path), self_attest=None)

    return made


def sent(panel: Panel) -> SubmitDialog:
    """Send the job of the panel's form."""
    panel.open_form()
    assert panel.form is not None
    wait_until(panel.form.final.isEnabled)
    panel.form.final.click()
    return panel.form


def refused(panel: Panel) -> SubmitDialog:
    form = sent(panel)
    wait_until(form.papers.bar.isVisible, 60)
    return form


def state_of(panel: Panel, shot: str) -> set[str]:
    rows = (panel.jobs.row(at).summary for at in range(panel.jobs.rowCount()))
    return {one.state for one in rows if one.shot == shot}


def waivers_of(panel: Panel, rule: str) -> WaiversDialog:
    dialog = panel.papers.open_waivers()
    wait_until(lambda: dialog.chosen is not None and dialog.chosen.rule == rule)
    return dialog


def test_when_the_refusal_is_fixed_by_its_button_then_the_file_is_changed_the_ledger_knows_and_the_job_is_delivered(
    house: RunningDaemon, open_panel: OpenPanel, options: Callable[..., JobOptions]
) -> None:
    choices = options("fix010", use={"territories": ["DE", "BR"], "media": ["streaming"]})
    panel = open_panel(house.home, choices)
    form = refused(panel)
    form.papers.buttons[(NARROW, "narrow_territories")].click()
    wait_until(lambda: "Submit again" in form.note.text())
    assert json.loads(Path(str(choices.record)).read_text())["use"]["territories"] == ["DE"]
    said = [dict(entry.subjects) for entry in read_ledger(house.home) if entry.event == "fix.applied"]
    assert (said[-1]["rule"], said[-1]["job"]) == (NARROW, form.papers.job_id)
    sent(panel)
    wait_until(lambda: "delivered" in state_of(panel, "fix010"), 90)


def test_when_a_refused_job_is_mended_from_its_page_then_the_mended_record_is_sent_with_all_the_job_had(
    house: RunningDaemon, open_panel: OpenPanel, options: Callable[..., JobOptions], tmp_path: Path
) -> None:
    choices = options("page010", use={"territories": ["DE", "BR"], "media": ["streaming"]})
    panel = open_panel(house.home, choices)
    job_id = refused(panel).papers.job_id
    assert panel.form is not None
    panel.form.hide()
    wait_until(lambda: panel.jobs.place(job_id) is not None)
    panel.pane.choose(job_id)
    wait_until(lambda: "Mend papers" in panel.details.toPlainText())
    panel.papers.mend.trigger()
    wait_until(lambda: panel.papers.dialog is not None)
    dialog = panel.papers.dialog
    assert dialog is not None
    dialog.confirm = lambda question: True  # type: ignore[method-assign]  # nobody is here to be asked
    line = dialog.form.lines["use.territories"]
    wait_until(lambda: any(box.finding.rule == NARROW for box in line.boxes))
    next(box for box in line.boxes if box.finding.rule == NARROW).buttons["narrow_territories"].click()
    dialog.save_to(tmp_path / "mended.json")
    wait_until(lambda: not dialog.isWindowModified())
    mended, before = (json.loads(Path(path).read_bytes()) for path in (tmp_path / "mended.json", choices.record or ""))
    assert mended["consents"] == before["consents"]  # without what the registry filled in
    assert [e.subjects["job"] for e in read_ledger(house.home) if e.event == "fix.applied"][-1] == job_id
    dialog.use.click()
    wait_until(panel.form.isVisible)
    again = panel.form.options()[0]
    assert (again.record, again.shot, again.engine) == (str(tmp_path / "mended.json"), "page010", "identity")
    sent(panel)
    wait_until(lambda: "delivered" in state_of(panel, "page010"), 90)


def test_when_one_key_asks_for_a_waiver_then_another_keys_panel_grants_it_and_the_job_is_delivered(
    house: RunningDaemon, open_panel: OpenPanel, options: Callable[..., JobOptions], tmp_path: Path
) -> None:
    choices = options("waive010", context={"camera_move": "dolly"})
    artist = open_panel(key_of(house, tmp_path, "art", "artist"), choices)
    form = refused(artist)
    form.papers.buttons[(RULE, "ask_waiver")].click()
    (request,) = form.findChildren(WaiverRequest)
    assert isinstance(request, WaiverRequest)
    QTest.keyClicks(request.reason, "too short")
    assert not request.go.isEnabled()
    assert "11 more characters" in request.said.text()
    request.reason.setPlainText(WHY)
    request.go.click()
    request.reject()  # whoever does not wait for the answer is told of it all the same
    wait_until(lambda: "is asked for" in form.note.text())
    wait_until(lambda: not form.findChildren(WaiverRequest))

    mine = waivers_of(artist, RULE)
    assert not mine.grant.isEnabled()
    assert mine.why.text()

    lawyer = Panel(Session(key_of(house, tmp_path, "lea", "legal")))
    lawyer.show()
    lawyer.session.start()
    wait_until(lambda: lawyer.session.standing.life == "alive")
    theirs = waivers_of(lawyer, RULE)
    assert theirs.deny.isEnabled()
    assert not theirs.grant.isEnabled()
    assert "until when" in theirs.why.text()
    QTest.keyClicks(theirs.until.line, "2099-01-01")
    QTest.keyClicks(theirs.condition, "Write the next one down.")
    theirs.grant.click()
    wait_until(lambda: theirs.chosen is not None and theirs.chosen.state == "granted")
    assert not theirs.grant.isEnabled()

    sent(artist)
    wait_until(lambda: "delivered" in state_of(artist, "waive010"), 90)


def test_when_the_job_has_no_record_yet_then_saved_papers_become_its_record(
    house: RunningDaemon, open_panel: OpenPanel, drawn: Path, tmp_path: Path
) -> None:
    panel = open_panel(house.home, shot_options(drawn, shot="new010"))
    panel.open_form()
    assert panel.form is not None
    dialog = panel.form.papers.open()
    dialog.confirm = lambda question: True  # type: ignore[method-assign]  # nobody is here to be asked
    assert dialog.form.document["record_id"] == "new010"
    dialog.save_to(tmp_path / "new.json")
    wait_until(lambda: dialog.desk.path is not None)
    dialog.use.click()
    wait_until(lambda: panel.form is not None and panel.form.fields["record"].value() == str(tmp_path / "new.json"))
    assert panel.form.fields["self_attest"].value() is None
    assert not dialog.isVisible()


def test_when_papers_were_used_for_the_job_that_is_refused_then_its_fix_in_them_is_told_to_the_ledger(
    house: RunningDaemon, open_panel: OpenPanel, options: Callable[..., JobOptions]
) -> None:
    choices = options("used010", use={"territories": ["DE", "BR"], "media": ["streaming"]})
    panel = open_panel(house.home, choices)
    panel.open_form()
    assert panel.form is not None
    dialog = panel.form.papers.open()
    wait_until(lambda: dialog.desk.path is not None)
    dialog.use.click()
    wait_until(lambda: not dialog.isVisible())
    job_id = refused(panel).papers.job_id
    assert panel.form.papers.open() is dialog
    wait_until(lambda: dialog.job_id == job_id)
    line = dialog.form.lines["use.territories"]
    wait_until(lambda: any(box.finding.rule == NARROW for box in line.boxes))
    next(box for box in line.boxes if box.finding.rule == NARROW).buttons["narrow_territories"].click()
    assert dialog.isWindowModified()
    dialog.save.click()
    wait_until(lambda: not dialog.isWindowModified())
    assert [e.subjects["job"] for e in read_ledger(house.home) if e.event == "fix.applied"][-1] == job_id


def test_when_papers_are_opened_again_then_they_are_as_the_file_is_now_unless_something_was_typed_here(
    house: RunningDaemon, open_panel: OpenPanel, options: Callable[..., JobOptions]
) -> None:
    choices = options("anew010")
    panel = open_panel(house.home, choices)
    panel.open_form()
    assert panel.form is not None
    papers = panel.form.papers
    dialog = papers.open()
    wait_until(lambda: dialog.form.document.get("record_id") == "anew010")
    write_record(Path(str(choices.record)), record_id="elsewhere")
    papers.open()
    wait_until(lambda: dialog.form.document["record_id"] == "elsewhere")
    dialog.everything.setChecked(True)
    QTest.keyClicks(dialog.form.lines["record_id"].editor, "-typed")
    finding = Finding(rule=NARROW, outcome="refuse", message="too wide")
    papers.show_refused("job01234", (finding,))
    papers.open()
    assert (dialog.form.document["record_id"], dialog.job_id) == ("elsewhere-typed", "job01234")
    dialog.save.click()
    wait_until(lambda: not dialog.isWindowModified())
    papers.show_refused("job56789", (finding,))
    papers.open()
    QTest.keyClicks(dialog.form.lines["record_id"].editor, "-again")  # while the file is read
    wait_until(lambda: dialog.job_id == "job56789")
    assert dialog.form.document["record_id"] == "elsewhere-typed-again"
    assert dialog.isWindowModified()
    dialog.confirm = lambda question: True  # type: ignore[method-assign]  # nobody is here to be asked
