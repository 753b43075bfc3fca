"""Where the panel's parts meet: shots that come while a job is sent, papers of another job, windows that are gone,
another daemon behind them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from daemon_rig import RunningDaemon
from panel_rig import shot_options, summary
from papers_rig import RULE, WHY, write_record
from PySide6.QtCore import QEvent
from qt_rig import application, wait_until

from understudy.bridge.client import Client
from understudy.bridge.errors import Finding, RequestError
from understudy.bridge.gather import gather_job
from understudy.bridge.messages import JobDetail
from understudy.bridge.options import JobOptions
from understudy.bridge.papers_messages import WaiverCard
from understudy.ui import job_again, job_command, papers_words
from understudy.ui.memory import Memory
from understudy.ui.panel import Panel
from understudy.ui.papers_dialog import PapersDialog
from understudy.ui.remembered import Remembered, Show, save
from understudy.ui.session import Session
from understudy.ui.waiver_request import WaiverRequest
from understudy.ui.waivers_dialog import WaiversDialog

OpenPanel = Callable[..., Panel]
REFUSED = Finding(rule="RECORD_IS_SOUND", outcome="refuse", message="No record.", remedy="Give one.")


@pytest.fixture
def with_show(shared_daemon: RunningDaemon, tmp_path: Path) -> Iterator[Callable[..., Panel]]:
    """Return what opens a panel that remembers how the show `dune` is made."""
    save(tmp_path, Remembered(shows={"dune": Show(fields={"prompt": "a fox", "handles": "2:2", "engine": "preview"})}))
    opened: list[Panel] = []

    def made(choices: JobOptions) -> Panel:
        panel = Panel(Session(shared_daemon.home), choices, memory=Memory(tmp_path))
        opened.append(panel)
        wait_until(lambda: panel.memory.memory.is_loaded)
        panel.show()
        panel.session.start()
        wait_until(lambda: panel.session.standing.life == "alive")
        return panel

    yield made
    for panel in opened:
        panel.close()


def detail_of(options: JobOptions) -> JobDetail:
    return JobDetail(summary=summary(state="refused"), job=gather_job(options).job, findings=(), last_event=1)


# ---- the form ------------------------------------------------------------------------------------------------------


def test_when_a_job_is_mended_then_it_is_asked_for_just_as_its_command_line_would(drawn: Path) -> None:
    movie = "comp:prores_4444:premultiplied"
    options = shot_options(drawn, frames="1001-1004", handles="1:0", movies=movie, ocio="none")
    detail = detail_of(options)
    again = job_again.options_of(detail, "/mended.json")
    by_command, _ = job_command.options_of(detail.job)
    assert again == msgspec.structs.replace(by_command, record="/mended.json", self_attest=None)
    assert (again.ocio, again.movies) == ("none", movie)


def test_when_a_refused_job_is_mended_then_nothing_that_is_remembered_of_its_show_comes_into_it(
    with_show: Callable[..., Panel], drawn: Path
) -> None:
    panel = with_show(shot_options(drawn))
    panel.open_form_with(shot_options(drawn, project="dune"))
    form = panel.form
    assert form is not None
    form.fields["project"].editor.editingFinished.emit()  # type: ignore[attr-defined]
    assert (form.options()[0].prompt, form.options()[0].engine) == ("", "identity")


def test_when_a_host_sends_the_shot_of_a_show_then_what_is_remembered_of_it_is_filled_in(
    with_show: Callable[..., Panel], drawn: Path
) -> None:
    panel = with_show(shot_options(drawn))
    panel.open_form()
    panel.take_selection(shot_options(drawn, shot="sh020", project="dune"))
    assert panel.form is not None
    said = panel.form.options()[0]
    assert (said.shot, said.prompt, said.engine) == ("sh020", "a fox", "identity")


def test_when_a_shot_comes_after_one_that_waits_then_the_one_that_waited_never_comes(
    open_panel: OpenPanel, drawn: Path
) -> None:
    panel = open_panel(choices=shot_options(drawn, shot="sh940"))
    panel.open_form()
    form = panel.form
    assert form is not None
    form._sending.under_way = True
    form.take_shot(shot_options(drawn, shot="sh941"))
    form._sending.under_way = False
    form.show_problem(RequestError("it broke", remedy="Try again."))
    form.take_shot(shot_options(drawn, shot="sh942"))
    wait_until(form.final.isEnabled)
    form.final.click()
    wait_until(lambda: not form._sending.under_way, 60)
    wait_until(lambda: not form.isVisible())
    assert form.options()[0].shot == "sh942"


def test_when_a_job_to_mend_comes_while_another_is_sent_then_it_waits_as_a_host_s_shot_does(
    open_panel: OpenPanel, drawn: Path
) -> None:
    panel = open_panel(choices=shot_options(drawn, shot="sh950"))
    panel.open_form()
    form = panel.form
    assert form is not None
    wait_until(form.final.isEnabled)
    form.final.click()
    panel.open_form_with(shot_options(drawn, shot="sh951", self_attest=None, record="/mended.json"))
    assert form.options()[0].shot == "sh950"
    wait_until(lambda: form.options()[0].shot == "sh951", 60)
    assert form.isVisible()
    assert (form.options()[0].record, form.options()[0].self_attest) == ("/mended.json", None)


@pytest.mark.parametrize("comes", ["take_selection", "open_form_with"])
def test_when_another_job_comes_into_the_form_then_nothing_of_the_refused_one_can_be_pressed(
    open_panel: OpenPanel, drawn: Path, comes: str
) -> None:
    panel = open_panel(choices=shot_options(drawn, record="/a.json", self_attest=None))
    panel.open_form()
    form = panel.form
    assert form is not None
    form.said.show()
    form.papers.show_refused("job1", (REFUSED,))
    assert form.papers.bar.isVisible()
    getattr(panel, comes)(shot_options(drawn, shot="sh020"))
    assert (form.papers.job_id, form.papers.bar.isVisible(), form.said.isVisible()) == ("", False, False)


def test_when_the_form_is_changed_while_a_job_is_sent_then_the_job_is_what_is_remembered(
    with_show: Callable[..., Panel], drawn: Path
) -> None:
    panel = with_show(shot_options(drawn, project="new", prompt="a hare"))
    panel.open_form()
    form = panel.form
    assert form is not None
    wait_until(form.final.isEnabled)
    form.final.click()
    form.fields["prompt"].set_value("an owl")
    wait_until(lambda: "new" in panel.memory.memory.known.shows, 60)
    assert panel.memory.memory.show("new").fields["prompt"] == "a hare"


# ---- papers --------------------------------------------------------------------------------------------------------


def papers_of(panel: Panel, *, may: bool) -> PapersDialog:
    """Open the form's record; every question is answered by `may`."""
    panel.open_form()
    assert panel.form is not None
    dialog = panel.form.papers.open()
    dialog.confirm = lambda question: may  # type: ignore[method-assign]  # nobody is here to be asked
    return dialog


