from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import zmq
from hypothesis import example, given
from hypothesis import strategies as some

from understudy.bridge import messages, wire
from understudy.bridge.bulk_messages import Chunk, Credit, Pull, Rejected, Stored
from understudy.bridge.errors import ErrorReport, ProtocolError, RequestError
from understudy.bridge.messages import (
    CONTROL_MESSAGE_LIMIT_BYTES,
    Event,
    Heartbeat,
    Hello,
    Lacking,
    Ping,
    Pong,
    Progress,
    StateChanged,
    Watch,
    Welcome,
)

WORDS = some.text(max_size=20)
OFFSETS = some.integers(0, 2**50)
REPORTS = some.builds(ErrorReport, code=WORDS, message=WORDS, remedy=WORDS)
JOB_IDS = some.from_regex(r"[0-9a-z]{4,40}", fullmatch=True)
BULK = some.one_of(
    some.builds(Chunk, job_id=WORDS, file=WORDS, offset=OFFSETS, total=OFFSETS, check=some.binary(max_size=16)),
    some.builds(Credit, file=WORDS, offset=OFFSETS),
    some.builds(Stored, file=WORDS),
    some.builds(Rejected, file=WORDS, error=REPORTS),
    some.builds(Pull, job_id=WORDS, path=WORDS, offset=OFFSETS),
)
PUSHES = some.one_of(
    some.builds(Heartbeat, last=OFFSETS),
    some.builds(
        Event, number=OFFSETS, job_id=JOB_IDS, at=WORDS,
        what=some.builds(StateChanged, state=some.sampled_from(["queued", "failed"]), reason=some.none() | REPORTS)
        | some.builds(Progress, stage=WORDS, done=OFFSETS, total=OFFSETS),
    ),
)  # fmt: skip
REQUESTS = some.one_of(
    some.builds(Hello, client=WORDS),
    some.just(Ping()),
    some.builds(Watch, job_ids=some.lists(JOB_IDS, max_size=3).map(tuple), after=OFFSETS),
)


@dataclasses.dataclass(frozen=True)
class Way:
    """One kind of message with its limit."""

    name: str
    encode: Callable[[Any], bytes]
    decode: Callable[[Any], Any]
    limit: int


WAYS = [
    Way("request", wire.encode_request, wire.decode_request, CONTROL_MESSAGE_LIMIT_BYTES),
    Way("reply", wire.encode_reply, wire.decode_reply, wire.REPLY_LIMIT_BYTES),
    Way("push", wire.encode_push, wire.decode_push, wire.REPLY_LIMIT_BYTES),
    Way("bulk header", wire.encode_bulk, wire.decode_bulk, wire.BULK_HEADER_LIMIT_BYTES),
]
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)


def _refusal(decode: Callable[[Any], Any], body: bytes) -> ProtocolError | RequestError | None:
    """Return the refusal of a body, or None when it is a message after all; anything else that is raised fails."""
    try:
        decode(body)
    except (ProtocolError, RequestError) as problem:
        return problem
    return None


@given(REQUESTS)
def test_a_request_arrives_as_it_was_sent(request_: Any) -> None:
    assert wire.decode_request(wire.encode_request(request_)) == request_


@given(PUSHES)
def test_a_push_arrives_as_it_was_sent(push: Any) -> None:
    assert wire.decode_push(memoryview(wire.encode_push(push))) == push


@given(BULK)
def test_a_bulk_header_arrives_as_it_was_sent(header: Any) -> None:
    assert wire.decode_bulk(memoryview(wire.encode_bulk(header))) == header


@given(some.one_of(REPORTS, some.just(Pong()), some.builds(Lacking, files=some.just({"a" * 64: 7}))))
def test_a_reply_arrives_as_it_was_sent(reply: Any) -> None:
    assert wire.decode_reply(wire.encode_reply(reply)) == reply


