from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from understudy.bridge.errors import KeyRefused, RequestError, UnderstudyError
from understudy.bridge.keys import AllowList, ensure_local_keys
from understudy.bridge.messages import Event, Progress, StateChanged, Watch, Watching
from understudy.bridge.watch import Watcher

Start = Callable[..., Any]
SOON = 20.0
NEVER = 60.0
"""Seconds of silence until it is told, where no test waits for that: longer than a busy machine holds a heartbeat."""
SHORT = 0.2


def _event(number: int, what: Any = None) -> Event:
    return Event(number=number, job_id="abcd", at="2026-11-20T00:00:00Z", what=what or StateChanged(state="queued"))


def _progress(number: int) -> Event:
    return _event(number, Progress(stage="generate", done=1, total=2))


class Told:
    """What a watcher told, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.silences: list[float] = []
        self.ends: list[UnderstudyError] = []

    @property
    def numbers(self) -> list[int]:
        return [event.number for event in self.events]

    def silent(self) -> None:
        self.silences.append(time.monotonic())

    def watch(self, connection: Any, after: int = 0, silence_seconds: float = NEVER) -> Watcher:
        return Watcher(
            connection, ("abcd",), after, self.events.append, self.silent, on_end=self.ends.append,
            silence_seconds=silence_seconds,
        )  # fmt: skip


def _until(reached: Callable[[], object]) -> None:
    end = time.monotonic() + SOON
    while not reached():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)


def _last_words(daemon: Any, watcher: Watcher, number: int) -> None:
    """Let the daemon push one more event and then fall silent; a short silence counts from there, and none before."""
    daemon.heartbeat_seconds, daemon.answers = 0, {}
    watcher._silence_seconds = SHORT
    daemon.pushes.put(_event(number))


@pytest.fixture
def told() -> Told:
    return Told()


def _watches(daemon: Any) -> list[Watch]:
    return [request for request in daemon.received if isinstance(request, Watch)]


def test_when_events_are_pushed_then_they_arrive_in_order(daemon: Any, told: Told) -> None:
    with told.watch(daemon.connection) as watcher:
        assert watcher.wait_subscribed(SOON)
        for number in (1, 2, 3):
            daemon.pushes.put(_event(number))
        _until(lambda: len(told.events) == 3)
        assert watcher.last == 3
    assert told.numbers == [1, 2, 3]
    assert told.silences == []
    assert _watches(daemon) == [Watch(job_ids=("abcd",), after=0)]


def test_when_an_event_comes_twice_then_it_is_told_once(daemon: Any, told: Told) -> None:
    with told.watch(daemon.connection) as watcher:
        watcher.wait_subscribed(SOON)
        for number in (1, 1, 2, 1, 3):
            daemon.pushes.put(_event(number))
        _until(lambda: 3 in told.numbers)
    assert told.numbers == [1, 2, 3]


def test_when_progress_bears_the_number_of_an_event_then_both_are_told(daemon: Any, told: Told) -> None:
    with told.watch(daemon.connection) as watcher:
        watcher.wait_subscribed(SOON)
        for event in (_event(1), _progress(1), _progress(2), _event(2)):
            daemon.pushes.put(event)
        _until(lambda: len(told.events) == 4)
        assert watcher.last == 2


def test_when_the_daemon_only_beats_then_nobody_is_told_of_silence(daemon: Any, told: Told) -> None:
    def nothing_was_told() -> bool:
        assert watcher.wait_subscribed(SOON)
        told.silences.clear()
        before = len(_watches(daemon))
        time.sleep(0.8)
        return told.silences == [] and len(_watches(daemon)) == before

    with told.watch(daemon.connection, silence_seconds=0.3) as watcher:
        # Where the machine holds up the heartbeats themselves, silence is rightly told: not time after time.
        assert any(nothing_was_told() for _ in range(5))


def test_when_the_daemon_stops_beating_then_silence_is_told_once(daemon: Any, told: Told) -> None:
    with told.watch(daemon.connection) as watcher:
        assert watcher.wait_subscribed(SOON)
        start = time.monotonic()
        _last_words(daemon, watcher, 1)
        _until(lambda: told.silences)
        assert told.silences[0] - start >= 0.1
        time.sleep(1.0)
        assert len(told.silences) == 1


def test_when_a_silent_daemon_speaks_again_then_watching_goes_on_from_the_last_number(daemon: Any, told: Told) -> None:
    def told_again() -> bool:
        daemon.pushes.put(_event(8))  # again and again: on a starved machine one may find it silent once more
        return told.numbers == [7, 8]

    with told.watch(daemon.connection) as watcher:
        assert watcher.wait_subscribed(SOON)
        answers = {**daemon.answers, Watch: Watching(last=8)}
        _last_words(daemon, watcher, 7)
        _until(lambda: told.silences)
        assert told.numbers == [7]
        daemon.answers, daemon.heartbeat_seconds = answers, 0.05
        assert watcher.wait_subscribed(SOON)
        _until(told_again)
    assert _watches(daemon)[1].after == 7


def test_when_the_daemon_restarts_on_another_port_then_no_event_is_lost(start_daemon: Start, told: Told) -> None:
    first = start_daemon()
    with told.watch(first.connection) as watcher:
        watcher.wait_subscribed(SOON)
        first.pushes.put(_event(1))
        _until(lambda: told.numbers == [1])
        first.stop()
        watcher._silence_seconds = SHORT
        _until(lambda: told.silences)
        watcher._silence_seconds = NEVER
        second = start_daemon(answers={Watch: Watching(last=2)})
        assert second.port != first.port
        assert watcher.wait_subscribed(SOON)
        second.pushes.put(_event(2))
        _until(lambda: told.numbers == [1, 2])
    assert [request.after for request in _watches(second)][-1] == 1
    assert len(told.silences) == 1


def test_when_no_daemon_is_there_yet_then_watching_begins_when_it_comes(
    start_daemon: Start, home: Path, told: Told
) -> None:
    connection = ensure_local_keys(home).connection
    with told.watch(connection, silence_seconds=SHORT) as watcher:
        _until(lambda: told.silences)
        start_daemon()
        assert watcher.wait_subscribed(SOON)
    assert told.ends == []


def test_when_the_store_began_anew_then_events_are_asked_from_the_first(daemon: Any, told: Told) -> None:
    daemon.answers[Watch] = Watching(last=3)
    with told.watch(daemon.connection, after=500) as watcher:
        assert watcher.wait_subscribed(SOON)
        daemon.pushes.put(_event(1))
        _until(lambda: told.numbers == [1])
    assert [request.after for request in _watches(daemon)] == [500, 0]


def test_when_an_event_comes_before_the_confirmation_then_it_is_told(daemon: Any, told: Told) -> None:
    def push_first(_: Watch) -> Watching:
        daemon._send(daemon.connections, msgspec.json.encode(_event(1)))
        return Watching(last=1)

    daemon.answers[Watch] = push_first
    with told.watch(daemon.connection) as watcher:
        assert watcher.wait_subscribed(SOON)
        assert told.numbers == [1]


def test_when_the_job_is_unknown_then_watching_ends_and_says_why(daemon: Any, told: Told) -> None:
    daemon.answers[Watch] = RequestError("no job abcd", remedy="see `understudy jobs`").report()
    with told.watch(daemon.connection) as watcher:
        _until(lambda: told.ends)
        assert isinstance(watcher.problem, RequestError)
    assert [str(problem) for problem in told.ends] == ["no job abcd"]


def test_when_the_key_is_revoked_then_watching_ends_and_says_why(daemon: Any, told: Told, home: Path) -> None:
    AllowList(home / "users.json").remove_user(daemon.connection.user)
    with told.watch(daemon.connection):
        _until(lambda: told.ends)
    assert isinstance(told.ends[0], KeyRefused)


def test_when_a_callback_fails_then_the_next_event_still_comes(daemon: Any, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    def fails_once(event: Event) -> None:
        seen.append(event.number)
        if event.number == 1:
            raise ValueError("the host's own fault")

    with Watcher(daemon.connection, (), 0, fails_once, lambda: None) as watcher:
        watcher.wait_subscribed(SOON)
        daemon.pushes.put(_event(1))
        daemon.pushes.put(_event(2))
        _until(lambda: seen == [1, 2])
    assert "the host's own fault" in caplog.text


def test_when_it_is_closed_then_no_callback_follows_and_no_thread_is_left(daemon: Any, told: Told) -> None:
    before = set(threading.enumerate())
    watcher = told.watch(daemon.connection)
    watcher.wait_subscribed(SOON)
    start = time.monotonic()
    watcher.close()
    watcher.close()
    assert time.monotonic() - start < 20  # not until its silence is over
    daemon.pushes.put(_event(1))
    time.sleep(0.1)
    assert told.events == []
    assert not [one for one in set(threading.enumerate()) - before if one.name == "understudy-watch"]


def test_when_it_is_closed_from_a_callback_then_it_ends(daemon: Any) -> None:
    closed = threading.Event()
    box: list[Watcher] = []

    def close(_: Event) -> None:
        box[0].close()
        closed.set()

    box.append(Watcher(daemon.connection, (), 0, close, lambda: None))
    box[0].wait_subscribed(SOON)
    daemon.pushes.put(_event(1))
    assert closed.wait(SOON)
    box[0].close()


def test_when_it_is_closed_while_nobody_answers_then_it_ends_at_once(home: Path, told: Told) -> None:
    connection = ensure_local_keys(home).connection
    watcher = told.watch(connection)
    time.sleep(0.05)
    start = time.monotonic()
    watcher.close()
    assert time.monotonic() - start < 20  # not after its 60 seconds of silence


def test_when_a_push_is_no_message_then_watching_ends_and_says_so(daemon: Any, told: Told) -> None:
    with told.watch(daemon.connection) as watcher:
        watcher.wait_subscribed(SOON)
        daemon.pushes.put(Watching(last=3))
        _until(lambda: told.ends)
    assert "push" in str(told.ends[0])
