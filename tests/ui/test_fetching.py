"""Takes brought to this machine from a daemon elsewhere: stopped, gone on with, told apart, looked at from here."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from daemon_rig import RunningDaemon
from far_rig import chosen, delivered, far_panel
from panel_rig import shot_options
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from qt_rig import wait_until

from understudy.ui import words
from understudy.ui.fetching import folder_name
from understudy.ui.panel import Panel
from understudy.ui.take_centre import TakeCentre
from understudy.ui.viewer_canvas import FRONT


@pytest.fixture(scope="module")
def job(shared_daemon: RunningDaemon, drawn: Path) -> str:
    return delivered(shared_daemon, shot_options(drawn, shot="fetch010"))


@pytest.fixture(scope="module")
def another(shared_daemon: RunningDaemon, drawn: Path) -> str:
    return delivered(shared_daemon, shot_options(drawn, shot="fetch020"))


@pytest.fixture
def far(shared_daemon: RunningDaemon, tmp_path: Path) -> Iterator[Panel]:
    yield from far_panel(shared_daemon, tmp_path)


def _job_shown(panel: Panel, job: str) -> bool:
    """Say whether the page, and the pictures beside it, are those of a job."""
    centre, detail = panel.middle, panel.details.detail
    assert isinstance(centre, TakeCentre)
    seen = centre.viewer.seen
    return detail is not None and detail.summary.job_id == job and seen is not None and seen.take.job == job


def test_a_take_that_was_fetched_is_seen_from_here(far: Panel, job: str, tmp_path: Path) -> None:
    chosen(far, job)
    row = far.jobs.job(job)
    assert row is not None
    told: list[str] = []
    far.actions_on_job.told.connect(told.append)
    far.actions_on_job.fetching.fetch(row.summary, tmp_path / "out")
    wait_until(lambda: bool(told))
    assert told == [words.FETCHED.format(folder=tmp_path / "out")]
    assert (tmp_path / "out" / "manifest.json").is_file()
    wait_until(lambda: far.details.folder == tmp_path / "out")
    centre = far.middle
    assert isinstance(centre, TakeCentre)
    wait_until(lambda: centre.viewer.seen is not None and centre.viewer.seen.take.folder == tmp_path / "out")
    wait_until(lambda: FRONT in centre.viewer._shown)
    assert isinstance(centre.viewer._shown[FRONT].wanted.path, Path)


def test_a_fetch_that_is_stopped_goes_on_from_there(far: Panel, job: str, tmp_path: Path) -> None:
    chosen(far, job)
    row = far.jobs.job(job)
    assert row is not None
    told: list[str] = []
    fetching = far.actions_on_job.fetching
    fetching.told.connect(told.append)

    def stop_after_three(done: int, total: int) -> None:
        if done == 3 and fetching._stop is not None:
            fetching._stop.set()

    # In the fetching thread itself: files of this size are all here before the interface would have its turn.
    fetching._moved.connect(stop_after_three, Qt.ConnectionType.DirectConnection)
    fetching.fetch(row.summary, tmp_path / "out")
    wait_until(lambda: bool(told))
    assert told == [words.FETCH_STOPPED]
    landed = list((tmp_path / "out" / ".provisional").rglob("*.exr"))
    assert landed
    times = {path.relative_to(tmp_path / "out/.provisional" / job): path.stat().st_mtime_ns for path in landed}
    fetching._moved.disconnect(stop_after_three)
    fetching.fetch(row.summary, tmp_path / "out")
    wait_until(lambda: len(told) == 2)
    assert {path: (tmp_path / "out" / path).stat().st_mtime_ns for path in times} == times


def test_when_the_daemon_is_tried_again_during_a_fetch_then_it_goes_on_and_the_next_can_be_fetched(
    far: Panel, job: str, tmp_path: Path
) -> None:
    chosen(far, job)
    row = far.jobs.job(job)
    assert row is not None
    told: list[str] = []
    fetching = far.actions_on_job.fetching
    fetching.told.connect(told.append)
    begun, tried = threading.Event(), threading.Event()

    def wait_for_the_panel(done: int, total: int) -> None:
        begun.set()
        tried.wait(60)

    fetching._moved.connect(wait_for_the_panel, Qt.ConnectionType.DirectConnection)
    fetching.fetch(row.summary, tmp_path / "out")
    wait_until(begun.is_set)
    far.session.connect_to(tmp_path / "far.json")
    tried.set()
    wait_until(lambda: bool(told))
    assert told == [words.FETCHED.format(folder=tmp_path / "out")]
    assert fetching.progress is None
    fetching.fetch(row.summary, tmp_path / "again")
    wait_until(lambda: len(told) == 2)
    assert told[1] == words.FETCHED.format(folder=tmp_path / "again")


def test_when_another_take_is_fetched_to_the_same_folder_then_the_first_is_seen_through_the_daemon_again(
    far: Panel, job: str, another: str, tmp_path: Path
) -> None:
    told: list[str] = []
    far.actions_on_job.told.connect(told.append)
    for number, one in enumerate((job, another), 1):
        chosen(far, one)
        row = far.jobs.job(one)
        assert row is not None
        far.actions_on_job.fetching.fetch(row.summary, tmp_path / "out")
        wait_until(lambda number=number: len(told) == number)  # type: ignore[misc]
    wait_until(lambda: far.details.folder == tmp_path / "out")
    wait_until(lambda: _job_shown(far, another))
    far.pane.choose(job)
    wait_until(lambda: _job_shown(far, job))
    assert far.details.folder is None
    shutil.rmtree(tmp_path / "out")
    far.pane.choose(another)
    wait_until(lambda: _job_shown(far, another))
    assert far.details.folder is None


def test_when_takes_of_two_shows_have_one_name_then_each_is_fetched_to_a_folder_of_its_own(
    far: Panel, job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "takes"))
    wait_until(lambda: far.jobs.place(job) is not None)
    row = far.jobs.job(job)
    assert row is not None
    told: list[str] = []
    far.actions_on_job.told.connect(told.append)
    far.actions_on_job.fetching.ask(row.summary)
    wait_until(lambda: bool(told))
    (folder,) = (tmp_path / "takes").iterdir()
    assert folder.name == f"fetch010_v001_{job}"
    namesake = msgspec.structs.replace(row.summary, job_id="ffff0000", project="another")
    assert folder_name(namesake) == "fetch010_v001_ffff0000"
