"""Messages to bytes and back, and sockets that are set up alike on both sides. Decides nothing.

A message on the control socket is [request id, body]; the ROUTER sees the sender's identity before it. A request id has
8 bytes and comes back with the reply, so an answer that comes too late is never taken for the next one's; pushes to a
watcher have an empty one. On the bulk socket: [header] or [header, payload].
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
import zmq

from understudy.bridge.bulk_messages import Bulk
from understudy.bridge.errors import ErrorReport, ProtocolError, RequestError, error_from_report
from understudy.bridge.keys import Connection, ServerKeys
from understudy.bridge.messages import (
    CONTROL_MESSAGE_LIMIT_BYTES,
    PROTOCOL_VERSION,
    Hello,
    Push,
    Reply,
    Request,
    Welcome,
)

REPLY_LIMIT_BYTES = 256 * 1024 * 1024
"""The list of all files of a long job: 20,000 frames in eight layers are about 40 MB."""
BULK_HEADER_LIMIT_BYTES = 256 * 1024
REQUEST_ID_BYTES = 8
PUSH_ID = b""
HEARTBEAT_INTERVAL_MILLISECONDS = 2000
HEARTBEAT_TIMEOUT_MILLISECONDS = 10_000
"""Of the transport, answered by ZeroMQ's own thread: a cut cable or a dead machine shows, a busy one does not."""
HANDSHAKE_TIMEOUT_MILLISECONDS = 10_000
ZAP_DOMAIN = b"understudy"
SEND_QUEUE_MESSAGES = 10_000
"""A watcher may fall this far behind before the daemon has to let it go."""

Body = bytes | memoryview
_FIELD = re.compile(r"(?P<expected>(?!Object missing|.*, got `).+) - at `\$\.(?!type`)(?P<field>[^`]+)`", re.DOTALL)
"""How msgspec words a value that its field cannot have; a field of another kind, or none, is another version's."""
_Message = TypeVar("_Message")
_Answer = TypeVar("_Answer")
_Socket = TypeVar("_Socket", bound="zmq.Socket[Any]")

_json = msgspec.json.Encoder()
_packed = msgspec.msgpack.Encoder()


_making = threading.Lock()
"""A decoder that finds a Struct which msgspec is just taking apart in another thread crashes the process."""


@functools.cache
def _json_decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Return the decoder of one union; made when the first message comes, for a host pays for its import."""
    with _making:
        return msgspec.json.Decoder(kind)


@functools.cache
def _bulk_decoder() -> msgspec.msgpack.Decoder[Bulk]:
    with _making:
        return msgspec.msgpack.Decoder(Bulk)


class _Spoken(msgspec.Struct):
    """The one field that every version of Hello and Welcome has."""

    protocol: int = PROTOCOL_VERSION


class Envelope(NamedTuple):
    """A request as the ROUTER receives it, not decoded."""

    identity: bytes
    request_id: bytes
    body: bytes


def encode_request(request: Request) -> bytes:
    """Return the bytes of a request. Raises ProtocolError when the daemon would refuse it unread for its size."""
    return _fitting(_json.encode(request), CONTROL_MESSAGE_LIMIT_BYTES, "request")


def decode_request(body: Body) -> Request:
    """Return the request. Raises ProtocolError: too large, not a message, or another protocol version.

    Raises RequestError for a field that cannot have the value it has: that is the asker's to mend, not the version's.
    """
    request: Request = _decoded(_json_decoder(Request), body, CONTROL_MESSAGE_LIMIT_BYTES, "request", other="client")
    if isinstance(request, Hello):
        _same_version(request.protocol, other="client")
    return request


def encode_reply(reply: Reply) -> bytes:
    """Return the bytes of a reply. Raises ProtocolError when no client would take one so large."""
    return _fitting(_json.encode(reply), REPLY_LIMIT_BYTES, "reply")


def decode_reply(body: Body) -> Reply:
    """Return the reply, an ErrorReport too. Raises ProtocolError as `decode_request` does."""
    reply: Reply = _decoded(_json_decoder(Reply), body, REPLY_LIMIT_BYTES, "reply", other="daemon")
    if isinstance(reply, Welcome):
        _same_version(reply.protocol, other="daemon")
    return reply


def expect(reply: Reply, kind: type[_Answer], request: Request) -> _Answer:
    """Return the daemon's answer to `request`, which must be a `kind`. Raises the error that the daemon reports."""
    if isinstance(reply, ErrorReport):
        raise error_from_report(reply)
    if not isinstance(reply, kind):
        raise ProtocolError(
            f"the daemon answered {type(request).__name__} with {type(reply).__name__}",
            remedy="Install the same version of understudy on both sides.",
        )
    return reply


