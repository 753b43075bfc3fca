"""The picture path from files to files, in this process: what the contracts promise of the layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from numpy.typing import NDArray
from spine_rig import Told, gathered, order_of

from understudy.bridge.errors import JobCancelled
from understudy.bridge.exr_file import read_attribute
from understudy.bridge.options import JobOptions
from understudy.inference.compliance.manifest import read_manifest
from understudy.inference.drawn_shot import DrawnShot
from understudy.inference.picture.images import read_image
from understudy.inference.picture.movies import MovieReader
from understudy.inference.provenance.frame_list import LIST_NAME, SEAL_NAME
from understudy.inference.work_order import WorkerFrame, WorkOrder
from understudy.inference.worker import Reporter, perform

Bits = NDArray[np.uint16]


def hdr_shot(folder: Path, frames: int = 3, width: int = 200, height: int = 120) -> JobOptions:
    """Write a half plate with values from 0 to 100, every odd half outside the matte, and a soft round matte."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[0:height, 0:width]
    for frame in range(1001, 1001 + frames):
        ramp = np.geomspace(1e-3, 100, width)[None, :, None] * random.uniform(0.5, 1.0, (height, width, 3))
        plate = np.clip(ramp, 0, 100).astype(np.float16)
        matte = np.clip(30 - np.hypot(x - 90 - 3 * (frame - 1001), y - 60), 0, 8)[..., None].repeat(3, 2) / 8
        strange = plate.view(np.uint16)
        strange[:8, :40, 0] = np.arange(320, dtype=np.uint16).reshape(8, 40) + 0x7B00  # to infinity and NaN
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File({**header, "colorInteropID": "lin_ap1_scene"}, {"RGB": plate}).write(
            str(folder / f"plate.{frame}.exr")
        )
        OpenEXR.File(header, {"RGB": matte.astype(np.float16)}).write(str(folder / f"matte.{frame}.exr"))
    OpenEXR.File(header, {"RGB": plate}).write(str(folder / "reference.exr"))
    return JobOptions(
        plate=str(folder / "plate.####.exr"), matte=str(folder / "matte.####.exr"), rate="24",
        reference=str(folder / "reference.exr"), engine="identity", self_attest="a test of the picture path",
    )  # fmt: skip


def recast(order: WorkOrder) -> Told:
    told = Told()
    told.append(perform(order, Reporter(told.append)))
    assert told[-1].state == "delivered", told[-1]
    return told


def stored(folder: Path, layer: str, frame: int) -> NDArray[np.float16]:
    return np.asarray(read_image(folder / "v001" / layer / f"{layer}.{frame:04}.exr").pixels, np.float16)


def test_when_identity_runs_on_an_hdr_plate_then_every_bit_outside_the_matte_is_the_plates(tmp_path: Path) -> None:
    options = hdr_shot(tmp_path)
    recast(order_of(gathered(options), tmp_path / "job"))
    for frame in range(1001, 1004):
        plate = np.asarray(read_image(tmp_path / f"plate.{frame}.exr").pixels, np.float16)
        comp = stored(tmp_path / "job", "comp", frame)
        outside = stored(tmp_path / "job", "matte_effective", frame)[:, :, 0] == 0
        assert 0.1 < outside.mean() < 0.95
        assert np.array_equal(comp.view(np.uint16)[outside], plate.view(np.uint16)[outside])


def test_when_identity_runs_then_values_to_100_inside_the_matte_come_back_within_a_thousandth(tmp_path: Path) -> None:
    recast(order_of(gathered(hdr_shot(tmp_path)), tmp_path / "job"))
    for frame in range(1001, 1004):
        plate = np.asarray(read_image(tmp_path / f"plate.{frame}.exr").pixels, np.float32)
        comp = np.asarray(stored(tmp_path / "job", "comp", frame), np.float32)
        inside = stored(tmp_path / "job", "matte_effective", frame)[:, :, 0] == 1
        assert inside.any()
        error = np.abs(comp[inside] - plate[inside]) / np.maximum(plate[inside].max(axis=-1, keepdims=True), 1e-3)
        assert error.max() <= 1e-3


