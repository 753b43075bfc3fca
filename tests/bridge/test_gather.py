"""From what was typed to a job: files, frames, rate, digests, options."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import pytest
from blake3 import blake3
from gather_rig import frames_of, gathered, refused, write, write_exr

from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.gather import gather_job
from understudy.bridge.options import JobOptions

# ---- what is found


def test_when_a_sequence_is_typed_then_its_frames_are_the_shots_with_the_digest_of_each_file(
    shot: JobOptions, tmp_path: Path
) -> None:
    job = gathered(shot)
    assert job.job.shot.range == FrameRange(1001, 1004)
    assert frames_of(job) == frames_of(job, "matte") == [1001, 1002, 1003, 1004]
    for file in job.job.shot.files().values():
        path = job.paths[file.file]
        assert file.file == file.picture == blake3(path.read_bytes()).hexdigest()
        assert file.size == path.stat().st_size
    assert {path.name for path in job.paths.values()} == {path.name for path in tmp_path.iterdir()}


def test_when_frames_are_named_then_no_other_file_is_read_or_sent(shot: JobOptions) -> None:
    job = gathered(shot, frames="1002-1003")
    assert frames_of(job) == [1002, 1003]
    assert len(job.paths) == 5


def test_when_handles_are_asked_for_then_the_frames_hold_them_and_the_cut_does_not(shot: JobOptions) -> None:
    whole = gathered(shot, handles=1).job.shot.range
    assert (len(whole), str(whole.cut)) == (4, "1002-1003")
    unequal = gathered(shot, handles="0:3").job.shot.range
    assert (len(unequal), str(unequal.cut), unequal.handles) == (4, "1001-1001", (0, 3))


def test_when_a_movie_is_typed_then_it_is_one_file_whose_frames_count_from_first(
    shot: JobOptions, tmp_path: Path
) -> None:
    movie = write(tmp_path / "take.MOV")
    job = gathered(shot, plate=str(movie), first=1001)
    assert (job.job.shot.plate is not None, frames_of(job)) == (True, [None])
    pictures = job.job.shot.roles()["plate"]
    assert (pictures.kind, pictures.movie_first) == ("movie", 1001)
    assert job.job.shot.range == FrameRange(1001, 1004), "the matte's frames, where nobody says --frames"


def test_when_only_stills_are_typed_then_it_is_a_shot_of_one_frame(shot: JobOptions, tmp_path: Path) -> None:
    still, matte = write(tmp_path / "still.png"), write(tmp_path / "roto.png")
    job = gathered(shot, plate=str(still), matte=str(matte))
    assert job.job.shot.range == FrameRange(1, 1)
    assert job.job.shot.roles()["plate"].kind == "still"


def test_when_frame_numbers_are_negative_then_their_sign_is_read(shot: JobOptions, tmp_path: Path) -> None:
    for frame in ("-0002", "-0001", "0000", "0001"):
        write(tmp_path / f"early.{frame}.png")
    early = str(tmp_path / "early.####.png")
    assert frames_of(gathered(shot, plate=early, matte=early)) == [-2, -1, 0, 1]
    assert frames_of(gathered(shot, plate=early, matte=early, frames="-2--1")) == [-2, -1]


def test_when_numbers_outgrow_their_padding_then_they_are_one_sequence(shot: JobOptions, tmp_path: Path) -> None:
    for frame in (9999, 10000):
        write(tmp_path / f"long.{frame}.png")
    long = str(tmp_path / "long.%04d.png")
    assert frames_of(gathered(shot, plate=long, matte=long)) == [9999, 10000]


# ---- rate


def test_when_no_rate_is_typed_then_the_first_frames_header_says_it(shot: JobOptions, tmp_path: Path) -> None:
    for frame in (1, 2):
        write_exr(tmp_path / f"p.{frame:04}.exr", framesPerSecond=Fraction(24000, 1001))
    plate = str(tmp_path / "p.####.exr")
    assert gathered(shot, plate=plate, matte=plate, rate=None).job.shot.rate == FrameRate(24000, 1001)
    assert gathered(shot, plate=plate, matte=plate, rate="25").job.shot.rate == FrameRate(25)


def test_when_neither_user_nor_header_says_a_rate_then_none_is_guessed(shot: JobOptions) -> None:
    assert gathered(shot, rate=None).job.shot.rate is None


def test_when_an_exr_is_written_again_then_its_file_is_new_and_its_picture_is_not(
    shot: JobOptions, tmp_path: Path
) -> None:
    files = []
    for date in ("2026:01:01 00:00:00", "2026:02:02 00:00:00"):
        path = write_exr(tmp_path / "p.0001.exr", capDate=date)
        files.append(gathered(shot, plate=str(path), matte=str(path)).job.shot.roles()["plate"].files[0])
    assert files[0].file != files[1].file
    assert files[0].picture == files[1].picture


# ---- modes


def test_when_keypoints_drive_then_no_plate_is_needed(shot: JobOptions, tmp_path: Path) -> None:
    walk = write(tmp_path / "walk.json", "{}")
    job = gathered(shot, mode="animate", plate=None, matte=None, keypoints=str(walk), frames="1-8", format="640x360")
    assert list(job.job.shot.roles()) == ["reference", "keypoints"]
    assert job.job.settings.format == (640, 360)


def test_when_nothing_drives_then_both_ways_to_drive_are_offered(shot: JobOptions) -> None:
    problem = refused(shot, mode="animate", plate=None, matte=None)
    assert "needs a driver" in problem.message
    assert "--plate" in problem.remedy
    assert "--keypoints" in problem.remedy


@pytest.mark.parametrize(
    "said", ["1920", "1920x", "0x0", "8x600", "99999x10", "-4x4", "1e3x1e3", "huge", "", "١٢٨x128"]
)
def test_when_a_format_is_no_size_then_it_is_refused_as_typed(shot: JobOptions, said: str) -> None:
    assert f"--format {said} is no size" in refused(shot, mode="animate", format=said).message


@pytest.mark.parametrize("said", ["1920x1080", " 1920 X 1080 ", "1920×1080", "1920*1080"])
def test_a_format_may_be_typed_as_people_do(shot: JobOptions, said: str) -> None:
    assert gathered(shot, mode="animate", format=said).job.settings.format == (1920, 1080)


def test_when_a_format_is_named_for_a_replacement_then_it_is_refused(shot: JobOptions) -> None:
    assert "for --mode animate" in refused(shot, format="640x360").message


# ---- the record


def test_a_record_keeps_its_salt_and_one_without_is_left_to_the_daemon(shot: JobOptions, tmp_path: Path) -> None:
    path = tmp_path / "record.toml"
    for written, salt in (("", ""), (f'salt = "{"5" * 32}"', "5" * 32)):
        path.write_text(f'schema = 2\nrecord_id = "r-1"\n{written}')
        assert gathered(shot, self_attest=None, record=str(path)).job.record.salt == salt


# ---- progress


def test_progress_counts_every_file_once_and_comes_from_the_callers_thread(shot: JobOptions) -> None:
    told: list[tuple[int, int]] = []
    threads = set()

    def hashed(done: int, total: int) -> None:
        told.append((done, total))
        threads.add(threading.get_ident())

    gather_job(shot, hashed=hashed)
    assert told == [(done, 9) for done in range(1, 10)]
    assert threads == {threading.get_ident()}


def test_when_progress_raises_then_gathering_stops(shot: JobOptions) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather_job(shot, hashed=stop)


# ---- what only one engine knows


def test_options_of_an_engine_are_given_by_name_and_dashes_are_underscores(shot: JobOptions) -> None:
    job = gathered(shot, option=["steps=12", "carried-frames = 5"]).job
    assert job.settings.engine_options == {"steps": "12", "carried_frames": "5"}


@pytest.mark.parametrize("word", ["steps", "=12", ""])
def test_an_option_that_is_no_name_and_value_is_refused(shot: JobOptions, word: str) -> None:
    assert "NAME=VALUE" in str(refused(shot, option=[word]))


def test_an_option_that_is_given_twice_is_refused(shot: JobOptions) -> None:
    assert "twice" in str(refused(shot, option=["steps=1", "steps=2"]))
