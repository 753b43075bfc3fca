"""Delivery: real layers on disk, one of them spoilt in one way, read back and judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from delivery_rig import Take, cut_short

from understudy.bridge.frames import FrameRange
from understudy.inference.compliance.gate import evaluate, refusal
from understudy.inference.picture.header import Window
from understudy.inference.picture.layers import write_layer


def test_a_sound_take_passes_every_rule_in_the_gates_own_process(take: Take) -> None:
    found = evaluate("delivery", take.facts())
    assert refusal(found, "the take") is None
    by_rule = {finding.rule: finding for finding in found}
    assert by_rule["plate_is_untouched"].message == "outside the effective matte 4 frames hold the plate's own bits"
    assert by_rule["review_shows_the_cut"].message == "review.mp4 shows 4 frames at 24/1"


def test_when_a_frame_of_a_layer_is_lacking_then_it_is_named(take: Take) -> None:
    take.path("patch", 3).unlink()
    found = take.judge()
    assert found["every_frame_is_there"].message == "the version is not complete: patch lacks 3"
    assert found["patch_over_plate_is_comp"].refuses


@pytest.mark.parametrize("name", ["comp/comp.0099.exr", "comp/.comp.0001.exr.partial", "notes.txt"])
def test_when_a_file_does_not_belong_then_it_is_named(take: Take, name: str) -> None:
    (take.folder / name).write_bytes(b"x")
    found = take.judge()["every_frame_is_there"]
    assert found.message.endswith(f"does not belong: {name}")


def test_when_a_link_lies_in_the_version_then_it_does_not_belong(take: Take, tmp_path: Path) -> None:
    (take.folder / "link").symlink_to(tmp_path)
    assert take.refusals() == ["every_frame_is_there"]


@pytest.mark.parametrize("layer", ["comp", "patch", "matte_effective"])
def test_when_a_written_file_is_damaged_then_it_is_named_without_our_folder(take: Take, layer: str) -> None:
    cut_short(take.path(layer, 2))
    found = take.judge()["layers_are_whole"]
    assert found.refuses
    assert f"{layer}/{layer}.0002.exr: " in found.message
    assert str(take.folder) not in found.message


def test_when_a_layer_has_another_size_than_the_plate_then_it_is_refused(take: Take) -> None:
    take.write(2, matte_effective=np.zeros((16, 16), np.float16))
    assert "matte_effective/matte_effective.0002.exr is 16x16, not 48x32" in take.judge()["layers_are_whole"].message


@pytest.mark.parametrize(("side", "refused"), [(512, False), (256, True)])
def test_the_face_has_a_size_of_its_own_and_is_held_to_it(take: Take, side: int, refused: bool) -> None:
    layers = (*take.description.layers["replace"], "face")
    take.description = msgspec.structs.replace(take.description, layers={**take.description.layers, "replace": layers})
    for frame in range(1, 5):
        take.write(frame, face=np.zeros((side, side, 3), np.float16))
    found = take.judge()["layers_are_whole"]
    assert found.refuses is refused
    assert ("face/face.0001.exr is 256x256, not 512x512" in found.message) is refused


def test_when_one_bit_of_the_plate_is_changed_outside_the_matte_then_it_is_refused(take: Take) -> None:
    comp = take.layers(3)["comp"]
    comp.view(np.uint16)[0, 0, 0] ^= 1
    take.write(3, comp=comp)
    found = take.judge()["plate_is_untouched"]
    assert found.refuses
    assert found.message == "the comp changes 1 pixels of the plate outside the effective matte in frames 3"


@pytest.mark.parametrize("data", [Window(0, 0, 40, 32), Window(60, 0, 40, 32), Window(1, 0, 48, 32)])
def test_when_a_comp_lacks_a_part_of_the_plate_then_that_is_no_untouched_plate(take: Take, data: Window) -> None:
    pixels = take.layers(3)["comp"][: data.height, : data.width]
    display = Window(0, 0, 48, 32)
    write_layer(take.path("comp", 3), pixels, "RGB", data=data, display=display, attributes=take.marks)
    assert "plate_is_untouched" in take.refusals()


def test_when_layers_are_asked_for_the_display_window_then_the_plates_overscan_is_not_missed(
    on_disk: Any, make: Any, say: Any, tmp_path: Path
) -> None:
    display = Window(0, 0, 48, 32)
    for frame in range(1, 5):
        wide = np.pad(on_disk.plate_pixels(frame), ((4, 4), (4, 4), (0, 0)))
        write_layer(tmp_path / f"plate.{frame:04}.exr", wide, data=Window(-4, -4, 56, 40), display=display)
    (tmp_path / "v001").mkdir()
    take = Take(on_disk, make.PREVIEW, say, tmp_path / "v001")
    assert take.refusals() == ["plate_is_untouched"]
    plate = take.order.job.shot.plate
    shot = msgspec.structs.replace(take.order.job.shot, plate=msgspec.structs.replace(plate, window="display"))
    job = msgspec.structs.replace(take.order.job, shot=shot)
    take.order = msgspec.structs.replace(take.order, job=job)
    assert not take.refusals()


def test_a_change_inside_the_matte_but_beyond_all_that_the_patch_holds_is_refused(take: Take) -> None:
    layers = take.layers(3)
    layers["patch"][:, 25:] = 0
    layers["comp"][:, 25:] = take.shot.plate_pixels(3)[:, 25:]
    take.write(3, **layers)
    assert not take.refusals()
    layers["comp"][12, 28, 1] += np.float16(0.01)
    take.write(3, **layers)
    assert take.refusals() == ["patch_over_plate_is_comp"]


def test_a_change_inside_the_matte_that_the_patch_does_not_hold_is_refused(take: Take) -> None:
    comp = take.layers(3)["comp"]
    comp[12, 12, 1] += np.float16(0.01)
    take.write(3, comp=comp)
    assert take.refusals() == ["patch_over_plate_is_comp"]


def test_ink_of_a_patch_outside_the_matte_is_refused(take: Take) -> None:
    patch = take.layers(3)["patch"]
    patch[0, 0, 0] = 0.25
    take.write(3, patch=patch)
    assert take.refusals() == ["patch_over_plate_is_comp"]


def test_when_the_plate_has_nan_outside_the_matte_then_the_comp_keeps_it_and_passes(
    on_disk: Any, make: Any, say: Any, tmp_path: Path
) -> None:
    pixels = on_disk.plate_pixels(2)
    pixels[0, 0, 0], pixels[1, 1, 2] = np.nan, np.inf
    on_disk.write_plate(2, pixels)
    (tmp_path / "v001").mkdir()
    take = Take(on_disk, make.PREVIEW, say, tmp_path / "v001")
    comp = take.layers(2)["comp"]
    comp[0, 0], comp[1, 1] = pixels[0, 0], pixels[1, 1]
    take.write(2, comp=comp)
    assert take.refusals() == []


@pytest.mark.parametrize(("layer", "place"), [("comp", (12, 12, 0)), ("patch", (12, 12, 0)), ("comp", (0, 0, 0))])
def test_when_a_value_that_was_made_is_not_finite_then_it_is_refused(
    take: Take, layer: str, place: tuple[int, int, int]
) -> None:
    pixels = take.layers(2)[layer]
    pixels[place] = np.inf
    take.write(2, **{layer: pixels})
    assert "layers_are_finite" in take.refusals()


def test_when_a_consent_ran_out_while_the_job_was_made_then_it_is_not_delivered(
    on_disk: Any, make: Any, say: Any, tmp_path: Path
) -> None:
    (tmp_path / "v001").mkdir()
    record = make.record(consents=(make.consent(expires_on="2026-11-19"),))
    take = Take(on_disk, make.PREVIEW, say, tmp_path / "v001", job=make.job(FrameRange(1, 4), record=record))
    assert take.refusals() == ["consents_still_stand"]