def encode_push(push: Push) -> bytes:
    """Return the bytes of an event or a heartbeat."""
    return _fitting(_json.encode(push), REPLY_LIMIT_BYTES, "push")


def decode_push(body: Body) -> Push:
    """Return the event or heartbeat. Raises ProtocolError."""
    push: Push = _decoded(_json_decoder(Push), body, REPLY_LIMIT_BYTES, "push", other="daemon")
    return push


def encode_bulk(header: Bulk) -> bytes:
    """Return the bytes of a bulk header; a chunk's payload is the frame that follows."""
    return _fitting(_packed.encode(header), BULK_HEADER_LIMIT_BYTES, "bulk header")


def decode_bulk(header: Body) -> Bulk:
    """Return the bulk header. Raises ProtocolError. The payload's size and check are the receiver's to compare."""
    return _decoded(_bulk_decoder(), header, BULK_HEADER_LIMIT_BYTES, "bulk header", other="other side")


def open_envelope(frames: Sequence[bytes]) -> Envelope:
    """Return the parts of what a control ROUTER received. Raises ProtocolError when a part is missing or too many."""
    if len(frames) != 3 or len(frames[1]) != REQUEST_ID_BYTES:
        raise ProtocolError(
            f"a request is an id of {REQUEST_ID_BYTES} bytes and a body, not {len(frames) - 1} parts",
            remedy="Speak to the daemon through understudy.bridge.client.",
        )
    return Envelope(frames[0], frames[1], frames[2])


def client_socket(
    context: zmq.Context[_Socket],
    connection: Connection,
    port: int | None = None,
    *,
    limit_bytes: int = REPLY_LIMIT_BYTES,
) -> _Socket:
    """Return a DEALER under CURVE that connects to `port` of the daemon's machine; None = the caller connects it.

    It never connects again by itself: what the daemon knows of a connection (hello, proof) ends with it, so the owner
    opens a new one. `limit_bytes`: a larger frame from the daemon ends the connection.
    """
    socket = context.socket(zmq.DEALER)
    _harden(socket, limit_bytes)
    socket.setsockopt(zmq.RECONNECT_IVL, -1)
    socket.setsockopt(zmq.IPV6, int(":" in connection.host))
    socket.setsockopt(zmq.CURVE_SERVERKEY, connection.server_public.encode())
    socket.setsockopt(zmq.CURVE_PUBLICKEY, connection.public.encode())
    socket.setsockopt(zmq.CURVE_SECRETKEY, connection.secret.encode())
    if port is not None:
        socket.connect(address(connection.host, port))
    return socket


