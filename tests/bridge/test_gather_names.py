"""Names as people give them: awkward ones, patterns that are none, links, and a shot named after its plate."""

from __future__ import annotations

import os
import string
from pathlib import Path

import pytest
from blake3 import blake3
from gather_rig import frames_of, gathered, refused, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from understudy.bridge.options import JobOptions

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
