"""From what was typed to a job: files, frames, digests, and words for every slip of the finger."""

from __future__ import annotations

import os
import string
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import OpenEXR
import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from understudy.bridge.errors import PlateError, RequestError, UnderstudyError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.gather import Gathered, gather_job
from understudy.bridge.options import JobOptions


def write(path: Path, content: str = "") -> Path:
    """Write a file that no two frames share the bytes of."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((content or f"picture {path.name}").encode(errors="surrogateescape"))
    return path


def write_exr(path: Path, **header: Any) -> Path:
    pixels = np.full((4, 6, 3), 0.25, np.float16)
    path.parent.mkdir(parents=True, exist_ok=True)
    OpenEXR.File({"type": OpenEXR.scanlineimage, **header}, {"RGB": pixels}).write(str(path))
    return path


@pytest.fixture
def shot(tmp_path: Path) -> JobOptions:
    """Return the options of a sound shot of four frames, 1001 to 1004."""
    for frame in range(1001, 1005):
        write(tmp_path / f"plate.{frame}.png")
        write(tmp_path / f"matte.{frame}.png")
    write(tmp_path / "hero.png")
    return JobOptions(
        plate=str(tmp_path / "plate.####.png"), matte=str(tmp_path / "matte.####.png"), rate="24",
        reference=str(tmp_path / "hero.png"), self_attest="a test, to see what is gathered",
    )  # fmt: skip


def gathered(options: JobOptions, **changed: Any) -> Gathered:
    return gather_job(msgspec.structs.replace(options, **changed))


def refused(options: JobOptions, kind: type[UnderstudyError] = RequestError, **changed: Any) -> UnderstudyError:
    """Return the refusal; each has a remedy."""
    with pytest.raises(kind) as problem:
        gathered(options, **changed)
    assert problem.value.remedy
    return problem.value


def frames_of(job: Gathered, role: str = "plate") -> list[int | None]:
    return [file.frame for file in job.job.shot.roles()[role].files]


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


# ---- names


AWKWARD = (
    "my plate.####.png", "plate[v2].####.png", "plate {a}.####.png", "100%.####.png", "50%d.####.png", "a\\b.####.png",
    "Straße_日本.####.png", "e\u0301.####.png", "plate.####.v2.png", "-plate.####.png", "plate*?.####.png",
    "plate#2.####.png", "plate(1)+.####.png", "$HOME.####.png", "plate'\".####.png", " lead.####.png ",
)  # fmt: skip


@pytest.mark.parametrize("name", AWKWARD)
def test_when_a_name_is_awkward_then_its_frames_are_found_and_named_as_typed(
    shot: JobOptions, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "a folder [with] 5% öde"
    for frame in (7, 8):
        write(folder / name.replace("####", f"{frame:04}"))
    job = gathered(shot, plate=str(folder / name), matte=str(folder / name))
    pictures = job.job.shot.roles()["plate"]
    assert [(file.frame, file.typed) for file in pictures.files] == [
        (frame, str(folder / name.replace("####", f"{frame:04}"))) for frame in (7, 8)
    ]
    assert pictures.typed == str(folder / name)


@pytest.mark.parametrize("name", ["hero#2.png", "100%done.png", "%d.png", "##.png", "hero [final] (2).png"])
def test_when_a_file_of_exactly_this_name_is_there_then_it_is_that_file_and_no_pattern(
    shot: JobOptions, tmp_path: Path, name: str
) -> None:
    job = gathered(shot, reference=str(write(tmp_path / name)))
    reference = job.job.shot.roles()["reference"]
    assert reference.kind == "still"
    assert [Path(file.typed).name for file in reference.files] == [name]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stem=st.text(string.printable.replace("/", "") + "äß日\u0301", max_size=20).filter(lambda s: "\0" not in s))
def test_any_stem_that_a_disk_takes_is_found_again(shot: JobOptions, tmp_path: Path, stem: str) -> None:
    folder = tmp_path / blake3(stem.encode()).hexdigest()[:16]
    for frame in (1, 2):
        write(folder / f"{stem}.{frame:04}.png")
    job = gathered(shot, plate=str(folder / f"{stem}.####.png"), matte=str(folder / f"{stem}.####.png"))
    assert frames_of(job) == [1, 2]
    assert job.job.shot.name


def test_when_a_name_is_no_text_then_it_is_refused_and_can_be_printed(shot: JobOptions, tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/her\xff.png")
    write(Path(odd))
    problem = refused(shot, reference=odd)
    assert "her\\udcff.png is not named in UTF-8" in problem.message
    problem.message.encode()


def test_when_a_frame_is_a_link_then_what_it_leads_to_is_read_and_the_link_is_named(
    shot: JobOptions, tmp_path: Path
) -> None:
    real = write(tmp_path / "store" / "take7.bin")
    for frame in (1, 2):
        link = tmp_path / "links" / f"p.{frame:04}.png"
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(real if frame == 1 else write(tmp_path / "store" / "take8.bin"))
    job = gathered(shot, plate=str(tmp_path / "links" / "p.####.png"), matte=str(tmp_path / "links" / "p.####.png"))
    first = job.job.shot.roles()["plate"].files[0]
    assert first.typed == str(tmp_path / "links" / "p.0001.png")
    assert job.paths[first.file] == real


def test_when_two_roles_name_one_file_then_it_is_sent_once(shot: JobOptions) -> None:
    job = gathered(shot, matte=shot.plate)
    assert len(job.paths) == 5
    assert len(job.job.shot.files()) == 5


@pytest.mark.parametrize(
    ("plate", "name"),
    [
        ("sh010_plate.####.png", "sh010_plate"), ("a\\b c.####.png", "a_b_c"), ("####.png", "shot"),
        ("straße.%04d.png", "straße"), ("..####.png", "shot"), ("x" * 200 + ".####.png", "x" * 100),
    ],
)  # fmt: skip
def test_when_no_shot_is_named_then_the_plates_name_is_made_one(
    shot: JobOptions, tmp_path: Path, plate: str, name: str
) -> None:
    write(tmp_path / plate.replace("####", "0001").replace("%04d", "0001"))
    typed = str(tmp_path / plate)
    assert gathered(shot, plate=typed, matte=typed).job.shot.name == name


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


# ---- slips


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"reference": None}, "no reference"),
        ({"plate": None}, "needs --plate"),
        ({"matte": None}, "needs --matte"),
        ({"frames": "1004-1001"}, "1004-1001"),
        ({"frames": "all"}, "'all' is not a frame range"),
        ({"frames": "2000-2010"}, "has no frame of 2000-2010: it has frames 1001 to 1004"),
        ({"handles": 2}, "handles 2+2 leave no cut"),
        ({"handles": -1}, "handles -1"),
        ({"handles": "2:2"}, "handles 2+2 leave no cut"),
        ({"handles": "-1"}, "'-1' are no handles"),
        ({"rate": "fast"}, "'fast' is not a frame rate"),
        ({"rate": "0"}, "'0' is not a frame rate"),
        ({"window": "door"}, "'door' is not a window"),
        ({"exposure": float("inf")}, "--exposure inf"),
        ({"seed": -1}, "--seed"),
        ({"seed": 2**64}, "--seed"),
        ({"priority": 1000}, "--priority"),
        ({"shot": "a/b"}, "--shot"),
        ({"shot": ".."}, "--shot"),
        ({"project": "a\nb"}, "--project"),
        ({"self_attest": None}, "needs papers"),
        ({"record": "nowhere.json"}, "not both"),
        ({"record": "nowhere.json", "self_attest": None}, "no record nowhere.json"),
    ],
)
def test_when_something_is_typed_wrongly_then_it_is_told_by_its_name(
    shot: JobOptions, typed: dict[str, Any], said: str
) -> None:
    assert said in refused(shot, **typed).message


def test_a_record_keeps_its_salt_and_one_without_is_left_to_the_daemon(shot: JobOptions, tmp_path: Path) -> None:
    path = tmp_path / "record.toml"
    for written, salt in (("", ""), (f'salt = "{"5" * 32}"', "5" * 32)):
        path.write_text(f'schema = 2\nrecord_id = "r-1"\n{written}')
        assert gathered(shot, self_attest=None, record=str(path)).job.record.salt == salt


@pytest.mark.parametrize("role", ["plate", "matte", "reference", "clean_plate", "holdout", "keypoints"])
def test_when_a_file_is_not_there_then_it_is_named_as_typed(shot: JobOptions, tmp_path: Path, role: str) -> None:
    typed = str(tmp_path / "nowhere" / "x.png")
    assert f"there is no file {typed}" in refused(shot, **{role: typed}).message


@pytest.mark.parametrize("role", ["plate", "matte", "clean_plate", "holdout"])
def test_when_a_sequence_is_not_there_then_it_is_named_as_typed(shot: JobOptions, tmp_path: Path, role: str) -> None:
    typed = str(tmp_path / "nowhere" / "x.####.png")
    assert typed in refused(shot, **{role: typed}).message


@pytest.mark.parametrize("role", ["reference", "keypoints"])
def test_when_numbers_stand_in_the_name_of_what_is_one_file_then_it_is_refused(
    shot: JobOptions, tmp_path: Path, role: str
) -> None:
    assert "is one file, not a sequence" in refused(shot, **{role: str(tmp_path / "plate.####.png")}).message


def test_when_a_folder_is_typed_then_it_is_told_how_its_files_are_named(shot: JobOptions, tmp_path: Path) -> None:
    problem = refused(shot, plate=str(tmp_path))
    assert "is a folder" in problem.message
    assert "name.####.exr" in problem.remedy


def test_when_a_movies_frames_are_not_said_then_it_is_asked_for_them(shot: JobOptions, tmp_path: Path) -> None:
    movie, matte = write(tmp_path / "take.mp4"), write(tmp_path / "roto.mp4")
    assert "--frames" in refused(shot, plate=str(movie), matte=str(matte)).remedy


def test_when_two_files_claim_one_frame_then_both_are_named(shot: JobOptions, tmp_path: Path) -> None:
    write(tmp_path / "plate.01001.png")
    problem = refused(shot)
    assert "plate.01001.png" in problem.message
    assert "plate.1001.png" in problem.message


# ---- files that cannot be used


def test_when_a_frame_is_empty_then_it_is_named(shot: JobOptions, tmp_path: Path) -> None:
    (tmp_path / "plate.1003.png").write_bytes(b"")
    assert f"{tmp_path / 'plate.1003.png'} is empty" in refused(shot, PlateError).message


def test_when_a_link_leads_nowhere_then_it_is_named(shot: JobOptions, tmp_path: Path) -> None:
    (tmp_path / "matte.1002.png").unlink()
    (tmp_path / "matte.1002.png").symlink_to(tmp_path / "gone.png")
    assert f"{tmp_path / 'matte.1002.png'} cannot be read" in refused(shot, PlateError).message


def test_when_a_folder_has_a_frames_name_then_it_is_named(shot: JobOptions, tmp_path: Path) -> None:
    (tmp_path / "plate.1005.png").mkdir()
    assert str(tmp_path / "plate.1005.png") in refused(shot, PlateError).message


def test_when_a_linked_exr_is_cut_short_then_the_link_is_named_and_not_where_it_leads(
    shot: JobOptions, tmp_path: Path
) -> None:
    whole = write_exr(tmp_path / "store" / "secret.exr").read_bytes()
    (tmp_path / "store" / "secret.exr").write_bytes(whole[:-20])
    (tmp_path / "p.0001.exr").symlink_to(tmp_path / "store" / "secret.exr")
    problem = refused(shot, PlateError, plate=str(tmp_path / "p.####.exr"), frames="1", matte=shot.reference)
    assert str(tmp_path / "p.0001.exr") in problem.message
    assert "secret" not in f"{problem.message} {problem.remedy} {problem.facts}"


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
