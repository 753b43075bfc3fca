"""Delivery: real layers on disk, one of them spoilt in one way, read back and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from understudy.bridge.errors import Finding
from understudy.bridge.exr_file import set_state
from understudy.bridge.frames import FrameRange
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.gate import STAGES, evaluate, refusal
from understudy.inference.compliance.marks import marks
from understudy.inference.compliance.read_back import read_back
from understudy.inference.picture.header import Window
from understudy.inference.picture.layers import write_layer
from understudy.inference.picture.review import write_review
from understudy.inference.provenance.watermark import Marker
from understudy.inference.provenance.watermark_key import content_id_of, make_key, read_key

TODAY = "2026-11-20"
MATTE = np.zeros((32, 48), np.float16)
MATTE[8:24, 10:30] = 0.5


class Take:
    """A version's folder as an engine would have made it, and what is found in it."""

    def __init__(self, shot: Any, description: Any, say: Any, folder: Path, **order: Any) -> None:
        self.shot, self.description, self.say, self.folder = shot, description, say, folder
        self.order = shot.order(**order)
        self.marks = marks(self.order, description)
        for frame in self.order.job.shot.range:
            self.write(frame)
        self.review(4)

    def layers(self, frame: int) -> dict[str, Any]:
        """Return the three layers of a frame: a grey patch of half coverage over the plate."""
        plate = self.shot.plate_pixels(frame).astype(np.float32)
        alpha = MATTE.astype(np.float32)[:, :, None]
        patch = np.concatenate([0.25 * alpha, 0.5 * alpha, 0.75 * alpha, alpha], axis=2).astype(np.float16)
        comp = (patch[:, :, :3].astype(np.float32) + (1 - alpha) * plate).astype(np.float16)
        return {"comp": comp, "patch": patch, "matte_effective": MATTE}

    def write(self, frame: int, attributes: dict[str, str] | None = None, **changed: Any) -> None:
        for layer, pixels in {**self.layers(frame), **changed}.items():
            window = Window(0, 0, pixels.shape[1], pixels.shape[0])
            channels = "RGBA" if layer == "patch" else "RGB"
            carried = self.marks if attributes is None else attributes
            write_layer(self.path(layer, frame), pixels, channels, data=window, display=window, attributes=carried)

    def path(self, layer: str, frame: int) -> Path:
        return self.folder / layer / f"{layer}.{frame:04}.exr"

    def review(self, count: int, rate: Fraction = Fraction(24)) -> None:
        pictures: Iterator[Any] = (np.full((32, 48, 3), 90, np.uint8) for _ in range(count))
        write_review(self.folder / "review.mp4", pictures, rate, 48, 32)

    def facts(self, **changes: Any) -> DeliveryFacts:
        return read_back(
            self.order, self.folder, lambda done, total: None, description=self.description, today=TODAY, **changes
        )

    def judge(self, **changes: Any) -> dict[str, Finding]:
        facts = self.facts(**changes)
        return {name: self.say(name, facts) for name in STAGES["delivery"]}

    def refusals(self, **changes: Any) -> list[str]:
        return [name for name, finding in self.judge(**changes).items() if finding.refuses]


@pytest.fixture
def take(on_disk: Any, make: Any, say: Any, tmp_path: Path) -> Take:
    folder = tmp_path / "v001"
    folder.mkdir()
    return Take(on_disk, make.PREVIEW, say, folder)


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


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


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


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("understudy/disclosure", "disclosure_is_in_every_file"),
        ("understudy/clearance", "clearance_is_in_every_file"),
        ("understudy/seed", "provenance_is_complete"),
        ("understudy/digital_source_type", "provenance_is_complete"),
    ],
)
@pytest.mark.parametrize("harm", ["lost", "changed"])
def test_when_a_mark_is_lost_or_changed_in_one_file_then_it_is_refused(
    take: Take, name: str, rule: str, harm: str
) -> None:
    spoilt = {**take.marks, name: "something else"}
    if harm == "lost":
        del spoilt[name]
    take.write(2, attributes=spoilt)
    found = take.judge()
    assert found[rule].refuses
    assert "comp/comp.0002.exr" in found[rule].message


STD = {"rate": "15", "not_final": "made with the preset std"}
OF_NO_PICTURE = {"understudy/in_between": "held", "understudy/in_between_of": "1"}


