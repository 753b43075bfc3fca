from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from blake3 import blake3

from understudy.bridge import transfer
from understudy.bridge.bulk_messages import CHUNK_BYTES
from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonUnreachable, JobParked, PlateError, ProtocolError, RequestError
from understudy.bridge.keys import Connection, write_challenge
from understudy.bridge.messages import AskLacking, Done, HandOver, Hello, Lacking, Outputs, Reply
from understudy.bridge.shot import OutputFile
from understudy.bridge.transfer import collect, download, upload
from understudy.inference.daemon.bulk import BulkServer
from understudy.inference.vault import Vault

MIB = CHUNK_BYTES
JOB = "job1"


def digest_of(data: bytes) -> str:
    return blake3(data).hexdigest()


class Depot:
    """A little daemon with a real vault and a real bulk server beside its control socket."""

    def __init__(self, daemon: Any, home: Path) -> None:
        self.daemon = daemon
        self.user = daemon.keys.connection.user
        self.challenge, _ = write_challenge(home)
        self.vault = Vault(home / "vault", 500 * MIB)
        self.wanted: dict[str, int] = {}
        self.outputs: dict[str, Path] = {}
        self.handed: list[HandOver] = []
        self.bulk: BulkServer | None = None
        daemon.answers[AskLacking] = self._lacking
        daemon.answers[HandOver] = self._hand_over
        self.open()

    def open(self) -> None:
        """Open a bulk server, on another port each time."""
        self.bulk = BulkServer(
            self.daemon._context,
            self.daemon.keys.server,
            self.vault,
            lambda user, job_id, file: file in self.wanted,
            lambda user, job_id, path: self.outputs.get(path),
            lambda job_id, file: None,
            size_of=lambda job_id, file: self.wanted.get(file),
        )
        self.say_port(self.bulk.port)

    def say_port(self, port: int) -> None:
        welcome = self.daemon.welcome(challenge=str(self.challenge))
        self.daemon.answers[Hello] = msgspec.structs.replace(welcome, bulk_port=port)

    def share_machine(self, client: Client) -> None:
        """Let the client prove that it can read the daemon's owner-only file."""
        client.hello()
        assert client.prove_machine()

    def close(self) -> None:
        bulk, self.bulk = self.bulk, None
        if bulk is not None:
            bulk.close()

    def want(self, *paths: Path) -> dict[str, Path]:
        named = {digest_of(path.read_bytes()): path for path in paths}
        self.wanted.update({digest: path.stat().st_size for digest, path in named.items()})
        return named

    def _lacking(self, request: AskLacking) -> Reply:
        missing = [file for file in self.wanted if not self.vault.has(file)]
        return Lacking(files={file: self.vault.resume_offset(file, self.user) for file in missing})

    def _hand_over(self, request: HandOver) -> Reply:
        self.handed.append(request)
        if self.refuse_paths:
            return RequestError("outside the roots").report()
        try:
            take = self.vault.take_link if request.give_up else self.vault.take_copy
            take(Path(request.path), request.file)
        except (PlateError, JobParked) as problem:
            return problem.report()
        return Done()

    refuse_paths = True


class Cable:
    """A TCP path to the bulk port that a test can cut. Every connection is cut after `cut_after` bytes upwards."""

    def __init__(self, port: int, cut_after: int) -> None:
        self._target = port
        self._cut_after = cut_after
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            budget = [self._cut_after]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink, near, far, budget), daemon=True).start()

    def _pump(
        self, source: socket.socket, sink: socket.socket, near: socket.socket, far: socket.socket, budget: list[int]
    ) -> None:
        try:
            while data := source.recv(65536):
                budget[0] -= len(data)
                if budget[0] < 0:
                    self.cuts += 1
                    break
                sink.sendall(data)
        except OSError:
            pass
        for end in (near, far):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
            end.close()


