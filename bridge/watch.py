"""One thread that turns a daemon's events into callbacks, and notices when the daemon falls silent.

After a silence it comes back by itself, on whatever port the connection file then names, and asks for what came after
the last event it saw: callers see every durable event once, in order.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import zmq

from understudy.bridge.desk_messages import Listener, Tell, Told
from understudy.bridge.errors import DaemonUnreachable, KeyRefused, UnderstudyError
from understudy.bridge.keys import Connection
from understudy.bridge.line import Line
from understudy.bridge.messages import Event, Heartbeat, Hello, Progress, Push, Request, Watch, Watching, Welcome
from understudy.bridge.wire import PUSH_ID, decode_push, decode_reply, encode_request, expect

SILENCE_SECONDS = 5.0
"""Heartbeats come once a second, so this is five lost in a row."""
RETRY_SECONDS = 0.5
REFUSALS_BELIEVED = 3
"""A daemon that dies while it shakes hands looks like one that refuses the key; one that does it again means it."""
NEWEST = 2**62
"""A number that no store's events reach: whoever asks for what came after it hears only what is new."""
_log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")

OnTold = Callable[[Tell], None]
OnEvent = Callable[[Event], None]
OnSilence = Callable[[], None]
OnEnd = Callable[[UnderstudyError], None]


class _Closed(Exception):
    """The owner wants no more events."""


