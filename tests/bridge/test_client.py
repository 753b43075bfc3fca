from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq
from studio_rig import free_port

from understudy.bridge.client import Client
from understudy.bridge.errors import (
    ComplianceError,
    DaemonUnreachable,
    Finding,
    KeyRefused,
    ProtocolError,
    RequestError,
)
from understudy.bridge.frames import FrameRange
from understudy.bridge.keys import ensure_local_keys, load_connection, write_challenge
from understudy.bridge.messages import (
    Accepted,
    AskStatus,
    Hello,
    Jobs,
    ListJobs,
    Ping,
    Pong,
    ProveMachine,
    ShowJob,
    Submit,
)
from understudy.bridge.record import Record
from understudy.bridge.shot import Character, JobRequest, Performer, PictureFile, Pictures, Settings, Shot

SUBMISSION = "0123456789abcdef"
Start = Callable[..., Any]


def _job() -> JobRequest:
    file = PictureFile(file="0" * 64, picture="0" * 64, size=1, typed="a.png")
    performer = Performer(character=Character(pictures=Pictures(files=(file,), kind="still", typed="a.png")))
    shot = Shot(name="s", range=FrameRange(1, 1), rate=None, performers=(performer,))
    return JobRequest(shot=shot, settings=Settings(), record=Record())