def test_when_layers_are_merged_then_patch_over_plate_is_the_comp_bit_for_bit(
    tmp_path: Path, options: JobOptions
) -> None:
    recast(order_of(gathered(options, engine="preview", frames="1001-1002"), tmp_path / "job"))
    for frame in (1001, 1002):
        plate = np.asarray(read_image(options.plate.replace("####", str(frame))).pixels, np.float32)  # type: ignore[union-attr]
        patch = np.asarray(stored(tmp_path / "job", "patch", frame), np.float32)
        comp = stored(tmp_path / "job", "comp", frame)
        merged = (patch[:, :, :3] + plate * (1 - patch[:, :, 3:])).astype(np.float16)
        assert np.array_equal(merged, comp)
        difference = np.asarray(stored(tmp_path / "job", "difference", frame), np.float32)
        assert np.abs(difference - (np.asarray(comp, np.float32) - plate)).max() <= 1e-3 * np.abs(plate).max()


def test_when_the_character_is_put_over_the_clean_plate_then_it_is_the_comp_within_the_engines_error(
    tmp_path: Path, options: JobOptions
) -> None:
    recast(order_of(gathered(options, engine="preview", frames="1001-1002"), tmp_path / "job"))
    for frame in (1001, 1002):
        character = np.asarray(stored(tmp_path / "job", "character", frame), np.float32)
        clean = np.asarray(stored(tmp_path / "job", "clean", frame), np.float32)
        comp = np.asarray(stored(tmp_path / "job", "comp", frame), np.float32)
        sure = stored(tmp_path / "job", "matte_effective", frame)[:, :, 0] == 1
        assert sure.any()
        assert np.abs(character[:, :, :3] + clean * (1 - character[:, :, 3:]) - comp)[sure].max() <= 0.002
        assert np.array_equal(
            character[:, :, 3], np.asarray(stored(tmp_path / "job", "matte", frame), np.float32)[:, :, 0]
        )


def test_when_a_job_is_done_then_every_file_says_what_it_is_and_the_manifest_lists_it(
    tmp_path: Path, options: JobOptions
) -> None:
    order = order_of(gathered(options, frames="1001-1003", handles=1), tmp_path / "job")
    recast(order)
    version = tmp_path / "job" / "v001"
    frames = sorted(version.rglob("*.exr"))
    assert len(frames) == 3 * 6
    for path in frames:
        assert (read_attribute(path, "understudy/state") or "").strip() == "uncleared"
        assert read_attribute(path, "understudy/disclosure")
    listed = {file.path for file in read_manifest((version / "manifest.json").read_bytes()).files}
    assert listed == {path.relative_to(version).as_posix() for path in version.rglob("*") if path.is_file()} - {
        "manifest.json", LIST_NAME, SEAL_NAME
    }  # fmt: skip
    with MovieReader(version / "review.mp4") as movie:
        assert (movie.count, movie.rate) == (1, 24)


def test_when_the_worker_stops_in_mid_shot_then_the_next_one_makes_the_same_bytes(
    tmp_path: Path, options: JobOptions
) -> None:
    whole = order_of(gathered(options, engine="preview"), tmp_path / "whole")
    recast(whole)
    broken = order_of(gathered(options, engine="preview"), tmp_path / "broken")
    reporter = Reporter(
        lambda message: reporter.stop(JobCancelled("enough")) if isinstance(message, WorkerFrame) else None
    )
    assert perform(broken, reporter).state == "cancelled"
    assert not (tmp_path / "broken" / "v001").exists()
    told = recast(broken)
    assert [message.frame for message in told.of(WorkerFrame)] == sorted(range(1001, 1009))
    for path in (tmp_path / "whole" / "v001").rglob("*.exr"):
        assert path.read_bytes() == (tmp_path / "broken" / path.relative_to(tmp_path / "whole")).read_bytes()


