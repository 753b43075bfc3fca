"""Jobs of a host where something comes in between: a close, a cancel, another's folder. A real daemon, a paper host."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from daemon_rig import RunningDaemon
from host_rig import Desk, Drawn, draw, read_exr, write_exr
from paper_host import PaperRig

from understudy.bridge import host_jobs
from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonUnreachable
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.host import Notice, RememberedJob, Step, Steps
from understudy.bridge.host_jobs import HostJob, HostJobs
from understudy.bridge.keys import Connection

PATIENCE_SECONDS = 20.0


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    running = RunningDaemon(tmp_path_factory.mktemp("daemon") / "home")
    yield running
    running.stop()


@pytest.fixture
def drawn(tmp_path: Path) -> Drawn:
    return draw(tmp_path / "drawn")


@pytest.fixture
def rig(tmp_path: Path) -> PaperRig:
    folder = tmp_path / "document"
    folder.mkdir()
    found = PaperRig(folder)
    found.host.document.write_text('{"jobs": {}, "takes": []}')
    return found


def nobody_answers() -> Connection:
    raise DaemonUnreachable("no daemon answers", remedy="Start it.")


def known_job(job_id: str = "abcd") -> RememberedJob:
    return RememberedJob(
        job_id=job_id, shot="sh010", version=1, frames=FrameRange(1, 2), anchor="", folder="/takes/v001"
    )


class Pause:
    """Holds a job's thread at the first notice that `wanted` picks, until it is let go."""

    def __init__(self, wanted: Callable[[Notice], bool]) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._wanted = wanted

    def told(self, job: HostJob) -> None:
        if not self.reached.is_set() and self._wanted(job.notice):
            self.reached.set()
            self.go_on.wait(PATIENCE_SECONDS)

    def let_go_at_close(self, jobs: HostJobs) -> None:
        """Let the thread go on as soon as `jobs` are being closed."""

        def let_go() -> None:
            jobs._closing.wait(PATIENCE_SECONDS)
            self.go_on.set()

        threading.Thread(target=let_go).start()


def test_when_the_document_is_closed_while_files_are_sent_then_the_job_is_gone_on_with_and_placed(
    rig: PaperRig, drawn: Drawn, daemon: RunningDaemon, tmp_path: Path
) -> None:
    pause = Pause(lambda notice: notice.stage == "sending" and notice.done < notice.total)
    jobs = HostJobs(rig.host, rig.main, lambda: daemon.connection, tmp_path / "exports", pause.told)
    rig.make_shot(drawn, shot="sh010", rate=FrameRate(24), untouched=False)
    desk = Desk(rig, jobs)
    desk.submit(seed=1)
    desk.turn_until(pause.reached.is_set)
    pause.let_go_at_close(jobs)
    jobs.close()
    rig.restart()
    again = Desk(rig, HostJobs(rig.host, rig.main, lambda: daemon.connection, tmp_path / "exports"))
    (job,) = again.jobs.reattach()
    again.wait(job)
    assert job.notice.stage == "placed", job.notice
    again.jobs.close()


def test_when_what_a_job_still_lacks_is_gone_then_the_artist_is_told_which_file(
    rig: PaperRig, drawn: Drawn, daemon: RunningDaemon, tmp_path: Path
) -> None:
    pause = Pause(lambda notice: notice.stage == "sending" and notice.done < notice.total)
    jobs = HostJobs(rig.host, rig.main, lambda: daemon.connection, tmp_path / "exports", pause.told)
    rig.make_shot(drawn, shot="sh011", rate=FrameRate(24), untouched=False)
    desk = Desk(rig, jobs)
    # Exported anew, each frame has bytes that no job before it has brought.
    for path in Path(drawn.plate).parent.iterdir():
        write_exr(path, read_exr(path) * 0.5)
    desk.submit(seed=2)
    desk.turn_until(pause.reached.is_set)
    pause.let_go_at_close(jobs)
    jobs.close()
    shutil.rmtree(tmp_path / "exports")
    rig.restart()
    again = Desk(rig, HostJobs(rig.host, rig.main, lambda: daemon.connection, tmp_path / "exports"))
    (job,) = again.jobs.reattach()
    again.turn_until(lambda: "is not here" in job.notice.words)
    assert "plate." in job.notice.words
    assert job.notice.stage == "uploading"
    again.jobs.cancel(job)
    again.wait(job)
    again.jobs.close()