@contextlib.contextmanager
def _listener(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield the port of a listener that is no daemon."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = listening.accept()
                with accepted:
                    talk(accepted)

    thread = threading.Thread(target=accept)
    thread.start()
    yield int(listening.getsockname()[1])
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def test_when_a_daemon_answers_then_a_ping_returns_its_seconds(daemon: Any) -> None:
    with Client(daemon.connection) as client:
        assert 0 < client.ping() < 5
    assert [type(request) for request in daemon.received] == [Hello, Ping]


def test_when_nobody_listens_then_the_client_says_so_at_once_and_how_to_start_one(daemon: Any) -> None:
    daemon.stop()
    start = time.monotonic()
    with Client(daemon.connection, timeout_seconds=60) as client, pytest.raises(DaemonUnreachable) as caught:
        client.ping()
    assert time.monotonic() - start < 20
    assert "understudy serve" in caught.value.remedy
    assert str(daemon.port) in caught.value.message


def test_when_no_daemon_has_ever_listened_then_the_client_says_how_to_start_one(home: Path) -> None:
    connection = ensure_local_keys(home).connection
    with pytest.raises(DaemonUnreachable) as caught:
        Client(connection).ping()
    assert "understudy serve" in caught.value.remedy


def test_when_there_is_no_connection_file_then_connecting_is_unreachable(home: Path) -> None:
    home.mkdir()
    with pytest.raises(DaemonUnreachable, match=r"daemon\.json"):
        Client.connect(home)


def test_when_the_daemon_does_not_answer_in_time_then_the_call_ends(daemon: Any) -> None:
    daemon.answers[AskStatus] = None
    with Client(daemon.connection, timeout_seconds=20) as client:
        client.ping()
        client.timeout_seconds = 0.2
        with pytest.raises(DaemonUnreachable, match="AskStatus"):
            client.status()


def test_when_an_answer_comes_too_late_then_the_next_request_does_not_get_it(daemon: Any) -> None:
    given_up = threading.Event()

    def slowly(_: Ping) -> Pong:
        given_up.wait(20)
        return Pong()

    with Client(daemon.connection, timeout_seconds=20) as client:
        client.ping()
        daemon.answers[Ping] = slowly
        client.timeout_seconds = 0.1
        with pytest.raises(DaemonUnreachable):
            client.ping()
        daemon.answers[ListJobs] = Jobs(jobs=())
        client.timeout_seconds = 20
        given_up.set()
        assert client.list_jobs() == ()


def test_when_a_stale_reply_is_on_the_line_then_it_is_passed_over(daemon: Any) -> None:
    daemon.copies = 2
    daemon.answers[ListJobs] = Jobs(jobs=())
    with Client(daemon.connection) as client:
        client.ping()
        assert client.list_jobs() == ()
        assert client.ping() > 0


def test_when_the_key_is_not_on_the_list_then_the_client_says_key_refused_at_once(daemon: Any, tmp_path: Path) -> None:
    stranger = ensure_local_keys(tmp_path / "elsewhere").connection
    foreign = msgspec.structs.replace(daemon.connection, public=stranger.public, secret=stranger.secret, file="")
    with Client(foreign, timeout_seconds=30) as client, pytest.raises(KeyRefused, match="does not know"):
        client.ping()


def test_when_the_daemon_has_another_key_than_the_file_says_then_key_refused(daemon: Any, tmp_path: Path) -> None:
    other = ensure_local_keys(tmp_path / "elsewhere").server
    wrong = msgspec.structs.replace(daemon.connection, server_public=other.public, file="")
    with Client(wrong, timeout_seconds=30) as client, pytest.raises(KeyRefused, match="another key"):
        client.ping()


def test_when_another_program_holds_the_port_then_the_daemon_is_unreachable(daemon: Any) -> None:
    def http(accepted: socket.socket) -> None:
        accepted.recv(10)
        accepted.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with _listener(http) as port:
        connection = msgspec.structs.replace(daemon.connection, port=port, file="")
        with Client(connection, timeout_seconds=30) as client, pytest.raises(DaemonUnreachable, match="no Understudy"):
            client.ping()


def test_when_the_port_is_open_but_mute_then_the_call_ends_in_time(daemon: Any) -> None:
    release = threading.Event()
    with _listener(lambda _: release.wait(5) and None) as port:
        connection = msgspec.structs.replace(daemon.connection, port=port, file="")
        with Client(connection, timeout_seconds=0.3) as client, pytest.raises(DaemonUnreachable):
            client.ping()
        release.set()


def test_when_the_daemon_dies_in_a_call_then_the_call_ends_before_its_timeout(daemon: Any) -> None:
    daemon.answers[AskStatus] = lambda _: threading.Thread(target=daemon.stop).start()
    start = time.monotonic()
    with Client(daemon.connection, timeout_seconds=60) as client, pytest.raises(DaemonUnreachable, match="ended"):
        client.status()
    assert time.monotonic() - start < 20


def test_when_the_daemon_came_back_elsewhere_then_the_next_call_greets_and_proves_again(
    start_daemon: Start, home: Path
) -> None:
    first = start_daemon()
    path, _ = write_challenge(home)
    first.answers[Hello] = first.welcome(challenge=str(path))
    with Client.connect(home) as client:
        assert client.same_machine
        first.stop()
        second = start_daemon()
        second.answers[Hello] = second.welcome(challenge=str(path))
        _until_the_client_works(client)
        assert client.same_machine
    assert [type(request) for request in second.received] == [Hello, ProveMachine, Ping]


def _until_the_client_works(client: Client) -> None:
    for _ in range(50):
        try:
            client.ping()
            return
        except DaemonUnreachable:
            time.sleep(0.02)
    raise AssertionError("the client never came back")


def test_when_a_request_timed_out_then_the_daemon_never_gets_it_later(start_daemon: Start, home: Path) -> None:
    first = start_daemon(port=free_port())
    with Client(first.connection, timeout_seconds=20) as client:
        client.ping()
        first.stop()
        with pytest.raises(DaemonUnreachable):
            client.drain()
        second = start_daemon(port=first.port)
        client.ping()
    assert [type(request) for request in second.received] == [Hello, Ping]


def test_when_the_connection_file_is_newer_than_the_connection_then_connect_follows_it(start_daemon: Start) -> None:
    first = start_daemon()
    first.stop()
    second = start_daemon()
    with Client.connect(first.connection) as client:
        assert client.ping() > 0
    assert second.received


def test_when_the_machine_is_shared_then_the_client_proves_it(daemon: Any, home: Path) -> None:
    path, nonce = write_challenge(home)
    daemon.answers[Hello] = daemon.welcome(challenge=str(path))
    with Client.connect(home) as client:
        assert client.same_machine
    assert ProveMachine(nonce=nonce) in daemon.received


def test_when_the_challenge_cannot_be_read_then_the_machine_is_not_shared(daemon: Any, home: Path) -> None:
    daemon.answers[Hello] = daemon.welcome(challenge=str(home / "nowhere"))
    with Client.connect(home) as client:
        assert not client.same_machine
    assert not any(isinstance(request, ProveMachine) for request in daemon.received)


@pytest.mark.parametrize("content", ["ssh-secret", "0" * 63, "0" * 65, "z" * 64, "0" * 64 + "\n"])
def test_when_the_daemon_names_another_file_as_challenge_then_its_content_stays_here(
    daemon: Any, home: Path, content: str
) -> None:
    trap = home / "id_ed25519"
    trap.touch(mode=0o600)
    trap.write_text(content)
    daemon.answers[Hello] = daemon.welcome(challenge=str(trap))
    with Client.connect(home) as client:
        assert not client.same_machine


def test_when_the_challenge_is_a_named_pipe_then_the_client_does_not_hang(daemon: Any, home: Path) -> None:
    os.mkfifo(home / "pipe", 0o600)
    daemon.answers[Hello] = daemon.welcome(challenge=str(home / "pipe"))
    with Client.connect(home) as client:
        assert not client.same_machine


def test_when_the_gate_refuses_then_the_findings_arrive(daemon: Any) -> None:
    finding = Finding(rule="consent", outcome="refuse", message="expired", remedy="renew it")
    refusal = ComplianceError("refused by 1 rule", remedy="see the findings", findings=(finding,))
    daemon.answers[Submit] = refusal.report()
    with Client(daemon.connection) as client, pytest.raises(ComplianceError) as caught:
        client.submit(_job(), SUBMISSION)
    assert caught.value.findings == (finding,)


def test_when_a_job_is_submitted_then_it_arrives_whole(daemon: Any) -> None:
    daemon.answers[Submit] = Accepted(job_id="abcd", state="uploading", version=1)
    with Client(daemon.connection) as client:
        assert client.submit(_job(), SUBMISSION).job_id == "abcd"
    assert daemon.received[-1] == Submit(token=SUBMISSION, job=_job())


def test_when_a_daemon_does_not_know_how_to_look_for_a_token_then_no_other_job_is_taken_for_it(daemon: Any) -> None:
    daemon.answers[ListJobs] = Jobs(jobs=())  # as one that reads past the field: it may hold any job
    with Client(daemon.connection) as client, pytest.raises(RequestError, match="older"):
        client.find_job(SUBMISSION)
    daemon.answers[ListJobs] = Jobs(jobs=(), token=SUBMISSION)
    with Client(daemon.connection) as client:
        assert client.find_job(SUBMISSION) is None


def test_when_the_daemon_answers_with_another_kind_then_it_is_a_protocol_error(daemon: Any) -> None:
    daemon.answers[AskStatus] = Pong()
    with Client(daemon.connection) as client, pytest.raises(ProtocolError, match="Pong"):
        client.status()


def test_when_the_daemon_speaks_another_protocol_then_both_numbers_are_told(daemon: Any) -> None:
    daemon.answers[Hello] = msgspec.structs.replace(daemon.welcome(), protocol=7)
    with Client(daemon.connection) as client, pytest.raises(ProtocolError, match=r"protocol 7.*protocol 3"):
        client.hello()


def test_when_a_name_is_refused_then_the_client_stays_usable(daemon: Any) -> None:
    daemon.answers[ShowJob] = RequestError("no such job", remedy="see `understudy jobs`").report()
    with Client(daemon.connection) as client:
        with pytest.raises(RequestError, match="no such job"):
            client.show_job("abcd")
        client.ping()
    assert len(daemon.connections) == 1


def test_when_a_request_is_too_large_then_nothing_is_sent(daemon: Any) -> None:
    job = _job()
    huge = msgspec.structs.replace(job, settings=Settings(prompt="x" * (17 * 1024 * 1024)))
    with Client(daemon.connection) as client:
        client.hello()
        with pytest.raises(ProtocolError, match="limit"):
            client.submit(huge, SUBMISSION)
    assert [type(request) for request in daemon.received] == [Hello]


def test_when_a_stranger_sends_far_too_much_then_the_daemon_cuts_it_off_and_serves_on(daemon: Any) -> None:
    from understudy.bridge.line import Line

    line = Line(daemon.connection)
    line.send(b"x" * (40 * 1024 * 1024))
    with pytest.raises(DaemonUnreachable):
        line.receive(10)
    line.close()
    with Client(daemon.connection) as client:
        assert client.ping() > 0


def test_when_a_host_name_is_used_then_the_client_connects(daemon: Any) -> None:
    with Client(msgspec.structs.replace(daemon.connection, host="localhost", file="")) as client:
        assert client.ping() > 0


def test_when_the_address_is_nonsense_then_the_error_names_it(daemon: Any) -> None:
    nonsense = msgspec.structs.replace(daemon.connection, host="no such host!", file="")
    with pytest.raises(DaemonUnreachable, match="no such host!"):
        Client(nonsense, timeout_seconds=5).ping()


def test_when_a_client_is_closed_then_no_thread_of_it_is_left(daemon: Any) -> None:
    with Client(daemon.connection) as client:
        client.ping()
        before = len(os.listdir("/proc/self/task"))  # noqa: PTH208
    assert len(os.listdir("/proc/self/task")) < before  # noqa: PTH208


def test_when_a_connection_is_loaded_from_its_folder_or_its_file_then_it_is_the_same(daemon: Any, home: Path) -> None:
    assert load_connection(home) == load_connection(home / "daemon.json") == daemon.connection
    assert zmq.zmq_version_info() >= (4, 3)
