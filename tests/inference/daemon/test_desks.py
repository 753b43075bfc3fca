"""An artist's programs hear each other by way of the daemon, and nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from understudy.bridge.client import Client
from understudy.bridge.desk_messages import TELL_LIMIT_BYTES, Ear, Listener, Tell
from understudy.bridge.errors import RequestError
from understudy.bridge.keys import Connection, issue_key, load_connection
from understudy.bridge.messages import Event
from understudy.bridge.options import JobOptions
from understudy.bridge.watch import Watcher

from .conftest import DaemonProcess, make_job, send, until

SEAT = "ada@paint7"


class Program:
    """One that listens at the desk."""

    def __init__(self, connection: Connection, ear: Ear, desk: str = "", seat: str = SEAT) -> None:
        self.heard: list[Tell] = []
        self.events: list[Event] = []
        listener = Listener(ear=ear, seat=seat, desk=desk, title=desk)
        self.watcher = Watcher(
            connection, (), None, self.events.append, lambda: None, listener=listener, on_told=self.heard.append
        )
        assert self.watcher.wait_subscribed(10)


@pytest.fixture
def programs(shared_daemon: DaemonProcess) -> Iterator[type[Program]]:
    with ExitStack() as opened:

        class Opened(Program):
            def __init__(self, *args: object, **kwargs: object) -> None:
                super().__init__(*args, **kwargs)  # type: ignore[arg-type]
                opened.callback(self.watcher.close)

        yield Opened


def selection(**said: object) -> Tell:
    fields = {"to": "panel", "kind": "selection", "seat": SEAT, "desk": "nuke 1", "options": JobOptions(shot="sh010")}
    return Tell(**{**fields, **said})  # type: ignore[arg-type]


def test_when_nobody_listens_then_the_answer_is_none_and_nothing_is_kept(
    shared_daemon: DaemonProcess, client: Client, programs: type[Program]
) -> None:
    assert client.tell(selection()) == 0
    panel = programs(load_connection(shared_daemon.home), "panel")
    assert client.tell(selection(options=JobOptions(shot="sh020"))) == 1
    until(lambda: panel.heard)
    assert [said.options.shot for said in panel.heard if said.options] == ["sh020"]


def test_when_a_host_is_named_then_it_alone_hears(
    shared_daemon: DaemonProcess, client: Client, programs: type[Program]
) -> None:
    nuke, blender = (programs(load_connection(shared_daemon.home), "host", desk) for desk in ("nuke 1", "blender 2"))
    panel = programs(load_connection(shared_daemon.home), "panel")
    assert client.tell(selection(to="host", kind="import_take", desk="blender 2", job_id="abcd")) == 1
    until(lambda: blender.heard)
    assert (nuke.heard, panel.heard, blender.heard[0].job_id) == ([], [], "abcd")
    assert [one.title for one in client.desks(SEAT).hosts] == ["nuke 1", "blender 2"]
    until(lambda: client.desks(SEAT).panels == 1)  # the test before has left one that ends


def test_when_another_user_s_panel_listens_then_it_hears_nothing_and_is_not_counted(
    shared_daemon: DaemonProcess, client: Client, programs: type[Program]
) -> None:
    theirs = issue_key(Path(shared_daemon.home), "ben", roles=("admin",), projects=(), host="127.0.0.1")
    panel = programs(theirs, "panel")
    assert client.tell(selection()) == 0
    until(lambda: client.desks(SEAT).panels == 0)
    with Client.connect(theirs) as ben:
        assert ben.tell(selection()) == 1
    until(lambda: panel.heard)
    assert len(panel.heard) == 1


def test_when_the_same_key_is_used_at_another_machine_then_no_window_is_raised_there(
    shared_daemon: DaemonProcess, client: Client, programs: type[Program]
) -> None:
    elsewhere = programs(load_connection(shared_daemon.home), "panel", seat="ada@render1")
    assert client.tell(selection()) == 0
    until(lambda: client.desks(SEAT).panels == 0)
    assert elsewhere.heard == []


def test_when_a_program_ends_then_it_is_not_counted_any_more(
    shared_daemon: DaemonProcess, client: Client, programs: type[Program]
) -> None:
    panel = Program(load_connection(shared_daemon.home), "panel")
    assert client.tell(selection()) == 1
    panel.watcher.close()
    until(lambda: client.tell(selection()) == 0)
    until(lambda: client.desks(SEAT).panels == 0)


def test_when_more_is_said_than_fits_then_it_is_refused_and_nobody_hears_it(
    shared_daemon: DaemonProcess, client: Client, programs: type[Program]
) -> None:
    panel = programs(load_connection(shared_daemon.home), "panel")
    with pytest.raises(RequestError, match=str(TELL_LIMIT_BYTES)):
        client.tell(selection(options=JobOptions(prompt="x" * TELL_LIMIT_BYTES)))
    assert client.tell(selection()) == 1
    until(lambda: panel.heard)
    assert len(panel.heard) == 1


def test_when_a_listener_watches_then_no_job_s_events_come_to_it(
    shared_daemon: DaemonProcess, client: Client, programs: type[Program], tmp_path: Path
) -> None:
    panel = programs(load_connection(shared_daemon.home), "panel")
    job_id = send(client, make_job(tmp_path))
    until(lambda: client.show_job(job_id).summary.state == "delivered")
    assert panel.events == []


def test_when_the_daemon_comes_back_then_its_programs_are_heard_again(
    daemon: DaemonProcess, programs: type[Program]
) -> None:
    panel = programs(load_connection(daemon.home), "panel")
    daemon.kill()
    daemon.start()
    with Client.connect(daemon.home) as client:
        until(lambda: client.tell(selection()) == 1)
    until(lambda: panel.heard)
