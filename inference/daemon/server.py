"""The control socket: takes messages off the wire, has them answered, sends the answers. Decides nothing.

Plain ZeroMQ on the event loop's own readiness callback: a message costs one callback, not a future. Only keys of the
allow-list get past the handshake; who is on a connection is the key's owner, looked up again for every message.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import zmq
from zmq.auth.asyncio import AsyncioAuthenticator

from understudy.bridge.errors import DaemonError, KeyRefused, ProtocolError, UnderstudyError
from understudy.bridge.keys import AllowList, ServerKeys, User
from understudy.bridge.messages import Ping, Pong, Reply, Request
from understudy.bridge.wire import PUSH_ID, ZAP_DOMAIN, Envelope, address, decode_request, encode_reply

from understudy.bridge.wire import open_envelope, readable, server_socket  # isort: skip
from understudy.inference.daemon.audience import Sent

MESSAGES_A_TURN = 32
"""After so many the loop gets its turn for everything else."""
REQUESTS_A_CONNECTION = 8
"""A client has one request in flight; more at once is a fault or an attack."""
CONNECTIONS_REMEMBERED = 10_000
_log = logging.getLogger(__name__)


@dataclass
class Caller:
    """One connection: who it is and whether it proved to share this machine and user."""

    connection: bytes
    key: str
    user: User
    proved: bool = False


Answer = Callable[[Caller, Request], Awaitable[Reply]]


class _Door:
    """Asked by ZeroMQ's handshake for every new connection, of the bulk socket too."""

    def __init__(self, users: AllowList) -> None:
        self._users = users

    def callback(self, domain: str, key: bytes) -> bool:
        return self._users.user_for(key) is not None


class ControlServer:
    """The daemon's control socket. Everything happens in the event loop in which it was made."""

    def __init__(self, context: zmq.Context[Any], keys: ServerKeys, users: AllowList, host: str, port: int) -> None:
        """Bind; nothing is read before `serve`. Raises DaemonError when the address is taken."""
        self._users = users
        self._callers: OrderedDict[bytes, Caller] = OrderedDict()
        self._busy: Counter[bytes] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._answer: Answer | None = None
        self._authenticator = AsyncioAuthenticator(context)
        self._authenticator.configure_curve_callback(ZAP_DOMAIN.decode(), _Door(users))
        self._authenticator.start()
        self._socket: zmq.Socket[bytes] = server_socket(context, keys)
        self._socket.setsockopt(zmq.IPV6, int(":" in host))
        try:
            self._socket.bind(address(host, port))
        except zmq.ZMQError as problem:
            self.close()
            raise DaemonError(
                f"{host}:{port} cannot be listened on: {problem}",
                remedy="Another program may have the port: set `port` to another, or to 0 for a free one.",
            ) from None
        self.port = int(self._socket.getsockopt_string(zmq.LAST_ENDPOINT).rsplit(":", 1)[1])

    def serve(self, answer: Answer) -> None:
        """Start answering."""
        self._answer = answer
        self._loop.add_reader(self._socket.FD, self._readable)
        self._loop.call_soon(self._readable)

    def close(self) -> None:
        if self._answer is not None:
            self._loop.remove_reader(self._socket.FD)
        for task in self._tasks:
            task.cancel()
        self._socket.close(linger=200)
        self._authenticator.stop()

    def push(self, connection: bytes, body: bytes) -> Sent:
        """Send an event to a watcher. Never blocks."""
        return self._send(connection, PUSH_ID, body)

    def caller_user(self, connection: bytes) -> User | None:
        """Return who is on a connection now; None when the key was taken off the list."""
        caller = self._callers.get(connection)
        return self._users.user_for(caller.key) if caller is not None else None

    def _readable(self) -> None:
        """Take what has arrived: the readiness of a ZeroMQ socket is told once, so all is taken or asked for again."""
        if self._socket.closed:
            return
        for _ in range(MESSAGES_A_TURN):
            if not readable(self._socket):
                return
            self._take(self._socket.recv_multipart(zmq.NOBLOCK, copy=False))
        self._loop.call_soon(self._readable)

    def _take(self, frames: list[zmq.Frame]) -> None:
        """Answer one message, or start answering it. What is no envelope has nobody to answer to and is dropped."""
        try:
            key = str(frames[-1].get("User-Id"))
            envelope = open_envelope([frame.bytes for frame in frames])
        except (ProtocolError, zmq.ZMQError) as problem:
            _log.info("a message was dropped: %s", problem)
            return
        frames.clear()  # a long job's request is megabytes: one copy is enough
        try:
            caller = self._caller(envelope.identity, key)
            request = decode_request(envelope.body)
        except UnderstudyError as problem:
            self._reply(envelope, problem.report())
            return
        if isinstance(request, Ping):
            self._reply(envelope, Pong())
            return
        task = self._loop.create_task(self._have_answered(envelope._replace(body=b""), caller, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _caller(self, connection: bytes, key: str) -> Caller:
        user = self._users.user_for(key)
        if user is None:
            raise KeyRefused("this key is no longer on the allow-list", remedy="Ask whoever runs the daemon for a key.")
        if self._busy[connection] >= REQUESTS_A_CONNECTION:
            raise ProtocolError("too many requests at once on one connection", remedy="Wait for each answer.")
        caller = self._callers.get(connection)
        if caller is None or caller.key != key:
            caller = self._callers[connection] = Caller(connection, key, user)
        caller.user = user
        self._callers.move_to_end(connection)
        while len(self._callers) > CONNECTIONS_REMEMBERED:
            self._callers.popitem(last=False)
        return caller

    async def _have_answered(self, envelope: Envelope, caller: Caller, request: Request) -> None:
        assert self._answer is not None  # noqa: S101 - nothing is read before `serve`
        self._busy[caller.connection] += 1
        try:
            reply = await self._answer(caller, request)
        except UnderstudyError as problem:
            reply = problem.report()
        except Exception as problem:  # noqa: BLE001 - the daemon's edge: one request's fault must not end it
            _log.exception("%s of %s failed", type(request).__name__, caller.user.name)
            reply = DaemonError(
                f"the daemon failed at {type(request).__name__}: {problem}", remedy="See daemon.log, then try again."
            ).report()
        finally:
            self._busy[caller.connection] -= 1
            self._busy += Counter()  # forgets those that have nothing in flight
        self._reply(envelope, reply)

    def _reply(self, envelope: Envelope, reply: Reply) -> None:
        try:
            body = encode_reply(reply)
        except ProtocolError as problem:
            body = encode_reply(problem.report())
        if self._send(envelope.identity, envelope.request_id, body) == "gone":
            self._callers.pop(envelope.identity, None)

    def _send(self, connection: bytes, head: bytes, body: bytes) -> Sent:
        try:
            self._socket.send_multipart([connection, head, body], zmq.NOBLOCK)
        except zmq.Again:
            return "full"
        except zmq.ZMQError:
            return "gone"
        finally:
            # Sending may swallow the signal that something has arrived.
            if not self._socket.closed and readable(self._socket):
                self._loop.call_soon(self._readable)
        return "sent"