def test_when_cancel_is_pressed_just_before_the_daemon_knows_the_job_then_it_is_cancelled_there_too(
    rig: PaperRig, drawn: Drawn, daemon: RunningDaemon, tmp_path: Path
) -> None:
    pause = Pause(lambda notice: notice.stage == "hashing" and 0 < notice.done == notice.total)
    jobs = HostJobs(rig.host, rig.main, lambda: daemon.connection, tmp_path / "exports", pause.told)
    rig.make_shot(drawn, shot="sh020", rate=FrameRate(24), untouched=False)
    desk = Desk(rig, jobs)
    job = desk.submit(seed=2)
    desk.turn_until(pause.reached.is_set)
    jobs.cancel(job)
    pause.go_on.set()
    desk.wait(job)
    assert job.notice.stage == "cancelled", job.notice
    with Client.connect(daemon.connection) as client:
        assert client.show_job(job.notice.job_id).summary.state == "cancelled"
    assert [one.settled for one in desk.remembered()] == [True]
    assert list((tmp_path / "exports").iterdir()) == []
    jobs.close()


def test_when_another_s_take_has_the_number_then_ours_lies_beside_it(
    rig: PaperRig, drawn: Drawn, daemon: RunningDaemon, tmp_path: Path
) -> None:
    rig.make_shot(drawn, shot="sh030", rate=FrameRate(24))
    theirs = rig.host.default_folder(rig.host.select()) / "v001" / "comp" / "comp.1001.exr"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"another user's take, or one of a daemon that is no more")
    jobs = HostJobs(rig.host, rig.main, lambda: daemon.connection, tmp_path / "exports")
    desk = Desk(rig, jobs)
    job = desk.submit(seed=3)
    desk.wait(job)
    assert job.notice.stage == "placed", job.notice
    assert job.remembered is not None
    assert Path(job.remembered.folder).name == f"v001_{job.notice.job_id[:8]}"
    assert theirs.read_bytes().startswith(b"another")
    jobs.close()


def test_when_the_gate_refuses_a_job_then_the_document_keeps_nothing_of_it(
    rig: PaperRig, drawn: Drawn, daemon: RunningDaemon, tmp_path: Path
) -> None:
    rig.make_shot(drawn, shot="sh032", rate=FrameRate(24))
    desk = Desk(rig, HostJobs(rig.host, rig.main, lambda: daemon.connection, tmp_path / "exports"))
    job = desk.submit(engine="none of ours")
    desk.wait(job)
    assert job.notice.stage == "failed", job.notice
    assert desk.remembered() == ()
    assert desk.jobs.reattach() == ()
    desk.jobs.close()


def test_when_the_daemon_falls_silent_as_it_is_asked_then_the_draft_is_kept_and_asked_for_again(
    rig: PaperRig, drawn: Drawn, daemon: RunningDaemon, tmp_path: Path
) -> None:
    rig.make_shot(drawn, shot="sh033", rate=FrameRate(24))
    deaf = msgspec.structs.replace(daemon.connection, port=0, file="")
    answering = [deaf, daemon.connection]
    desk = Desk(rig, HostJobs(rig.host, rig.main, lambda: answering.pop(0), tmp_path / "exports"))
    job = desk.submit(seed=4)
    desk.wait(job)
    assert (job.notice.stage, [bool(one.token) for one in desk.remembered()]) == ("failed", [True]), job.notice
    (again,) = desk.jobs.reattach()
    desk.wait(again)
    assert (again.notice.stage, desk.remembered()) == ("cancelled", ()), again.notice
    desk.jobs.close()


def test_when_a_draft_is_found_again_beside_its_job_then_only_the_job_is_gone_on_with(
    rig: PaperRig, drawn: Drawn, daemon: RunningDaemon, tmp_path: Path
) -> None:
    rig.make_shot(drawn, shot="sh034", rate=FrameRate(24))
    desk = Desk(rig, HostJobs(rig.host, rig.main, lambda: daemon.connection, tmp_path / "exports"))
    first = desk.submit(seed=5)
    desk.wait(first)
    assert first.draft is not None
    rig.host.remember(first.draft)  # as an undo brings it back
    (job,) = desk.jobs.reattach()
    desk.wait(job)
    assert f"known as job {first.notice.job_id}" in job.notice.words
    assert [(one.job_id, one.settled) for one in desk.remembered()] == [(first.notice.job_id, True)]
    assert rig.takes() == (1,)
    desk.jobs.close()


def test_when_a_thread_waits_for_a_lost_daemon_then_the_document_closes_all_the_same(
    rig: PaperRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_jobs, "CLOSE_SECONDS", 0.2)
    go_on = threading.Event()

    def later() -> Connection:
        go_on.wait(PATIENCE_SECONDS)
        return nobody_answers()

    rig.host.remember(known_job())
    jobs = HostJobs(rig.host, rig.main, later, tmp_path / "exports")
    (job,) = jobs.reattach()
    start = time.monotonic()
    jobs.close()
    took = time.monotonic() - start
    go_on.set()
    assert job.thread is not None
    job.thread.join(PATIENCE_SECONDS)
    assert took < PATIENCE_SECONDS / 2


