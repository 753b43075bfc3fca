"""`make screenshots`: pictures of the panel's states for docs/panel.md, on no screen and without root.

A daemon of its own with drawn shots; what cannot be had in a minute (a studio's list of the day, a quarantine) is told
to the list as a daemon would tell it. Run it, then look at every picture.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import types
from pathlib import Path

from daemon_rig import RunningDaemon
from panel_rig import shot_options, summary
from papers_rig import RULE, WHY, fill_registry, show_pack, write_record
from PySide6.QtWidgets import QWidget
from qt_rig import application, wait_until

from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError, ErrorReport
from understudy.bridge.gather import gather_job
from understudy.bridge.keys import issue_key, write_connection
from understudy.bridge.messages import JobSummary, Progress
from understudy.bridge.papers_client import request_waiver
from understudy.bridge.roundtrip import follow_job, send_job
from understudy.bridge.take_segments import TakeSegment
from understudy.inference.drawn_shot import draw_shot
from understudy.ui import words
from understudy.ui.draft import Draft
from understudy.ui.job_rows import row_of
from understudy.ui.panel import Panel
from understudy.ui.papers_dialog import PapersDialog
from understudy.ui.redo_dialog import RedoDialog
from understudy.ui.session import Session
from understudy.ui.take_centre import TakeCentre
from understudy.ui.theme import dress
from understudy.ui.viewer_canvas import BACK, FRONT
from understudy.ui.waiver_request import WaiverRequest
from understudy.ui.waivers_dialog import WaiversDialog

OUT = Path(__file__).resolve().parents[2] / "docs/images/panel"


def main() -> None:
    """Draw every picture."""
    OUT.mkdir(parents=True, exist_ok=True)
    dress(application())
    with tempfile.TemporaryDirectory(prefix="understudy-") as folder:
        root = Path(folder)
        os.environ["UNDERSTUDY_HOME"] = str(root / "home")
        draw_shot(root / "shot", frames=8, width=480, height=270)
        os.chdir(root / "shot")
        os.environ["UNDERSTUDY_PACKS_FOLDER"] = str(show_pack(root / "packs"))
        daemon = RunningDaemon(root / "home")
        try:
            _papers(daemon, root)
            _with_daemon(daemon)
        finally:
            daemon.stop()
        _without_daemon(root)


def _with_daemon(daemon: RunningDaemon) -> None:
    panel = Panel(Session(daemon.home), shot_options(Path(), engine="preview", record=None), TakeCentre())
    panel.show()
    panel.session.start()
    wait_until(lambda: panel.session.standing.life == "alive")
    _save(panel, "empty")
    job_id = send_job(daemon.connection, gather_job(shot_options(Path(), engine="preview"))).job_id
    wait_until(lambda: panel.jobs.place(job_id) is not None)
    panel.pane.choose(job_id)
    wait_until(lambda: panel.details.folder is not None and "v001" in str(panel.details.folder), 60)
    wait_until(lambda: panel.jobs.job(job_id).summary.state == "delivered", 60)  # type: ignore[union-attr]
    wait_until(lambda: panel.jobs.index(0, 0).data(1) is not None)
    _wait(0.5)
    panel.jobs.change_jobs(row_of(job) for job in _day())
    panel.jobs.set_progress({"job5": Progress(stage="segment 2 of 5", done=46, total=108, seconds_left=512)})
    panel.jobs.set_take_state("job1", "delivered")
    panel.pane.choose(job_id)
    _wait(0.5)
    _save(panel, "jobs")
    _compare(panel)
    _forms(panel)
    refused = send_refused(panel)
    _save(refused, "refused")
    refused.hide()
    panel.open_daemon()
    assert panel.daemon is not None
    dialog = panel.daemon
    wait_until(lambda: words.PACKS in dialog.text())
    _wait(0.3)
    _save(dialog, "daemon")
    dialog.close()
    _larger(panel)
    panel.close()
    _elsewhere(daemon)
    _dock(daemon)


def _compare(panel: Panel) -> None:
    """Wipe a take's comp over its own plate, at the frame where its second segment begins."""
    draw_shot(Path("long"), frames=26, width=640, height=360)
    options = shot_options(Path("long"), engine="preview", shot="sh020")
    job_id = send_job(panel.session.standing.connection, gather_job(options)).job_id  # type: ignore[arg-type]
    wait_until(lambda: panel.jobs.place(job_id) is not None)
    panel.pane.choose(job_id)
    wait_until(lambda: panel.jobs.job(job_id).summary.state == "delivered", 120)  # type: ignore[union-attr]
    viewer = panel.middle.viewer  # type: ignore[attr-defined]
    wait_until(lambda: viewer.seen is not None and viewer.seen.take.seams == (1014,) and FRONT in viewer._shown, 60)
    viewer.set_frame(1014)
    viewer.look_bar.other.setCurrentText("plate")
    viewer.look_bar.mode.setCurrentText("wipe")
    wait_until(lambda: all(p in viewer._shown and viewer._shown[p].wanted.frame == 1014 for p in (FRONT, BACK)))
    _wait(0.5)
    _save(panel, "wipe")
    viewer.look_bar.mode.setCurrentText("difference")
    wait_until(lambda: viewer._shown[FRONT].wanted.minus is not None)
    _wait(0.5)
    _save(panel, "difference")
    viewer.look_bar.mode.setCurrentText("single")