class Watcher:
    """Watches jobs until closed. Every callback runs in the watcher's own thread: hand over to a queue and return."""

    def __init__(
        self,
        connection: Connection,
        job_ids: tuple[str, ...],
        after: int | None,
        on_event: OnEvent,
        on_silence: OnSilence,
        *,
        on_end: OnEnd | None = None,
        silence_seconds: float = SILENCE_SECONDS,
        listener: Listener | None = None,
        on_told: OnTold = lambda said: None,
    ) -> None:
        """Start watching `job_ids` (empty = all that the key may see) from the first event after number `after`.

        after: None = from now on; ask for how things stand when `wait_subscribed` has returned.

        on_silence: called once for each silence, also when no daemon is there at the start; events simply go on when
        it is over. on_end: called when watching cannot go on (the key was refused, the job is unknown); then the
        thread ends and `problem` says why.

        listener: hear by `on_told` what the artist's other programs tell such a one, and no job's events.
        """
        self.problem: UnderstudyError | None = None
        self._connection = connection
        self._job_ids = job_ids
        self._last = NEWEST if after is None else after
        self._from_now = after is None
        self._on_event, self._on_silence, self._on_end = on_event, on_silence, on_end
        self._silence_seconds = silence_seconds
        self._listener, self._on_told = listener, on_told
        self._silent = False
        self._heard = time.monotonic()
        self._refusals = 0
        self._subscribed = threading.Event()
        self._closing = threading.Event()
        self._context = zmq.Context()
        self._waker, self._wake = self._context.socket(zmq.PAIR), self._context.socket(zmq.PAIR)
        self._waker.bind("inproc://wake")
        self._wake.connect("inproc://wake")
        self._thread = threading.Thread(target=self._run, name="understudy-watch", daemon=True)
        self._thread.start()

    @property
    def last(self) -> int:
        """The number of the newest durable event seen; hand it to a later watcher as `after`."""
        return self._last

    def wait_subscribed(self, seconds: float) -> bool:
        """Wait until the daemon has confirmed; return whether it has. From then on no event is missed."""
        return self._subscribed.wait(seconds)

    def close(self) -> None:
        """End the thread; no callback begins after this returns. From any thread, also from inside a callback."""
        if not self._closing.is_set():
            self._closing.set()
            with contextlib.suppress(zmq.Again):  # the thread has ended by itself
                self._waker.send(b"", zmq.NOBLOCK)
        if threading.current_thread() is not self._thread:
            self._thread.join()
            self._waker.close(linger=0)
            self._context.term()

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            while True:
                self._watch_once()
                self._wait_before_retry()
        except _Closed:
            pass
        except UnderstudyError as problem:
            self.problem = problem
            if self._on_end is None:
                _log.error("watching ended: %s %s", problem.message, problem.remedy)
            else:
                self._tell(functools.partial(self._on_end, problem))
        finally:
            self._wake.close(linger=0)

    def _watch_once(self) -> None:
        """Watch over one connection until it is lost or silent."""
        line = None
        try:
            line = Line(self._connection)
            line.wake_by(self._wake)
            self._subscribe(line)
            while True:
                self._take(self._next_push(line))
        except (DaemonUnreachable, zmq.ZMQError):
            pass
        except KeyRefused:
            self._refusals += 1
            if self._refusals >= REFUSALS_BELIEVED:
                raise
        finally:
            self._subscribed.clear()
            if line is not None:
                line.close()

    def _subscribe(self, line: Line) -> None:
        self._ask(line, Hello(client="watch"), Welcome)
        newest = self._ask(line, self._watch_after(self._last), Watching).last
        self._refusals = 0
        if self._from_now:
            self._from_now = False
            self._last = newest
            self._ask(line, self._watch_after(newest), Watching)
        if newest < self._last:
            # Another store than the one that gave us the number: its events count from the beginning.
            self._last = 0
            self._ask(line, self._watch_after(0), Watching)
        self._subscribed.set()

    def _watch_after(self, last: int) -> Watch:
        return Watch(job_ids=self._job_ids, after=last, listener=self._listener)

    def _ask(self, line: Line, request: Request, kind: type[_Answer]) -> _Answer:
        request_id = line.send(encode_request(request))
        while True:
            reply_id, body = self._hear(line)
            if reply_id == PUSH_ID:
                self._take(decode_push(body))
            elif reply_id == request_id:
                break
        return expect(decode_reply(body), kind, request)

    def _next_push(self, line: Line) -> Push:
        while True:
            push_id, body = self._hear(line)
            if push_id == PUSH_ID:
                return decode_push(body)

    def _hear(self, line: Line) -> tuple[bytes, bytes]:
        """Return the next message; every one is a sign of life. Raises DaemonUnreachable after a silence."""
        frames = line.receive(max(0.0, self._silence_seconds if self._silent else self._patience()))
        if self._closing.is_set():
            raise _Closed
        if frames is None:
            self._fall_silent()
            raise DaemonUnreachable(f"the daemon at {line.place} has fallen silent")
        self._heard, self._silent = time.monotonic(), False
        return frames

    def _take(self, push: Push) -> None:
        if isinstance(push, Heartbeat):
            return
        if isinstance(push, Told):
            self._tell(functools.partial(self._on_told, push.said))
            return
        if not isinstance(push.what, Progress):  # progress is not numbered for good: it is told, never asked for
            if push.number <= self._last:
                return
            self._last = push.number
        self._tell(functools.partial(self._on_event, push))

    def _patience(self) -> float:
        """Return the seconds until the daemon counts as silent."""
        return self._heard + self._silence_seconds - time.monotonic()

    def _fall_silent(self) -> None:
        if not self._silent and self._patience() <= 0:
            self._silent = True
            self._subscribed.clear()
            self._tell(self._on_silence)

    def _wait_before_retry(self) -> None:
        if self._wake.poll(int(RETRY_SECONDS * 1000)) or self._closing.is_set():
            raise _Closed
        self._fall_silent()
        # The file may be being written, or gone with its daemon: then the place that we know stays the best guess.
        with contextlib.suppress(UnderstudyError, OSError):
            self._connection = self._connection.refreshed()

    def _tell(self, callback: Callable[[], object]) -> None:
        """Call back. What the host's own code does wrong must not stop its events."""
        try:
            callback()
        except Exception:  # noqa: BLE001 - the edge to the host's own code
            _log.exception("a callback of the watcher failed")
