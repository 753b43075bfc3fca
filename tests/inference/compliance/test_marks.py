from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from understudy.bridge.errors import Finding
from understudy.bridge.frames import FrameRange
from understudy.bridge.record import salted
from understudy.bridge.shot import Keypoints, OutputFile, Settings
from understudy.inference.cadence import Cadence
from understudy.inference.compliance import marks as names
from understudy.inference.compliance.manifest import build_manifest, read_manifest, write_manifest
from understudy.inference.compliance.marks import (
    PROVENANCE,
    STATE_LENGTH,
    final_state,
    in_between_marks,
    inputs_digest,
    marks,
    record_digest,
    software_commit,
    told_anew,
)
from understudy.inference.picture.header import Window
from understudy.inference.picture.images import read_header
from understudy.inference.picture.layers import write_layer

RANGE = FrameRange(1, 4)


def trained(make: Any) -> Any:
    return msgspec.structs.replace(make.PREVIEW, weights=("transformer",), previz=False)


def test_every_mark_of_provenance_is_made_and_none_is_empty(on_disk: Any, make: Any) -> None:
    made = marks(on_disk.order(), make.PREVIEW)
    assert set(PROVENANCE) < set(made)
    assert all(value.strip() for value in made.values())
    assert all(name.startswith("understudy/") for name in made)


def test_marks_fit_the_header_of_an_exr_and_come_back_as_they_were(on_disk: Any, make: Any, tmp_path: Path) -> None:
    job = make.job(RANGE, settings=Settings(prompt='Größe "9"; 黒い猫', seed=2**62))
    made = marks(on_disk.order(job=job), make.PREVIEW)
    assert max(len(name) for name in made) <= 31  # longer names make files that old readers refuse
    window = Window(0, 0, 4, 2)
    write_layer(tmp_path / "a.exr", np.zeros((2, 4, 3), np.float16), data=window, display=window, attributes=made)
    carried = read_header(tmp_path / "a.exr").attributes
    assert {name: carried[name].rstrip() for name in made} == made


def test_no_talent_and_no_consent_stands_in_a_file(on_disk: Any, make: Any) -> None:
    record = make.record(performed_by=("Ana Maria Velez",), consents=(make.consent(talent="Ana Maria Velez"),))
    text = str(marks(on_disk.order(job=make.job(RANGE, record=record)), make.PREVIEW))
    assert "Velez" not in text
    assert record_digest(record) in text


@pytest.mark.parametrize(
    ("ground", "words", "state"),
    [
        ("record", "cleared", "delivered"),
        ("self_attested", "uncleared", "uncleared"),
        ("demonstration", "demonstration, not for delivery", "demonstration"),
    ],
)
def test_a_file_says_of_itself_what_its_papers_allow(
    on_disk: Any, make: Any, ground: Any, words: str, state: str
) -> None:
    order = on_disk.order(job=make.job(RANGE, record=make.record(ground=ground)))
    made = marks(order, make.PREVIEW)
    assert (made[names.CLEARANCE], made[names.STATE], final_state(order, "")) == (words, names.PROVISIONAL, state)
    assert max(len(final_state(order, "")), len(names.PROVISIONAL)) <= STATE_LENGTH


@pytest.mark.parametrize(
    ("ground", "state"),
    [("record", "for_review"), ("self_attested", "uncleared"), ("demonstration", "demonstration")],
)
def test_a_take_that_is_no_final_never_says_delivered_whatever_its_papers(
    on_disk: Any, make: Any, ground: Any, state: str
) -> None:
    order = on_disk.order(job=make.job(RANGE, record=make.record(ground=ground)))
    description = msgspec.structs.replace(make.PREVIEW, not_final="made with the preset std")
    made = marks(order, description)
    assert made[names.NOT_FINAL] == "made with the preset std"
    manifest = build_manifest(order, (), (), made, rate="24/1")
    assert manifest.state == manifest.marks[names.STATE] == state
    assert len(state) <= STATE_LENGTH
    assert names.NOT_FINAL not in marks(order, make.PREVIEW)


