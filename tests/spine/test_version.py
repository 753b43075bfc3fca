"""A version on disk: complete under its name or not there, never another job's, never of inputs that changed."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import msgspec
import pytest
from spine_rig import Told, gathered, order_of

from understudy.bridge.exr_file import file_digest
from understudy.bridge.options import JobOptions
from understudy.inference.compliance.manifest import read_manifest
from understudy.inference.work_order import FromWorker, WorkerChecking, WorkerEnd, WorkerFrame, WorkOrder
from understudy.inference.worker import Reporter, perform


@pytest.fixture
def order(options: JobOptions, tmp_path: Path) -> WorkOrder:
    return order_of(gathered(options, frames="1001-1003"), tmp_path / "job")


def run(order: WorkOrder, told: Told) -> WorkerEnd:
    return perform(order, Reporter(told.append))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_when_a_version_is_delivered_then_nothing_in_it_can_be_written(order: WorkOrder, tmp_path: Path) -> None:
    assert run(order, Told()).state == "delivered"
    files = [path for path in (tmp_path / "job" / "v001").rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"review.mp4", "report.html", "manifest.json"}
    assert not [path.name for path in files if path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)]


@pytest.mark.parametrize("content", ["another job's version", "something else"])
def test_when_a_folder_of_the_versions_name_is_not_this_jobs_then_it_is_neither_taken_nor_touched(
    order: WorkOrder, options: JobOptions, tmp_path: Path, content: str
) -> None:
    settled = tmp_path / "job" / "v001"
    if content == "something else":
        settled.mkdir(parents=True)
        (settled / "notes.txt").write_text("mine")
    else:
        other = order_of(gathered(options, frames="1001-1003"), tmp_path / "job", job_id="anotherjob")
        assert run(other, Told()).state == "delivered"
    before = bytes_of(settled)
    end = run(order, Told())
    assert end.state == "failed"
    assert end.error is not None
    assert str(settled) in end.error.message
    assert bytes_of(settled) == before


def test_when_a_version_was_delivered_but_never_told_then_the_same_files_are_told_again(
    order: WorkOrder, tmp_path: Path
) -> None:
    first = run(order, Told())
    again = Told()
    assert {file.path: file for file in run(order, again).files} == {file.path: file for file in first.files}
    assert not again


def test_when_a_power_cut_left_names_without_bytes_then_those_frames_are_made_again_and_alike(
    order: WorkOrder, tmp_path: Path
) -> None:
    whole = order_of_copy(order, tmp_path / "whole")
    assert run(whole, Told()).state == "delivered"
    expected = bytes_of(tmp_path / "whole" / "v001")
    left = tmp_path / "job" / ".provisional" / "v001"
    shutil.copytree(tmp_path / "whole" / "v001", left)
    torn = [left / "comp" / "comp.1001.exr", left / "patch" / "patch.1003.exr", left / "review.mp4"]
    for path, size in zip(torn, (0, 2000, 17), strict=True):
        path.chmod(0o600)
        path.write_bytes(path.read_bytes()[:size])
    told = Told()
    assert run(order, told).state == "delivered"
    assert [message.frame for message in told.of(WorkerFrame)] == [1002, 1001, 1003]
    made = bytes_of(tmp_path / "job" / "v001")
    assert {name: data for name, data in made.items() if name.endswith(".exr")} == {
        name: data for name, data in expected.items() if name.endswith(".exr")
    }


def order_of_copy(order: WorkOrder, folder: Path) -> WorkOrder:
    """Return the same order for another folder."""
    return msgspec.structs.replace(order, folder=str(folder), scratch=str(folder / ".scratch"))


def test_when_an_input_rots_while_the_job_runs_then_nothing_is_delivered_and_the_file_is_named(
    order: WorkOrder, tmp_path: Path
) -> None:
    digest = order.job.shot.performers[0].character.pictures.files[0].file
    copy = tmp_path / "blob"
    shutil.copy(order.blobs[digest], copy)
    order.blobs[digest] = str(copy)

    def rot(message: FromWorker) -> None:
        if isinstance(message, WorkerChecking):
            with copy.open("ab") as file:
                file.write(b"\0")

    end = perform(order, Reporter(rot))
    assert end.state == "failed"
    assert end.error is not None
    assert "reference" in end.error.message
    assert not (tmp_path / "job" / "v001").exists()


def test_when_another_blob_stands_for_an_input_then_it_is_held_against_its_own_name(
    order: WorkOrder, tmp_path: Path
) -> None:
    """A re-export of the same picture is not sent: the vault's file of it has other bytes and another name."""
    digest = order.job.shot.performers[0].character.pictures.files[0].file
    other = Path(order.blobs[digest]).read_bytes() + b"\0"
    (tmp_path / "other.png").write_bytes(other)
    name = file_digest(tmp_path / "other.png")
    blob = tmp_path / "blobs" / name[:2] / name[2:]
    blob.parent.mkdir(parents=True)
    (tmp_path / "other.png").rename(blob)
    order.blobs[digest] = str(blob)
    assert run(order, Told()).state == "delivered"
    manifest = read_manifest((tmp_path / "job" / "v001" / "manifest.json").read_bytes())
    assert digest in {given.file for given in manifest.inputs}