def changed_papers(open_panel: OpenPanel, drawn: Path, path: Path, *, may: bool) -> tuple[Panel, PapersDialog]:
    """Open a job's record and type into it; nothing is saved."""
    panel = open_panel(choices=shot_options(drawn, record=str(path), self_attest=None))
    dialog = papers_of(panel, may=may)
    wait_until(lambda: dialog.desk.path == path)
    dialog.form.set_document({**dialog.form.document, "record_id": "TYPED"})
    return panel, dialog


def test_when_changes_are_let_go_then_the_papers_say_again_what_their_file_says(
    open_panel: OpenPanel, drawn: Path, tmp_path: Path
) -> None:
    path = write_record(tmp_path / "a.json", record_id="A")
    panel, dialog = changed_papers(open_panel, drawn, path, may=True)
    dialog.reject()
    again = papers_of(panel, may=True)
    assert again.form.document["record_id"] == json.loads(path.read_text())["record_id"] == "A"
    assert not again.isWindowModified()


def test_when_the_form_names_another_record_then_what_was_typed_is_not_let_go_unasked(
    open_panel: OpenPanel, drawn: Path, tmp_path: Path
) -> None:
    path = write_record(tmp_path / "a.json", record_id="A")
    other = write_record(tmp_path / "b.json", record_id="B")
    panel = open_panel(choices=shot_options(drawn, record=str(path), self_attest=None))
    dialog = papers_of(panel, may=False)
    wait_until(lambda: dialog.desk.path == path)
    dialog.form.set_document({**dialog.form.document, "record_id": "TYPED"})
    assert panel.form is not None
    panel.form.fields["record"].set_value(str(other))
    papers_of(panel, may=False)
    wait_until(lambda: panel.session.errands.idle)
    assert dialog.form.document["record_id"] == "TYPED"


def test_when_a_host_sends_another_shot_then_open_papers_are_judged_for_that_one(
    open_panel: OpenPanel, drawn: Path, tmp_path: Path
) -> None:
    path = write_record(tmp_path / "a.json", record_id="A")
    panel = open_panel(choices=shot_options(drawn, record=str(path), self_attest=None))
    dialog = papers_of(panel, may=True)
    panel.take_selection(shot_options(drawn, shot="sh020"))
    assert dialog.judging.draft is not None
    assert dialog.judging.draft.shot == "sh020"


# ---- windows that are gone, and another daemon ---------------------------------------------------------------------