@pytest.mark.parametrize(
    ("between", "word", "shown"), [("held", "held", "1001"), ("interpolated", "interpolated", "1001 1003")]
)
def test_an_in_between_names_the_frames_that_it_shows(make: Any, between: Any, word: str, shown: str) -> None:
    description = msgspec.structs.replace(make.PREVIEW, rate="15", between=between)
    cadence = Cadence.of((1001, 1002, 1003), Fraction(30), description)
    assert in_between_marks(cadence, 1002) == {names.IN_BETWEEN: word, names.IN_BETWEEN_OF: shown}
    assert in_between_marks(cadence, 1003) == {names.IN_BETWEEN: "none", names.IN_BETWEEN_OF: "1003"}
    assert in_between_marks(Cadence.of((1001, 1002, 1003), Fraction(30), make.PREVIEW), 1002) == {}


def test_the_source_type_claims_a_trained_model_only_where_there_is_one(on_disk: Any, make: Any) -> None:
    order = on_disk.order()
    animate = on_disk.order(job=make.job(RANGE, settings=Settings(mode="animate")))
    weights = {"transformer": "a" * 64}

    def term(order: Any, description: Any) -> str:
        given = weights if description.weights else None
        return marks(order, description, weights=given)[names.SOURCE_TYPE].rpartition("/")[2]

    assert term(order, make.PREVIEW) == "compositeSynthetic"
    assert term(order, trained(make)) == "compositeWithTrainedAlgorithmicMedia"
    assert term(animate, trained(make)) == "trainedAlgorithmicMedia"


def test_the_driver_stands_in_the_marks_of_an_animation(on_disk: Any, make: Any) -> None:
    animate = make.job(RANGE, settings=Settings(mode="animate"))
    keypoints = Keypoints(pictures=make.single("walk.json"))

    def driver(**changes: Any) -> str | None:
        job = make.with_shot(animate, **changes)
        order = msgspec.structs.replace(on_disk.order(), job=job)
        return marks(order, make.PREVIEW).get("understudy/driver")

    assert driver() == "pictures"
    assert driver(keypoints=keypoints) == "pictures and keypoints"
    assert driver(keypoints=keypoints, plate=None) == "keypoints alone: the face stays neutral"
    assert "understudy/driver" not in marks(on_disk.order(), make.PREVIEW)


def test_previz_says_that_it_is_and_what_it_cannot_do(on_disk: Any, make: Any) -> None:
    assert marks(on_disk.order(), make.PREVIEW)[names.PREVIZ] == (
        "previz for blocking, not a finished picture; makes previz"
    )
    assert names.PREVIZ not in marks(on_disk.order(), trained(make), weights={"transformer": "a" * 64})


def test_when_a_weights_digest_is_lacking_then_no_marks_are_made(on_disk: Any, make: Any) -> None:
    with pytest.raises(ValueError, match="transformer"):
        marks(on_disk.order(), trained(make))


def test_the_inputs_digest_tells_every_input_and_its_place(make: Any) -> None:
    job = make.job(RANGE)
    plate = job.shot.plate.pictures
    moved = msgspec.structs.replace(
        plate, files=tuple(msgspec.structs.replace(file, frame=(file.frame or 0) + 1) for file in plate.files)
    )
    other = make.with_shot(job, plate=msgspec.structs.replace(job.shot.plate, pictures=moved))
    assert inputs_digest(job) != inputs_digest(other)
    assert inputs_digest(job) == inputs_digest(make.job(RANGE))


def test_the_commit_is_stated_or_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_COMMIT", "abc123")
    assert software_commit() == "abc123"
    monkeypatch.delenv("UNDERSTUDY_COMMIT")
    assert software_commit()


def test_when_a_frame_says_what_is_said_today_then_nothing_is_told_anew(on_disk: Any, make: Any) -> None:
    job = make.job(RANGE, settings=Settings(prompt="ends in spaces  "))
    todays = marks(on_disk.order(job=job), make.PREVIEW)
    stored = {name: value.rstrip() for name, value in todays.items()} | {names.STATE: "delivered"}
    assert told_anew(stored, todays) == {}


@pytest.mark.parametrize("name", [name for name in names.MAKING if name != names.SETTINGS])
def test_when_a_frame_was_made_otherwise_then_it_is_not_told_anew(on_disk: Any, make: Any, name: str) -> None:
    todays = marks(on_disk.order(), make.PREVIEW)
    assert told_anew({**todays, name: "another"}, todays) is None
    assert told_anew({one: value for one, value in todays.items() if one != name}, todays) is None


