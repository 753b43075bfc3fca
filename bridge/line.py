"""One CURVE connection to a daemon, and what became of it: the transport's events become errors that say what to do."""

from __future__ import annotations

import enum
import errno
import struct
import time
from typing import Any

import zmq

from understudy.bridge.errors import DaemonUnreachable, KeyRefused, ProtocolError
from understudy.bridge.keys import Connection
from understudy.bridge.wire import REQUEST_ID_BYTES, address, client_socket, readable

QUICK_SECONDS = 0.02
"""So long an answer is simply waited for, which takes a fifth less than polling; then the transport is watched too."""
START_REMEDY = "Start it with `understudy serve`; `understudy doctor` says what is wrong."
CUT_IN_HANDSHAKE = {"handshake": "cut"}
"""Marks a KeyRefused that a daemon which dies while it shakes hands would look like too."""
_EVENTS = (
    zmq.Event.CONNECTED | zmq.Event.CLOSED | zmq.Event.DISCONNECTED | zmq.Event.HANDSHAKE_SUCCEEDED
    | zmq.Event.HANDSHAKE_FAILED_AUTH | zmq.Event.HANDSHAKE_FAILED_PROTOCOL | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
)  # fmt: skip


class Standing(enum.Enum):
    """How far a connection came."""

    OPENING = enum.auto()
    REACHED = enum.auto()
    """Something listens there; who it is has not been proved."""
    TRUSTED = enum.auto()


class Line:
    """A connection that is opened once and never again by itself. For one thread."""

    def __init__(self, connection: Connection, port: int | None = None) -> None:
        """Begin to connect to `port` (None = the control port); returns at once.

        Raises DaemonUnreachable when the address cannot be one. Whether somebody is there shows in `receive`.
        """
        port = connection.port if port is None else port
        self.place = f"{connection.host}:{port}"
        self.standing = Standing.OPENING
        self._file = connection.file or "the connection file"
        if port == 0:
            raise DaemonUnreachable(f"no daemon has listened yet by {self._file}", remedy=START_REMEDY)
        self._context = zmq.Context()
        self.socket = client_socket(self._context, connection)
        self.socket.setsockopt(zmq.RCVTIMEO, int(QUICK_SECONDS * 1000))
        self._monitor = self.socket.get_monitor_socket(_EVENTS)
        self._poller = zmq.Poller()
        self._poller.register(self.socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)
        self._sent = 0
        self._woken = False
        try:
            self.socket.connect(address(connection.host, port))
        except zmq.ZMQError as problem:
            self.close()
            raise DaemonUnreachable(
                f"{self.place} cannot be reached: {problem}", remedy=f"Mend host and port in {self._file}."
            ) from None

    def close(self) -> None:
        """Drop the connection and everything not sent yet."""
        self.socket.disable_monitor()
        self._monitor.close(linger=0)
        self.socket.close(linger=0)
        self._context.term()

    def wake_by(self, socket: zmq.Socket[Any]) -> None:
        """Let a message on `socket` end a `receive` early."""
        self._poller.register(socket, zmq.POLLIN)
        self._woken = True

    def send(self, body: bytes) -> bytes:
        """Queue a request and return the id that its reply will bear. Raises when the connection is lost."""
        self._sent += 1
        request_id = self._sent.to_bytes(REQUEST_ID_BYTES, "big")
        try:
            self.socket.send_multipart([request_id, body], zmq.NOBLOCK)
        except zmq.Again:
            self.check()
            raise DaemonUnreachable(f"the daemon at {self.place} takes no more", remedy=START_REMEDY) from None
        return request_id

    def receive(self, seconds: float) -> tuple[bytes, bytes] | None:
        """Return the next (id, body); None after `seconds`, or when a socket of `wake_by` has something.

        Raises KeyRefused or DaemonUnreachable as soon as the connection is known to be lost.
        """
        end = time.monotonic() + seconds
        if seconds > QUICK_SECONDS and not self._woken:
            try:
                return self._take()
            except zmq.Again:
                pass
        while True:
            # What has arrived counts before the news that the connection ended after it.
            if readable(self.socket):
                return self._take()
            self.check()
            left = end - time.monotonic()
            if left <= 0:
                return None
            ready = dict(self._poller.poll(max(1, round(left * 1000))))
            if self.socket not in ready and self._monitor not in ready:
                return None

    def check(self) -> None:
        """Raise KeyRefused or DaemonUnreachable when the connection has been lost. Never waits."""
        while readable(self._monitor):
            # zmq_socket_monitor(3): 16 bits of event, 32 bits of value, then the address.
            event, value = struct.unpack("=HI", self._monitor.recv_multipart()[0])
            if event == zmq.Event.CONNECTED:
                self.standing = Standing.REACHED
            elif event == zmq.Event.HANDSHAKE_SUCCEEDED:
                self.standing = Standing.TRUSTED
            else:
                raise self._refused() if event == zmq.Event.HANDSHAKE_FAILED_AUTH else self._lost(event, value)

    def _take(self) -> tuple[bytes, bytes]:
        frames = self.socket.recv_multipart()
        if len(frames) != 2:
            raise ProtocolError(
                f"{self.place} sent a message of {len(frames)} parts, not 2",
                remedy="Install the same version of understudy on both sides.",
            )
        return frames[0], frames[1]

    def _refused(self) -> KeyRefused:
        return KeyRefused(
            f"the daemon at {self.place} does not know the key in {self._file}",
            remedy="Ask whoever runs that daemon for a new connection file.",
        )

    def _lost(self, event: int, value: int) -> DaemonUnreachable | KeyRefused:
        if self.standing is Standing.OPENING:
            return DaemonUnreachable(f"nobody listens at {self.place}", remedy=START_REMEDY)
        if self.standing is Standing.TRUSTED:
            return DaemonUnreachable(f"the daemon at {self.place} ended the connection", remedy=START_REMEDY)
        if event != zmq.Event.HANDSHAKE_FAILED_NO_DETAIL:
            return DaemonUnreachable(
                f"what listens at {self.place} is no Understudy daemon",
                remedy=f"Another program has taken its port. {START_REMEDY}",
            )
        if value in (errno.EPIPE, errno.ECONNRESET):
            return KeyRefused(
                f"what listens at {self.place} holds another key than {self._file} says",
                remedy="Ask whoever runs that daemon for a new connection file; a wrong port looks the same.",
                facts=CUT_IN_HANDSHAKE,
            )
        return DaemonUnreachable(
            f"{self.place} is open but nobody answers there", remedy="The daemon may be stopped or stuck: restart it."
        )


def lost_if_cut(problem: KeyRefused) -> KeyRefused | DaemonUnreachable:
    """Return what a handshake that failed means to someone who has spoken to this daemon before: its end, perhaps."""
    if problem.facts != CUT_IN_HANDSHAKE:
        return problem
    return DaemonUnreachable(problem.message, remedy=f"The daemon may have ended just then. {START_REMEDY}")
