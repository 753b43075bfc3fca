"""Outputs from the daemon to the client's disk: pulled over the bulk socket, or copied where both share a machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from depot_rig import JOB, MIB, digest_of
from transfer_rig import AnsweringDepot, Cable

from understudy.bridge.client import Client
from understudy.bridge.errors import PlateError, ProtocolError, RequestError
from understudy.bridge.keys import Connection
from understudy.bridge.messages import Outputs
from understudy.bridge.shot import OutputFile
from understudy.bridge.transfer import collect, download


@pytest.fixture
def client(depot: AnsweringDepot, connection: Connection) -> Iterator[Client]:
    """A client of the depot's daemon, which has not proved that it shares the machine."""
    with Client(connection, timeout_seconds=10) as client:
        yield client


def output_of(path: Path, name: str = "comp/comp.0001.exr") -> OutputFile:
    data = path.read_bytes()
    return OutputFile(path=name, size=len(data), file=digest_of(data), layer="comp", frame=1)


def test_when_an_output_is_downloaded_then_it_appears_whole_with_its_digest(
    depot: AnsweringDepot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    made = tmp_path / "made.exr"
    made.write_bytes(os.urandom(30 * MIB + 3))
    file = output_of(made)
    depot.offer(file.path, made)
    download(client, connection, JOB, file, tmp_path / "mine.exr")
    assert (tmp_path / "mine.exr").read_bytes() == made.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "made.exr", "mine.exr"]


def test_when_a_download_is_cut_then_it_goes_on_where_it_stopped(
    depot: AnsweringDepot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    made = tmp_path / "made.mov"
    made.write_bytes(os.urandom(40 * MIB))
    file = output_of(made)
    depot.offer(file.path, made)
    cable = Cable(depot.port, cut_after=15 * MIB)
    depot.say_port(cable.port)
    download(client, connection, JOB, file, tmp_path / "mine.mov")
    cable.close()
    assert 2 <= cable.cuts <= 6
    assert (tmp_path / "mine.mov").read_bytes() == made.read_bytes()


def test_when_the_bulk_server_came_back_on_another_port_then_a_download_finds_it(
    depot: AnsweringDepot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    made = tmp_path / "made.exr"
    made.write_bytes(os.urandom(MIB))
    depot.offer("comp/comp.0001.exr", made)
    client.hello()
    depot.close()
    depot.open()
    download(client, connection, JOB, output_of(made), tmp_path / "mine.exr")
    assert (tmp_path / "mine.exr").read_bytes() == made.read_bytes()


def test_when_an_output_is_not_what_was_listed_then_nothing_appears(
    depot: AnsweringDepot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    made = tmp_path / "made.exr"
    made.write_bytes(os.urandom(MIB))
    file = output_of(made)
    depot.offer(file.path, made)
    made.write_bytes(os.urandom(MIB))
    with pytest.raises(PlateError, match="not the file that the daemon listed"):
        download(client, connection, JOB, file, tmp_path / "mine.exr")
    made.write_bytes(os.urandom(MIB + 1))
    with pytest.raises(PlateError, match="1048577 bytes now"):
        download(client, connection, JOB, file, tmp_path / "mine.exr")
    assert not (tmp_path / "mine.exr").exists()


def test_when_an_output_does_not_exist_then_downloading_says_so(
    depot: AnsweringDepot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    file = OutputFile(path="comp/comp.0009.exr", size=5, file="0" * 64)
    with pytest.raises(RequestError, match=r"comp\.0009\.exr"):
        download(client, connection, JOB, file, tmp_path / "mine.exr")


@pytest.mark.parametrize("same_machine", [True, False])
def test_when_an_output_is_collected_then_the_copy_shares_nothing_with_the_daemons_file(
    depot: AnsweringDepot, client: Client, connection: Connection, tmp_path: Path, same_machine: bool
) -> None:
    folder = tmp_path / "v001"
    made = folder / "comp" / "comp.0001.exr"
    made.parent.mkdir(parents=True)
    made.write_bytes(os.urandom(3 * MIB))
    file = output_of(made)
    depot.offer(file.path, made)
    if same_machine:
        depot.share_machine(client)
    outputs = Outputs(job_id=JOB, version=1, folder=str(folder), provisional=True, files=(file,))
    target = tmp_path / "out" / "comp" / "comp.0001.exr"
    collect(client, connection, outputs, file, target)
    assert target.read_bytes() == made.read_bytes()
    assert not target.samefile(made)
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_when_the_daemons_folder_was_renamed_meanwhile_then_the_file_is_downloaded(
    depot: AnsweringDepot, client: Client, connection: Connection, tmp_path: Path
) -> None:
    made = tmp_path / "v001.exr"
    made.write_bytes(os.urandom(MIB))
    file = output_of(made)
    depot.offer(file.path, made)
    depot.share_machine(client)
    outputs = Outputs(job_id=JOB, version=1, folder=str(tmp_path / "gone"), provisional=True, files=(file,))
    collect(client, connection, outputs, file, tmp_path / "mine.exr")
    assert (tmp_path / "mine.exr").read_bytes() == made.read_bytes()


@pytest.mark.parametrize("path", ["../escape.exr", "/etc/passwd", "a/../../b"])
def test_when_a_daemon_names_a_file_outside_its_version_then_collecting_refuses(
    depot: AnsweringDepot, client: Client, connection: Connection, tmp_path: Path, path: str
) -> None:
    file = OutputFile(path=path, size=5, file="0" * 64)
    outputs = Outputs(job_id=JOB, version=1, folder=str(tmp_path), provisional=True, files=(file,))
    with pytest.raises(ProtocolError):
        collect(client, connection, outputs, file, tmp_path / "mine.exr")