def test_when_settings_lack_what_can_be_set_since_then_they_are_the_same_settings(on_disk: Any, make: Any) -> None:
    todays = marks(on_disk.order(), make.PREVIEW)
    said = json.loads(todays[names.SETTINGS])
    older = {key: value for key, value in said.items() if key != "segment_seeds"}
    other = {**older, "seed": 8}
    assert told_anew({**todays, names.SETTINGS: json.dumps(older)}, todays) == {names.SETTINGS: todays[names.SETTINGS]}
    for text in (json.dumps(other), "", "{"):
        assert told_anew({**todays, names.SETTINGS: text}, todays) is None


def test_when_other_code_made_a_frame_then_that_is_said_once_and_never_of_another_versions_pixels(
    on_disk: Any, make: Any
) -> None:
    todays = marks(on_disk.order(), make.PREVIEW)
    before = {**todays, "understudy/software": "understudy 0.1", "understudy/commit": "abc"}
    told = told_anew(before, todays) or {}
    assert told[names.PIXELS_BY] == "understudy 0.1, commit abc"
    assert {name: told[name] for name in names.CODE} == {name: todays[name] for name in names.CODE}
    for name in (names.PIXELS_BY, names.PIXELS_FROM):
        assert names.PIXELS_BY not in (told_anew({**before, name: "said before"}, todays) or {})


def test_a_manifest_is_the_same_bytes_in_whatever_order_its_files_come(on_disk: Any, make: Any) -> None:
    order = on_disk.order()
    files = [
        OutputFile(path=f"comp/comp.{n:04}.exr", size=n, file="c" * 64, layer="comp", frame=n) for n in range(1, 5)
    ]
    findings = (Finding(rule="finite_values", outcome="pass", message="every value is finite"),)
    made = marks(order, make.PREVIEW)
    one = write_manifest(build_manifest(order, files, findings, made, rate="24/1"))
    other = write_manifest(build_manifest(order, reversed(files), findings, dict(reversed(made.items())), rate="24/1"))
    assert one == other
    assert read_manifest(one).files == tuple(files)


def test_a_manifest_names_inputs_without_their_folder_and_nobody_by_name(on_disk: Any, make: Any) -> None:
    job = make.job(
        RANGE, record=make.record(performed_by=("Velez",), consents=(make.consent(talent="Velez"),), salt="5" * 32)
    )
    reference = make.single("/home/jane/secret project/hero.png")
    order = on_disk.order(job=job, reference=reference)
    told = Finding(rule="r", outcome="warn", message=f"{reference.typed} is small", files=(reference.typed,))
    text = write_manifest(build_manifest(order, (), (told,), marks(order, make.PREVIEW))).decode()
    assert "hero.png is small" in text
    assert "secret" not in text
    assert "Velez" not in text
    said = json.loads(text)
    assert (said["state"], said["marks"]["understudy/state"]) == ("delivered", "delivered")
    assert said["record"]["consents"] == {"c-1": salted(order.job.record, "a" * 64)}
    assert "a" * 64 not in text
    assert order.job.record.salt not in text


@pytest.mark.parametrize("folder", ["/", "4/", "/home/ann/"])
def test_a_folder_is_taken_out_where_a_path_begins_and_nowhere_else(on_disk: Any, make: Any, folder: str) -> None:
    order = on_disk.order()
    plate = order.job.shot.plate
    typed = folder + "plate.####.exr"
    files = tuple(
        msgspec.structs.replace(file, typed=f"{folder}plate.{file.frame}.exr") for file in plate.pictures.files
    )
    pictures = msgspec.structs.replace(plate.pictures, files=files, typed=typed)
    job = make.with_shot(order.job, plate=msgspec.structs.replace(plate, pictures=pictures))
    said = Finding(rule="r", outcome="warn", message=f"plate '{typed}' runs at 24/1, {typed} does not", remedy=typed)
    manifest = build_manifest(msgspec.structs.replace(order, job=job), (), (said,), {}, rate="24/1")
    (bare,) = manifest.findings
    assert bare.message == "plate 'plate.####.exr' runs at 24/1, plate.####.exr does not"
    assert bare.remedy == "plate.####.exr"