@pytest.fixture
def std(on_disk: Any, make: Any, say: Any, tmp_path: Path) -> Take:
    """Return a take of four frames at 24 of which the second is held."""
    folder = tmp_path / "v001"
    folder.mkdir()
    return std_take(on_disk, msgspec.structs.replace(make.PREVIEW, **STD), say, folder)


def std_take(on_disk: Any, description: Any, say: Any, folder: Path) -> Take:
    take = Take(on_disk, description, say, folder)
    for frame in range(1, 5):
        said = (
            OF_NO_PICTURE if frame == 2 else {"understudy/in_between": "none", "understudy/in_between_of": f"{frame}"}
        )
        take.write(frame, attributes={**take.marks, **said})
    return take


def test_where_in_betweens_are_marked_the_take_passes_and_is_listed_as_no_final(std: Take) -> None:
    found = std.judge()
    assert not any(finding.refuses for finding in found.values())
    told = found["in_betweens_are_marked"]
    assert told.outcome == "warn"
    assert told.frames == (2,)
    assert told.message == (
        "1 of 4 frames are in-betweens and say so; the take is never part of a final: made with the preset std"
    )


@pytest.mark.parametrize(
    ("frame", "word", "shown"),
    [
        (2, None, None),
        (2, "none", "2"),
        (2, "held", "2"),
        (2, "held", "1 3"),
        (2, "interpolated", "1"),
        (2, "held", "x"),
        (3, "held", "1"),
        (3, None, None),
        (3, "none", "1"),
    ],
)
def test_when_a_frame_does_not_say_whose_picture_it_shows_then_the_take_is_refused(
    std: Take, frame: int, word: str | None, shown: str | None
) -> None:
    said = {"understudy/in_between": word, "understudy/in_between_of": shown}
    std.write(frame, attributes={**std.marks, **{name: value for name, value in said.items() if value is not None}})
    assert std.refusals() == ["in_betweens_are_marked"]
    assert f"comp/comp.{frame:04}.exr says" in std.judge()["in_betweens_are_marked"].message


def test_when_frames_are_held_and_nothing_says_that_it_is_no_final_then_the_take_is_refused(
    on_disk: Any, make: Any, say: Any, tmp_path: Path
) -> None:
    (tmp_path / "v001").mkdir()
    take = std_take(on_disk, msgspec.structs.replace(make.PREVIEW, rate="15"), say, tmp_path / "v001")
    assert take.refusals() == ["in_betweens_are_marked"]


def test_where_every_frame_was_made_nothing_is_asked_of_a_file(take: Take) -> None:
    assert take.judge()["in_betweens_are_marked"].outcome == "not_applicable"


def test_when_a_file_already_says_delivered_then_it_is_refused(take: Take) -> None:
    set_state(take.path("comp", 1), "delivered")
    assert take.refusals() == ["state_is_in_every_file"]


def test_when_the_job_was_remade_under_another_seed_then_the_old_files_do_not_pass(take: Take) -> None:
    settings = msgspec.structs.replace(take.order.job.settings, seed=7)
    take.order = msgspec.structs.replace(take.order, job=msgspec.structs.replace(take.order.job, settings=settings))
    assert take.refusals() == ["provenance_is_complete"]


@pytest.mark.parametrize(("count", "rate"), [(3, Fraction(24)), (4, Fraction(25))])
def test_when_the_review_is_short_or_runs_at_another_rate_then_it_is_refused(
    take: Take, count: int, rate: Fraction
) -> None:
    take.review(count, rate)
    assert take.refusals() == ["review_shows_the_cut"]


@pytest.mark.parametrize("harm", [cut_short, Path.unlink])
def test_when_the_review_cannot_be_shown_then_it_is_refused(take: Take, harm: Callable[[Path], None]) -> None:
    harm(take.folder / "review.mp4")
    assert take.refusals() == ["review_shows_the_cut"]


@pytest.fixture
def watermarked(on_disk: Any, make: Any, say: Any, tmp_path: Path) -> Take:
    folder = tmp_path / "v001"
    folder.mkdir()
    return Take(on_disk, make.PREVIEW, say, folder, watermark_key=str(make_key(tmp_path / "keys")))


