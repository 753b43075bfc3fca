"""The job store: durable, ordered, atomic, and shut to what it does not know."""

from __future__ import annotations

import contextlib
import itertools
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from blake3 import blake3

from understudy.bridge.errors import DaemonError, EngineError, Finding, JobParked, RequestError
from understudy.bridge.messages import Finished, Found, FrameFinished, StateChanged
from understudy.bridge.shot import JobRequest, OutputFile
from understudy.bridge.wire import decode_push, encode_push
from understudy.inference.daemon.store import NewJob, Place, Store

from .conftest import make_job

EMPTY = blake3(b"").hexdigest()
_numbers = itertools.count(1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "store.sqlite")
    yield store
    store.close()


def accepted(store: Store, job: JobRequest, *, user: str = "ada", token: str = "", job_id: str = "") -> str:
    name = job_id or f"job{next(_numbers):05}"
    new = NewJob(
        job_id=name, user=user, token=token or name, job=job, place=Place("/nowhere"), cache_key="k", admission=()
    )
    return store.accept(new)[0].job_id


@pytest.fixture
def job(tmp_path: Path) -> JobRequest:
    request: JobRequest = make_job(tmp_path / "in").request
    return request


def test_a_request_stored_before_records_had_parts_is_read_with_what_its_record_said(
    store: Store, job: JobRequest, tmp_path: Path
) -> None:
    consent = {"consent_id": "c-1", "talent": "ana", "document": "a" * 64, "signed_on": "2026-01-05"}
    old = {"schema": 1, "record_id": "r-1", "disclosure": "Made with AI.", "consents": [{**consent, "projects": ["x"]}]}
    job_id = accepted(store, job)
    with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite")) as tables:
        tables.execute(
            "UPDATE requests SET request = ?", (msgspec.json.encode({**msgspec.to_builtins(job), "record": old}),)
        )
        tables.commit()
    record = store.request(job_id)[0].record
    assert (record.schema, record.disclosure.text) == (2, "Made with AI.")
    assert record.consents[0].scope.projects == ("x",)


def output(frame: int | None) -> OutputFile:
    return OutputFile(path=f"comp/comp.{frame}.exr", size=1, file=EMPTY, layer="comp", frame=frame)


def test_a_change_is_there_when_the_store_is_opened_again(store: Store, job: JobRequest, tmp_path: Path) -> None:
    job_id = accepted(store, job)
    store.move(job_id, "stored")
    store.close()
    again = Store(tmp_path / "store.sqlite")
    assert again.job(job_id).state == "queued"
    assert again.request(job_id)[0] == job
    again.close()


def test_every_change_is_told_under_the_next_number_and_never_under_one_told_before(
    store: Store, job: JobRequest
) -> None:
    first, second = accepted(store, job), accepted(store, job)
    for job_id in (first, second):
        store.move(job_id, "stored")
    store.note(first, FrameFinished(frame=1001, files=()))
    told = store.events_after(0)
    assert [one.event.number for one in told] == [1, 2, 3, 4, 5]
    assert [one.event.job_id for one in store.events_after(0, (second,))] == [second, second]
    assert [one.event.number for one in store.events_after(3)] == [4, 5]
    assert store.last_event() == 5


def test_an_event_goes_to_the_wire_with_the_bytes_that_were_stored(store: Store, job: JobRequest) -> None:
    job_id = accepted(store, job)
    _, told = store.note(job_id, FrameFinished(frame=1001, files=(output(1001),)))
    assert [decode_push(encode_push(one.event)) for one in store.events_after(1)] == [one.event for one in told]


def test_the_same_token_of_the_same_user_is_the_same_job_and_of_another_user_another(
    store: Store, job: JobRequest
) -> None:
    first = accepted(store, job, token="t" * 16)
    assert accepted(store, job, token="t" * 16) == first
    assert accepted(store, job, token="t" * 16, user="ben") != first
    assert store.last_event() == 2


def test_two_users_of_one_shot_never_get_the_same_version(store: Store, tmp_path: Path) -> None:
    job = make_job(tmp_path / "p", project="dune").request
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda n: accepted(store, job, user=f"user{n % 3}"), range(24)))
    assert sorted(store.job(job_id).version for job_id in ids) == list(range(1, 25))


def test_without_a_project_every_job_begins_with_its_own_first_version(store: Store, job: JobRequest) -> None:
    assert [store.job(accepted(store, job)).version for _ in range(2)] == [1, 1]


