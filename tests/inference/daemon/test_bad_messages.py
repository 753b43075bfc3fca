"""What is no message, too large, too much or of another version: answered or dropped, and the daemon lives."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
import zmq

from understudy.bridge.client import Client
from understudy.bridge.keys import Connection, load_connection
from understudy.bridge.messages import (
    CONTROL_MESSAGE_LIMIT_BYTES,
    PROTOCOL_VERSION,
    ErrorReport,
)
from understudy.bridge.wire import address, client_socket, decode_reply

from .conftest import (
    DaemonProcess,
    finished,
    make_job,
)


def raw(connection: Connection, *parts: bytes, seconds: float = 5.0) -> ErrorReport | None:
    """Send these parts as they are; return the error that comes back, None when the daemon drops them."""
    with zmq.Context() as context:
        line = client_socket(context, connection, connection.port)
        line.connect(address(connection.host, connection.port))
        line.send_multipart(parts)
        reply = line.recv_multipart() if line.poll(int(seconds * 1000)) else None
        line.close(linger=0)
    answer = decode_reply(reply[1]) if reply is not None else None
    assert answer is None or isinstance(answer, ErrorReport)
    return answer


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[]", b'{"type":"Explode"}', b"[" * 5000, os.urandom(4096)])
def test_random_bytes_are_answered_with_a_protocol_error(shared_daemon: DaemonProcess, body: bytes) -> None:
    answer = raw(load_connection(shared_daemon.home), b"12345678", body)
    assert answer is not None
    assert answer.code == "protocol"


def test_a_message_that_is_too_large_is_refused_unread(shared_daemon: DaemonProcess) -> None:
    answer = raw(load_connection(shared_daemon.home), b"12345678", b" " * (CONTROL_MESSAGE_LIMIT_BYTES + 1))
    assert answer is not None
    assert "unread" in answer.message


def test_another_protocol_version_is_refused_by_both_numbers(shared_daemon: DaemonProcess) -> None:
    hello = json.dumps({"type": "Hello", "protocol": 99}).encode()
    answer = raw(load_connection(shared_daemon.home), b"12345678", hello)
    assert answer is not None
    assert answer.facts == {"spoken": "99", "understood": str(PROTOCOL_VERSION)}


@pytest.mark.parametrize("parts", [(b"",), (b"1", b"{}"), (b"12345678", b"a", b"b"), (b"",) * 40])
def test_what_is_no_envelope_is_dropped_and_the_daemon_lives(
    shared_daemon: DaemonProcess, client: Client, parts: tuple[bytes, ...]
) -> None:
    assert raw(load_connection(shared_daemon.home), *parts, seconds=0.2) is None
    assert client.ping() < 5


def test_a_field_out_of_its_range_is_refused_by_its_path(shared_daemon: DaemonProcess) -> None:
    request = b'{"type":"ListJobs","limit":0}'
    answer = raw(load_connection(shared_daemon.home), b"12345678", request)
    assert answer is not None
    assert "limit" in answer.message
    assert answer.remedy


def test_bytes_of_no_zeromq_at_all_do_not_hurt(shared_daemon: DaemonProcess, client: Client) -> None:
    for content in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(1000), b""):
        with socket.create_connection(("127.0.0.1", load_connection(shared_daemon.home).port)) as line:
            line.sendall(content)
    assert client.ping() < 5


def test_a_connection_that_floods_is_told_so_and_others_are_served(
    shared_daemon: DaemonProcess, client: Client
) -> None:
    connection = load_connection(shared_daemon.home)
    with zmq.Context() as context:
        line = client_socket(context, connection, connection.port)
        line.connect(address(connection.host, connection.port))
        for number in range(300):
            line.send_multipart([number.to_bytes(8, "big"), b'{"type":"AskStatus"}'])
        answers = [decode_reply(line.recv_multipart()[1]) for _ in range(300) if line.poll(5000)]
        line.close(linger=0)
    assert len(answers) == 300
    assert any(isinstance(answer, ErrorReport) for answer in answers)
    assert client.ping() < 5


def test_a_client_that_vanishes_in_mid_upload_leaves_a_job_that_another_completes(
    shared_daemon: DaemonProcess, tmp_path: Path
) -> None:
    job = make_job(tmp_path)
    with shared_daemon.client() as first:
        job_id = first.submit(job.request, job.token).job_id
        digest = next(iter(first.lacking(job_id)))
        first.hand_over(job_id, digest, job.paths[digest])
    with shared_daemon.client() as second:
        lacking = second.lacking(second.submit(job.request, job.token).job_id)
        assert digest not in lacking
        for name in lacking:
            second.hand_over(job_id, name, job.paths[name])
        assert finished(second, job_id).state == "delivered"
