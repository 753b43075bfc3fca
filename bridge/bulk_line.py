"""One connection to the daemon's bulk socket. Sends and receives; what the words mean is `transfer`'s."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

import zmq

from understudy.bridge.bulk_messages import Bulk
from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonUnreachable, KeyRefused, ProtocolError
from understudy.bridge.line import Line, lost_if_cut
from understudy.bridge.wire import decode_bulk, encode_bulk

SILENCE_SECONDS = 20.0
"""How long a daemon may hash or write before it says something; a broken connection is noticed at once."""
GLANCE_MILLISECONDS = 100
"""How often a silent connection is looked at for having been lost."""

_Result = TypeVar("_Result")


class BulkLine:
    """A context manager for one thread. Every wait ends in time; a lost connection raises DaemonUnreachable."""

    def __init__(self, client: Client) -> None:
        """Connect to where the daemon's welcome says. Raises as `Client.hello` does."""
        welcome = client.welcome or client.hello()
        self._line = Line(client.connection, welcome.bulk_port)
        self._line.socket.setsockopt(zmq.RCVTIMEO, GLANCE_MILLISECONDS)
        # A DEALER that has lost its only peer would block for ever.
        self._line.socket.setsockopt(zmq.SNDTIMEO, GLANCE_MILLISECONDS)

    def __enter__(self) -> BulkLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.close()

    def send(self, header: Bulk, payload: bytes | None = None) -> None:
        """Queue a message; the credit window keeps the queue short. Raises DaemonUnreachable on a lost connection."""
        parts = [encode_bulk(header)] if payload is None else [encode_bulk(header), payload]
        self._in_time(lambda: self._line.socket.send_multipart(parts, copy=False))

    def receive(self) -> tuple[Bulk, memoryview | None]:
        """Return the next message. Raises DaemonUnreachable when the connection is lost or silent for too long."""
        frames: list[zmq.Frame] = self._in_time(lambda: self._line.socket.recv_multipart(copy=False))
        if len(frames) > 2:
            raise ProtocolError(f"a bulk message has {len(frames)} parts", remedy="Is this an Understudy daemon?")
        return decode_bulk(frames[0].buffer), frames[1].buffer if len(frames) == 2 else None

    def _check(self) -> None:
        """Raise when the connection is lost. The control line has proved the daemon's key: it can only have died."""
        try:
            self._line.check()
        except KeyRefused as problem:
            raise lost_if_cut(problem) from None

    def _in_time(self, act: Callable[[], _Result]) -> _Result:
        """Do what the socket may have to wait for. What has arrived counts before the news that it was the last."""
        end = time.monotonic() + SILENCE_SECONDS
        while True:
            try:
                return act()
            except zmq.Again:
                self._check()
            if time.monotonic() > end:
                raise DaemonUnreachable(
                    f"the daemon at {self._line.place} says nothing about the files under way",
                    remedy="It may be very busy: try again; what has arrived there is kept.",
                )
