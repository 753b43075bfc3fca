"""How long a question to a living daemon takes, under CURVE, against bare TCP between two processes.

The two ends of the bare connection are held on a core each, as a host and a daemon are when both have work. Left alone,
the kernel puts a pair that does nothing but wait for each other onto one core, where no other core has to be woken;
that figure stands in the note, beside what bare ZeroMQ takes under CURVE with blocking sockets at both ends: ours comes
on top of that.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import zmq

from benchmarks.table import Row, at_most
from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonError

PINGS_A_ROUND = 400
ROUNDS = 5
MESSAGE_BYTES = 128
START_SECONDS = 30.0
_ECHO = f"""
import socket, sys
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
connection, _ = listening.accept()
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while data := connection.recv({MESSAGE_BYTES}):
    connection.sendall(data)
"""

_ECHO_UNDER_CURVE = """
import sys, zmq
socket = zmq.Context().socket(zmq.ROUTER)
socket.curve_server, socket.curve_publickey, socket.curve_secretkey = 1, sys.argv[1].encode(), sys.argv[2].encode()
print(socket.bind_to_random_port("tcp://127.0.0.1"), flush=True)
while True:
    socket.send_multipart(socket.recv_multipart())
"""


@contextlib.contextmanager
def daemon(home: Path) -> Iterator[Client]:
    """Yield a client of a daemon that was started for this, in a process of its own, and is stopped afterwards."""
    environment = {**os.environ, "UNDERSTUDY_HOME": str(home)}
    process = subprocess.Popen([sys.executable, "-m", "understudy.inference.daemon"], env=environment)
    try:
        with _reached(home) as client:
            yield client
    finally:
        process.terminate()
        process.wait(30)


def _reached(home: Path) -> Client:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            return Client.connect(home)
        except DaemonError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@contextlib.contextmanager
def echo() -> Iterator[tuple[socket.socket, int]]:
    """Yield a TCP connection to a process that sends back what it gets, and that process's number."""
    process = subprocess.Popen([sys.executable, "-c", _ECHO], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process, socket.create_connection(("127.0.0.1", int(process.stdout.readline()))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection, process.pid


@contextlib.contextmanager
def echo_under_curve() -> Iterator[zmq.Socket[bytes]]:
    """Yield a CURVE connection to a process that sends back what it gets."""
    public, secret = zmq.curve_keypair()
    command = [sys.executable, "-c", _ECHO_UNDER_CURVE, public.decode(), secret.decode()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process, zmq.Context() as context, context.socket(zmq.DEALER) as asking:
        asking.curve_serverkey = public
        asking.curve_publickey, asking.curve_secretkey = zmq.curve_keypair()
        asking.connect(f"tcp://127.0.0.1:{int(process.stdout.readline())}")
        try:
            yield asking
        finally:
            process.kill()


@contextlib.contextmanager
def apart(process: int) -> Iterator[None]:
    """Hold this thread and another process on different cores, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    os.sched_setaffinity(process, cores[-1:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        os.sched_setaffinity(process, cores)


def round_trip(connection: socket.socket) -> float:
    """Return the seconds that one message there and back takes."""
    start = time.perf_counter()
    connection.sendall(b"x" * MESSAGE_BYTES)
    received = 0
    while received < MESSAGE_BYTES:
        received += len(connection.recv(MESSAGE_BYTES))
    return time.perf_counter() - start


def round_trip_under_curve(asking: zmq.Socket[bytes]) -> float:
    """Return the seconds that one message there and back takes through bare ZeroMQ."""
    start = time.perf_counter()
    asking.send(b"x" * MESSAGE_BYTES)
    asking.recv()
    return time.perf_counter() - start


def measure() -> list[Row]:
    """Ask all in turns, in one run; compare the medians of their quieter rounds."""
    pings, curve, across, together = [], [], [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        daemon(Path(folder) / "home") as client,
        echo() as (bare, process),
        echo_under_curve() as asking,
    ):
        for _ in range(ROUNDS + 1):
            pings.append(_median(client.ping))
            curve.append(_median(lambda: round_trip_under_curve(asking)))
            together.append(_median(lambda: round_trip(bare)))
            with apart(process):
                across.append(_median(lambda: round_trip(bare)))
    note = (
        f"CURVE on; limit: raw TCP between two cores ({_quiet(together):.1f} us when both ends share one); "
        f"bare ZeroMQ under CURVE: {_quiet(curve):.0f} us, {_quiet(curve) / _quiet(across):.2f} of the limit"
    )
    return [at_most("Ping round trip, p50", _quiet(pings), _quiet(across), "us", 2.5, note)]


def _median(once: Callable[[], float]) -> float:
    return statistics.median(once() for _ in range(PINGS_A_ROUND))


def _quiet(rounds: list[float]) -> float:
    """Return the microseconds of the quieter rounds; the first one only warms up."""
    return statistics.median(sorted(rounds[1:])[: (ROUNDS + 1) // 2]) * 1e6
