"""The bulk plane: chunks of blobs in, chunks of layers out, by credit, on threads. The event loop never meets it.

One thread owns the socket and only passes frames on. Two lanes check, write and hash; a file belongs to one lane, so
its state needs no lock. Who is on a connection is the ZAP handler's word (`User-Id`).
"""

from __future__ import annotations

import contextlib
import logging
import queue
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import zmq

from understudy.bridge.bulk_messages import CHUNK_BYTES, CREDIT_CHUNKS, Bulk, Chunk, Credit, Pull, Rejected, Stored
from understudy.bridge.errors import DaemonError, JobParked, PlateError, ProtocolError, RequestError, UnderstudyError
from understudy.bridge.keys import ServerKeys
from understudy.bridge.wire import BULK_HEADER_LIMIT_BYTES, address, decode_bulk, encode_bulk, readable, server_socket
from understudy.inference.daemon.bulk_streams import Answer, Incoming, Outgoing
from understudy.inference.vault import Vault

MaySend = Callable[[str, str, str], bool]
"""(User-Id, job, file digest): may this user bring this file for this job?"""
SizeOf = Callable[[str, str], int | None]
"""(job, file digest): how long the job says that the file is; None = not known."""
ResolveOutput = Callable[[str, str, str], Path | None]
"""(User-Id, job, path inside the version): the file on disk, or None when this user has no such file."""
OnStored = Callable[[str, str], None]
"""(job, file digest): the file stands in the vault. Called on a lane's thread."""
OnParked = Callable[[str, JobParked], None]
"""(job, why): its upload found no room; what arrived is kept. Called on a lane's thread."""

LANES = 2
LANE_MESSAGES = 32
"""Chunks that wait for one lane; beyond it the socket is left unread and TCP holds the senders back."""
CREDIT_TOGETHER = 4
"""Tasks for which a credit may wait while more are at hand; a third of the window, so that no sender runs dry."""
IDLE_SECONDS = 60.0
DOWNLOADS_A_CONNECTION = 16
REMEMBERED_FILES = 65_536
POLL_MILLISECONDS = 1000
_log = logging.getLogger(__name__)


