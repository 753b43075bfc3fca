from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.record import Consent, Record
from understudy.bridge.shot import (
    Character,
    JobRequest,
    Keypoints,
    Matte,
    Output,
    Performer,
    PictureFile,
    Pictures,
    Plate,
    Settings,
    Shot,
)

DIGESTS = some.binary(min_size=32, max_size=32).map(bytes.hex)
FILES = some.builds(
    PictureFile, file=DIGESTS, picture=DIGESTS, size=some.integers(1, 2**40), typed=some.text(max_size=20),
    frame=some.none() | some.integers(-100, 100_000),
)  # fmt: skip
PICTURES = some.builds(
    Pictures, files=some.lists(FILES, min_size=1, max_size=3).map(tuple), typed=some.text(max_size=20),
    kind=some.sampled_from(["sequence", "movie", "still"]), colour=some.none() | some.text(max_size=10),
)  # fmt: skip
MATTES = some.builds(Matte, pictures=PICTURES, invert=some.booleans())
PERFORMERS = some.builds(
    Performer, character=some.builds(Character, pictures=PICTURES), matte=some.none() | MATTES,
    name=some.text(max_size=10),
)  # fmt: skip
SHOTS = some.builds(
    Shot,
    name=some.just("sh010"),
    range=some.just(FrameRange(1001, 1010, 2, 2)),
    rate=some.none() | some.just(FrameRate(24000, 1001)),
    performers=some.lists(PERFORMERS, min_size=1, max_size=2).map(tuple),
    plate=some.none() | some.builds(Plate, pictures=PICTURES),
    clean_plate=some.none() | some.builds(Plate, pictures=PICTURES),
    holdout=some.none() | MATTES,
    keypoints=some.none() | some.builds(Keypoints, pictures=PICTURES),
)
JOBS = some.builds(
    JobRequest,
    shot=SHOTS,
    settings=some.builds(Settings, seed=some.integers(0, 2**63 - 1), prompt=some.text(max_size=20)),
    record=some.builds(Record, attestation=some.text(max_size=20)),
    output=some.builds(Output, project=some.none() | some.just("show")),
    priority=some.integers(-100, 100),
)


@given(JOBS)
def test_a_job_that_is_written_and_read_is_the_same(job: JobRequest) -> None:
    assert msgspec.json.decode(msgspec.json.encode(job), type=JobRequest) == job


@given(SHOTS)
def test_every_file_of_every_role_is_asked_for(shot: Shot) -> None:
    files = shot.files()
    named = {file.file for pictures in shot.roles().values() for file in pictures.files}
    assert set(files) == named
    assert all(files[digest].file == digest for digest in files)


@given(SHOTS)
def test_every_performer_has_a_reference_of_its_own_name(shot: Shot) -> None:
    references = [role for role in shot.roles() if role.startswith("reference")]
    assert references == ["reference", "reference.2"][: len(shot.performers)]


def _raw_job() -> Any:
    file = PictureFile(file="a" * 64, picture="b" * 64, size=1, typed="a.png")
    pictures = Pictures(files=(file,), kind="still", typed="a.png")
    shot = Shot(
        name="s", range=FrameRange(1, 2), rate=None, performers=(Performer(character=Character(pictures=pictures)),)
    )
    return msgspec.to_builtins(JobRequest(shot=shot, settings=Settings(), record=Record()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("shot.name", "a/b"),
        ("shot.name", ""),
        ("shot.name", "a\n"),
        ("shot.name", ".."),
        ("output.project", "."),
        ("shot.range.last", 0),
        ("shot.performers", []),
        ("shot.performers.0.character.pictures.files", []),
        ("shot.performers.0.character.pictures.files.0.size", 0),
        ("shot.performers.0.character.pictures.files.0.file", "A" * 64),
        ("shot.performers.0.character.pictures.files.0.file", "a" * 64 + "\n"),
        ("shot.performers.0.character.pictures.files.0.file", "../../etc/passwd"),
        ("settings.seed", -1),
        ("settings.seed", 2**63),
        ("settings.mode", "resurrect"),
        ("settings.matte_grow_pixels", float(-1)),
        ("output.project", "..\\up"),
        ("priority", 101),
        ("record.ground", "hearsay"),
    ],
)
def test_when_a_field_is_wrong_then_decoding_names_it(path: str, value: Any) -> None:
    job = _raw_job()
    *parents, last = path.split(".")
    place = job
    for name in parents:
        place = place[int(name)] if name.isdigit() else place[name]
    place[last] = value
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(msgspec.json.encode(job), type=JobRequest)
    assert any(name in str(caught.value) for name in (last, *parents) if not name.isdigit())


def test_when_a_newer_client_sends_an_unknown_field_then_it_is_ignored() -> None:
    job = _raw_job()
    expected = msgspec.convert(job, JobRequest)
    job["shot"]["weather"] = "rain"
    assert msgspec.json.decode(msgspec.json.encode(job), type=JobRequest) == expected


@pytest.mark.parametrize(
    ("ground", "clearance"),
    [("record", "cleared"), ("self_attested", "uncleared"), ("demonstration", "demonstration")],
)
def test_only_papers_clear_a_job(ground: Any, clearance: str) -> None:
    assert Record(ground=ground).clearance == clearance


def test_a_record_holds_consents_by_talent() -> None:
    consent = Consent(consent_id="c1", talent="t", document="0" * 64, signed_on="2026-01-01")
    record = Record(consents=(consent,))
    assert msgspec.json.decode(msgspec.json.encode(record), type=Record).consents == (consent,)
