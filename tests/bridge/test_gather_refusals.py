"""Words for every slip of the finger, and for files that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gather_rig import refused, write, write_exr

from understudy.bridge.errors import PlateError
from understudy.bridge.options import JobOptions

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
