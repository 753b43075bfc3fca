"""The daemon over its own wire: what each request leads to. Real sockets, keys and store."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from understudy.bridge.cli_view import slot_in_words
from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError, KeyRefused, RequestError
from understudy.bridge.keys import load_connection
from understudy.bridge.messages import (
    Finished,
)
from understudy.bridge.transfer import upload

from .conftest import (
    DaemonProcess,
    Eyes,
    finished,
    guest,
    let,
    make_job,
    send,
    state_of,
    until,
)

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
    let(gate := tmp_path / "gate", 1002)
    job_id = send(client, make_job(tmp_path, prompt=f"hold={gate}"))
    early = until(lambda: (found := client.outputs(job_id)).files and found)
    assert early.provisional
    assert early.folder.endswith(".provisional/v001")
    let(gate)
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
    assert listed.segments
    assert alone == msgspec.structs.replace(listed, files=(), segments=())


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


def test_a_token_finds_the_job_that_it_made_for_its_own_user_alone(client: Client, ben: Client, tmp_path: Path) -> None:
    job = make_job(tmp_path)
    assert client.find_job(job.token) is None
    job_id = client.submit(job.request, job.token).job_id
    found = client.find_job(job.token)
    assert found is not None
    assert (found.job_id, found.version > 0) == (job_id, True)
    assert ben.find_job(job.token) is None
    client.control(job_id, "cancel")
    ended = client.find_job(job.token)
    assert ended is not None
    assert ended.state == "cancelled"


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


def test_what_was_made_with_less_than_its_settings_say_answers_no_other_job(client: Client, tmp_path: Path) -> None:
    """Its settings allow float8 weights, its numbers were made with them: on a larger GPU they would be others."""
    said = {"content": "short of memory", "prompt": "float8_from=1003"}
    finished(client, send(client, make_job(tmp_path / "a", **said)))
    second = send(client, make_job(tmp_path / "a", **said))
    finished(client, second)
    assert "reuse None" in [finding.message for finding in client.show_job(second).findings]


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
    let(gate := tmp_path / "gate", 1010)
    job_id = send(client, make_job(tmp_path, prompt=f"slow=0.05 hold={gate}", frames=20))
    until(lambda: client.show_job(job_id).summary.frames_done > 3)
    client.control(job_id, "pause")
    until(lambda: state_of(client, job_id) == "paused")
    done = client.show_job(job_id).summary.frames_done
    assert 3 < done < 20
    let(gate)
    client.control(job_id, "resume")
    assert finished(client, job_id).frames_done == 20


def test_a_cancelled_job_that_is_tried_again_gets_a_version_of_its_own(client: Client, tmp_path: Path) -> None:
    let(gate := tmp_path / "gate", 1004)
    job_id = send(client, make_job(tmp_path, prompt=f"hold={gate}", frames=8))
    until(lambda: client.show_job(job_id).summary.frames_done)
    client.control(job_id, "cancel")
    finished(client, job_id)
    let(gate)
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
    let(gate := tmp_path / "gate", 1005)
    job_id = send(client, make_job(tmp_path, prompt=f"hold={gate}", frames=10))
    summary = until(lambda: (found := client.show_job(job_id).summary).stage == "rendering" and found)
    assert summary.seconds_left == 1.5
    let(gate)
    ended = finished(client, job_id)
    assert (ended.stage, ended.seconds_left) == ("", None)


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


def test_status_tells_which_gpus_a_slot_owns(tmp_path: Path) -> None:
    process = DaemonProcess(tmp_path / "home", gpus="0,1,2,3", gpus_per_slot=2).start()
    try:
        with process.client() as client:
            slots = client.status().slots
        assert [slot.gpus for slot in slots] == [("0", "1"), ("2", "3"), ()]
        assert slot_in_words(slots[0]) == "slot-1 (GPU 0, 1) idle"
    finally:
        process.stop()


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
