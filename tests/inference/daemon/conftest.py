"""Real daemons with stub workers, and small jobs for them."""

from __future__ import annotations

import queue
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from blake3 import blake3
from bulk_rig import Caller, GuardedDepot
from following_rig import Studio
from stub_daemon_rig import PATIENCE_SECONDS, DaemonProcess, until
from terminal_rig import Terminal

from understudy.bridge.client import Client
from understudy.bridge.consent import Consent
from understudy.bridge.errors import ComplianceError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.keys import Connection, issue_key, load_connection
from understudy.bridge.messages import Event, JobSummary, Progress, StateChanged
from understudy.bridge.record import Record
from understudy.bridge.settings import load_settings
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
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.registry import Registry
from understudy.inference.daemon.house import House
from understudy.inference.daemon.store import NewJob, Place, Store
from understudy.inference.vault import Vault


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


BARE = Consent(consent_id="c-1", talent="", document="", signed_on="")
"""A consent of which only the registry knows more."""


def naming_ana(folder: Path, **changes: Any) -> Job:
    """Return a job on a record that shows ana by her consent c-1."""
    job = make_job(folder, **changes)
    record = Record(likeness="digital_replica", on_screen=("ana",), consents=(BARE,))
    job.request = msgspec.structs.replace(job.request, record=record)
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


def refused(daemon: DaemonProcess, folder: Path, why: str, **changes: Any) -> ComplianceError:
    """Submit a job that shows ana; return why it was refused."""
    job = naming_ana(folder / secrets.token_hex(4), **changes)
    with daemon.client() as client, pytest.raises(ComplianceError, match=why) as refusal:
        client.submit(job.request, job.token)
    return refusal.value


def house_with(home: Path, job: Job, job_id: str = "job0dies") -> House:
    """Return a daemon's belongings, with one queued job whose files are all there."""
    settings = load_settings({"home": home})
    home.mkdir()
    store, vault = Store(home / "store.sqlite"), Vault(home / "vault", settings.vault_quota_bytes)
    place = Place(str(home / "jobs" / job_id))
    store.accept(NewJob(job_id, "ann", "t" * 16, job.request, place, cache_key="", admission=()))
    for digest, path in job.paths.items():
        vault.take_copy(path, digest)
        store.possess(job_id, digest)
    store.move(job_id, "stored")
    ledger = Ledger(home)
    return House(settings, store, vault, None, ledger, Registry(home, ledger))  # type: ignore[arg-type]


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


@pytest.fixture
def depot(tmp_path: Path) -> Iterator[GuardedDepot]:
    depot = GuardedDepot(tmp_path / "home")
    yield depot
    depot.close()


@pytest.fixture
def caller(depot: GuardedDepot) -> Iterator[Caller]:
    caller = depot.connect()
    yield caller
    caller.vanish()


@pytest.fixture
def studio(tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    made = Studio(tmp_path / "studio", terminal, monkeypatch)
    yield made
    for daemon in reversed(made.running):
        daemon.stop()