@pytest.fixture
def depot(daemon: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Depot]:
    monkeypatch.setattr(transfer, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(transfer, "RETRY_SECONDS", 0.05)
    depot = Depot(daemon, home)
    yield depot
    depot.close()


@pytest.fixture
def connection(daemon: Any) -> Connection:
    kept: Connection = daemon.connection
    return kept


@pytest.fixture
def client(depot: Depot, connection: Connection) -> Iterator[Client]:
    with Client(connection, timeout_seconds=2) as client:
        yield client


@pytest.fixture
def frames(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"plate.{number:04}.exr" for number in range(1, 5)]
    for number, path in enumerate(paths):
        path.write_bytes(os.urandom(number * 3 * MIB + 100 + number))
    return paths


def output_of(path: Path, name: str = "comp/comp.0001.exr") -> OutputFile:
    data = path.read_bytes()
    return OutputFile(path=name, size=len(data), file=digest_of(data), layer="comp", frame=1)


def test_when_files_are_uploaded_then_each_stands_in_the_vault_and_progress_ends_at_the_whole(
    depot: Depot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    told: list[tuple[int, int]] = []
    paths = depot.want(*frames)
    upload(client, connection, JOB, paths, lambda done, total: told.append((done, total)))
    whole = sum(path.stat().st_size for path in frames)
    assert all(depot.vault.path(digest).read_bytes() == path.read_bytes() for digest, path in paths.items())
    assert told[-1] == (whole, whole)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_when_the_vault_has_everything_then_no_byte_is_sent(
    depot: Depot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    paths = depot.want(*frames)
    upload(client, connection, JOB, paths)
    depot.close()
    upload(client, connection, JOB, paths)


def test_when_the_connection_is_cut_again_and_again_then_the_upload_goes_on_where_it_stopped(
    depot: Depot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "movie.mov"
    path.write_bytes(os.urandom(40 * MIB))
    assert depot.bulk is not None
    cable = Cable(depot.bulk.port, cut_after=15 * MIB)
    depot.say_port(cable.port)
    upload(client, connection, JOB, depot.want(path))
    cable.close()
    # Each connection carries at most 15 MiB, so 40 MiB arrive over three to six only when each goes on from the last.
    assert 2 <= cable.cuts <= 6
    assert depot.vault.has(digest_of(path.read_bytes()))


def test_when_the_bulk_server_comes_back_on_another_port_then_the_upload_ends_well(
    depot: Depot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "movie.mov"
    path.write_bytes(os.urandom(60 * MIB))
    half = threading.Event()

    def restart() -> None:
        assert half.wait(10)
        depot.close()
        time.sleep(0.1)
        depot.open()

    operator = threading.Thread(target=restart)
    operator.start()
    upload(client, connection, JOB, depot.want(path), lambda done, total: half.set() if done > total // 4 else None)
    operator.join()
    assert depot.vault.has(digest_of(path.read_bytes()))


def test_when_the_daemon_stays_away_then_the_upload_gives_up_in_time(
    depot: Depot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    depot.close()
    start = time.monotonic()
    with pytest.raises(DaemonUnreachable):
        upload(client, connection, JOB, depot.want(*frames))
    assert time.monotonic() - start < 8


def test_when_a_plate_is_overwritten_before_it_is_sent_then_the_error_names_it(
    depot: Depot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    paths = depot.want(*frames)
    frames[2].write_bytes(os.urandom(frames[2].stat().st_size))
    with pytest.raises(PlateError, match=r"plate\.0003\.exr"):
        upload(client, connection, JOB, paths)


def test_when_a_plate_is_cut_short_before_it_is_sent_then_the_error_names_it(
    depot: Depot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    paths = depot.want(*frames)
    os.truncate(frames[3], 5)
    with pytest.raises(PlateError, match=r"plate\.0004\.exr"):
        upload(client, connection, JOB, paths)


def test_when_the_vault_is_full_then_the_client_hears_that_the_job_is_parked(
    depot: Depot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    depot.vault.quota_bytes = MIB
    with pytest.raises(JobParked):
        upload(client, connection, JOB, depot.want(*frames))
    depot.vault.quota_bytes = 100 * MIB
    upload(client, connection, JOB, depot.want(*frames))


def test_when_a_lacking_file_is_not_at_hand_then_the_caller_hears_so(
    depot: Depot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    paths = depot.want(*frames)
    paths.popitem()
    with pytest.raises(RequestError, match="not at hand"):
        upload(client, connection, JOB, paths)


def test_when_the_machine_is_shared_then_files_go_by_path_and_no_byte_crosses(
    depot: Depot, client: Client, connection: Connection, frames: list[Path], tmp_path: Path
) -> None:
    depot.refuse_paths = False
    depot.share_machine(client)
    link = tmp_path / "shot"
    link.symlink_to(frames[0])
    paths = depot.want(link, *frames[1:])
    given_up = digest_of(frames[1].read_bytes())
    depot.close()
    upload(client, connection, JOB, paths, give_up={given_up})
    assert all(depot.vault.has(digest) for digest in paths)
    assert depot.handed[0].path == str(frames[0])
    assert depot.vault.path(given_up).samefile(frames[1])
    assert not depot.vault.path(digest_of(frames[2].read_bytes())).samefile(frames[2])


def test_when_the_machine_is_shared_and_a_plate_changed_then_the_error_names_it(
    depot: Depot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    depot.refuse_paths = False
    depot.share_machine(client)
    paths = depot.want(*frames)
    frames[1].write_bytes(b"another picture")
    with pytest.raises(PlateError, match=r"plate\.0002\.exr"):
        upload(client, connection, JOB, paths)


def test_when_the_daemon_wants_no_paths_then_one_is_offered_and_all_are_sent(
    depot: Depot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    paths = depot.want(*frames)
    upload(client, connection, JOB, paths)
    assert len(depot.handed) == 1
    assert all(depot.vault.has(digest) for digest in paths)


def test_when_an_output_is_downloaded_then_it_appears_whole_with_its_digest(
    depot: Depot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    made = tmp_path / "made.exr"
    made.write_bytes(os.urandom(30 * MIB + 3))
    file = output_of(made)
    depot.outputs[file.path] = made
    download(client, connection, JOB, file, tmp_path / "mine.exr")
    assert (tmp_path / "mine.exr").read_bytes() == made.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "made.exr", "mine.exr"]


def test_when_a_download_is_cut_then_it_goes_on_where_it_stopped(
    depot: Depot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    made = tmp_path / "made.mov"
    made.write_bytes(os.urandom(40 * MIB))
    file = output_of(made)
    depot.outputs[file.path] = made
    assert depot.bulk is not None
    cable = Cable(depot.bulk.port, cut_after=15 * MIB)
    depot.say_port(cable.port)
    download(client, connection, JOB, file, tmp_path / "mine.mov")
    cable.close()
    assert 2 <= cable.cuts <= 6
    assert (tmp_path / "mine.mov").read_bytes() == made.read_bytes()


def test_when_the_bulk_server_came_back_on_another_port_then_a_download_finds_it(
    depot: Depot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    made = tmp_path / "made.exr"
    made.write_bytes(os.urandom(MIB))
    depot.outputs["comp/comp.0001.exr"] = made
    client.hello()
    depot.close()
    depot.open()
    download(client, connection, JOB, output_of(made), tmp_path / "mine.exr")
    assert (tmp_path / "mine.exr").read_bytes() == made.read_bytes()


def test_when_an_output_is_not_what_was_listed_then_nothing_appears(
    depot: Depot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    made = tmp_path / "made.exr"
    made.write_bytes(os.urandom(MIB))
    file = output_of(made)
    depot.outputs[file.path] = made
    made.write_bytes(os.urandom(MIB))
    with pytest.raises(PlateError, match="not the file that the daemon listed"):
        download(client, connection, JOB, file, tmp_path / "mine.exr")
    made.write_bytes(os.urandom(MIB + 1))
    with pytest.raises(PlateError, match="1048577 bytes now"):
        download(client, connection, JOB, file, tmp_path / "mine.exr")
    assert not (tmp_path / "mine.exr").exists()


def test_when_an_output_does_not_exist_then_downloading_says_so(
    depot: Depot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    file = OutputFile(path="comp/comp.0009.exr", size=5, file="0" * 64)
    with pytest.raises(RequestError, match=r"comp\.0009\.exr"):
        download(client, connection, JOB, file, tmp_path / "mine.exr")


@pytest.mark.parametrize("same_machine", [True, False])
def test_when_an_output_is_collected_then_the_copy_shares_nothing_with_the_daemons_file(
    depot: Depot, client: Client, connection: Connection, tmp_path: Path, same_machine: bool
) -> None:
    folder = tmp_path / "v001"
    made = folder / "comp" / "comp.0001.exr"
    made.parent.mkdir(parents=True)
    made.write_bytes(os.urandom(3 * MIB))
    file = output_of(made)
    depot.outputs[file.path] = made
    if same_machine:
        depot.share_machine(client)
    outputs = Outputs(job_id=JOB, version=1, folder=str(folder), provisional=True, files=(file,))
    target = tmp_path / "out" / "comp" / "comp.0001.exr"
    collect(client, connection, outputs, file, target)
    assert target.read_bytes() == made.read_bytes()
    assert not target.samefile(made)
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_when_the_daemons_folder_was_renamed_meanwhile_then_the_file_is_downloaded(
    depot: Depot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    made = tmp_path / "v001.exr"
    made.write_bytes(os.urandom(MIB))
    file = output_of(made)
    depot.outputs[file.path] = made
    depot.share_machine(client)
    outputs = Outputs(job_id=JOB, version=1, folder=str(tmp_path / "gone"), provisional=True, files=(file,))
    collect(client, connection, outputs, file, tmp_path / "mine.exr")
    assert (tmp_path / "mine.exr").read_bytes() == made.read_bytes()


@pytest.mark.parametrize("path", ["../escape.exr", "/etc/passwd", "a/../../b"])
def test_when_a_daemon_names_a_file_outside_its_version_then_collecting_refuses(
    depot: Depot, client: Client, connection: Connection, tmp_path: Path, path: str
) -> None:
    file = OutputFile(path=path, size=5, file="0" * 64)
    outputs = Outputs(job_id=JOB, version=1, folder=str(tmp_path), provisional=True, files=(file,))
    with pytest.raises(ProtocolError):
        collect(client, connection, outputs, file, tmp_path / "mine.exr")


def test_when_two_clients_upload_the_same_files_at_once_then_both_end_well(
    depot: Depot, connection: Connection, frames: list[Path]
) -> None:
    paths = depot.want(*frames)
    failures: list[BaseException] = []

    def bring() -> None:
        try:
            with Client(connection, timeout_seconds=5) as client:
                upload(client, connection, JOB, paths)
        except BaseException as problem:  # noqa: BLE001  carried to the test's own thread
            failures.append(problem)

    threads = [threading.Thread(target=bring) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert all(depot.vault.path(digest).read_bytes() == path.read_bytes() for digest, path in paths.items())


def test_when_many_small_files_are_uploaded_then_all_arrive(
    depot: Depot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.bin" for number in range(100)]
    for number, path in enumerate(paths):
        path.write_bytes(b"small" + bytes([number]) * (number + 1))
    named = depot.want(*paths)
    upload(client, connection, JOB, named)
    assert all(depot.vault.has(digest) for digest in named)
