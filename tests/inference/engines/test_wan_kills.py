"""One Wan-Animate job whose worker is killed in one stage after another, and what it leaves in the end."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import NamedTuple

import pytest
from spine_rig import Told, gathered, order_of
from struck import Struck, files_in, sweep, tear
from tiny_wan import make_tiny_checkpoint
from wan_moments import DRAWN, JOB, STRUCK, TELLING
from wan_shot import draw_wan_shot, run

from understudy.inference.engines.descriptions import WAN_ANIMATE
from understudy.inference.work_order import WorkerFrame

# Sixteen workers, one after the other; the limit counts the fixture too.
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


class Made(NamedTuple):
    """The same job, made in one go and under blows."""

    folder: Path
    told: Told
    struck: list[Struck]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("kills")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("UNDERSTUDY_HOME", str(folder / "home"))
        environment.setenv("UNDERSTUDY_WEIGHTS", str(make_tiny_checkpoint(folder / "weights", seed=1)))
        job = gathered(draw_wan_shot(folder / "shot", DRAWN), option=[*JOB])
        end, told = run(order_of(job, folder / "whole"))
        assert end.state == "delivered", end.error
        return Made(folder, told, sweep(order_of(job, folder / STRUCK), TELLING))


def test_in_every_stage_a_real_worker_was_killed_by_signal_9_and_the_next_one_went_on(made: Made) -> None:
    *killed, last = made.struck
    assert [one.moment for one in killed] == list(TELLING)
    assert [str(one.moment) for one in killed if one.signal != signal.SIGKILL] == []
    assert last.end is not None
    assert last.end.state == "delivered", last.end.error


def test_after_all_of_them_every_file_is_the_undisturbed_jobs_to_the_byte_but_for_what_is_signed(
    made: Made,
) -> None:
    """Layers, review, manifest with its findings, report, list of files: nothing tells that the job was ever struck."""
    whole = files_in(made.folder / "whole")
    assert len(whole) == DRAWN * len(WAN_ANIMATE.layers["replace"]) + 4
    assert {path for path, _ in whole.items() ^ files_in(made.folder / STRUCK).items()} == set()


def test_the_records_of_the_frames_are_those_of_the_undisturbed_job(made: Made) -> None:
    records = {message.frame: message.files for message in made.told.of(WorkerFrame)}
    for one in made.struck:
        for message in one.told:
            if isinstance(message, WorkerFrame):
                assert message.files == records[message.frame], one.moment


def test_a_finished_segment_is_not_made_again(made: Made) -> None:
    stages = [str(one.moment and one.moment.stage) for one in made.struck]
    later = made.struck[stages.index("denoising the next segment") :]
    assert later[0].segments("denoising") == {2}
    assert later[-1].segments("denoising") == set()


def test_nothing_half_written_and_no_lock_stays_behind(made: Made) -> None:
    assert tear(made.folder / STRUCK) == []
    assert not (made.folder / STRUCK / ".provisional").exists()
