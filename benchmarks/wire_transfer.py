"""How fast a plate crosses: through CURVE, by link, by copy; each against raw TCP over loopback in the same round.

Plate and vault lie in memory (/dev/shm), so that the wire is measured and not a disk. The receiver of both wires is a
process of its own, the daemon's with the malloc settings that the daemon is started with.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import zmq
from blake3 import blake3

from benchmarks.table import Row, at_least
from understudy.bridge.bulk_line import BulkLine
from understudy.bridge.bulk_messages import CHUNK_BYTES
from understudy.bridge.client import Client
from understudy.bridge.keys import Connection, announce, ensure_local_keys
from understudy.bridge.messages import PROTOCOL_VERSION, Welcome
from understudy.bridge.transfer import _Report, _Sending, _Upload
from understudy.inference.daemon.bulk import BulkServer
from understudy.inference.vault import Vault

UHD_HALF_RGBA_BYTES = 3840 * 2160 * 4 * 2
FRAMES = 3
ROUNDS = 6
MEMORY = Path("/dev/shm")  # noqa: S108  the point is that it is memory
DAEMON_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**33)}
Bring = Callable[[list[Path], list[str]], None]


def measure(rounds: int = ROUNDS) -> list[Row]:
    """Time the four ways in turn, fresh frames each round; compare the medians of the faster halves."""
    times: dict[str, list[float]] = {}
    with _folder() as folder, _raw_tcp() as raw, _daemon(folder / "home") as wire:
        for number in range(rounds + 1):
            frames = _write_frames(folder)
            digests = [_digest(frame) for frame in frames]
            ways: dict[str, Bring] = {
                "raw": raw,
                "wire": wire,
                "copy": _by_path(folder, Vault.take_copy),
                "link": _by_path(folder, Vault.take_link),
            }
            for name, bring in ways.items():
                start = time.perf_counter()
                bring(frames, digests)
                if number:
                    times.setdefault(name, []).append(time.perf_counter() - start)
    speed = {name: _speed(seconds) for name, seconds in times.items()}
    note = "limit: raw 1 MiB sends over loopback TCP"
    return [
        at_least("UHD half plate through CURVE, memory to memory", speed["wire"], speed["raw"], "GB/s", 0.30, note),
        at_least("a frame we exported, by link, hashed once", speed["link"], speed["raw"], "GB/s", 1.8, note),
        at_least("a user's file, reflinked or copied", speed["copy"], speed["raw"], "GB/s", 0.5, note),
    ]


def _speed(seconds: list[float]) -> float:
    faster_half = sorted(seconds)[: (len(seconds) + 1) // 2]
    return FRAMES * UHD_HALF_RGBA_BYTES / statistics.median(faster_half) / 1e9


def _digest(path: Path) -> str:
    return blake3(path.read_bytes()).hexdigest()


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="understudy-wire-", dir=MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _write_frames(folder: Path) -> list[Path]:
    """Frames that no vault has seen; those of the round before go, and the vaults with them."""
    for old in (folder / "frames", folder / "home" / "vault" / "blobs"):
        shutil.rmtree(old, ignore_errors=True)
    (folder / "home" / "vault" / "blobs").mkdir(parents=True, exist_ok=True)
    (folder / "frames").mkdir()
    paths = [folder / "frames" / f"plate.{number:04}.exr" for number in range(FRAMES)]
    block = os.urandom(UHD_HALF_RGBA_BYTES // 8)
    for path in paths:
        path.write_bytes(os.urandom(64) + (block * 9)[: UHD_HALF_RGBA_BYTES - 64])
    return paths


def _by_path(folder: Path, take: Callable[[Vault, Path, str], Path]) -> Bring:
    def bring(frames: list[Path], digests: list[str]) -> None:
        for frame, digest in zip(frames, digests, strict=True):
            take(vault, frame, digest)

    shutil.rmtree(folder / take.__name__, ignore_errors=True)
    vault = Vault(folder / take.__name__, 2**40)
    return bring


@contextmanager
def _raw_tcp() -> Iterator[Bring]:
    """Send 1 MiB at a time to a process that receives into one frame's buffer and answers when it has all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        receiver = subprocess.Popen([sys.executable, "-m", "benchmarks.wire_transfer", "receive", str(port)])
        near, _ = listener.accept()
        block = memoryview(bytearray(os.urandom(CHUNK_BYTES)))

        def bring(frames: list[Path], digests: list[str]) -> None:
            for _ in frames:
                left = UHD_HALF_RGBA_BYTES
                while left:
                    piece = block[: min(left, CHUNK_BYTES)]
                    near.sendall(piece)
                    left -= len(piece)
                near.recv(1)

        try:
            yield bring
        finally:
            near.close()
            receiver.wait()


def _receive(port: int) -> None:
    frame = memoryview(bytearray(UHD_HALF_RGBA_BYTES))
    with socket.create_connection(("127.0.0.1", port)) as near:
        while True:
            filled = 0
            while filled < len(frame):
                count = near.recv_into(frame[filled : filled + CHUNK_BYTES])
                if not count:
                    return
                filled += count
            near.send(b"\1")


@contextmanager
def _daemon(home: Path) -> Iterator[Bring]:
    """A process with the daemon's own bulk server and vault; one fresh connection a round, as an upload makes it."""
    command = [sys.executable, "-m", "benchmarks.wire_transfer", "serve", str(home)]
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **DAEMON_MALLOC}
    )
    assert server.stdin is not None
    assert server.stdout is not None
    port = int(server.stdout.readline())
    client = Client(ensure_local_keys(home).connection)
    client.welcome = Welcome(
        protocol=PROTOCOL_VERSION, version="", user="", roles=(), projects=(), challenge="", bulk_port=port, engines=()
    )

    def bring(frames: list[Path], digests: list[str]) -> None:
        files = [_Sending(digest, frame, 0) for frame, digest in zip(frames, digests, strict=True)]
        with BulkLine(client) as line:
            _Upload(line, "benchmark", files, _Report(lambda done, total: None, files, lambda: None)).run()

    try:
        yield bring
    finally:
        server.stdin.close()
        server.wait()
        server.stdout.close()


def _serve(home: Path) -> None:
    """Run the bulk server for the owner's key until our input ends."""
    keys = ensure_local_keys(home)
    connection: Connection = announce(home, "127.0.0.1", 1)
    context = zmq.Context()
    keeper = context.socket(zmq.REP)
    keeper.bind("inproc://zeromq.zap.01")
    ended = threading.Event()

    def admit() -> None:
        while not ended.is_set():
            if keeper.poll(50):
                version, request_id, *_ = keeper.recv_multipart()
                keeper.send_multipart([version, request_id, b"200", b"OK", connection.user.encode(), b""])
        keeper.close(linger=0)

    thread = threading.Thread(target=admit)
    thread.start()
    server = BulkServer(
        context, keys.server, Vault(home / "vault", 2**40), lambda *_: True, lambda *_: None, lambda *_: None
    )
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.close()
    ended.set()
    thread.join()
    context.term()


if __name__ == "__main__":
    if sys.argv[1:2] == ["receive"]:
        _receive(int(sys.argv[2]))
    elif sys.argv[1:2] == ["serve"]:
        _serve(Path(sys.argv[2]))
    else:
        from benchmarks.table import render

        sys.stdout.write(render(measure()) + "\n")
