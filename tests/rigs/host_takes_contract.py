"""What every host must do with the takes of a shot, also in a new process, and with those that never come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from daemon_rig import RunningDaemon
from host_rig import PATIENCE_SECONDS, RATE, Desk, Drawn, HostRig, blacken

from understudy.bridge.client import Client
from understudy.bridge.host import DRAFT, RememberedJob
from understudy.bridge.host_jobs import HostJobs


class TakesContract:
    """Of every host: takes stand side by side, are found again, and one that comes to no good end leaves nothing."""

    def again(self, desk: Desk, daemon: RunningDaemon, tmp_path: Path) -> Desk:
        """Close the host and open its document again, as if in a new process."""
        desk.jobs.close()
        desk.rig.restart()
        jobs = HostJobs(desk.rig.host, desk.rig.main, lambda: daemon.connection, tmp_path / "exports")
        return Desk(desk.rig, jobs)

    # ---- takes ------------------------------------------------------------------------------------------------------

    def test_when_a_shot_is_recast_again_then_the_new_take_comes_beside_the_old_one(
        self, desk: Desk, drawn: Drawn
    ) -> None:
        desk.rig.make_shot(drawn, shot="sh080", rate=RATE)
        first = desk.submit(seed=1)
        desk.wait(first)
        second = desk.submit(seed=2)
        desk.wait(second)
        assert desk.rig.takes() == (1, 2)
        assert first.remembered is not None
        assert sorted(Path(first.remembered.folder).rglob("comp.*.exr"))

    def test_when_two_jobs_run_at_once_then_both_are_placed(self, desk: Desk, drawn: Drawn) -> None:
        desk.rig.make_shot(drawn, shot="sh090", rate=RATE, untouched=False)
        jobs = [desk.submit(seed=seed) for seed in (1, 2)]
        desk.wait(*jobs)
        assert [job.notice.stage for job in jobs] == ["placed", "placed"]
        assert desk.rig.takes() == (1, 2)

    def test_when_the_same_selection_is_exported_in_a_new_process_then_no_picture_is_sent_and_the_cache_answers(
        self, desk: Desk, drawn: Drawn, daemon: RunningDaemon, tmp_path: Path
    ) -> None:
        desk.rig.make_shot(drawn, shot="sh100", rate=RATE, untouched=False)
        first = desk.submit(engine="preview")
        desk.wait(first)
        used = _vault_bytes(daemon)
        desk = self.again(desk, daemon, tmp_path)
        second = desk.submit(engine="preview")
        desk.wait(second)
        assert second.notice.stage == "placed", second.notice
        assert _vault_bytes(daemon) == used
        assert any(finding.rule == "pixels_reused" for finding in second.notice.findings), second.notice
        desk.jobs.close()

    def test_when_the_host_was_closed_meanwhile_then_the_job_is_found_again_and_placed(
        self, desk: Desk, drawn: Drawn, daemon: RunningDaemon, tmp_path: Path
    ) -> None:
        desk.rig.make_shot(drawn, shot="sh110", rate=RATE)
        job = desk.submit(engine="preview", seed=9)
        desk.turn_until(lambda: job.notice.stage in ("queued", "running", "checking", "delivered", "placing"))
        desk = self.again(desk, daemon, tmp_path)
        taken_up = desk.jobs.reattach()
        assert len(taken_up) == 1
        desk.wait(*taken_up)
        assert taken_up[0].notice.stage == "placed", taken_up[0].notice
        assert desk.rig.takes() == (1,)
        assert all(one.settled for one in desk.remembered()), "nothing is taken up when it is opened again"
        desk.jobs.close()

    def test_when_the_host_was_closed_just_as_the_daemon_accepted_the_job_then_it_is_found_again_and_placed(
        self, desk: Desk, drawn: Drawn, daemon: RunningDaemon, tmp_path: Path
    ) -> None:
        desk.rig.make_shot(drawn, shot="sh112", rate=RATE)
        desk.submit(engine="preview", seed=10)
        desk.turn_until(lambda: any(one.token for one in desk.remembered()))
        with Client.connect(daemon.connection) as client:  # from here on nothing more is written into the document
            _until(lambda: any(job.shot == "sh112" for job in client.list_jobs()))
        desk = self.again(desk, daemon, tmp_path)
        assert [bool(one.token) for one in desk.remembered()] == [True]
        taken_up = desk.jobs.reattach()
        assert len(taken_up) == 1
        desk.wait(*taken_up)
        assert taken_up[0].notice.stage == "placed", taken_up[0].notice
        assert desk.rig.takes() == (1,)
        assert [(one.token, one.settled) for one in desk.remembered()] == [("", True)]
        desk.jobs.close()

    def test_when_the_host_was_closed_just_before_the_job_was_sent_then_it_is_forgotten_and_the_artist_told(
        self, desk: Desk, drawn: Drawn
    ) -> None:
        desk.rig.make_shot(drawn, shot="sh114", rate=RATE)
        selection = desk.rig.host.select()
        desk.rig.host.remember(
            RememberedJob(
                job_id=f"{DRAFT}{'0' * 32}", shot="sh114", version=0, frames=selection.frames,
                anchor=selection.anchor, folder=str(desk.rig.folder), state="draft",
            )
        )  # fmt: skip
        (job,) = desk.jobs.reattach()
        desk.wait(job)
        assert (job.notice.stage, desk.remembered()) == ("cancelled", ())
        assert "never sent" in job.notice.words

    # ---- what does not come to a good end ---------------------------------------------------------------------------

    def test_when_a_delivery_is_refused_then_nothing_of_it_is_shown_and_the_artist_is_told_why(
        self, desk: Desk, drawn: Drawn, tmp_path: Path
    ) -> None:
        desk.rig.make_shot(drawn, shot="sh120", rate=RATE, matte=blacken(drawn.matte, tmp_path / "black"))
        before = desk.rig.surroundings()
        job = desk.submit()
        desk.wait(job)
        assert job.notice.stage == "withdrawn", job.notice
        assert "matte" in job.notice.words.lower() + str(job.notice.findings).lower()
        assert desk.rig.surroundings() == before
        assert desk.rig.takes() == ()
        assert all(one.settled for one in desk.remembered()), "nothing is taken up when it is opened again"

    def test_when_a_job_is_cancelled_then_the_host_takes_its_results_away(self, desk: Desk, drawn: Drawn) -> None:
        desk.rig.make_shot(drawn, shot="sh130", rate=RATE)
        job = desk.submit(engine="preview", seed=11)
        desk.turn_until(lambda: bool(job.notice.job_id))
        desk.jobs.cancel(job)
        desk.wait(job)
        assert job.notice.stage in ("cancelled", "placed")
        assert all(one.settled for one in desk.remembered()), "a job that has ended is settled in the document"
        assert desk.rig.takes() == (() if job.notice.stage == "cancelled" else (1,))

    def test_when_no_daemon_answers_then_the_job_fails_with_a_remedy_and_the_host_goes_on(
        self, rig: HostRig, drawn: Drawn, tmp_path: Path
    ) -> None:
        from understudy.bridge.keys import load_connection

        rig.make_shot(drawn, shot="sh140", rate=RATE)
        jobs = HostJobs(
            rig.host, rig.main, lambda: load_connection(tmp_path / "nowhere" / "daemon.json"), tmp_path / "exports"
        )
        desk = Desk(rig, jobs)
        job = desk.submit()
        desk.wait(job)
        assert job.notice.stage == "failed"
        assert job.notice.error is not None
        assert job.notice.error.remedy
        jobs.close()

    def test_when_the_host_closes_then_no_thread_of_ours_is_left(
        self, desk: Desk, drawn: Drawn, daemon: RunningDaemon
    ) -> None:
        desk.rig.make_shot(drawn, shot="sh150", rate=RATE)
        job = desk.submit(engine="preview", seed=12)
        desk.turn_until(lambda: bool(job.notice.job_id))
        desk.jobs.close()
        assert [thread.name for thread in threading.enumerate() if thread.name.startswith("understudy-")] == []


def _until(true: Callable[[], bool]) -> None:
    """Wait without a turn of the main thread."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def _vault_bytes(daemon: RunningDaemon) -> int:
    with Client.connect(daemon.connection) as client:
        return client.status().vault_bytes