def test_a_version_that_was_withdrawn_is_never_handed_out_again(store: Store, tmp_path: Path) -> None:
    job = make_job(tmp_path / "p", project="dune").request
    first = accepted(store, job)
    store.move(first, "cancel")
    assert store.job(accepted(store, job)).version == 2
    row, _ = store.retry(first, new_version=True, job=job, admission=())
    assert (row.version, row.state) == (3, "uploading")


def test_what_admission_refused_takes_no_version_from_the_shot(store: Store, tmp_path: Path) -> None:
    job = make_job(tmp_path / "p", project="dune").request
    refused = NewJob("refused1", "ada", "r" * 16, job, Place("/nowhere"), "", (), state="refused")
    assert store.accept(refused)[0].version == 0
    assert store.job(accepted(store, job)).version == 1


def test_a_move_that_makes_no_sense_changes_nothing_and_tells_nothing(store: Store, job: JobRequest) -> None:
    job_id = accepted(store, job)
    with pytest.raises(RequestError, match="uploading"):
        store.move(job_id, "deliver", before=(Found(findings=()),))
    assert store.last_event() == 1
    assert store.findings(job_id) == ()


def test_the_last_list_of_files_stands_before_the_word_delivered(store: Store, job: JobRequest) -> None:
    job_id = accepted(store, job)
    for action in ("stored", "start", "check"):
        store.move(job_id, action)
    done = Finished(version=1, folder="/nowhere/v001", files=(output(1001),))
    _, told = store.move(job_id, "deliver", before=(done,))
    assert [type(one.event.what) for one in told] == [Finished, StateChanged]
    assert store.outputs(job_id) == (output(1001),)


def test_a_frame_that_is_told_twice_counts_once_and_its_newest_files_stand(store: Store, job: JobRequest) -> None:
    job_id = accepted(store, job)
    for frame in (1002, 1001, 1002):
        store.note(job_id, FrameFinished(frame=frame, files=(output(frame),)))
    assert store.job(job_id).frames_done == 2
    assert [file.frame for file in store.outputs(job_id)] == [1001, 1002]


def test_a_finished_frame_forgives_the_crashes_before_it(store: Store, job: JobRequest) -> None:
    job_id = accepted(store, job)
    store.note(job_id, crashes=1)
    store.note(job_id, FrameFinished(frame=1001, files=()))
    assert store.job(job_id).crashes == 0


def test_findings_of_every_stage_stand_in_order_behind_those_of_admission(store: Store, job: JobRequest) -> None:
    job_id = accepted(store, job)
    notes = tuple(Finding(rule=f"rule{n}", outcome="note", message="m") for n in range(3))
    store.note(job_id, Found(findings=notes[:2]))
    store.note(job_id, Found(findings=notes[2:]))
    assert store.findings(job_id) == notes


def test_a_reason_stays_with_the_job_until_the_next_change(store: Store, job: JobRequest) -> None:
    job_id = accepted(store, job)
    store.move(job_id, "park", reason=JobParked("no room", remedy="make some").report())
    error = store.job(job_id).error
    assert error is not None
    assert (error.code, error.remedy) == ("job_parked", "make some")
    store.move(job_id, "unpark")
    assert store.job(job_id).error is None


def test_a_file_counts_for_a_job_only_when_its_own_people_brought_it(store: Store, tmp_path: Path) -> None:
    """Who knows a digest from elsewhere learns nothing of what others have, and gains nothing by it."""
    job = make_job(tmp_path / "p").request
    ada, ben = accepted(store, job), accepted(store, job, user="ben")
    digest = next(iter(job.shot.files()))
    store.possess(ada, digest)
    assert store.blobs(ada)[digest] == digest
    assert store.blobs(ben)[digest] is None


def test_within_a_project_what_one_brought_serves_all(store: Store, tmp_path: Path) -> None:
    job = make_job(tmp_path / "p", project="dune").request
    ada, ben = accepted(store, job), accepted(store, job, user="ben")
    digest = next(iter(job.shot.files()))
    store.possess(ada, digest)
    assert store.blobs(ben)[digest] == digest


def test_a_jobs_files_stay_alive_until_it_has_ended(store: Store, job: JobRequest) -> None:
    first, second = accepted(store, job), accepted(store, job)
    files = set(job.shot.files())
    assert store.live_files() == files
    store.move(first, "cancel")
    assert store.live_files() == files
    store.move(second, "cancel")
    assert store.live_files() == set()