def test_when_some_mattes_are_empty_then_those_frames_are_the_plate_and_are_listed(tmp_path: Path) -> None:
    options = hdr_shot(tmp_path)
    empty = np.zeros((120, 200, 3), np.float16)
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": empty}).write(str(tmp_path / "matte.1002.exr"))
    told = recast(order_of(gathered(options), tmp_path / "job"))
    plate = np.asarray(read_image(tmp_path / "plate.1002.exr").pixels, np.float16)
    assert np.array_equal(stored(tmp_path / "job", "comp", 1002).view(np.uint16), plate.view(np.uint16))
    found = [finding for finding in told[-1].findings if finding.rule == "matte_is_not_empty"]
    assert found[0].frames == (1002,)


def test_when_one_frame_is_asked_for_then_one_frame_comes_back(tmp_path: Path, options: JobOptions) -> None:
    recast(order_of(gathered(options, engine="preview", frames="1004"), tmp_path / "job"))
    assert [path.name for path in (tmp_path / "job" / "v001" / "comp").iterdir()] == ["comp.1004.exr"]


def test_when_a_delivered_twin_is_named_then_its_pixels_come_back_under_this_jobs_own_marks(
    tmp_path: Path, options: JobOptions
) -> None:
    first = order_of(gathered(options, engine="preview"), tmp_path / "first")
    recast(first)
    second = order_of(
        gathered(options, engine="preview", self_attest="another reason"), tmp_path / "second",
        job_id="testjob2", reuse=str(tmp_path / "first" / "v001"),
    )  # fmt: skip
    told = recast(second)
    assert any(finding.rule == "pixels_reused" for finding in told[-1].findings)
    for frame in range(1001, 1009):
        path = tmp_path / "second" / "v001" / "comp" / f"comp.{frame}.exr"
        assert read_attribute(path, "understudy/job") == "testjob2"
        assert np.array_equal(read_image(path).pixels, stored(tmp_path / "first", "comp", frame))


def test_when_movies_and_a_multipart_file_are_asked_for_then_they_lie_beside_the_layers(
    tmp_path: Path, options: JobOptions
) -> None:
    asked = "comp:prores_422_hq,character:prores_4444:premultiplied"
    recast(
        order_of(
            gathered(options, engine="preview", frames="1001-1003", movies=asked, multipart=True), tmp_path / "job"
        )
    )
    version = tmp_path / "job" / "v001"
    names = {path.name for path in (version / "movies").iterdir()}
    assert names == {"comp_prores_422_hq.mov", "character_prores_4444_premultiplied.mov"}
    with MovieReader(version / "movies" / "character_prores_4444_premultiplied.mov") as movie:
        assert (movie.count, movie.rate, movie.has_alpha) == (3, 24, True)
        assert (
            np.abs(movie.read_alpha(1) - np.asarray(stored(tmp_path / "job", "matte", 1002)[:, :, 0], np.float32)).max()
            < 0.02
        )
    several = OpenEXR.File(str(version / "multipart" / "multipart.1002.exr"))
    assert [part.name() for part in several.parts] == ["rgba", "patch", "character", "matte"]
    patch = several.parts[1].channels["RGBA"].pixels
    assert np.array_equal(patch, stored(tmp_path / "job", "patch", 1002))
    assert (read_attribute(version / "multipart" / "multipart.1002.exr", "understudy/state") or "") == "uncleared"


@pytest.mark.parametrize("engine", ["identity", "preview"])
def test_when_real_footage_is_recast_then_frames_in_are_frames_out(tmp_path: Path, footage: Path, engine: str) -> None:
    market = footage / "market"
    options = JobOptions(
        plate=str(market / "plate.mp4"), matte=str(market / "matte" / "matte.####.png"), frames="70-73",
        reference=str(market / "reference.jpeg"), engine=engine, self_attest="a test on real footage",
    )  # fmt: skip
    told = recast(order_of(gathered(options), tmp_path / "job"))
    assert sorted({file.frame for file in told[-1].files if file.layer == "comp"}) == [70, 71, 72, 73]


def test_when_the_drawn_shot_is_drawn_twice_then_it_is_the_same(tmp_path: Path, drawn: DrawnShot) -> None:
    from understudy.inference.drawn_shot import draw_shot

    again = draw_shot(tmp_path, frames=1, width=320, height=180)
    first, second = (Path(shot.plate.replace("####", "1001")).read_bytes() for shot in (drawn, again))
    assert first == second