@each_way
@given(body=some.binary(max_size=200))
@example(body=b"")
@example(body=b"null")
@example(body=b"[]")
@example(body=b"{}")
@example(body=b'{"type": "Hello", "protocol": "one"}')
@example(body=b'{"type": "Drop tables"}')
@example(body=b'{"type": ["Ping"]}')
@example(body=b"\xff\xfe")
@example(body=b'"\xed\xa0\x80"')
@example(body=b"[" * 100_000)
@example(body=b"\x91" * 100_000)
@example(body=b'{"type":' * 50_000)
@example(body=b"9" * 10_000)
def test_when_the_bytes_are_no_message_then_it_is_a_protocol_error_with_a_remedy(way: Way, body: bytes) -> None:
    refusal = _refusal(way.decode, body)
    assert refusal is None or (refusal.message and refusal.remedy)


@given(body=REQUESTS.map(wire.encode_request), place=some.integers(0, 200), bit=some.integers(0, 7))
def test_when_a_bit_flips_then_it_is_another_request_or_a_protocol_error(body: bytes, place: int, bit: int) -> None:
    damaged = bytearray(body)
    damaged[place % len(body)] ^= 1 << bit
    refusal = _refusal(wire.decode_request, bytes(damaged))
    assert refusal is None or refusal.remedy