class BulkServer:
    """The daemon's bulk socket with its threads; runs from construction to `close`."""

    def __init__(
        self,
        context: zmq.Context[Any],
        keys: ServerKeys,
        vault: Vault,
        may_send: MaySend,
        resolve_output: ResolveOutput,
        on_stored: OnStored,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        size_of: SizeOf = lambda job_id, digest: None,
        on_parked: OnParked = lambda job_id, problem: None,
    ) -> None:
        """Bind and start. The callbacks are called on the lanes' threads. `context` holds the ZAP handler."""
        self._socket: zmq.Socket[bytes] = server_socket(
            zmq.Context.shadow(context), keys, limit_bytes=CHUNK_BYTES + BULK_HEADER_LIMIT_BYTES
        )
        self._socket.setsockopt(zmq.RCVHWM, 2 * CREDIT_CHUNKS)
        self._socket.bind(address(host, port))
        self.port = int(self._socket.getsockopt_string(zmq.LAST_ENDPOINT).rsplit(":", 1)[1])
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._signalled = False
        self._closing = threading.Event()
        rules = _Rules(vault, may_send, size_of, resolve_output, on_stored, on_parked)
        self._lanes = [_Lane(number, rules, self._answer) for number in range(LANES)]
        self._thread = threading.Thread(target=self._serve, name="bulk", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop all threads; what has arrived of each file stays. Call it before the context ends."""
        self._closing.set()
        self._wake()
        self._thread.join()
        for lane in self._lanes:
            lane.close()
        self._woken.close()
        self._waker.close()

    def _answer(self, answer: Answer) -> None:
        """Any thread."""
        self._answers.put(answer)
        self._wake()

    def _wake(self) -> None:
        # One byte wakes the thread for all that waits by then.
        if not self._signalled:
            self._signalled = True
            with contextlib.suppress(BlockingIOError):
                self._waker.send(b"\0")

    def _serve(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._woken, zmq.POLLIN)
        while not self._closing.is_set():
            ready = dict(poller.poll(POLL_MILLISECONDS))
            if self._woken.fileno() in ready:
                self._woken.recv(4096)
                # Before the answers are taken: one that comes later must wake us again.
                self._signalled = False
            self._send_answers()
            for _ in range(CREDIT_CHUNKS):
                if not readable(self._socket):
                    break
                self._route(self._socket.recv_multipart(zmq.NOBLOCK, copy=False))
                self._send_answers()
        self._socket.close(linger=0)

    def _route(self, frames: list[zmq.Frame]) -> None:
        """Hand a message to the lane of its file. What is no message is dropped: there is nothing to answer to."""
        try:
            header = decode_bulk(frames[1].buffer)
            user = str(frames[-1].get("User-Id"))
        except (ProtocolError, IndexError, zmq.ZMQError):
            return
        payload = frames[2].buffer if len(frames) == 3 else None
        name = header.path if isinstance(header, Pull) else header.file
        whose = user if isinstance(header, Chunk) else frames[0].bytes
        self._lanes[hash((whose, name)) % LANES].put((frames[0].bytes, user, header, payload))

    def _send_answers(self) -> None:
        while not self._answers.empty():
            identity, header, payload = self._answers.get()
            parts = [identity, encode_bulk(header)] if payload is None else [identity, encode_bulk(header), payload]
            # The other end is gone, or reads nothing: it asks again when it is back.
            with contextlib.suppress(zmq.ZMQError):
                self._socket.send_multipart(parts, zmq.NOBLOCK, copy=payload is None)


Task = tuple[bytes, str, Bulk, memoryview | None]


class _Rules(NamedTuple):
    """What the lanes ask and tell the daemon."""

    vault: Vault
    may_send: MaySend
    size_of: SizeOf
    resolve_output: ResolveOutput
    on_stored: OnStored
    on_parked: OnParked


class _Lane:
    """One thread that checks, writes and hashes the files that fall to it."""

    def __init__(self, number: int, rules: _Rules, answer: Callable[[Answer], None]) -> None:
        self._rules = rules
        self._answer = answer
        self._tasks: queue.Queue[Task | None] = queue.Queue(LANE_MESSAGES)
        self._incoming: dict[tuple[str, str], Incoming] = {}
        self._allowed: set[tuple[str, str, str]] = set()
        self._stored: OrderedDict[tuple[str, str], None] = OrderedDict()
        """What users have brought whole: they have shown that they possess it."""
        self._outgoing: dict[tuple[bytes, str], Outgoing] = {}
        self._held: Answer | None = None
        """A credit that the next one of its file replaces: each one sent costs both ends a turn."""
        self._tasks_held = 0
        self._swept_at = time.monotonic()
        self._thread = threading.Thread(target=self._work, name=f"bulk-lane-{number}", daemon=True)
        self._thread.start()

    def put(self, task: Task) -> None:
        self._tasks.put(task)

    def close(self) -> None:
        self._tasks.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                task = self._tasks.get(timeout=1.0)
            except queue.Empty:
                self._sweep()
                continue
            if task is None:
                break
            self._guarded(task)
            self._give_credit()
            if time.monotonic() - self._swept_at > IDLE_SECONDS / 4:
                self._sweep()
        self._forget_all(lambda stream: True)

    def _guarded(self, task: Task) -> None:
        """Do one task; whatever goes wrong ends this file, never the lane."""
        identity, user, header, payload = task
        name = header.path if isinstance(header, Pull) else header.file
        try:
            self._do(identity, user, header, payload)
        except UnderstudyError as problem:
            self._tell(Answer(identity, Rejected(name, problem.report())))
        except Exception as problem:  # noqa: BLE001  the edge of the daemon's bulk loop
            _log.exception("a bulk message failed")
            fault = DaemonError(
                f"the daemon failed at {name}: {problem}", remedy="See the daemon's log, then try again."
            )
            self._tell(Answer(identity, Rejected(name, fault.report())))

    def _tell(self, answer: Answer) -> None:
        """Answer at once, but hold a credit until `_give_credit`; what comes after it on its file says more."""
        held, self._held = self._held, None
        if held is not None and (held.identity, held.header.file) != (answer.identity, answer.header.file):
            self._answer(held)
        if isinstance(answer.header, Credit) and not answer.header.again:
            self._held = answer
        else:
            self._answer(answer)

    def _give_credit(self) -> None:
        """Send the credit that is held unless another task is at hand. Tasks are counted, whoever sent them."""
        self._tasks_held += 1
        if self._held is None or self._tasks_held >= CREDIT_TOGETHER or self._tasks.empty():
            if self._held is not None:
                self._answer(self._held)
            self._held, self._tasks_held = None, 0

    def _do(self, identity: bytes, user: str, header: Bulk, payload: memoryview | None) -> None:
        if isinstance(header, Chunk) and payload is not None:
            self._take(identity, user, header, payload)
        elif isinstance(header, Pull):
            self._open(identity, user, header)
        elif isinstance(header, Credit):
            stream = self._outgoing.get((identity, header.file))
            if stream is not None:
                stream.credit(header)
                self._pump(identity, header.file, stream)

    def _take(self, identity: bytes, user: str, chunk: Chunk, payload: memoryview) -> None:
        self._check_allowed(user, chunk)
        key = (user, chunk.file)
        if key in self._stored and key not in self._incoming and self._rules.vault.has(chunk.file):
            self._rules.on_stored(chunk.job_id, chunk.file)
            self._tell(Answer(identity, Stored(chunk.file)))
            return
        stream = self._incoming.get(key)
        if stream is None:
            stream = self._incoming[key] = Incoming(
                self._rules.vault, user, chunk, self._rules.on_stored, self._rules.on_parked
            )
        for answer in stream.take(identity, chunk, payload):
            self._tell(answer)
            if isinstance(answer.header, Rejected | Stored):
                self._incoming.pop(key, None)
        if stream.stored:
            self._remember(key)

    def _check_allowed(self, user: str, chunk: Chunk) -> None:
        """Ask the daemon once a file and job, not once a chunk."""
        key = (user, chunk.job_id, chunk.file)
        if key in self._allowed:
            return
        if not self._rules.may_send(user, chunk.job_id, chunk.file):
            raise RequestError(
                f"no job {chunk.job_id} of yours asks for {chunk.file}",
                remedy="Submit the job first, then send its files.",
            )
        size = self._rules.size_of(chunk.job_id, chunk.file)
        if size is not None and size != chunk.total:
            raise PlateError(
                f"{chunk.file} is said to have {chunk.total} bytes, the job says {size}",
                remedy="The file was changed after the job was sent. Submit the job again.",
            )
        self._allowed.add(key)

    def _open(self, identity: bytes, user: str, pull: Pull) -> None:
        if sum(owner == identity for owner, _ in self._outgoing) >= DOWNLOADS_A_CONNECTION:
            raise RequestError("too many files at once on one connection", remedy="Fetch them one after another.")
        path = self._rules.resolve_output(user, pull.job_id, pull.path)
        if path is None:
            raise RequestError(f"job {pull.job_id} has no file {pull.path} for you", remedy="See `understudy show`.")
        earlier = self._outgoing.pop((identity, pull.path), None)
        if earlier is not None:
            earlier.close()
        stream = self._outgoing[identity, pull.path] = Outgoing(identity, pull, path)
        self._pump(identity, pull.path, stream)

    def _pump(self, identity: bytes, name: str, stream: Outgoing) -> None:
        for answer in stream.chunks():
            self._answer(answer)
        if stream.finished:
            stream.close()
            del self._outgoing[identity, name]

    def _remember(self, key: tuple[str, str]) -> None:
        self._stored[key] = None
        self._allowed = {one for one in self._allowed if (one[0], one[2]) != key}
        while len(self._stored) > REMEMBERED_FILES:
            self._stored.popitem(last=False)

    def _sweep(self) -> None:
        """Close what nobody has moved for a while: its sender vanished, or its receiver did."""
        self._swept_at = now = time.monotonic()
        self._allowed.clear()
        self._forget_all(lambda stream: now - stream.used_at > IDLE_SECONDS)

    def _forget_all(self, which: Callable[[Incoming | Outgoing], bool]) -> None:
        streams: list[dict[Any, Any]] = [self._incoming, self._outgoing]
        for table in streams:
            for key in [key for key, stream in table.items() if which(stream)]:
                table.pop(key).close()
