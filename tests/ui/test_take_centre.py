"""The panel with the viewer in its middle, over real takes of a real daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from panel_rig import shot_options
from qt_rig import wait_until

from understudy.bridge.gather import gather_job
from understudy.bridge.roundtrip import send_job
from understudy.ui.panel import Panel
from understudy.ui.session import Session
from understudy.ui.take_centre import TakeCentre
from understudy.ui.viewer_canvas import FRONT


@pytest.fixture
def centre(shared_daemon: RunningDaemon) -> Iterator[TakeCentre]:
    """The middle of an open panel."""
    made = TakeCentre()
    panel = Panel(Session(shared_daemon.home), None, made)
    panel.show()
    panel.session.start()
    wait_until(lambda: panel.session.standing.life == "alive")
    yield made
    panel.close()


def panel_of(centre: TakeCentre) -> Panel:
    window = centre.window()
    assert isinstance(window, Panel)
    return window


def take(daemon: RunningDaemon, drawn: Path, centre: TakeCentre) -> str:
    """Submit a job and choose it."""
    job_id = send_job(daemon.connection, gather_job(shot_options(drawn))).job_id
    wait_until(lambda: panel_of(centre).jobs.place(job_id) is not None)
    panel_of(centre).pane.choose(job_id)
    return job_id


def test_when_a_take_is_chosen_then_the_viewer_shows_it_and_says_its_state(
    centre: TakeCentre, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    assert centre.currentWidget() is centre.empty
    take(shared_daemon, drawn, centre)
    wait_until(lambda: FRONT in centre.viewer._shown and centre.viewer.canvas.banner.startswith("UNCLEARED"), 60)
    assert centre.currentWidget() is centre.viewer
    assert centre.viewer.head is not None
    assert (centre.viewer.head.first, centre.viewer.head.last) == (1001, 1004)


def test_when_a_take_moves_into_its_version_then_the_frame_that_is_looked_at_stays(
    centre: TakeCentre, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    job_id = take(shared_daemon, drawn, centre)
    wait_until(lambda: panel_of(centre).jobs.job(job_id).summary.state == "delivered", 60)  # type: ignore[union-attr]
    wait_until(lambda: centre._shown is not None and "v001" in str(centre._shown[1]), 60)
    wait_until(lambda: centre.viewer.seen is not None and FRONT in centre.viewer._shown)
    centre.viewer.set_frame(1003)
    centre._shown = before = (job_id, Path("where it lay before"))
    panel_of(centre).details.choose(panel_of(centre).jobs.job(job_id))
    wait_until(lambda: centre._shown != before, 60)
    wait_until(lambda: centre.viewer.seen is not None and FRONT in centre.viewer._shown, 60)
    assert centre.viewer.head is not None
    assert centre.viewer.head.frame == 1003


def test_when_nothing_is_chosen_any_more_then_the_viewer_lets_go_and_words_stand_there(
    centre: TakeCentre, shared_daemon: RunningDaemon, drawn: Path
) -> None:
    take(shared_daemon, drawn, centre)
    wait_until(lambda: FRONT in centre.viewer._shown, 60)
    centre.show_words("nothing is chosen")
    assert centre.currentWidget() is centre.empty
    assert centre.empty.label.text() == "nothing is chosen"
    assert (centre.viewer._reader, centre.viewer._watch) == (None, None)