def _elsewhere(daemon: RunningDaemon) -> None:
    """Wipe a take over its plate in a panel that no file of the daemon's machine is read by."""
    draw_shot(Path("wide"), frames=6, width=1600, height=900)
    options = shot_options(Path("wide"), engine="preview", shot="sh030")
    job_ids = [send_job(daemon.connection, gather_job(options)).job_id for _ in range(2)]
    for job_id in job_ids:
        follow_job(daemon.connection, job_id, None)
    (daemon.home / "challenge").unlink()  # what a panel on the same machine proves itself by
    key = daemon.home.parent / "far.json"
    write_connection(key, issue_key(daemon.home, "grace", roles=("artist",), projects=(), host="127.0.0.1"))
    session = Session(key)
    panel = Panel(session, None, TakeCentre(session))
    panel.show()
    session.start()
    wait_until(lambda: panel.jobs.place(job_ids[0]) is not None)
    panel.pane.choose(job_ids[0])
    viewer = panel.middle.viewer  # type: ignore[attr-defined]
    wait_until(lambda: viewer.seen is not None and FRONT in viewer._shown and bool(viewer.seen.others), 60)
    viewer.set_frame(1004)
    viewer.look_bar.other.setCurrentText("plate")
    viewer.look_bar.mode.setCurrentText("wipe")
    wait_until(lambda: all(p in viewer._shown and viewer._shown[p].wanted.frame == 1004 for p in (FRONT, BACK)))
    viewer._on_pointed(700, 450)
    wait_until(lambda: "scene-linear" in viewer.pixel.text())
    _wait(1.0)
    _save(panel, "elsewhere")
    panel.close()


def _forms(panel: Panel) -> None:
    panel.open_form()
    assert panel.form is not None
    _wait(0.6)
    _save(panel.form, "form")
    panel.form.fields["engine"].set_value("wan-animate")
    panel.form.fields["self_attest"].set_value("Ada: a lighting test, not for delivery")
    panel.form.fields["frames"].set_value("1001-x")
    _wait(0.6)
    _save(panel.form, "form-problems")
    panel.form.fields["frames"].set_value("")
    panel.form.fields["engine"].set_value("preview")
    segments = tuple(
        TakeSegment(
            first=1001 + 77 * at, last=min(1077 + 77 * at, 1270), carried=min(at, 1), job_id="job2", version=2 - at % 2
        )
        for at in range(4)
    )
    dialog = RedoDialog(summary(state="delivered", version=2), panel, segments)
    dialog.segment.setValue(3)
    dialog.show()
    _save(dialog, "redo")
    dialog.close()


def send_refused(panel: Panel) -> QWidget:
    """Send what admission refuses, and return the form with its findings."""
    form = panel.form
    assert form is not None
    form.fields["frames"].set_value("1001-1040")
    wait_until(form.final.isEnabled)
    form.final.click()
    wait_until(form.said.isVisible, 30)
    return form


def _dock(daemon: RunningDaemon) -> None:
    """Draw Nuke's pane, without a Nuke and its looks around it."""
    nuke = sys.modules["nuke"] = types.ModuleType("nuke")
    nuke.__getattr__ = lambda name: type(name, (), {})  # type: ignore[method-assign]
    from understudy.host_plugins.nuke.dock import JobsDock

    os.environ["UNDERSTUDY_HOME"] = str(daemon.home)
    dock = JobsDock()
    dock.resize(900, 420)
    dock.show()
    wait_until(lambda: "alive" in dock.line.text())
    _wait(0.5)
    dock.jobs.change_jobs(row_of(job) for job in _day())
    dock.jobs.set_progress({"job5": Progress(stage="segment 2 of 5", done=46, total=108, seconds_left=512)})
    dock.pane.choose("job5")
    _save(dock, "dock")
    dock.close()


