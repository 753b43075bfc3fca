"""Delivery, of what every file says of itself: disclosure, clearance, provenance, state, whose picture it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from delivery_rig import Take

from understudy.bridge.exr_file import set_state
from understudy.bridge.frames import FrameRange


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


def self_attested(on_disk: Any, make: Any, say: Any, folder: Path) -> Take:
    (folder / "v001").mkdir()
    record = make.record(ground="self_attested", attestation="Jo: a test", consents=())
    return Take(on_disk, make.PREVIEW, say, folder / "v001", job=make.job(FrameRange(1, 4), record=record))


def test_a_self_attested_take_passes_and_every_file_says_uncleared(
    on_disk: Any, make: Any, say: Any, tmp_path: Path
) -> None:
    take = self_attested(on_disk, make, say, tmp_path)
    assert take.refusals() == []
    assert take.judge()["clearance_is_in_every_file"].message == "every file says: uncleared"


def test_when_a_take_was_made_uncleared_then_a_record_alone_does_not_clear_its_files(
    on_disk: Any, make: Any, say: Any, tmp_path: Path
) -> None:
    take = self_attested(on_disk, make, say, tmp_path)
    take.order = on_disk.order(job=make.job(FrameRange(1, 4)))
    assert {"clearance_is_in_every_file", "provenance_is_complete"} <= set(take.refusals())


def test_when_the_marks_of_a_job_are_incomplete_then_nothing_passes(take: Take, say: Any) -> None:
    facts = take.facts()
    bare = {name: value for name, value in facts.marks.items() if name != "understudy/commit"}
    found = say("provenance_is_complete", msgspec.structs.replace(facts, marks=bare))
    assert found.message == "the job's marks lack understudy/commit"
