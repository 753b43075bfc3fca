from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from daemon_rig import RunningDaemon
from panel_rig import no_problem, shot_options
from processes import children_named
from qt_rig import wait_until

from understudy.bridge.client import Client
from understudy.bridge.gather import gather_job
from understudy.bridge.keys import issue_key, write_connection
from understudy.bridge.messages import Event, Finished
from understudy.bridge.roundtrip import send_job
from understudy.bridge.watch import Watcher
from understudy.inference.drawn_shot import draw_shot
from understudy.ui.job_rows import JobRow
from understudy.ui.session import Session


class Listener:
    """A session with all that it said."""

    def __init__(self, where: Path) -> None:
        self.session = Session(where)
        self.rows: dict[str, JobRow] = {}
        self.lives: list[str] = []
        self.frames: set[int] = set()
        self.session.standing_changed.connect(lambda standing: self.lives.append(standing.life))
        self.session.jobs_listed.connect(self._listed)
        self.session.jobs_changed.connect(self._changed)
        self.session.frames_finished.connect(lambda job_id, frames: self.frames.update(frames))
        self.session.start()

    def _listed(self, rows: list[JobRow]) -> None:
        self.rows = {row.summary.job_id: row for row in rows}

    def _changed(self, rows: list[JobRow]) -> None:
        self.rows.update({row.summary.job_id: row for row in rows})

    def is_alive(self) -> bool:
        return self.session.standing.life == "alive"

    def state(self, job_id: str) -> str:
        return self.rows[job_id].summary.state if job_id in self.rows else ""


def test_when_a_daemon_is_there_then_it_is_told_with_its_engines_and_its_slots(shared_daemon: RunningDaemon) -> None:
    heard = Listener(shared_daemon.home)
    wait_until(heard.is_alive)
    standing = heard.session.standing
    assert standing.same_machine
    assert standing.welcome is not None
    assert "preview" in {engine.name for engine in standing.welcome.engines}
    assert standing.status is not None
    assert len(standing.status.slots) == 1
    heard.session.close()


def test_when_another_client_submits_then_the_job_comes_and_its_end_without_asking(
    shared_daemon: RunningDaemon, drawn: Path
) -> None:
    heard = Listener(shared_daemon.home)
    wait_until(heard.is_alive)
    wait_until(lambda: heard.session._watcher is not None and heard.session._watcher.wait_subscribed(0))
    accepted = send_job(shared_daemon.connection, gather_job(shot_options(drawn)))
    wait_until(lambda: heard.state(accepted.job_id) == "delivered", 180)
    wait_until(lambda: heard.frames == {1001, 1002, 1003, 1004})
    heard.session.close()


def test_when_there_is_no_daemon_at_first_then_it_is_found_as_soon_as_there_is(tmp_path: Path) -> None:
    heard = Listener(tmp_path / "home")
    wait_until(lambda: heard.session.standing.life == "away")
    problem = heard.session.standing.problem
    assert problem is not None
    assert problem.remedy
    daemon = RunningDaemon(tmp_path / "home")
    wait_until(heard.is_alive)
    heard.session.close()
    daemon.stop()


def test_when_the_daemon_was_away_then_what_changed_meanwhile_is_shown_right(
    daemon: RunningDaemon, drawn: Path
) -> None:
    heard = Listener(daemon.home)
    wait_until(heard.is_alive)
    first = send_job(daemon.connection, gather_job(shot_options(drawn, engine="preview"))).job_id
    wait_until(lambda: first in heard.rows)
    daemon.kill()
    wait_until(lambda: heard.session.standing.life == "away")
    daemon.start_again()
    second = send_job(daemon.connection, gather_job(shot_options(drawn, shot="sh020"))).job_id
    wait_until(lambda: heard.state(first) == "delivered" and heard.state(second) == "delivered", 90)
    assert "away" in heard.lives
    heard.session.close()


