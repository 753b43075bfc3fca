"""How long the daemon's event loop keeps anyone waiting while files are handed over, uploaded, and written by workers.

A real daemon in a process of its own, with a worker on every core that writes and hashes frames without a pause, takes
in files by path and by chunks. Inside it a timer is due every 2 ms; what it comes late is the stall.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from blake3 import blake3

from benchmarks.table import Row, at_most
from understudy.bridge.client import Client
from understudy.bridge.errors import Finding
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.keys import issue_key
from understudy.bridge.record import Record
from understudy.bridge.settings import load_settings
from understudy.bridge.shot import Character, JobRequest, Performer, PictureFile, Pictures, Plate, Settings, Shot
from understudy.bridge.transfer import upload
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.daemon.local_executor import LocalExecutor
from understudy.inference.daemon.process import serve
from understudy.inference.daemon.surroundings import memory_environment
from understudy.inference.work_order import Ready, WorkerFrame, WorkerProgress, WorkOrder

RUNS = 3
FILES = 60
FILE_BYTES = 16 * 1024 * 1024
"""A compressed UHD frame."""
LIMIT_MILLISECONDS = 20.0
TIMER_SECONDS = 0.002
LAYERS = 8
REFERENCE = blake3(b"reference").hexdigest()


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        files = _files(Path(folder) / "in")
        stalls = [_one_run(Path(folder) / f"home{run}", files) for run in range(RUNS)]
    best = min(stalls, key=lambda run: run["p99.9"])
    note = (
        f"p50 {best['p50']:.2f} ms, longest {best['longest']:.1f} ms, {best['count']:.0f} looks, best of {RUNS} runs; "
        f"p99.9 of the same timer in a process with nothing to do: {best['idle']:.1f} ms"
    )
    return [at_most("stall of the daemon's event loop, p99.9", best["p99.9"], LIMIT_MILLISECONDS, "ms", 1.0, note)]


def _one_run(home: Path, files: dict[str, Path]) -> dict[str, float]:
    """Return what the timer saw while every file came in twice: by path for one user, in chunks for another."""
    environment = memory_environment(os.environ)
    command = [sys.executable, "-m", "benchmarks.loop_stall", "serve", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as daemon:
        assert daemon.stdout is not None
        daemon.stdout.readline()
        with Client.connect(home) as client:
            for number in range(os.cpu_count() or 1):
                _send(client, _job({}, f"busy{number}"))
            daemon.send_signal(signal.SIGUSR1)
            idle = subprocess.Popen([*command[:3], "idle"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            guest = issue_key(home, "guest", roles=("artist",), projects=(), host="127.0.0.1")
            sending = threading.Thread(target=_upload, args=(guest, files))
            sending.start()
            _send(client, _job(files, "by_path"), files)
            sending.join()
            daemon.send_signal(signal.SIGUSR2)
            found: dict[str, float] = json.loads(daemon.stdout.readline())
            found["idle"] = json.loads(idle.communicate("")[0])["p99.9"]
        daemon.terminate()
    return found


def _upload(connection: object, files: dict[str, Path]) -> None:
    with Client(connection) as client:  # type: ignore[arg-type]
        client.hello()
        job = client.submit(_job(files, "by_chunk"), secrets.token_hex(16))
        with tempfile.TemporaryDirectory() as folder:
            paths = {**files, REFERENCE: _reference(Path(folder))}
            upload(client, client.connection, job.job_id, paths, lambda done, total: None)


def _send(client: Client, job: JobRequest, files: dict[str, Path] | None = None) -> None:
    job_id = client.submit(job, secrets.token_hex(16)).job_id
    with tempfile.TemporaryDirectory() as folder:
        for digest in client.lacking(job_id):
            path = (files or {}).get(digest) or _reference(Path(folder))
            client.hand_over(job_id, digest, path)


def _files(folder: Path) -> dict[str, Path]:
    folder.mkdir()
    files = {}
    for number in range(FILES):
        content = os.urandom(1024 * 1024) * (FILE_BYTES // 1024 // 1024 - 1) + number.to_bytes(1024 * 1024, "big")
        path = folder / f"plate.{number:04}.exr"
        path.write_bytes(content)
        files[blake3(content).hexdigest()] = path
    return files


def _reference(folder: Path) -> Path:
    path = folder / "reference.png"
    path.write_bytes(b"reference")
    return path


def _job(files: dict[str, Path], name: str) -> JobRequest:
    still = PictureFile(file=REFERENCE, picture=REFERENCE, size=9, typed="reference.png")
    character = Character(pictures=Pictures(files=(still,), kind="still", typed="reference.png"))
    plates = tuple(
        PictureFile(file=digest, picture=digest, size=path.stat().st_size, typed=str(path), frame=number)
        for number, (digest, path) in enumerate(files.items())
    )
    pictures = Pictures(files=plates, kind="sequence", typed="plate.####.exr") if plates else None
    shot = Shot(
        name=name,
        range=FrameRange(0, max(0, len(files) - 1)),
        rate=FrameRate(24),
        performers=(Performer(character=character),),
        plate=Plate(pictures=pictures) if pictures is not None else None,
    )
    return JobRequest(shot=shot, settings=Settings(), record=Record())


# ---- inside the daemon ----------------------------------------------------------------------------------------------


def _serve(home: Path) -> None:
    lateness: list[float] = []

    def ready(port: int) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, lambda: loop.create_task(_watch_timer(lateness)))
        loop.add_signal_handler(signal.SIGUSR2, lambda: print(json.dumps(_summary(lateness)), flush=True))
        print(port, flush=True)

    worker = (sys.executable, "-m", "benchmarks.loop_stall", "work")
    slots = os.cpu_count() or 1
    settings = load_settings({"home": str(home), "slots": slots}, environment={})
    serve(settings, executor=LocalExecutor(slots, worker), gate=_open_gate, ready=ready)


async def _watch_timer(lateness: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TIMER_SECONDS
        await asyncio.sleep(TIMER_SECONDS)
        lateness.append(loop.time() - due)


def _summary(lateness: list[float]) -> dict[str, float]:
    ordered = sorted(1000 * late for late in lateness)
    shares = {"p50": 0.5, "p99.9": 0.999, "longest": 1.0}
    found = {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in shares.items()}
    return {**found, "count": len(ordered)}


async def _idle() -> None:
    """Run the same timer with nothing else to do, until standard input ends."""
    lateness: list[float] = []
    timer = asyncio.create_task(_watch_timer(lateness))
    await asyncio.to_thread(sys.stdin.read)
    timer.cancel()
    print(json.dumps(_summary(lateness)))


async def _open_gate(facts: AdmissionFacts) -> tuple[Finding, ...]:
    return ()


# ---- inside a worker ------------------------------------------------------------------------------------------------


def _work(connection: socket.socket) -> None:
    """Write frames of eight layers without a pause, hash and report them, until the daemon is gone."""
    connection.sendall(msgspec.json.encode(Ready()) + b"\n")
    lines = connection.makefile("rb")
    order = msgspec.json.decode(lines.readline(), type=WorkOrder)
    threading.Thread(target=lambda: (lines.read(), os._exit(0)), daemon=True).start()
    with _scratch(Path(order.folder)) as folder:
        for frame in itertools.count():
            for layer in range(LAYERS):
                content = os.urandom(1024) * (FILE_BYTES // 8 // 1024)
                (folder / f"{layer}.exr").write_bytes(content)
                blake3(content).hexdigest()
                step = WorkerProgress(stage="rendering", done=layer, total=LAYERS, seconds_left=1.0)
                connection.sendall(msgspec.json.encode(step) + b"\n")
            connection.sendall(msgspec.json.encode(WorkerFrame(frame=frame, files=())) + b"\n")


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=("serve", "work", "idle"))
    parser.add_argument("home", nargs="?", type=Path)
    parser.add_argument("--socket", type=int)
    said = parser.parse_args()
    if said.part == "serve":
        _serve(said.home)
    elif said.part == "idle":
        asyncio.run(_idle())
    else:
        _work(socket.socket(fileno=said.socket))


if __name__ == "__main__":
    _main()
