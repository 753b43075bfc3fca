"""A small daemon on real sockets under CURVE and ZAP, in a thread of the test: it answers what a test tells it to."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import zmq
from gather_rig import sound_options
from take_rig import Version
from transfer_rig import AnsweringDepot

from understudy.bridge import transfer
from understudy.bridge.client import Client
from understudy.bridge.errors import ProtocolError
from understudy.bridge.keys import Connection, announce, ensure_local_keys, write_challenge
from understudy.bridge.messages import (
    PROTOCOL_VERSION,
    AskOutputs,
    Done,
    Heartbeat,
    Hello,
    Ping,
    Pong,
    ProveMachine,
    Push,
    Reply,
    Request,
    Watch,
    Watching,
    Welcome,
)
from understudy.bridge.options import JobOptions
from understudy.bridge.take import Take
from understudy.bridge.wire import (
    PUSH_ID,
    address,
    decode_request,
    encode_push,
    encode_reply,
    open_envelope,
    server_socket,
)

Answer = Reply | Callable[[Any], Reply | None]


class LittleDaemon:
    """Answers each kind of request with what stands in `answers`; None there means never."""

    def __init__(self, home: Path, port: int = 0, answers: Mapping[type, Answer | None] | None = None) -> None:
        """Serve from now on. answers: known before the first request, which may come at once where it is awaited."""
        self.home = home
        self.keys = ensure_local_keys(home)
        self.received: list[Request] = []
        self.connections: set[bytes] = set()
        self.answers: dict[type, Answer | None] = {
            Hello: self.welcome(), Ping: Pong(), ProveMachine: Done(), Watch: Watching(last=0), **(answers or {}),
        }  # fmt: skip
        self.copies = 1
        """How often each reply is sent."""
        self.heartbeat_seconds = 0.05
        self.pushes: queue.Queue[Push] = queue.Queue()
        self._stop = threading.Event()
        self._context = zmq.Context()
        self._zap = self._context.socket(zmq.REP)
        self._zap.bind("inproc://zeromq.zap.01")
        self._router = server_socket(self._context, self.keys.server)
        self._router.bind(address("127.0.0.1", port))
        self.port = int(self._router.getsockopt_string(zmq.LAST_ENDPOINT).rsplit(":", 1)[1])
        self.connection: Connection = announce(home, "127.0.0.1", self.port)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def welcome(self, challenge: str = "") -> Welcome:
        return Welcome(
            protocol=PROTOCOL_VERSION, version="0", user=self.keys.connection.user, roles=("artist",), projects=(),
            challenge=challenge, bulk_port=1, engines=(),
        )  # fmt: skip

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._zap, zmq.POLLIN)
        poller.register(self._router, zmq.POLLIN)
        watchers: set[bytes] = set()
        beat = time.monotonic()
        while not self._stop.is_set():
            ready = dict(poller.poll(5))
            if self._zap in ready:
                self._admit()
            if self._router in ready:
                watchers |= self._serve()
            while watchers and not self.pushes.empty():
                self._send(watchers, encode_push(self.pushes.get()))
            if self.heartbeat_seconds and time.monotonic() - beat > self.heartbeat_seconds:
                beat = time.monotonic()
                self._send(watchers, encode_push(Heartbeat(last=0)))
        self._zap.close(linger=0)
        self._router.close(linger=0)
        self._context.term()

    def _admit(self) -> None:
        """Answer ZAP (ZeroMQ RFC 27): the seventh part is the client's public key, raw."""
        version, request_id, _, _, _, _, key = self._zap.recv_multipart()
        user = self.keys.users.user_for(key)
        verdict = [b"400", b"unknown key", b""] if user is None else [b"200", b"OK", user.name.encode()]
        self._zap.send_multipart([version, request_id, *verdict, b""])

    def _serve(self) -> set[bytes]:
        identity, request_id, body = open_envelope(self._router.recv_multipart())
        self.connections.add(identity)
        try:
            request = decode_request(body)
        except ProtocolError as problem:
            self._reply(identity, request_id, problem.report())
            return set()
        self.received.append(request)
        answer = self.answers.get(type(request))
        reply = answer(request) if callable(answer) else answer
        if reply is not None:
            self._reply(identity, request_id, reply)
        return {identity} if isinstance(request, Watch) and reply is not None else set()

    def _reply(self, identity: bytes, request_id: bytes, reply: Reply) -> None:
        with contextlib.suppress(zmq.ZMQError):  # the client is gone
            for _ in range(self.copies):
                self._router.send_multipart([identity, request_id, encode_reply(reply)])

    def _send(self, watchers: set[bytes], body: bytes) -> None:
        for identity in list(watchers):
            try:
                self._router.send_multipart([identity, PUSH_ID, body], zmq.NOBLOCK)
            except zmq.ZMQError:
                watchers.discard(identity)


@pytest.fixture
def start_daemon(home: Path) -> Iterator[Callable[..., LittleDaemon]]:
    """Return a function that starts a small daemon; all that were started are stopped after the test."""
    started: list[LittleDaemon] = []

    def start(
        port: int = 0, at: Path | None = None, answers: Mapping[type, Answer | None] | None = None
    ) -> LittleDaemon:
        started.append(LittleDaemon(at or home, port, answers))
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop()


@pytest.fixture
def daemon(start_daemon: Callable[..., LittleDaemon]) -> LittleDaemon:
    return start_daemon()


@pytest.fixture
def version(daemon: Any, home: Path, tmp_path: Path) -> Version:
    challenge, _ = write_challenge(home)
    daemon.answers[Hello] = daemon.welcome(challenge=str(challenge))
    return Version(daemon, tmp_path / "daemons")


@pytest.fixture
def client(version: Version) -> Iterator[Client]:
    with Client.connect(version.daemon.connection) as client:
        assert client.same_machine
        yield client


@pytest.fixture
def follow(version: Version, client: Client, tmp_path: Path) -> Callable[..., Take]:
    """Return a function that takes a version into OUT from its first frame to its end."""

    def from_first_to_last(of: Version = version) -> Take:
        of.daemon.answers[AskOutputs] = of.outputs
        take = Take(tmp_path / "out", of.job_id)
        take.open()
        for frame in (1001, 1002):
            take.add(client, of.daemon.connection, of.files(frame=frame))
        take.settle(client, of.daemon.connection, of.settle())
        return take

    return from_first_to_last


@pytest.fixture
def connection(daemon: LittleDaemon) -> Connection:
    return daemon.connection


@pytest.fixture
def depot(daemon: LittleDaemon, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnsweringDepot]:
    monkeypatch.setattr(transfer, "RETRY_SECONDS", 0.05)
    depot = AnsweringDepot(daemon, home)
    yield depot
    depot.close()


@pytest.fixture
def shot(tmp_path: Path) -> JobOptions:
    """Return the options of a sound shot of four frames, 1001 to 1004."""
    return sound_options(tmp_path)
