from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from panel_rig import shot_options
from qt_rig import wait_until

from understudy.bridge.errors import RequestError
from understudy.bridge.options import JobOptions
from understudy.ui.form_sections import SECTIONS
from understudy.ui.panel import Panel
from understudy.ui.session import Session
from understudy.ui.submit_dialog import SubmitDialog

OpenPanel = Callable[..., Panel]


def form_of(panel: Panel) -> SubmitDialog:
    panel.open_form()
    assert panel.form is not None
    return panel.form


def delivered(panel: Panel, engine: str) -> bool:
    rows = (panel.jobs.row(at).summary for at in range(panel.jobs.rowCount()))
    return any(one.state == "delivered" and one.engine == engine and one.shot == "sh900" for one in rows)


def test_when_an_option_is_declared_then_the_form_has_it() -> None:
    assert {name for names in SECTIONS.values() for name in names} == set(JobOptions.__struct_fields__) - {"option"}


def test_when_a_host_selected_a_shot_then_the_form_says_just_that(open_panel: OpenPanel, drawn: Path) -> None:
    choices = shot_options(drawn, frames="1001-1004", handles="1:0", matte_invert=True, seed=7, prompt="a fox")
    form = form_of(open_panel(choices=choices))
    said, problems = form.options()
    assert problems == {}
    assert msgspec.structs.replace(said, handles="1:0") == choices


def test_when_a_job_is_sent_then_it_is_delivered_and_chosen_in_the_list(open_panel: OpenPanel, drawn: Path) -> None:
    panel = open_panel(choices=shot_options(drawn, shot="sh900"))
    form = form_of(panel)
    wait_until(form.final.isEnabled)
    form.final.click()
    assert not form.final.isEnabled()
    wait_until(lambda: delivered(panel, "identity"), 60)
    assert not form.isVisible()
    assert panel.jobs.job(panel.pane.chosen_id).summary.shot == "sh900"  # type: ignore[union-attr]
    assert panel.pane.selected_ids == (panel.pane.chosen_id,)  # and what is done next is done to it
    assert panel.actions_on_job.by_name["copy"].isEnabled()


def test_when_a_draft_is_sent_then_preview_makes_it_whatever_engine_is_chosen(
    open_panel: OpenPanel, drawn: Path
) -> None:
    choices = shot_options(drawn, shot="sh900", engine="wan-animate", option=["preset=draft"])
    panel = open_panel(choices=choices)
    form = form_of(panel)
    assert form.options()[0].option == ["preset=draft"]
    wait_until(form.draft.isEnabled)
    form.draft.click()
    wait_until(lambda: delivered(panel, "preview"), 60)


def test_when_the_engine_changes_then_its_own_options_take_the_place_of_the_others(open_panel: OpenPanel) -> None:
    form = form_of(open_panel())
    form.fields["engine"].set_value("identity")
    assert "preset" not in form.engine_fields
    form.fields["engine"].set_value("wan-animate")
    form.engine_fields["preset"].set_value("draft")
    form.fields["engine"].set_value("identity")
    form.fields["engine"].set_value("wan-animate")
    assert form.engine_fields["preset"].value() == "draft"


def test_when_an_engine_option_was_cleared_then_it_does_not_come_back_with_its_engine(open_panel: OpenPanel) -> None:
    form = form_of(open_panel(choices=JobOptions(engine="wan-animate", option=["preset=draft"])))
    assert form.options()[0].option == ["preset=draft"]
    form.engine_fields["preset"].set_value(None)
    form.fields["engine"].set_value("identity")
    form.fields["engine"].set_value("wan-animate")
    assert form.options()[0].option == []


def test_when_a_field_was_refused_then_that_stands_beside_it_until_it_changes_and_the_job_can_be_tried_again(
    open_panel: OpenPanel, drawn: Path
) -> None:
    panel = open_panel(choices=shot_options(drawn))
    form = form_of(panel)
    wait_until(form.final.isEnabled)
    form.show_problem(RequestError("--rate 24 is not what the header says", remedy="Say 25."))
    form.show_standing(panel.session.standing)
    rate = form.fields["rate"]
    assert rate.problem.text() == "--rate 24 is not what the header says. Say 25."
    assert form.final.isEnabled()
    rate.set_value("25")
    assert rate.problem.text() == ""


def test_when_a_slow_disk_answers_for_a_path_that_stands_there_no_more_then_the_newer_answer_stays(
    open_panel: OpenPanel, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer, exists = threading.Event(), threading.Event(), Path.exists

    def slowly(path: Path) -> bool:
        if path.name != "slow.png":
            return exists(path)
        asked.set()
        answer.wait()
        return True

    monkeypatch.setattr(Path, "exists", slowly)
    panel = open_panel(choices=shot_options(drawn))
    form = form_of(panel)
    form.fields["reference"].set_value("/share/slow.png")
    wait_until(asked.is_set)
    form.fields["reference"].set_value(str(drawn / "nothing.png"))
    wait_until(form.fields["reference"].problem.isVisible)
    answer.set()
    wait_until(lambda: panel.session.errands.idle)
    assert form.fields["reference"].problem.isVisible()
    assert not form.final.isEnabled()


def test_when_something_is_wrong_then_it_stands_beside_its_field_and_nothing_can_be_sent(
    open_panel: OpenPanel, drawn: Path
) -> None:
    form = form_of(open_panel(choices=shot_options(drawn)))
    wait_until(form.final.isEnabled)
    form.fields["frames"].set_value("9-x")
    assert form.fields["frames"].problem.isVisible()
    assert form.fields["frames"].problem.text() in form.fields["frames"].editor.accessibleDescription()
    assert not form.final.isEnabled()
    form.fields["frames"].set_value("")
    assert form.final.isEnabled()


def test_when_a_file_is_not_there_then_its_field_says_so(open_panel: OpenPanel, drawn: Path) -> None:
    form = form_of(open_panel(choices=shot_options(drawn)))
    form.fields["matte"].set_value(str(drawn / "nothing.####.exr"))
    wait_until(form.fields["matte"].problem.isVisible)
    assert not form.final.isEnabled()


def test_when_the_gate_refuses_then_every_finding_and_what_to_do_is_shown_and_the_form_is_kept(
    open_panel: OpenPanel, drawn: Path
) -> None:
    form = form_of(open_panel(choices=shot_options(drawn, frames="1001-1040")))
    wait_until(form.final.isEnabled)
    form.final.click()
    wait_until(form.said.isVisible, 30)
    assert form.isVisible()
    assert form.final.isEnabled()
    assert "What" in form.said.toPlainText()


def test_when_no_daemon_answers_then_the_form_can_be_filled_and_says_why_it_is_not_sent(tmp_path: Path) -> None:
    panel = Panel(Session(tmp_path / "nowhere"))
    panel.show()
    panel.session.start()
    form = form_of(panel)
    wait_until(lambda: panel.session.standing.life == "away")
    assert "No daemon answers" in form.note.text()
    assert not form.final.isEnabled()
