from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.errors import RequestError
from understudy.bridge.record import RECORD_LIMIT_BYTES, Consent, Record, is_day, load_record, record_problems, upgrade

CONSENT = {"consent_id": "c-1", "talent": "ana", "document": "a" * 64, "signed_on": "2026-01-05"}


def written(**fields: Any) -> bytes:
    return json.dumps({"schema": 1, "record_id": "r-1", "consents": [CONSENT], **fields}).encode()


def refusal(data: bytes) -> RequestError:
    with pytest.raises(RequestError) as caught:
        load_record(data)
    assert caught.value.remedy
    return caught.value


def test_a_sound_record_is_read_as_it_is_written() -> None:
    record = load_record(written(likeness="non_human", performed_by=["ana"]))
    assert record.consents == (Consent(consent_id="c-1", talent="ana", document="a" * 64, signed_on="2026-01-05"),)
    assert (record.clearance, record.likeness, record.talents) == ("cleared", "non_human", ("ana",))


def test_a_record_goes_through_json_unchanged() -> None:
    record = load_record(written(on_screen=["ana", "bo"]))
    assert load_record(msgspec.json.encode(record)) == record


def test_a_record_with_a_byte_order_mark_is_read() -> None:
    assert load_record(b"\xef\xbb\xbf" + written()).record_id == "r-1"


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"\xff\xfe", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b"{}", "`schema`"),
        (b'{"schema": "1"}', "`schema`"),
        (b'{"schema": true}', "`schema`"),
        (b'{"schema": 1, "schema": 1}', "`schema` twice"),
        (written(ground="verbal"), "$.ground"),
        (written(consents=[{**CONSENT, "signed_on": 5}]), "$.consents[0].signed_on"),
        (written(consents=[{**CONSENT, "signed_on": "5 May 2026"}]), "`consents[0].signed_on`"),
        (written(consents=[{**CONSENT, "expires_on": "2026-02-30"}]), "`consents[0].expires_on`"),
        (
            written(consents=[{**CONSENT, "expires_on": "2025-12-31"}]),
            "`consents[0].expires_on` 2025-12-31 lies before",
        ),
        (written(consents=[{**CONSENT, "document": "contract.pdf"}]), "`consents[0].document`"),
        (written(consents=[{**CONSENT, "talent": " "}]), "`consents[0].talent` is empty"),
        (written(consents=[CONSENT, CONSENT]), "`consents[1].consent_id` c-1 is there twice"),
        (written(consents=[{k: v for k, v in CONSENT.items() if k != "talent"}]), "`talent`"),
        (written(on_screen=[""]), "`on_screen`"),
    ],
)
def test_when_a_record_is_wrong_then_the_field_is_named(data: bytes, named: str) -> None:
    assert named in refusal(data).message


def test_when_a_field_is_misspelt_then_the_near_name_is_offered() -> None:
    problem = refusal(written(consents=[{**CONSENT, "revoked": "2026-03-01"}]))
    assert "`consents[0].revoked`" in problem.message
    assert "`revoked_on`" in problem.remedy


def test_when_a_record_is_newer_than_this_version_then_it_is_refused_and_not_guessed() -> None:
    assert "reads up to 1" in refusal(written(schema=2)).message


def test_when_a_file_is_far_too_large_then_it_is_refused_unread() -> None:
    assert "the limit" in refusal(b" " * (RECORD_LIMIT_BYTES + 1)).message


def test_an_old_record_is_carried_up_one_schema_at_a_time() -> None:
    steps = {1: lambda old: {**old, "people": old["names"].split()}, 2: lambda old: {"people": old["people"]}}
    assert upgrade({"schema": 1, "names": "ana bo"}, steps, 3) == {"people": ["ana", "bo"], "schema": 3}


def test_when_a_step_is_lacking_then_an_old_record_is_refused() -> None:
    with pytest.raises(RequestError, match="too old"):
        upgrade({"schema": 1}, {2: dict}, 3)


@pytest.mark.parametrize(
    ("ground", "clearance"),
    [("record", "cleared"), ("self_attested", "uncleared"), ("demonstration", "demonstration")],
)
def test_only_papers_can_clear(ground: Any, clearance: str) -> None:
    assert Record(ground=ground).clearance == clearance


@pytest.mark.parametrize(
    "text", ["20261120", "2026-W47-5", "2026-11-20T00:00", "2026-1-1", "2026-13-01", "", "２026-11-20"]
)
def test_only_one_spelling_is_a_day(text: str) -> None:
    assert not is_day(text)


@given(st.dates(), st.dates())
def test_days_compare_as_text(one: Any, other: Any) -> None:
    assert is_day(one.isoformat())
    assert (one.isoformat() < other.isoformat()) == (one < other)


@given(st.binary(max_size=300))
def test_whatever_the_bytes_a_record_is_read_or_refused(data: bytes) -> None:
    try:
        record = load_record(data)
    except RequestError:
        return
    assert record_problems(record) == ()


def test_the_example_in_the_documentation_is_a_sound_record() -> None:
    page = (Path(__file__).parents[2] / "docs" / "record.md").read_text(encoding="utf-8")
    record = load_record(page.partition("```json")[2].partition("```")[0].encode())
    assert record.talents == ("talent-0172",)
    assert all(f"`{name}`" in page for name in Record.__struct_fields__)
