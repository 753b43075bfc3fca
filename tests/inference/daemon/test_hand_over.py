"""Files handed over by path, and jobs that find no room. Real sockets, files and store."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from blake3 import blake3

from understudy.bridge.client import Client
from understudy.bridge.errors import JobParked, KeyRefused, PlateError, RequestError
from understudy.bridge.messages import (
    Done,
    ProveMachine,
)

from .conftest import (
    DaemonProcess,
    Job,
    finished,
    guest,
    large_job,
    let,
    make_job,
    send,
    state_of,
    until,
)


def test_a_path_is_taken_only_from_a_connection_that_proved_the_machine(ben: Client, tmp_path: Path) -> None:
    job = make_job(tmp_path, project="dune")
    job_id = ben.submit(job.request, job.token).job_id
    digest, path = next(iter(job.paths.items()))
    with pytest.raises(RequestError, match="outside the folders"):
        ben.hand_over(job_id, digest, path)
    assert ben.prove_machine()
    ben.hand_over(job_id, digest, path)
    assert digest not in ben.lacking(job_id)
    ben.control(job_id, "cancel")


def test_a_wrong_nonce_proves_nothing(shared_daemon: DaemonProcess, client: Client) -> None:
    with pytest.raises(KeyRefused, match="challenge"):
        client._ask(ProveMachine(nonce="0" * 64), Done)


def test_inside_a_root_of_the_settings_a_path_needs_no_proof_and_a_link_out_of_it_fails(tmp_path: Path) -> None:
    root = tmp_path / "shows"
    job = make_job(root / "dune", project="dune")
    outside = make_job(tmp_path / "elsewhere", project="dune")
    shows = {"name": "shows", "linux": str(root), "projects": ["dune"]}
    daemon = DaemonProcess(tmp_path / "home", roots=[shows]).start()
    with Client(guest(daemon, "ada", "dune")) as ada:
        ada.hello()
        job_id = ada.submit(job.request, job.token).job_id
        for digest, path in job.paths.items():
            ada.hand_over(job_id, digest, path)
        other = ada.submit(outside.request, outside.token).job_id
        digest, path = next(iter(outside.paths.items()))
        (root / "way_out").symlink_to(path.parent)
        with pytest.raises(RequestError, match="outside the folders"):
            ada.hand_over(other, digest, root / "way_out" / path.name)
        assert finished(ada, job_id).state == "delivered"
    daemon.stop()


def test_a_key_of_one_project_reaches_no_root_of_another_and_a_key_of_none_reaches_all(tmp_path: Path) -> None:
    names = {"dune": ["dune", "arrakis"], "emma": ["emma"], "everyone": []}
    roots = [{"name": name, "linux": str(tmp_path / name), "projects": whose} for name, whose in names.items()]
    daemon = DaemonProcess(tmp_path / "home", roots=roots).start()
    jobs = {name: make_job(tmp_path / name) for name in names}
    with Client(guest(daemon, "ada", "dune")) as ada, Client(guest(daemon, "ben")) as ben:
        assert taken_of(ada, jobs) == {"dune"}
        assert taken_of(ben, jobs) == {"dune", "emma", "everyone"}
    daemon.stop()


def taken_of(client: Client, jobs: dict[str, Job]) -> set[str]:
    """Offer a file of each job by path, without proof of the machine; return where it was taken from."""
    client.hello()
    taken = set[str]()
    for name, job in jobs.items():
        job_id = client.submit(job.request, job.token).job_id
        digest, path = next(iter(job.paths.items()))
        with suppress(RequestError):
            client.hand_over(job_id, digest, path)
            taken.add(name)
        assert (digest in client.lacking(job_id)) == (name not in taken)
    return taken


@pytest.mark.parametrize("other", [b"the plate of another show", b""], ids=["another size", "the same size"])
def test_a_file_that_is_not_the_announced_one_is_described_only_to_who_proved_the_machine(
    tmp_path: Path, other: bytes
) -> None:
    root = tmp_path / "dune"
    daemon = DaemonProcess(
        tmp_path / "home", roots=[{"name": "dune", "linux": str(root), "projects": ["dune"]}]
    ).start()
    job = make_job(root)
    digest, path = next(iter(job.paths.items()))
    path.write_bytes(other or path.read_bytes()[::-1])
    found = f"{len(other)} bytes" if other else blake3(path.read_bytes()).hexdigest()
    with Client(guest(daemon, "ada", "dune")) as ada:
        ada.hello()
        job_id = ada.submit(job.request, job.token).job_id
        said = []
        for _ in range(2):
            with pytest.raises(PlateError) as caught:
                ada.hand_over(job_id, digest, path)
            said.append(f"{caught.value.message} {caught.value.remedy} {caught.value.facts}".replace(str(path), ""))
            assert ada.prove_machine()
    daemon.stop()
    assert found not in said[0]
    assert found in said[1]


def test_a_symlink_is_refused_by_name(client: Client, tmp_path: Path) -> None:
    job = make_job(tmp_path)
    job_id = client.submit(job.request, job.token).job_id
    digest, path = next(iter(job.paths.items()))
    link = tmp_path / "link.dat"
    link.symlink_to(path)
    with pytest.raises(PlateError, match="symlink"):
        client.hand_over(job_id, digest, link)
    client.control(job_id, "cancel")


def test_a_file_that_changed_since_it_was_announced_is_refused_and_the_job_waits_for_the_right_one(
    client: Client, tmp_path: Path
) -> None:
    job = make_job(tmp_path)
    job_id = client.submit(job.request, job.token).job_id
    digest, path = next(iter(job.paths.items()))
    right = path.read_bytes()
    path.write_bytes(right[::-1])
    with pytest.raises(PlateError, match="changed"):
        client.hand_over(job_id, digest, path)
    path.write_bytes(right)
    for lacking in client.lacking(job_id):
        client.hand_over(job_id, lacking, job.paths[lacking])
    assert finished(client, job_id).state == "delivered"


def test_a_file_that_no_job_asked_for_is_not_taken(client: Client, tmp_path: Path) -> None:
    job = make_job(tmp_path)
    job_id = client.submit(job.request, job.token).job_id
    with pytest.raises(RequestError):
        client.hand_over(job_id, "0" * 64, tmp_path / "plate.1001.dat")
    client.control(job_id, "cancel")


def test_a_plate_that_is_overwritten_after_it_was_handed_over_changes_nothing(client: Client, tmp_path: Path) -> None:
    blocker = send(client, make_job(tmp_path / "blocker", prompt="slow=0.1", frames=100))
    job = make_job(tmp_path / "job")
    job_id = send(client, job)
    for path in job.paths.values():
        path.write_bytes(b"overwritten in place")
    client.control(blocker, "cancel")
    assert finished(client, job_id).state == "delivered"


def test_a_blob_that_rots_in_the_vault_sends_its_job_back_to_uploading_and_names_the_file(
    shared_daemon: DaemonProcess, client: Client, tmp_path: Path
) -> None:
    blocker = send(client, make_job(tmp_path / "blocker", prompt="slow=0.1", frames=100))
    job = make_job(tmp_path / "job")
    job_id = send(client, job)
    digest, path = next(iter(job.paths.items()))
    blob = next((shared_daemon.home / "vault").rglob(digest[2:]))
    blob.chmod(0o600)
    blob.write_bytes(b"rotten")
    client.control(blocker, "cancel")
    until(lambda: state_of(client, job_id) == "uploading")
    error = client.show_job(job_id).summary.error
    assert error is not None
    assert str(path) in error.message
    for lacking in client.lacking(job_id):
        client.hand_over(job_id, lacking, job.paths[lacking])
    assert finished(client, job_id).state == "delivered"


# ---- no room -------------------------------------------------------------------------------------------------------


def test_a_job_that_finds_no_room_is_parked_and_goes_on_by_itself_when_another_ends(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", vault_quota_bytes=1 << 20).start()
    with daemon.client() as client:
        gate = tmp_path / "gate"
        first = send(client, large_job(tmp_path / "a", b"a" * 64, 700, prompt=f"hold={gate}"))
        second = large_job(tmp_path / "b", b"b" * 64, 700)
        job_id = client.submit(second.request, second.token).job_id
        large = next(digest for digest, path in second.paths.items() if path.name == "large.dat")
        with pytest.raises(JobParked, match="room"):
            client.hand_over(job_id, large, second.paths[large])
        assert state_of(client, job_id) == "parked"
        let(gate)
        assert finished(client, first).state == "delivered"
        until(lambda: state_of(client, job_id) == "uploading")
        for digest in client.lacking(job_id):
            client.hand_over(job_id, digest, second.paths[digest])
        assert finished(client, job_id).state == "delivered"
    daemon.stop()


def test_a_job_that_could_never_be_held_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", vault_quota_bytes=1 << 20).start()
    job = large_job(tmp_path / "a", b"a" * 64, 2000)
    with daemon.client() as client, pytest.raises(RequestError, match="vault holds"):
        client.submit(job.request, job.token)
    daemon.stop()


def test_a_worker_that_parks_its_job_for_want_of_disk_gets_it_again(client: Client, tmp_path: Path) -> None:
    job_id = send(client, make_job(tmp_path, prompt="end=parked"))
    until(lambda: state_of(client, job_id) == "parked")
    until(lambda: state_of(client, job_id) != "parked")
    client.control(job_id, "cancel")