def test_when_a_window_is_closed_before_its_answer_then_the_answer_is_let_go(
    open_panel: OpenPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[object] = []
    monkeypatch.setattr("sys.excepthook", lambda kind, fault, trace: faults.append(fault))
    panel = open_panel()
    dialog = panel.papers.open_waivers()
    dialog.close()
    application().sendPostedEvents(dialog, QEvent.Type.DeferredDelete)  # not what other tests left to be deleted
    wait_until(lambda: panel.session.errands.idle)
    assert faults == []


def test_when_waivers_are_asked_for_again_then_the_chosen_one_stays_chosen(open_panel: OpenPanel) -> None:
    cards = tuple(
        WaiverCard(waiver_id=f"w-{n}", rule=RULE, pack="house", record_id="R", reason=WHY, may_decide=True)
        for n in range(3)
    )
    dialog = WaiversDialog(open_panel().session)
    dialog._know(cards)
    dialog.choose("w-2")
    dialog.until.set_value("2027-01-01")
    dialog._know(cards)
    assert dialog.chosen is not None
    assert (dialog.chosen.waiver_id, dialog.until.value()) == ("w-2", "2027-01-01")


def test_when_the_panel_turns_to_another_daemon_while_hosts_are_looked_for_then_they_are_looked_for_there(
    open_panel: OpenPanel, shared_daemon: RunningDaemon
) -> None:
    panel = open_panel()
    wait_until(lambda: panel.session.errands.idle)
    panel.desk._look()
    panel.session.connect_to(shared_daemon.home)
    wait_until(lambda: panel.session.standing.life == "alive")
    wait_until(lambda: not panel.desk._asking)


def test_when_the_panel_turns_to_another_daemon_then_papers_offer_no_consents_of_the_one_before(
    house: RunningDaemon, shared_daemon: RunningDaemon, open_panel: OpenPanel, drawn: Path
) -> None:
    panel = open_panel(house.home, shot_options(drawn))
    dialog = papers_of(panel, may=True)
    wait_until(lambda: bool(dialog.known.people))
    with Client.connect(shared_daemon.home):
        panel.session.connect_to(shared_daemon.home)
    wait_until(lambda: panel.session.standing.life == "alive")
    wait_until(lambda: bool(dialog.known.today))
    assert dialog.known.people == ()


def test_when_the_panel_turns_to_another_daemon_while_a_waiver_is_decided_then_that_ones_waivers_are_shown(
    open_panel: OpenPanel, shared_daemon: RunningDaemon
) -> None:
    session = open_panel().session
    dialog = WaiversDialog(session)
    wait_until(lambda: session.errands.idle)
    card = WaiverCard(waiver_id="w-1", rule=RULE, pack="house", record_id="R", reason=WHY, may_decide=True)
    dialog._know((card,))
    dialog.decide("deny")
    assert not dialog.deny.isEnabled()
    session.connect_to(shared_daemon.home)
    wait_until(lambda: dialog.why.text() == papers_words.WAIVER_NONE)
    assert dialog.model.rowCount() == 0
    dialog._know((card,))
    assert dialog.deny.isEnabled()


def test_when_the_panel_turns_to_another_daemon_while_a_waiver_is_asked_for_then_it_can_be_asked_for_again(
    open_panel: OpenPanel, shared_daemon: RunningDaemon
) -> None:
    session = open_panel().session
    request = WaiverRequest(session, Finding(rule=RULE, outcome="refuse", message=""), "abcd1234")
    request.reason.setPlainText(WHY)
    request.ask()
    assert not request.go.isEnabled()
    session.connect_to(shared_daemon.home)
    assert request.go.isEnabled()


# ---- the panel is closed ------------------------------------------------------------------------------------------


def test_when_papers_are_not_saved_then_closing_the_panel_asks_first_and_a_no_keeps_both(
    open_panel: OpenPanel, drawn: Path, tmp_path: Path
) -> None:
    path = write_record(tmp_path / "a.json", record_id="A")
    panel, dialog = changed_papers(open_panel, drawn, path, may=False)
    assert not panel.close()
    assert panel.isVisible()
    assert dialog.form.document["record_id"] == "TYPED"
    dialog.confirm = lambda question: True  # type: ignore[method-assign]
    assert panel.close()


def test_when_a_job_is_being_sent_then_closing_the_panel_asks_first(open_panel: OpenPanel, drawn: Path) -> None:
    panel = open_panel(choices=shot_options(drawn, shot="sh960"))
    panel.open_form()
    form = panel.form
    assert form is not None
    asked: list[str] = []
    panel.actions_on_job.confirm = lambda question: bool(asked.append(question))  # type: ignore[method-assign]
    wait_until(form.final.isEnabled)
    form.final.click()
    assert not panel.close()
    assert "being sent" in asked[0]
    wait_until(lambda: not form.is_sending, 60)
    assert panel.close()