def server_socket(
    context: zmq.Context[_Socket], keys: ServerKeys, *, limit_bytes: int = 2 * CONTROL_MESSAGE_LIMIT_BYTES
) -> _Socket:
    """Return a ROUTER under CURVE, not bound yet. Who may enter is the context's ZAP handler's word (ZAP_DOMAIN).

    Sending to a client that is gone raises ZMQError EHOSTUNREACH (a watcher to forget), to one that has stopped
    reading EAGAIN with NOBLOCK. A frame above `limit_bytes` ends its connection unread; one between the message limit
    and that can still be told so.
    """
    socket = context.socket(zmq.ROUTER)
    _harden(socket, limit_bytes)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.setsockopt(zmq.SNDHWM, SEND_QUEUE_MESSAGES)
    socket.setsockopt(zmq.CURVE_SERVER, 1)
    socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public.encode())
    socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret.encode())
    socket.setsockopt(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
    return socket


def address(host: str, port: int) -> str:
    """Return the ZeroMQ address of a TCP port: to bind, or to connect to. An IPv6 address gets its brackets."""
    return f"tcp://[{host}]:{port}" if ":" in host and not host.startswith("[") else f"tcp://{host}:{port}"


def readable(socket: zmq.Socket[Any]) -> bool:
    """Ask without waiting; a tenth of the cost of `Socket.poll`, which makes a poller each time."""
    return bool(int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN)


def _harden(socket: zmq.Socket[Any], limit_bytes: int) -> None:
    for option, value in (
        (zmq.LINGER, 0),
        (zmq.HEARTBEAT_IVL, HEARTBEAT_INTERVAL_MILLISECONDS),
        (zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MILLISECONDS),
        (zmq.HEARTBEAT_TTL, HEARTBEAT_TIMEOUT_MILLISECONDS),
        (zmq.HANDSHAKE_IVL, HANDSHAKE_TIMEOUT_MILLISECONDS),
        # For routers that forget a quiet connection; a dead peer is the heartbeat's to notice.
        (zmq.TCP_KEEPALIVE, 1),
        (zmq.TCP_KEEPALIVE_IDLE, 30),
        (zmq.MAXMSGSIZE, limit_bytes),
    ):
        socket.setsockopt(option, value)


def _fitting(body: bytes, limit: int, what: str) -> bytes:
    if len(body) > limit:
        raise ProtocolError(
            f"this {what} has {len(body)} bytes, the limit is {limit}",
            remedy="Split the job into shorter frame ranges.",
            facts={"bytes": str(len(body)), "limit": str(limit)},
        )
    return body


def _decoded(
    decoder: msgspec.json.Decoder[_Message] | msgspec.msgpack.Decoder[_Message],
    body: Body,
    limit: int,
    what: str,
    *,
    other: str,
) -> _Message:
    size = body.nbytes if isinstance(body, memoryview) else len(body)
    if size > limit:
        raise ProtocolError(
            f"a {what} of {size} bytes was refused unread, the limit is {limit}",
            remedy="Split the job into shorter frame ranges.",
            facts={"bytes": str(size), "limit": str(limit)},
        )
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        _tell_version(body, other)
        if what == "request":
            _tell_field(problem)
        raise ProtocolError(
            f"this is not a {what} of protocol {PROTOCOL_VERSION}: {problem}",
            remedy="Install the same version of understudy on both sides.",
        ) from None


def _tell_field(problem: Exception) -> None:
    """Raise for a request that is one, but for the value of a field of it."""
    found = _FIELD.fullmatch(str(problem))
    if found is None or not isinstance(problem, msgspec.ValidationError):
        return
    expected = "is not written as it must be" if " regex " in found["expected"] else found["expected"]
    raise RequestError(
        f"`{found['field']}`: {expected[:1].lower()}{expected[1:]}", remedy="Correct this, then ask again."
    )


def _tell_version(body: Body, other: str) -> None:
    """Raise for a message that we cannot read because its sender's protocol is another."""
    try:
        spoken = msgspec.json.decode(body, type=_Spoken).protocol
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    _same_version(spoken, other)


def _same_version(spoken: int, other: str) -> None:
    if spoken != PROTOCOL_VERSION:
        here = {"client": "daemon", "daemon": "client"}.get(other, "side")
        older = other if spoken < PROTOCOL_VERSION else here
        raise ProtocolError(
            f"the {other} speaks protocol {spoken}, this {here} protocol {PROTOCOL_VERSION}",
            remedy=f"Update understudy on the {older}'s machine.",
            facts={"spoken": str(spoken), "understood": str(PROTOCOL_VERSION)},
        )