def test_when_the_key_is_refused_then_it_says_so_and_another_key_makes_it_right(
    shared_daemon: RunningDaemon, tmp_path: Path
) -> None:
    connection = issue_key(shared_daemon.home, "ben", roles=("artist",), projects=("dune",), host="127.0.0.1")
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    write_connection(good, connection)
    stranger = issue_key(tmp_path / "other", "eve", roles=("artist",), projects=(), host="127.0.0.1", port=1)
    write_connection(bad, msgspec.structs.replace(connection, public=stranger.public, secret=stranger.secret))
    heard = Listener(bad)
    wait_until(lambda: heard.session.standing.life == "refused", 30)
    heard.session.connect_to(good)
    wait_until(heard.is_alive)
    welcome = heard.session.standing.welcome
    assert welcome is not None
    assert (welcome.user, welcome.projects) == ("ben", ("dune",))
    heard.session.close()


def test_when_the_session_turns_to_another_daemon_then_answers_of_the_first_are_let_go(
    shared_daemon: RunningDaemon, daemon: RunningDaemon
) -> None:
    heard = Listener(shared_daemon.home)
    wait_until(heard.is_alive)
    answers: list[str] = []
    heard.session.ask(lambda client: client.status().home, answers.append, no_problem)
    heard.session.connect_to(daemon.home)
    heard.session.ask(lambda client: client.status().home, answers.append, no_problem)
    wait_until(lambda: bool(answers))
    assert answers == [str(daemon.home)]
    heard.session.close()


def test_when_one_job_of_a_batch_is_not_the_daemons_then_news_of_the_others_come_all_the_same(
    shared_daemon: RunningDaemon, drawn: Path
) -> None:
    job_id = send_job(shared_daemon.connection, gather_job(shot_options(drawn))).job_id
    heard = Listener(shared_daemon.home)
    wait_until(lambda: heard.state(job_id) == "delivered", 60)
    heard.rows.clear()
    heard.session.refresh("0" * len(job_id))  # of a daemon that was left meanwhile
    heard.session.refresh(job_id)
    wait_until(lambda: heard.state(job_id) == "delivered")
    assert set(heard.rows) == {job_id}
    heard.session.close()


@pytest.fixture
def busy(daemon: RunningDaemon, tmp_path: Path) -> Iterator[RunningDaemon]:
    """A daemon whose one worker is at a job and comes no further, so that its queue stays."""
    draw_shot(tmp_path / "long", frames=108, width=96, height=64)
    job_id = send_job(daemon.connection, gather_job(shot_options(tmp_path / "long", shot="busy"))).job_id
    with Client.connect(daemon.connection) as client:
        wait_until(lambda: client.show_job(job_id).summary.state == "running", 60)
        (worker,) = children_named(daemon.process.pid, "understudy.inference.worker")
        os.kill(worker, signal.SIGSTOP)
        assert client.show_job(job_id).summary.state == "running"
    yield daemon
    os.kill(worker, signal.SIGCONT)


def test_when_somebody_changes_a_priority_then_places_in_the_queue_are_shown_as_they_are(
    busy: RunningDaemon, drawn: Path
) -> None:
    waiting = [send_job(busy.connection, gather_job(shot_options(drawn, shot=f"wait{at}"))).job_id for at in range(2)]
    heard = Listener(busy.home)

    def places() -> list[int | None]:
        return [heard.rows[job_id].summary.place_in_queue if job_id in heard.rows else None for job_id in waiting]

    wait_until(lambda: places() == [1, 2])
    with Client.connect(busy.connection) as client:
        client.control(waiting[1], "priority", 50)
    wait_until(lambda: places() == [2, 1])
    heard.session.close()


def test_when_a_watcher_asks_from_now_on_then_it_hears_what_is_new_and_nothing_before(
    shared_daemon: RunningDaemon, drawn: Path
) -> None:
    old = send_job(shared_daemon.connection, gather_job(shot_options(drawn, shot="sh_old"))).job_id
    heard: list[Event] = []
    with Client.connect(shared_daemon.connection) as client:
        wait_until(lambda: client.show_job(old).summary.state == "delivered", 60)
        with Watcher(shared_daemon.connection, (), None, heard.append, lambda: None) as watcher:
            assert watcher.wait_subscribed(10)
            new = send_job(shared_daemon.connection, gather_job(shot_options(drawn, shot="sh_new"))).job_id
            wait_until(lambda: any(isinstance(event.what, Finished) for event in heard), 60)
    assert {event.job_id for event in heard} == {new}
