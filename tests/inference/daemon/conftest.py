"""Real daemons with stub workers, and small jobs for them."""

from __future__ import annotations

import json
import os
import queue
import secrets
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec
import pytest
from blake3 import blake3
from daemon_rig import daemon_forks
from fork_server import Forked

from understudy.bridge.client import Client
from understudy.bridge.consent import Consent
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.keys import Connection, issue_key, load_connection
from understudy.bridge.messages import Event, JobSummary, Progress, StateChanged
from understudy.bridge.record import Record
from understudy.bridge.shot import (
    Character,
    JobRequest,
    Matte,
    Output,
    Performer,
    PictureFile,
    Pictures,
    Plate,
    Settings,
    Shot,
)
from understudy.bridge.watch import Watcher
from understudy.bridge.words import ENDED

PATIENCE_SECONDS = 60.0


def until(true: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until `true()` is, and return what it returned."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)
    return value


@dataclass
class Job:
    """A job with its files on disk."""

    request: JobRequest
    paths: dict[str, Path]
    token: str = field(default_factory=lambda: secrets.token_hex(16))


def make_job(
    folder: Path, *, frames: int = 4, prompt: str = "", project: str | None = None, shot: str = "sh010",
    record_id: str = "", seed: int = 0, content: str = "", priority: int = 0,
) -> Job:  # fmt: skip
    """Write files of a few bytes that stand for pictures, and return the job that names them."""
    folder.mkdir(parents=True, exist_ok=True)
    salt = content or secrets.token_hex(8)
    paths: dict[str, Path] = {}

    def pictures(role: str, kind: str, numbers: list[int | None]) -> Pictures:
        files = []
        for number in numbers:
            path = folder / f"{role}.{number}.dat"
            path.write_bytes(f"{salt} {role} {number}".encode())
            digest = blake3(path.read_bytes()).hexdigest()
            paths[digest] = path
            size = path.stat().st_size
            files.append(PictureFile(file=digest, picture=digest, size=size, typed=str(path), frame=number))
        return Pictures(files=tuple(files), kind=kind, typed=f"{folder}/{role}.####.dat")  # type: ignore[arg-type]

    numbers: list[int | None] = list(range(1001, 1001 + frames))
    performer = Performer(
        character=Character(pictures=pictures("reference", "still", [None])),
        matte=Matte(pictures=pictures("matte", "sequence", numbers)),
    )
    request = JobRequest(
        shot=Shot(
            name=shot, range=FrameRange(1001, 1000 + frames), rate=FrameRate(24), performers=(performer,),
            plate=Plate(pictures=pictures("plate", "sequence", numbers)),
        ),
        settings=Settings(prompt=prompt, seed=seed),
        record=Record(ground="self_attested", attestation="a test", record_id=record_id),
        output=Output(project=project),
        priority=priority,
    )  # fmt: skip
    return Job(request, paths)


def let(gate: Path, frame: int = 1_000_000) -> None:
    """Let a job of the prompt `hold=GATE` go on up to and with this frame; without one, to its end."""
    gate.write_text(str(frame))


def job_on_record(folder: Path, **record: Any) -> Job:
    """Return a job that the gate takes: on a record, by an engine without weights; `record` says otherwise."""
    job = make_job(folder, prompt="float8_from=1001", project=record.pop("project", None))
    consent = Consent(consent_id="c-1", talent="ana", document="a" * 64, signed_on="2026-01-05")
    fields = {"record_id": "r-1", "likeness": "non_human", "performed_by": ("ana",), "consents": (consent,), **record}
    settings = Settings(engine="identity", prompt="float8_from=1001")
    job.request = msgspec.structs.replace(job.request, record=Record(**fields), settings=settings)
    return job


def large_job(folder: Path, salt: bytes, kilobytes: int, prompt: str = "") -> Job:
    """Return a job of one frame whose plate has this size."""
    job = make_job(folder, frames=1, prompt=prompt)
    path = folder / "large.dat"
    path.write_bytes(salt * (kilobytes * 1024 // len(salt)))
    digest = blake3(path.read_bytes()).hexdigest()
    assert job.request.shot.plate is not None
    file = PictureFile(file=digest, picture=digest, size=path.stat().st_size, typed=str(path), frame=1001)
    pictures = msgspec.structs.replace(job.request.shot.plate.pictures, files=(file,))
    shot = msgspec.structs.replace(
        job.request.shot, plate=msgspec.structs.replace(job.request.shot.plate, pictures=pictures)
    )
    job.paths[digest] = path
    job.request = msgspec.structs.replace(job.request, shot=shot)
    return job


class DaemonProcess:
    """A daemon with stub workers in a process of its own."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.home = home
        self.settings = settings
        self.process: Forked | None = None
        self.environment: dict[str, str] = {}
        self._words: IO[bytes]

    def start(self) -> DaemonProcess:
        script = Path(__file__).with_name("serve_with_stub.py")
        said = json.dumps({"home": str(self.home), **self.settings})
        environment = {name: value for name, value in os.environ.items() if not name.startswith("UNDERSTUDY_")}
        said_here, says = os.pipe()
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - until it has ended
        with open(said_here, "rb") as port, open(says, "wb") as to:  # noqa: PTH123 - a pipe
            self.process = daemon_forks().start(
                (str(script), said), {**environment, **self.environment},
                stdout=to.fileno(), stderr=self._words.fileno(),
            )  # fmt: skip
            to.close()
            if not port.readline():
                raise AssertionError(self.finish()[1])
        return self

    def finish(self, seconds: float = PATIENCE_SECONDS) -> tuple[int, str]:
        """Wait for the daemon's end; return its exit code and what it wrote to its standard error."""
        assert self.process is not None
        code = self.process.wait(seconds)
        with self._words as words:
            words.seek(0)
            return code, words.read().decode()

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.finish()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            code, words = self.finish()
            assert code == 0, words

    def client(self) -> Client:
        return Client.connect(self.home)

    @property
    def log(self) -> str:
        return (self.home / "daemon.log").read_text()


class Eyes:
    """Collects the events of a daemon's jobs."""

    def __init__(self, daemon: DaemonProcess, *job_ids: str, after: int = 0) -> None:
        self.events: list[Event] = []
        self.arrived: queue.Queue[Event] = queue.Queue()
        self._watcher = Watcher(load_connection(daemon.home), job_ids, after, self._see, lambda: None)

    def _see(self, event: Event) -> None:
        self.events.append(event)

    def wait_subscribed(self) -> bool:
        return self._watcher.wait_subscribed(PATIENCE_SECONDS)

    def durable(self) -> list[Event]:
        return [event for event in self.events if not isinstance(event.what, Progress)]

    def states(self, job_id: str) -> list[str]:
        return [e.what.state for e in list(self.events) if e.job_id == job_id and isinstance(e.what, StateChanged)]

    def close(self) -> None:
        self._watcher.close()


def send(client: Client, job: Job) -> str:
    """Submit a job and hand over its files; return its id."""
    job_id = client.submit(job.request, job.token).job_id
    for digest in client.lacking(job_id):
        client.hand_over(job_id, digest, job.paths[digest])
    return job_id


def finished(client: Client, job_id: str) -> JobSummary:
    """Wait until a job has ended and return it."""

    def ended() -> JobSummary | None:
        summary = client.show_job(job_id).summary
        return summary if summary.state in ENDED else None

    summary: JobSummary = until(ended)
    return summary


def state_of(client: Client, job_id: str) -> str:
    return client.show_job(job_id).summary.state


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    """A daemon of its own for one test."""
    process = DaemonProcess(tmp_path / "home").start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """One daemon for all tests of a file that do not mind each other's jobs."""
    process = DaemonProcess(tmp_path_factory.mktemp("shared") / "home").start()
    yield process
    process.stop()


@pytest.fixture
def client(shared_daemon: DaemonProcess) -> Iterator[Client]:
    with shared_daemon.client() as client:
        yield client


def guest(daemon: DaemonProcess, name: str, *projects: str, roles: tuple[str, ...] = ("artist",)) -> Connection:
    """Return a connection with a key of its own."""
    return issue_key(daemon.home, name, roles=roles, projects=projects, host="127.0.0.1")  # type: ignore[arg-type]


@pytest.fixture
def ben(shared_daemon: DaemonProcess) -> Iterator[Client]:
    """Another artist, of the project dune, who has not proved to share the machine."""
    client = Client(guest(shared_daemon, f"ben{secrets.token_hex(3)}", "dune"))
    client.hello()
    yield client
    client.close()
