"""The daemon over its own wire: who may do what, and what each request leads to. Real sockets, keys and store."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zmq

from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError, JobParked, KeyRefused, PlateError, RequestError
from understudy.bridge.keys import Connection, ensure_local_keys, issue_key, load_connection
from understudy.bridge.messages import (
    CONTROL_MESSAGE_LIMIT_BYTES,
    Done,
    ErrorReport,
    Finished,
    Progress,
    ProveMachine,
    StateChanged,
)
from understudy.bridge.transfer import upload
from understudy.bridge.watch import Watcher
from understudy.bridge.wire import address, client_socket, decode_reply

from .conftest import (
    DaemonProcess,
    Eyes,
    finished,
    large_job,
    make_job,
    send,
    state_of,
    until,
)


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


# ---- from submitted to delivered ------------------------------------------------------------------------------------


def test_a_job_goes_from_uploading_to_delivered_and_says_so_in_order(
    shared_daemon: DaemonProcess, client: Client, tmp_path: Path
) -> None:
    job_id = send(client, make_job(tmp_path))
    summary = finished(client, job_id)
    assert (summary.state, summary.frames_done, summary.error) == ("delivered", 4, None)
    eyes = Eyes(shared_daemon, job_id)
    until(lambda: "delivered" in eyes.states(job_id))
    eyes.close()
    assert eyes.states(job_id) == ["uploading", "queued", "running", "checking", "delivered"]
    assert isinstance(eyes.durable()[-2].what, Finished)
    numbers = [event.number for event in eyes.durable()]
    assert numbers == sorted(set(numbers))


def test_the_outputs_are_where_the_daemon_says_and_provisional_until_delivered(
    shared_daemon: DaemonProcess, client: Client, tmp_path: Path
) -> None:
    job_id = send(client, make_job(tmp_path, prompt="slow=0.2"))
    early = until(lambda: (found := client.outputs(job_id)).files and found)
    assert early.provisional
    assert early.folder.endswith(".provisional/v001")
    finished(client, job_id)
    outputs = client.outputs(job_id)
    assert (outputs.provisional, outputs.folder) == (False, str(shared_daemon.home / "jobs" / job_id / "v001"))
    for file in outputs.files:
        assert Path(outputs.folder, file.path).stat().st_size == file.size


def test_where_a_version_lies_is_told_without_the_list_of_its_files(client: Client, tmp_path: Path) -> None:
    job_id = send(client, make_job(tmp_path))
    finished(client, job_id)
    listed, alone = client.outputs(job_id), client.outputs(job_id, files=False)
    assert len(listed.files) == 4
    assert alone == msgspec.structs.replace(listed, files=())


def test_a_job_is_not_queued_before_its_last_file_is_there(client: Client, tmp_path: Path) -> None:
    job = make_job(tmp_path)
    job_id = client.submit(job.request, job.token).job_id
    lacking = sorted(client.lacking(job_id))
    assert lacking == sorted(job.paths)
    for digest in lacking[:-1]:
        client.hand_over(job_id, digest, job.paths[digest])
    assert state_of(client, job_id) == "uploading"
    assert list(client.lacking(job_id)) == lacking[-1:]
    client.hand_over(job_id, lacking[-1], job.paths[lacking[-1]])
    assert state_of(client, job_id) != "uploading"


def test_the_same_token_gives_the_same_job_however_often_and_however_fast_it_is_sent(
    shared_daemon: DaemonProcess, client: Client, tmp_path: Path
) -> None:
    job = make_job(tmp_path)
    others = [shared_daemon.client() for _ in range(3)]
    first = client.submit(job.request, job.token)
    assert {other.submit(job.request, job.token).job_id for other in others} == {first.job_id}
    for other in others:
        other.close()
    client.control(first.job_id, "cancel")


def test_files_that_are_uploaded_in_chunks_complete_a_job_too(
    shared_daemon: DaemonProcess, ben: Client, tmp_path: Path
) -> None:
    job = make_job(tmp_path, project="dune")
    job_id = ben.submit(job.request, job.token).job_id
    upload(ben, ben.connection, job_id, job.paths, lambda done, total: None)
    assert finished(ben, job_id).state == "delivered"


def test_an_unchanged_selection_sends_nothing_and_may_reuse_what_was_delivered(client: Client, tmp_path: Path) -> None:
    first = send(client, make_job(tmp_path / "a", content="same"))
    finished(client, first)
    again = make_job(tmp_path / "a", content="same", record_id="new papers")
    second = client.submit(again.request, again.token).job_id
    assert client.lacking(second) == {}
    assert finished(client, second).state == "delivered"
    said = [finding.message for finding in client.show_job(second).findings if finding.rule == "stub"]
    assert said == [f"reuse {client.outputs(first).folder}"]


def test_another_seed_reuses_nothing(client: Client, tmp_path: Path) -> None:
    finished(client, send(client, make_job(tmp_path / "a", content="seeded")))
    second = send(client, make_job(tmp_path / "a", content="seeded", seed=7))
    finished(client, second)
    assert "reuse None" in [finding.message for finding in client.show_job(second).findings]


def test_jobs_of_a_project_get_its_shots_next_version_in_its_folder(
    shared_daemon: DaemonProcess, client: Client, tmp_path: Path
) -> None:
    jobs = [send(client, make_job(tmp_path / str(n), project="dune", shot="sh777")) for n in range(2)]
    folders = [finished(client, job_id) and client.outputs(job_id).folder for job_id in jobs]
    root = shared_daemon.home / "jobs" / "dune" / "sh777" / "understudy"
    assert folders == [str(root / jobs[0] / "v001"), str(root / jobs[1] / "v002")]
    assert client.outputs(jobs[1]).files[0].path == "comp/sh777_comp_v002.1001.exr"


# ---- the gate -------------------------------------------------------------------------------------------------------


def test_what_the_gate_refuses_is_stored_as_refused_and_carries_every_finding(client: Client, tmp_path: Path) -> None:
    job = make_job(tmp_path, record_id="refuse me")
    for _ in range(2):  # asked again with the same token: the same answer
        with pytest.raises(ComplianceError) as caught:
            client.submit(job.request, job.token)
        assert [finding.rule for finding in caught.value.findings] == ["one_rule"]
        assert "mend it" in caught.value.remedy
    newest = client.list_jobs(("refused",), 1)[0]
    assert newest.error is not None
    assert newest.version == 0
    with pytest.raises(ComplianceError):
        client.control(newest.job_id, "retry")
    assert state_of(client, newest.job_id) == "refused"


def test_the_real_gate_refuses_a_job_without_papers(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", real_gate=True).start()
    job = make_job(tmp_path / "in")
    bare = msgspec.structs.replace(job.request, record=msgspec.structs.replace(job.request.record, attestation=""))
    with daemon.client() as client, pytest.raises(ComplianceError) as caught:
        client.submit(bare, job.token)
    assert any(finding.refuses for finding in caught.value.findings)
    daemon.stop()


@pytest.mark.parametrize(("end", "kept"), [("refused", False), ("quarantined", True), ("failed", True)])
def test_what_a_worker_ends_otherwise_is_kept_or_withdrawn_by_its_state(
    shared_daemon: DaemonProcess, client: Client, tmp_path: Path, end: str, kept: bool
) -> None:
    job_id = send(client, make_job(tmp_path, prompt=f"end={end}"))
    summary = finished(client, job_id)
    assert summary.state == end
    assert summary.error is not None
    assert (shared_daemon.home / "jobs" / job_id / ".provisional" / "v001").exists() is kept
    assert any(finding.rule == "stub_end" for finding in client.show_job(job_id).findings)


def test_what_is_in_quarantine_is_shown_to_legal_only(
    shared_daemon: DaemonProcess, client: Client, tmp_path: Path
) -> None:
    ada = Client(guest(shared_daemon, "ada"))
    job = make_job(tmp_path, prompt="end=quarantined")
    job_id = ada.submit(job.request, job.token).job_id
    upload(ada, ada.connection, job_id, job.paths, lambda done, total: None)
    finished(ada, job_id)
    with pytest.raises(KeyRefused, match="quarantine"):
        ada.outputs(job_id)
    assert client.outputs(job_id).provisional
    ada.close()


# ---- what artists want of a job -------------------------------------------------------------------------------------


def test_cancel_ends_a_running_job_within_a_step_and_removes_what_was_provisional(
    shared_daemon: DaemonProcess, client: Client, tmp_path: Path
) -> None:
    job_id = send(client, make_job(tmp_path, prompt="slow=0.1", frames=100))
    until(lambda: client.show_job(job_id).summary.frames_done)
    client.control(job_id, "cancel")
    assert finished(client, job_id).state == "cancelled"
    assert not (shared_daemon.home / "jobs" / job_id / ".provisional" / "v001").exists()
    assert client.outputs(job_id).files == ()


def test_a_worker_that_does_not_obey_is_killed_and_the_slot_works_on(client: Client, tmp_path: Path) -> None:
    job_id = send(client, make_job(tmp_path / "a", prompt="slow=0.05 deaf", frames=200))
    until(lambda: client.show_job(job_id).summary.frames_done)
    client.control(job_id, "cancel")
    assert finished(client, job_id).state == "cancelled"
    assert finished(client, send(client, make_job(tmp_path / "b"))).state == "delivered"


def test_a_paused_job_goes_on_from_its_finished_frames(client: Client, tmp_path: Path) -> None:
    job_id = send(client, make_job(tmp_path, prompt="slow=0.05", frames=20))
    until(lambda: client.show_job(job_id).summary.frames_done > 3)
    client.control(job_id, "pause")
    until(lambda: state_of(client, job_id) == "paused")
    done = client.show_job(job_id).summary.frames_done
    assert 3 < done < 20
    client.control(job_id, "resume")
    assert finished(client, job_id).frames_done == 20


def test_a_cancelled_job_that_is_tried_again_gets_a_version_of_its_own(client: Client, tmp_path: Path) -> None:
    job_id = send(client, make_job(tmp_path, prompt="slow=0.1", frames=8))
    until(lambda: client.show_job(job_id).summary.frames_done)
    client.control(job_id, "cancel")
    finished(client, job_id)
    assert client.control(job_id, "retry").version == 2
    assert (finished(client, job_id).state, client.outputs(job_id).version) == ("delivered", 2)


def test_what_makes_no_sense_is_refused_with_the_state_and_a_remedy(client: Client, tmp_path: Path) -> None:
    job_id = send(client, make_job(tmp_path))
    finished(client, job_id)
    for action in ("cancel", "pause", "resume", "retry"):
        with pytest.raises(RequestError, match="delivered") as caught:
            client.control(job_id, action)
        assert caught.value.remedy


def test_the_queue_tells_each_job_its_place_and_priority_changes_it(client: Client, tmp_path: Path) -> None:
    blocker = send(client, make_job(tmp_path / "0", prompt="slow=0.1", frames=300))
    until(lambda: state_of(client, blocker) == "running")
    waiting = [send(client, make_job(tmp_path / str(n))) for n in (1, 2, 3)]
    assert [client.show_job(job_id).summary.place_in_queue for job_id in waiting] == [1, 2, 3]
    assert client.control(waiting[2], "priority", 50).place_in_queue == 1
    client.control(blocker, "cancel")
    for job_id in waiting:
        assert finished(client, job_id).state == "delivered"
    assert client.list_jobs(("queued",)) == ()


def test_progress_with_the_time_left_is_shown_while_a_job_runs_and_gone_after_it(
    client: Client, tmp_path: Path
) -> None:
    job_id = send(client, make_job(tmp_path, prompt="slow=0.1", frames=10))
    summary = until(lambda: (found := client.show_job(job_id).summary).stage == "rendering" and found)
    assert summary.seconds_left == 1.5
    ended = finished(client, job_id)
    assert (ended.stage, ended.seconds_left) == ("", None)


# ---- who may see and do what ----------------------------------------------------------------------------------------


def test_a_key_with_projects_sees_its_projects_and_its_own_and_nothing_else(
    shared_daemon: DaemonProcess, client: Client, ben: Client, tmp_path: Path
) -> None:
    hidden = send(client, make_job(tmp_path / "hidden", project="arrival"))
    shared = send(client, make_job(tmp_path / "shared", project="dune"))
    for job_id in (hidden, shared):
        finished(client, job_id)
    listed = {summary.job_id for summary in ben.list_jobs()}
    assert shared in listed
    assert hidden not in listed
    for ask in (ben.show_job, ben.outputs, ben.lacking):
        with pytest.raises(RequestError, match="there is no job"):
            ask(hidden)
    with pytest.raises(RequestError, match="there is no job"):
        ben.show_job("neverwas")


def test_a_watcher_hears_only_of_what_its_key_may_see(
    shared_daemon: DaemonProcess, client: Client, ben: Client, tmp_path: Path
) -> None:
    heard: list[str] = []
    watcher = Watcher(ben.connection, (), 0, lambda event: heard.append(event.job_id), lambda: None)
    assert watcher.wait_subscribed(10)
    hidden = send(client, make_job(tmp_path / "hidden", project="arrival", prompt="slow=0.02"))
    shared = send(client, make_job(tmp_path / "shared", project="dune"))
    finished(client, hidden)
    finished(client, shared)
    until(lambda: shared in heard)
    watcher.close()
    assert hidden not in heard


def test_a_colleague_may_look_but_not_touch_and_a_producer_may_both(
    shared_daemon: DaemonProcess, client: Client, ben: Client, tmp_path: Path
) -> None:
    job = make_job(tmp_path, project="dune")
    job_id = client.submit(job.request, job.token).job_id
    assert ben.show_job(job_id).job == job.request
    with pytest.raises(KeyRefused, match="not cancel it"):
        ben.control(job_id, "cancel")
    producer = Client(guest(shared_daemon, "pia", "dune", roles=("producer",)))
    assert producer.control(job_id, "cancel").state == "cancelled"
    producer.close()


def test_a_key_cannot_submit_into_a_project_that_is_not_its_own(ben: Client, tmp_path: Path) -> None:
    job = make_job(tmp_path, project="arrival")
    with pytest.raises(KeyRefused, match="arrival"):
        ben.submit(job.request, job.token)


def test_a_digest_known_from_elsewhere_proves_nothing(client: Client, ben: Client, tmp_path: Path) -> None:
    """Ben learns the digests of files that lie in the vault already: he still has to bring the bytes."""
    finished(client, send(client, make_job(tmp_path, content="secret picture")))
    stolen = make_job(tmp_path, content="secret picture")
    job_id = ben.submit(stolen.request, stolen.token).job_id
    assert sorted(ben.lacking(job_id)) == sorted(stolen.paths)
    ben.control(job_id, "cancel")


def test_an_unknown_key_is_shut_out_in_the_handshake(shared_daemon: DaemonProcess) -> None:
    known = load_connection(shared_daemon.home)
    public, secret = zmq.curve_keypair()
    stranger = msgspec.structs.replace(known, public=public.decode(), secret=secret.decode())
    with pytest.raises(KeyRefused):
        Client(stranger, timeout_seconds=5).hello()


def test_a_key_that_is_taken_off_the_list_is_refused_at_its_next_word(shared_daemon: DaemonProcess) -> None:
    eve = Client(guest(shared_daemon, "eve"))
    eve.hello()
    ensure_local_keys(shared_daemon.home).users.remove_user("eve")
    with pytest.raises(KeyRefused, match="allow-list"):
        eve.list_jobs()
    eve.close()


# ---- files handed over ----------------------------------------------------------------------------------------------


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
    daemon = DaemonProcess(tmp_path / "home", roots=[{"name": "shows", "linux": str(root)}]).start()
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


# ---- no room --------------------------------------------------------------------------------------------------------


def test_a_job_that_finds_no_room_is_parked_and_goes_on_by_itself_when_another_ends(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", vault_quota_bytes=1 << 20).start()
    with daemon.client() as client:
        first = send(client, large_job(tmp_path / "a", b"a" * 64, 700, prompt="slow=0.5"))
        second = large_job(tmp_path / "b", b"b" * 64, 700)
        job_id = client.submit(second.request, second.token).job_id
        large = next(digest for digest, path in second.paths.items() if path.name == "large.dat")
        with pytest.raises(JobParked, match="room"):
            client.hand_over(job_id, large, second.paths[large])
        assert state_of(client, job_id) == "parked"
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


# ---- bad messages ---------------------------------------------------------------------------------------------------


def raw(connection: Connection, *parts: bytes, seconds: float = 5.0) -> ErrorReport | None:
    """Send these parts as they are; return the error that comes back, None when the daemon drops them."""
    with zmq.Context() as context:
        line = client_socket(context, connection, connection.port)
        line.connect(address(connection.host, connection.port))
        line.send_multipart(parts)
        reply = line.recv_multipart() if line.poll(int(seconds * 1000)) else None
        line.close(linger=0)
    answer = decode_reply(reply[1]) if reply is not None else None
    assert answer is None or isinstance(answer, ErrorReport)
    return answer


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[]", b'{"type":"Explode"}', b"[" * 5000, os.urandom(4096)])
def test_random_bytes_are_answered_with_a_protocol_error(shared_daemon: DaemonProcess, body: bytes) -> None:
    answer = raw(load_connection(shared_daemon.home), b"12345678", body)
    assert answer is not None
    assert answer.code == "protocol"


def test_a_message_that_is_too_large_is_refused_unread(shared_daemon: DaemonProcess) -> None:
    answer = raw(load_connection(shared_daemon.home), b"12345678", b" " * (CONTROL_MESSAGE_LIMIT_BYTES + 1))
    assert answer is not None
    assert "unread" in answer.message


def test_another_protocol_version_is_refused_by_both_numbers(shared_daemon: DaemonProcess) -> None:
    hello = json.dumps({"type": "Hello", "protocol": 99}).encode()
    answer = raw(load_connection(shared_daemon.home), b"12345678", hello)
    assert answer is not None
    assert answer.facts == {"spoken": "99", "understood": "1"}


@pytest.mark.parametrize("parts", [(b"",), (b"1", b"{}"), (b"12345678", b"a", b"b"), (b"",) * 40])
def test_what_is_no_envelope_is_dropped_and_the_daemon_lives(
    shared_daemon: DaemonProcess, client: Client, parts: tuple[bytes, ...]
) -> None:
    assert raw(load_connection(shared_daemon.home), *parts, seconds=0.2) is None
    assert client.ping() < 5


def test_a_field_out_of_its_range_is_refused_by_its_path(shared_daemon: DaemonProcess) -> None:
    request = b'{"type":"ListJobs","limit":0}'
    answer = raw(load_connection(shared_daemon.home), b"12345678", request)
    assert answer is not None
    assert "limit" in answer.message
    assert answer.remedy


def test_bytes_of_no_zeromq_at_all_do_not_hurt(shared_daemon: DaemonProcess, client: Client) -> None:
    for content in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(1000), b""):
        with socket.create_connection(("127.0.0.1", load_connection(shared_daemon.home).port)) as line:
            line.sendall(content)
    assert client.ping() < 5


def test_a_connection_that_floods_is_told_so_and_others_are_served(
    shared_daemon: DaemonProcess, client: Client
) -> None:
    connection = load_connection(shared_daemon.home)
    with zmq.Context() as context:
        line = client_socket(context, connection, connection.port)
        line.connect(address(connection.host, connection.port))
        for number in range(300):
            line.send_multipart([number.to_bytes(8, "big"), b'{"type":"AskStatus"}'])
        answers = [decode_reply(line.recv_multipart()[1]) for _ in range(300) if line.poll(5000)]
        line.close(linger=0)
    assert len(answers) == 300
    assert any(isinstance(answer, ErrorReport) for answer in answers)
    assert client.ping() < 5


def test_a_client_that_vanishes_in_mid_upload_leaves_a_job_that_another_completes(
    shared_daemon: DaemonProcess, tmp_path: Path
) -> None:
    job = make_job(tmp_path)
    with shared_daemon.client() as first:
        job_id = first.submit(job.request, job.token).job_id
        digest = next(iter(first.lacking(job_id)))
        first.hand_over(job_id, digest, job.paths[digest])
    with shared_daemon.client() as second:
        lacking = second.lacking(second.submit(job.request, job.token).job_id)
        assert digest not in lacking
        for name in lacking:
            second.hand_over(job_id, name, job.paths[name])
        assert finished(second, job_id).state == "delivered"


# ---- watching -------------------------------------------------------------------------------------------------------


def test_a_watcher_that_comes_back_hears_what_it_missed_and_nothing_twice(
    shared_daemon: DaemonProcess, client: Client, tmp_path: Path
) -> None:
    job_id = send(client, make_job(tmp_path, prompt="slow=0.05", frames=12))
    first = Eyes(shared_daemon, job_id)
    until(lambda: len(first.durable()) > 5)
    first.close()
    finished(client, job_id)
    second = Eyes(shared_daemon, job_id, after=first.durable()[-1].number)
    until(lambda: "delivered" in second.states(job_id))
    second.close()
    numbers = [event.number for event in first.durable() + second.durable()]
    assert numbers == sorted(set(numbers))
    assert [e.what.state for e in second.durable() if isinstance(e.what, StateChanged)][-1] == "delivered"
    last = client.show_job(job_id).last_event
    assert numbers[-1] == last


def test_progress_is_told_while_it_is_fresh_and_never_after_the_end(
    shared_daemon: DaemonProcess, client: Client, tmp_path: Path
) -> None:
    job = make_job(tmp_path, prompt="slow=0.05", frames=10)
    job_id = client.submit(job.request, job.token).job_id
    eyes = Eyes(shared_daemon, job_id)
    for digest in client.lacking(job_id):
        client.hand_over(job_id, digest, job.paths[digest])
    until(lambda: "delivered" in eyes.states(job_id))
    time.sleep(0.1)
    eyes.close()
    kinds = [type(event.what) for event in eyes.events]
    assert Progress in kinds
    assert kinds[-1] is StateChanged


def test_many_watchers_all_hear_everything(shared_daemon: DaemonProcess, client: Client, tmp_path: Path) -> None:
    crowd = [Eyes(shared_daemon) for _ in range(8)]
    job_id = send(client, make_job(tmp_path, frames=10))
    for eyes in crowd:
        until(lambda eyes=eyes: "delivered" in eyes.states(job_id))
        eyes.close()
    told = [[e.number for e in eyes.durable() if e.job_id == job_id] for eyes in crowd]
    assert all(numbers == told[0] for numbers in told)


# ---- greeting -------------------------------------------------------------------------------------------------------


def test_hello_tells_who_one_is_and_what_there_is(shared_daemon: DaemonProcess, ben: Client) -> None:
    welcome = ben.hello()
    assert welcome.user.startswith("ben")
    assert welcome.projects == ("dune",)
    assert {"identity", "preview"} <= {engine.name for engine in welcome.engines}
    assert Path(welcome.challenge).stat().st_mode & 0o777 == 0o600


def test_status_tells_slots_and_vault(client: Client) -> None:
    status = client.status()
    assert [slot.name for slot in status.slots] == ["slot-1"]
    assert status.vault_quota_bytes > status.vault_bytes >= 0
    assert not status.draining


def test_status_names_no_job_that_the_key_may_not_see(client: Client, ben: Client, tmp_path: Path) -> None:
    job_id = send(client, make_job(tmp_path, project="arrival", prompt="slow=0.1", frames=100))
    until(lambda: [slot.job_id for slot in client.status().slots] == [job_id])
    assert [slot.job_id for slot in ben.status().slots] == ["hidden"]
    client.control(job_id, "cancel")


def test_the_log_holds_no_secret(shared_daemon: DaemonProcess, client: Client) -> None:
    secret = load_connection(shared_daemon.home).secret
    nonce = Path(client.hello().challenge).read_text()
    assert secret not in shared_daemon.log
    assert nonce not in shared_daemon.log