def test_a_key_with_projects_is_listed_only_what_it_may_see(store: Store, tmp_path: Path) -> None:
    dune, other = (make_job(tmp_path / name, project=name).request for name in ("dune", "arrival"))
    mine = accepted(store, other, user="ada")
    theirs, hidden = accepted(store, dune, user="ben"), accepted(store, other, user="ben")
    seen = [row.job_id for row in store.jobs(user="ada", projects=("dune",))]
    assert seen == [theirs, mine]
    assert hidden in [row.job_id for row in store.jobs(user="ada", projects=())]


def test_a_clock_that_jumps_back_changes_no_order(tmp_path: Path, job: JobRequest) -> None:
    times = iter(["2026-11-20T12:00:00Z"] * 3 + ["1999-01-01T00:00:00Z"] * 20)
    store = Store(tmp_path / "clock.sqlite", clock=lambda: next(times))
    first, second = accepted(store, job), accepted(store, job)
    store.move(second, "stored")
    assert [one.event.job_id for one in store.events_after(0)] == [first, second, second]
    assert [row.job_id for row in store.jobs()] == [second, first]
    store.close()


def test_a_store_of_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    Store(path).close()
    with sqlite3.connect(path) as tables:
        tables.execute("PRAGMA user_version=99")
    tables.close()
    with pytest.raises(DaemonError, match="schema 99"):
        Store(path)


def test_a_damaged_store_is_refused_by_name_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(DaemonError, match=r"store\.sqlite"):
        Store(path)
    assert path.read_bytes().startswith(b"this is no database")


def test_an_unknown_job_is_a_request_error_with_a_remedy(store: Store) -> None:
    with pytest.raises(RequestError, match="nobody") as caught:
        store.job("nobody")
    assert caught.value.remedy


_WRITER = """
import sys
from pathlib import Path
import msgspec
from understudy.bridge.shot import JobRequest
from understudy.inference.daemon.store import NewJob, Place, Store
store = Store(Path(sys.argv[1]))
job = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=JobRequest)
number = 0
while True:
    number += 1
    job_id = f"job{number:06}"
    store.accept(NewJob(job_id, "ada", job_id, job, Place("/x"), "", ()))
    store.move(job_id, "stored")
    print(job_id, flush=True)
"""


def test_what_was_told_before_a_kill_is_there_after_it(tmp_path: Path, job: JobRequest) -> None:
    (tmp_path / "job.json").write_bytes(msgspec.json.encode(job))
    for moment in (0.01, 0.05, 0.1):
        path = tmp_path / f"{moment}.sqlite"
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(tmp_path / "job.json")], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        told = [writer.stdout.readline().strip()]
        time.sleep(moment)
        writer.send_signal(signal.SIGKILL)
        told += [
            line.strip() for line in writer.stdout.read().splitlines() if line.startswith("job") and len(line) == 9
        ]
        writer.wait()
        writer.stdout.close()
        store = Store(path)
        assert {row.job_id for row in store.jobs(("queued",))} >= set(told)
        assert len(store.jobs()) - len(told) in (0, 1)
        store.close()


_FULL = """
import resource, sys
from pathlib import Path
import msgspec
from understudy.bridge.errors import JobParked
from understudy.bridge.shot import JobRequest
from understudy.inference.daemon.store import NewJob, Place, Store
store = Store(Path(sys.argv[1]))
job = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=JobRequest)
take = lambda n: store.accept(NewJob(f"job{n:05}", "ada", str(n), job, Place("/x"), "", ()))
take(0)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
number = 0
try:
    while number < 2000:
        number += 1
        take(number)
except JobParked as problem:
    print(problem.remedy)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
take(number)
print(len(store.jobs()) == number + 1, store.last_event() == number + 1)
"""


def test_when_the_disk_is_full_nothing_is_half_stored_and_the_store_goes_on_when_there_is_room(
    tmp_path: Path, job: JobRequest
) -> None:
    (tmp_path / "job.json").write_bytes(msgspec.json.encode(job))
    command = [sys.executable, "-c", textwrap.dedent(_FULL), str(tmp_path / "s.sqlite"), str(tmp_path / "job.json")]
    words = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Make room on the disk" in words
    assert "True True" in words


def test_errors_keep_their_facts_through_the_store(store: Store, job: JobRequest) -> None:
    job_id = accepted(store, job)
    store.move(job_id, "fail", reason=EngineError("fell over", facts={"last_words": "bye"}).report())
    error = store.job(job_id).error
    assert error is not None
    assert error.facts == {"last_words": "bye"}