def write_marked(take: Take, key: Path, content_id: int) -> None:
    picture = Marker(read_key(key), content_id).mark(np.full((180, 320, 3), 90, np.uint8))
    write_review(take.folder / "review.mp4", (picture for _ in range(4)), Fraction(24), 320, 180)


def test_a_review_that_says_its_own_content_id_passes(watermarked: Take, tmp_path: Path) -> None:
    write_marked(watermarked, tmp_path / "keys" / "watermark.key", content_id_of("job0001", 1))
    found = watermarked.judge()["review_carries_its_mark"]
    assert found.outcome == "pass"
    assert float(found.facts["false_positive_at_most"]) < 1e-6


def test_when_the_review_carries_the_mark_of_another_version_then_it_is_refused(
    watermarked: Take, tmp_path: Path
) -> None:
    write_marked(watermarked, tmp_path / "keys" / "watermark.key", content_id_of("job0001", 2))
    assert watermarked.refusals() == ["review_carries_its_mark"]


def test_when_no_mark_reads_back_from_the_review_then_it_is_listed_and_the_take_passes(
    watermarked: Take, tmp_path: Path
) -> None:
    write_marked(watermarked, make_key(tmp_path / "other_keys"), content_id_of("job0001", 1))
    found = watermarked.judge()["review_carries_its_mark"]
    assert (found.outcome, found.message.partition(":")[0]) == ("warn", "no mark reads back from review.mp4")
    assert watermarked.refusals() == []


def test_when_the_review_is_too_small_for_a_mark_then_none_is_missed(watermarked: Take) -> None:
    assert watermarked.refusals() == []
    assert watermarked.judge()["review_carries_its_mark"].message == "review.mp4 is too small to carry a mark"


def test_a_review_shows_the_cut_and_not_the_handles(on_disk: Any, make: Any, say: Any, tmp_path: Path) -> None:
    (tmp_path / "v001").mkdir()
    job = make.job(FrameRange(1, 4, head=1, tail=1))
    take = Take(on_disk, make.PREVIEW, say, tmp_path / "v001", job=job)
    assert take.refusals() == ["review_shows_the_cut"]
    take.review(2)
    assert take.refusals() == []


def test_when_a_consent_ran_out_while_the_job_was_made_then_it_is_not_delivered(
    on_disk: Any, make: Any, say: Any, tmp_path: Path
) -> None:
    (tmp_path / "v001").mkdir()
    record = make.record(consents=(make.consent(expires_on="2026-11-19"),))
    take = Take(on_disk, make.PREVIEW, say, tmp_path / "v001", job=make.job(FrameRange(1, 4), record=record))
    assert take.refusals() == ["consents_still_stand"]


def test_a_self_attested_take_passes_and_every_file_says_uncleared(
    on_disk: Any, make: Any, say: Any, tmp_path: Path
) -> None:
    (tmp_path / "v001").mkdir()
    record = make.record(ground="self_attested", attestation="Jo: a test", consents=())
    take = Take(on_disk, make.PREVIEW, say, tmp_path / "v001", job=make.job(FrameRange(1, 4), record=record))
    assert take.refusals() == []
    assert take.judge()["clearance_is_in_every_file"].message == "every file says: uncleared"


def test_when_a_take_was_made_uncleared_then_a_record_alone_does_not_clear_its_files(
    on_disk: Any, make: Any, say: Any, tmp_path: Path
) -> None:
    (tmp_path / "v001").mkdir()
    record = make.record(ground="self_attested", attestation="Jo: a test", consents=())
    take = Take(on_disk, make.PREVIEW, say, tmp_path / "v001", job=make.job(FrameRange(1, 4), record=record))
    take.order = on_disk.order(job=make.job(FrameRange(1, 4)))
    assert {"clearance_is_in_every_file", "provenance_is_complete"} <= set(take.refusals())


def test_when_the_marks_of_a_job_are_incomplete_then_nothing_passes(take: Take, say: Any) -> None:
    facts = take.facts()
    bare = {name: value for name, value in facts.marks.items() if name != "understudy/commit"}
    found = say("provenance_is_complete", msgspec.structs.replace(facts, marks=bare))
    assert found.message == "the job's marks lack understudy/commit"
