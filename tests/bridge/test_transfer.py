"""Plates from the client's disk to the vault: sent over the bulk socket, or handed over by path on one machine."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from depot_rig import JOB, MIB, digest_of
from transfer_rig import AnsweringDepot, Cable

from understudy.bridge import transfer
from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonUnreachable, JobParked, PlateError, RequestError
from understudy.bridge.keys import Connection
from understudy.bridge.transfer import upload


@pytest.fixture
def client(depot: AnsweringDepot, connection: Connection) -> Iterator[Client]:
    """A client of the depot's daemon, which has not proved that it shares the machine."""
    with Client(connection, timeout_seconds=10) as client:
        yield client


@pytest.fixture
def frames(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"plate.{number:04}.exr" for number in range(1, 5)]
    for number, path in enumerate(paths):
        path.write_bytes(os.urandom(number * 3 * MIB + 100 + number))
    return paths


def test_when_files_are_uploaded_then_each_stands_in_the_vault_and_progress_ends_at_the_whole(
    depot: AnsweringDepot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    told: list[tuple[int, int]] = []
    paths = depot.want_files(*frames)
    upload(client, connection, JOB, paths, lambda done, total: told.append((done, total)))
    whole = sum(path.stat().st_size for path in frames)
    assert all(depot.vault.path(digest).read_bytes() == path.read_bytes() for digest, path in paths.items())
    assert told[-1] == (whole, whole)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_when_the_vault_has_everything_then_no_byte_is_sent(
    depot: AnsweringDepot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    paths = depot.want_files(*frames)
    upload(client, connection, JOB, paths)
    depot.close()
    upload(client, connection, JOB, paths)


def test_when_the_connection_is_cut_again_and_again_then_the_upload_goes_on_where_it_stopped(
    depot: AnsweringDepot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "movie.mov"
    path.write_bytes(os.urandom(40 * MIB))
    cable = Cable(depot.port, cut_after=15 * MIB)
    depot.say_port(cable.port)
    upload(client, connection, JOB, depot.want_files(path))
    cable.close()
    # Each connection carries at most 15 MiB, so 40 MiB arrive over three to six only when each goes on from the last.
    assert 2 <= cable.cuts <= 6
    assert depot.vault.has(digest_of(path.read_bytes()))


def test_when_the_bulk_server_comes_back_on_another_port_then_the_upload_ends_well(
    depot: AnsweringDepot, client: Client, connection: Connection, tmp_path: Path
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
    upload(
        client, connection, JOB, depot.want_files(path), lambda done, total: half.set() if done > total // 4 else None
    )
    operator.join()
    assert depot.vault.has(digest_of(path.read_bytes()))


def test_when_the_daemon_stays_away_then_the_upload_gives_up_in_time(
    depot: AnsweringDepot, client: Client, connection: Connection, frames: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "PATIENCE_SECONDS", 1.0)
    depot.close()
    with pytest.raises(DaemonUnreachable):
        upload(client, connection, JOB, depot.want_files(*frames))


def test_when_a_plate_is_overwritten_before_it_is_sent_then_the_error_names_it(
    depot: AnsweringDepot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    paths = depot.want_files(*frames)
    frames[2].write_bytes(os.urandom(frames[2].stat().st_size))
    with pytest.raises(PlateError, match=r"plate\.0003\.exr"):
        upload(client, connection, JOB, paths)


def test_when_a_plate_is_cut_short_before_it_is_sent_then_the_error_names_it(
    depot: AnsweringDepot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    paths = depot.want_files(*frames)
    os.truncate(frames[3], 5)
    with pytest.raises(PlateError, match=r"plate\.0004\.exr"):
        upload(client, connection, JOB, paths)


def test_when_the_vault_is_full_then_the_client_hears_that_the_job_is_parked(
    depot: AnsweringDepot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    depot.vault.quota_bytes = MIB
    with pytest.raises(JobParked):
        upload(client, connection, JOB, depot.want_files(*frames))
    depot.vault.quota_bytes = 100 * MIB
    upload(client, connection, JOB, depot.want_files(*frames))


def test_when_a_lacking_file_is_not_at_hand_then_the_caller_hears_so(
    depot: AnsweringDepot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    paths = depot.want_files(*frames)
    paths.popitem()
    with pytest.raises(RequestError, match="not at hand"):
        upload(client, connection, JOB, paths)


def test_when_the_machine_is_shared_then_files_go_by_path_and_no_byte_crosses(
    depot: AnsweringDepot, client: Client, connection: Connection, frames: list[Path], tmp_path: Path
) -> None:
    depot.refuse_paths = False
    depot.share_machine(client)
    link = tmp_path / "shot"
    link.symlink_to(frames[0])
    paths = depot.want_files(link, *frames[1:])
    given_up = digest_of(frames[1].read_bytes())
    depot.close()
    upload(client, connection, JOB, paths, give_up={given_up})
    assert all(depot.vault.has(digest) for digest in paths)
    assert depot.handed[0].path == str(frames[0])
    assert depot.vault.path(given_up).samefile(frames[1])
    assert not depot.vault.path(digest_of(frames[2].read_bytes())).samefile(frames[2])


def test_when_the_machine_is_shared_and_a_plate_changed_then_the_error_names_it(
    depot: AnsweringDepot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    depot.refuse_paths = False
    depot.share_machine(client)
    paths = depot.want_files(*frames)
    frames[1].write_bytes(b"another picture")
    with pytest.raises(PlateError, match=r"plate\.0002\.exr"):
        upload(client, connection, JOB, paths)


def test_when_the_daemon_wants_no_paths_then_one_is_offered_and_all_are_sent(
    depot: AnsweringDepot, client: Client, connection: Connection, frames: list[Path]
) -> None:
    paths = depot.want_files(*frames)
    upload(client, connection, JOB, paths)
    assert len(depot.handed) == 1
    assert all(depot.vault.has(digest) for digest in paths)


def test_when_two_clients_upload_the_same_files_at_once_then_both_end_well(
    depot: AnsweringDepot, connection: Connection, frames: list[Path]
) -> None:
    paths = depot.want_files(*frames)
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
    depot: AnsweringDepot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.bin" for number in range(100)]
    for number, path in enumerate(paths):
        path.write_bytes(b"small" + bytes([number]) * (number + 1))
    named = depot.want_files(*paths)
    upload(client, connection, JOB, named)
    assert all(depot.vault.has(digest) for digest in named)
