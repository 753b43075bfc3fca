"""A take on disk, read as what a host places."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from understudy.bridge.delivered import read_delivered
from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.host import RememberedJob

DIGEST = "0" * 64


def take(folder: Path, *files: tuple[str, str | None, int | None], job: str = "abcd") -> RememberedJob:
    """Write a manifest that lists (path, layer, frame), and the files, empty; return the job whose take it is."""
    for path, _, _ in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    listed = [{"path": p, "size": 1, "file": DIGEST, "layer": layer, "frame": frame} for p, layer, frame in files]
    (folder / "manifest.json").write_text(
        json.dumps({"job": job, "rate": "24000/1001", "state": "delivered", "files": listed})
    )
    return RememberedJob(job_id="abcd", shot="sh", version=1, frames=FrameRange(1, 2), anchor="", folder=str(folder))


def test_when_a_take_is_read_then_each_layer_has_one_pattern_and_mattes_are_data(tmp_path: Path) -> None:
    job = take(
        tmp_path, ("matte/matte.0001.exr", "matte", 1), ("matte/matte.0002.exr", "matte", 2),
        ("review.mp4", None, None),
    )  # fmt: skip
    delivered = read_delivered(job)
    assert [(layer.name, Path(layer.pattern).name, layer.colour) for layer in delivered.layers] == [
        ("matte", "matte.####.exr", "data")
    ]
    assert delivered.rate == FrameRate(24000, 1001)
    assert delivered.review == str(tmp_path / "review.mp4")


@pytest.mark.parametrize(
    ("name", "frame", "pattern"),
    [
        ("sh_010_matte_v001.1001.exr", 1001, "sh_010_matte_v001.####.exr"),
        ("sh_1001_matte.1001.exr", 1001, "sh_1001_matte.####.exr"),
        ("matte.-0010.exr", -10, "matte.####.exr"),
    ],
)
def test_when_other_numbers_stand_in_the_name_then_the_frame_s_own_is_found(
    tmp_path: Path, name: str, frame: int, pattern: str
) -> None:
    job = take(tmp_path, (f"matte/{name}", "matte", frame))
    assert Path(read_delivered(job).layers[0].pattern).name == pattern


def test_when_the_folder_holds_another_job_s_take_then_it_is_refused_by_both_names(tmp_path: Path) -> None:
    job = take(tmp_path, ("matte/matte.0001.exr", "matte", 1), job="zzzz")
    with pytest.raises(HostError, match="zzzz, not abcd"):
        read_delivered(job)


def test_when_there_is_no_take_then_the_remedy_fetches_it(tmp_path: Path) -> None:
    job = RememberedJob(job_id="abcd", shot="s", version=1, frames=FrameRange(1, 2), anchor="", folder=str(tmp_path))
    with pytest.raises(HostError) as refused:
        read_delivered(job)
    assert "understudy fetch abcd" in refused.value.remedy