@each_way
def test_when_a_message_is_too_large_then_it_is_refused_unread(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(msgspec.msgpack, "decode", None)
    with pytest.raises(ProtocolError, match="unread") as caught:
        way.decode(memoryview(bytes(way.limit + 1)))
    assert caught.value.facts == {"bytes": str(way.limit + 1), "limit": str(way.limit)}


def test_when_a_request_is_of_the_greatest_size_then_it_is_read() -> None:
    frame = b'{"type":"Hello","client":"' + b"x" * (CONTROL_MESSAGE_LIMIT_BYTES - 28) + b'"}'
    assert len(frame) == CONTROL_MESSAGE_LIMIT_BYTES
    assert isinstance(wire.decode_request(frame), Hello)
    with pytest.raises(ProtocolError, match="limit"):
        wire.encode_request(Hello(client="x" * CONTROL_MESSAGE_LIMIT_BYTES))


@pytest.mark.parametrize(
    ("spoken", "older"), [(0, "client"), (messages.PROTOCOL_VERSION + 1, "daemon")], ids=["older", "newer"]
)
def test_when_a_client_speaks_another_protocol_then_both_are_told_and_who_must_update(spoken: int, older: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        wire.decode_request(wire.encode_request(Hello(protocol=spoken)))
    assert f"protocol {spoken}," in caught.value.message
    assert f"protocol {messages.PROTOCOL_VERSION}" in caught.value.message
    assert f"the {older}'s" in caught.value.remedy


def test_when_a_newer_hello_has_another_shape_then_the_version_is_still_told() -> None:
    with pytest.raises(ProtocolError, match="protocol 9"):
        wire.decode_request(b'{"type": "Hello", "protocol": 9, "client": {"name": "nuke", "version": [17, 0]}}')


def test_when_a_newer_welcome_has_another_shape_then_the_version_is_still_told() -> None:
    with pytest.raises(ProtocolError, match=r"daemon speaks protocol 9.*client protocol 3"):
        wire.decode_reply(b'{"type": "Welcome", "protocol": 9, "user": {"name": "ada"}}')


def test_when_a_newer_client_sends_a_field_more_then_it_is_ignored() -> None:
    assert wire.decode_request(b'{"type": "Ping", "mood": "good"}') == Ping()


def test_when_a_field_has_a_value_that_it_cannot_have_then_the_asker_is_told_which() -> None:
    with pytest.raises(RequestError, match=r"`limit`: expected `int` >= 1"):
        wire.decode_request(b'{"type": "ListJobs", "limit": 0}')
    with pytest.raises(RequestError, match="`job_id`: is not written as it must be"):
        wire.decode_request(b'{"type": "ShowJob", "job_id": "no such job"}')


def test_when_a_field_is_of_another_kind_or_is_not_there_then_it_is_another_version() -> None:
    with pytest.raises(ProtocolError, match="limit"):
        wire.decode_request(b'{"type": "ListJobs", "limit": "many"}')
    with pytest.raises(ProtocolError, match="job_id"):
        wire.decode_request(b'{"type": "ShowJob"}')


def test_a_request_without_its_parts_is_a_protocol_error() -> None:
    assert wire.open_envelope([b"who", b"12345678", b"{}"]) == (b"who", b"12345678", b"{}")
    for frames in ([b"who"], [b"who", b"{}"], [b"who", b"", b"{}"], [b"who", b"12345678", b"{}", b"more"]):
        with pytest.raises(ProtocolError, match="id of 8 bytes"):
            wire.open_envelope(frames)


def test_an_ipv6_address_gets_its_brackets() -> None:
    assert wire.address("::1", 5) == wire.address("[::1]", 5) == "tcp://[::1]:5"
    assert wire.address("render01", 5) == "tcp://render01:5"


def test_both_sockets_are_encrypted_watched_and_bounded(daemon: Any) -> None:
    with zmq.Context() as context:
        client = wire.client_socket(context, daemon.connection, daemon.port)
        server = wire.server_socket(context, daemon.keys.server, limit_bytes=123)
        with client, server:
            assert client.getsockopt(zmq.MECHANISM) == server.getsockopt(zmq.MECHANISM) == zmq.CURVE
            assert server.getsockopt(zmq.MAXMSGSIZE) == 123
            assert client.getsockopt(zmq.MAXMSGSIZE) == wire.REPLY_LIMIT_BYTES
            assert client.getsockopt(zmq.LINGER) == server.getsockopt(zmq.LINGER) == 0
            assert client.getsockopt(zmq.HEARTBEAT_IVL) == server.getsockopt(zmq.HEARTBEAT_IVL) > 0


def test_when_a_stranger_speaks_without_a_key_then_the_daemon_hears_nothing(daemon: Any) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as plain:
        plain.linger = 0
        plain.connect(wire.address("127.0.0.1", daemon.port))
        plain.send_multipart([b"12345678", wire.encode_request(Ping())])
        assert not plain.poll(200)
    assert daemon.received == []


def test_when_random_parts_arrive_then_the_daemon_serves_on(daemon: Any) -> None:
    with zmq.Context() as context, wire.client_socket(context, daemon.connection, daemon.port) as socket:
        socket.send_multipart([b"12345678", b"\x00\xff" * 50])
        assert socket.poll(5000)
        request_id, body = socket.recv_multipart()
        reply = wire.decode_reply(body)
        assert request_id == b"12345678"
        assert isinstance(reply, ErrorReport)
        assert reply.code == "protocol"
        socket.send_multipart([b"12345679", wire.encode_request(Ping())])
        assert socket.poll(5000)
        assert wire.decode_reply(socket.recv_multipart()[1]) == Pong()


def test_a_welcome_of_our_own_version_is_taken(daemon: Any) -> None:
    assert isinstance(wire.decode_reply(wire.encode_reply(daemon.welcome())), Welcome)


_FIRST_WORDS_AT_ONCE = """
import random, sys, threading, time
from understudy.bridge.messages import PROTOCOL_VERSION, Welcome
from understudy.bridge.wire import _json, decode_reply

sys.setswitchinterval(1e-4)
welcome = Welcome(
    protocol=PROTOCOL_VERSION, version="", user="", roles=(), projects=(), challenge="", bulk_port=1, engines=()
)
body = _json.encode(welcome)

def first_word():
    time.sleep(random.random() * 0.02)
    assert decode_reply(body) == welcome

threads = [threading.Thread(target=first_word) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_when_several_threads_hear_their_first_word_at_once_then_the_host_lives() -> None:
    for _ in range(3):  # without the lock one process in six died here
        done = subprocess.run([sys.executable, "-c", _FIRST_WORDS_AT_ONCE], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