def _papers(daemon: RunningDaemon, root: Path) -> None:
    """The record as a form with refusals, the consents to pick from, a waiver that this key asked for itself."""
    fill_registry(daemon)
    session = Session(daemon.home)
    session.start()
    wait_until(lambda: session.standing.life == "alive")
    dialog = PapersDialog(session, Draft(shot="sh010", project="dune"))
    use = {"territories": ["DE", "BR"], "media": ["streaming"], "is_advertising": True}
    dialog.edit_file(write_record(root / "sh010.json", record_id="DUNE-SH010", use=use, context={"camera_move": "pan"}))
    dialog.show()
    wait_until(lambda: len(dialog.form.boxes()) > 2 and bool(dialog.known.people), 60)
    _wait(0.5)
    _save(dialog, "papers")
    dialog.form.ensureWidgetVisible(dialog.form.lines["context.lens"])
    _wait(0.2)
    _save(dialog, "papers-below")
    picker = dialog.pick_consents()
    wait_until(lambda: picker.model.rowCount() > 0)
    _wait(0.2)
    _save(picker, "consents")
    picker.close()
    packs = dialog.show_packs()
    _wait(0.2)
    _save(packs, "packs")
    packs.close()
    dialog.hide()
    _waivers(daemon, session, root)
    session.close()


def _waivers(daemon: RunningDaemon, session: Session, root: Path) -> None:
    path = write_record(root / "sh020.json", record_id="DUNE-SH020", context={"camera_move": "pan"})
    options = shot_options(Path(), engine="preview", record=str(path), self_attest=None, shot="sh020")
    try:
        send_job(daemon.connection, gather_job(options))
    except ComplianceError as problem:
        refused = next(one for one in problem.findings if one.rule == RULE)
    with Client.connect(daemon.home) as own:
        request_waiver(own, "DUNE-SH020", RULE, WHY, until="2026-12-24")
    request = WaiverRequest(session, refused, "DUNE-SH020")
    request.reason.setPlainText("The log was lost")
    request.show()
    _save(request, "waiver-request")
    request.close()
    dialog = WaiversDialog(session)
    dialog.show()
    wait_until(lambda: dialog.chosen is not None)
    _wait(0.2)
    _save(dialog, "waivers")
    dialog.close()


def _larger(panel: Panel) -> None:
    made = application()
    font = made.font()
    font.setPointSizeF(font.pointSizeF() * 2)
    made.setFont(font)
    large = Panel(Session(panel.session.where))
    large.resize(1800, 1000)
    large.show()
    large.session.start()
    wait_until(lambda: large.jobs.rowCount() > 0)
    large.pane.choose(large.jobs.row(0).summary.job_id)
    _wait(1.0)
    _save(large, "large")
    large.close()
    font.setPointSizeF(font.pointSizeF() / 2)
    made.setFont(font)


def _without_daemon(root: Path) -> None:
    panel = Panel(Session(root / "nowhere" / "daemon.json"))
    panel.show()
    panel.session.start()
    wait_until(lambda: panel.session.standing.life == "away")
    panel.open_daemon()
    assert panel.daemon is not None
    _save(panel.daemon, "no-daemon")
    panel.daemon.close()
    panel.close()


def _day() -> list[JobSummary]:
    """Return what a studio's list looks like in the afternoon."""
    full = ErrorReport(code="job_parked", message="the disk has 2 GiB left", remedy="Free some room.")
    broken = ErrorReport(code="engine", message="out of memory in segment 3", remedy="Choose gpu_memory, or 480p.")
    common = {"user": "ada", "frames_done": 108, "frames_total": 108}
    rows = (
        {"job_id": "job1", "shot": "mkt_0100", "version": 3, "state": "delivered", "project": "dune"},
        {"job_id": "job2", "shot": "mkt_0100", "version": 2, "state": "delivered", "project": "dune"},
        {"job_id": "job3", "shot": "mkt_0100", "version": 1, "state": "quarantined", "project": "dune"},
        {"job_id": "job4", "shot": "bch_0020", "version": 2, "state": "failed", "error": broken, "frames_done": 54},
        {"job_id": "job5", "shot": "bch_0030", "version": 1, "state": "running", "frames_done": 46},
        {"job_id": "job6", "shot": "bch_0040", "version": 1, "state": "queued", "place_in_queue": 1, "frames_done": 0},
        {"job_id": "job7", "shot": "bch_0050", "version": 4, "state": "parked", "error": full, "frames_done": 81},
        {"job_id": "job8", "shot": "bch_0060", "version": 1, "state": "checking"},
        {"job_id": "job9", "shot": "tst_0001", "version": 1, "state": "delivered", "clearance": "demonstration"},
        {"job_id": "joba", "shot": "tst_0002", "version": 1, "state": "refused", "frames_done": 0},
        {"job_id": "jobb", "shot": "tst_0003", "version": 1, "state": "paused", "frames_done": 12},
    )
    return [summary(**{**common, **row, "created_at": f"2026-11-27T{20 - at:02}:00"}) for at, row in enumerate(rows)]


def _save(widget: QWidget, name: str) -> None:
    application().processEvents()
    widget.grab().save(str(OUT / f"{name}.png"))


def _wait(seconds: float) -> None:
    ends = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > ends)


if __name__ == "__main__":
    sys.exit(main())