def test_when_the_daemon_has_no_room_then_the_waiting_job_does_not_keep_the_document_open(
    rig: PaperRig, tmp_path: Path
) -> None:
    home = tmp_path / "narrow"
    home.mkdir(mode=0o700)
    (home / "settings.json").write_text('{"vault_quota_bytes": 10485760}')
    daemon = RunningDaemon(home)
    try:
        pause = Pause(lambda notice: notice.stage == "sending" and notice.done > 0.7 * notice.total)
        jobs = HostJobs(rig.host, rig.main, lambda: daemon.connection, tmp_path / "exports", pause.told)
        desk = Desk(rig, jobs)
        rig.make_shot(draw(tmp_path / "large", width=960, height=540), shot="sh050", rate=FrameRate(24))
        desk.submit()
        desk.turn_until(pause.reached.is_set)
        rig.make_shot(draw(tmp_path / "other", width=940, height=540), shot="sh060", rate=FrameRate(24))
        job = desk.submit()
        desk.turn_until(lambda: job.notice.stage == "parked" or job.ended)
        assert job.notice.stage == "parked", job.notice
        pause.let_go_at_close(jobs)
        jobs.close()
        assert job.thread is not None
        assert not job.thread.is_alive()
    finally:
        daemon.stop()


def test_when_jobs_are_taken_up_twice_then_each_is_followed_once(rig: PaperRig, tmp_path: Path) -> None:
    pause = Pause(lambda notice: True)  # its thread gets no further than its first word
    jobs = HostJobs(rig.host, rig.main, nobody_answers, tmp_path / "exports", pause.told)
    rig.host.remember(known_job())
    assert len(jobs.reattach()) == 1
    assert jobs.reattach() == ()
    pause.go_on.set()
    jobs.close()


class SlowlyRead(HostJob):
    """A job whose notice takes one thread long to read: another one may change it meanwhile."""

    reading = threading.Event()
    _notice = Notice(stage="running")

    @property
    def notice(self) -> Notice:
        found = self._notice
        if threading.current_thread().name == "slow" and not self.reading.is_set():
            self.reading.set()
            time.sleep(0.3)
        return found

    @notice.setter
    def notice(self, value: Notice) -> None:
        self._notice = value


def test_when_two_threads_tell_at_once_then_the_end_of_a_job_is_not_lost() -> None:
    job = SlowlyRead("job1")
    SlowlyRead.reading.clear()
    thread = threading.Thread(target=lambda: job.tell(words="it could not be cancelled"), name="slow")
    job.notice = Notice(stage="running")
    thread.start()
    assert SlowlyRead.reading.wait(PATIENCE_SECONDS)
    job.tell(stage="placed")
    thread.join()
    assert job.ended


def test_when_a_new_stage_begins_then_nothing_is_left_of_the_one_before() -> None:
    job = HostJob("job1")
    job.tell(stage="parked", words="there is no room", done=5, total=9)
    job.tell(stage="queued")
    assert (job.notice.words, job.notice.done, job.notice.total) == ("", 0, 0)


def test_when_another_job_s_export_vanishes_meanwhile_then_this_one_is_exported(
    rig: PaperRig, drawn: Drawn, tmp_path: Path
) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "export-gone").symlink_to(tmp_path / "nowhere")
    rig.make_shot(drawn, shot="sh040", rate=FrameRate(24))
    desk = Desk(rig, HostJobs(rig.host, rig.main, nobody_answers, exports))
    job = desk.submit()
    desk.wait(job)
    assert "no daemon answers" in job.notice.words
    desk.jobs.close()


def test_when_one_job_cannot_be_put_back_then_the_others_are_closed_all_the_same(rig: PaperRig, tmp_path: Path) -> None:
    jobs = HostJobs(rig.host, rig.main, nobody_answers, tmp_path / "exports")
    closed: list[str] = []

    def steps(name: str) -> Steps[None]:
        try:
            yield Step(0, 1)
        finally:
            closed.append(name)
            if name != "second":
                raise RuntimeError(f"{name} cannot be put back")

    for name in ("first", "second", "third"):
        job = jobs.jobs[name] = HostJob(name)
        job.steps = steps(name)
        next(job.steps)
    with pytest.raises(RuntimeError, match="cannot be put back"):
        jobs.close()
    assert sorted(closed) == ["first", "second", "third"]
