from __future__ import annotations

import hashlib
import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.circumstances import CastMember, Content, Disclosure, Use
from understudy.bridge.consent import Consent, ConsentScope
from understudy.bridge.errors import RequestError
from understudy.bridge.moments import is_day, is_moment, span
from understudy.bridge.record import Record, record_problems, salted
from understudy.bridge.record_file import RECORD_LIMIT_BYTES, load_record, load_record_file, upgrade

CONSENT = {"consent_id": "c-1", "talent": "ana", "document": "a" * 64, "signed_on": "2026-01-05"}


def written(**fields: Any) -> bytes:
    return json.dumps({"schema": 2, "record_id": "r-1", "consents": [CONSENT], **fields}).encode()


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
        (written(consents=[{k: v for k, v in CONSENT.items() if k != "talent"}]), "`consents[0].talent` is empty"),
        (written(consents=[{"consent_id": " "}]), "`consents[0].consent_id` is empty"),
        (written(consents=[{"consent_id": "c-7", "expires_on": "2027-01-01"}]), "`consents[0].talent` is empty"),
        (written(on_screen=[""]), "`on_screen`"),
        (written(disclosure="AI"), "$.disclosure"),
        (written(use={"is_advertising": "no"}), "$.use.is_advertising"),
        (written(use={"first_use_on": "next May"}), "`use.first_use_on`"),
        (written(eu={"deepfake": "perhaps"}), "$.eu.deepfake"),
        (written(cn={"label": 4}), "$.cn.label"),
        (written(salt="pepper"), "`salt`"),
        (written(use={"territories": ["DE", "Germany"]}), "`use.territories` has 'Germany'"),
        (written(consents=[{**CONSENT, "scope": {"territories": ["us"]}}]), "`consents[0].scope.territories` has 'us'"),
        (written(consents=[{**CONSENT, "notice_at": "2026-11-18 09:00"}]), "`consents[0].notice_at`"),
        (written(cast=[{"talent": "bo"}]), "`cast[0].talent` 'bo' is in none of"),
        (written(on_screen=["bo"], cast=[{"talent": "bo"}, {"talent": "bo"}]), "`cast[1].talent` 'bo' is there twice"),
        (written(on_screen=["bo"], cast=[{"talent": "bo", "deceased_on": "2020-01-01"}]), "`cast[0].deceased_on`"),
        (written(approvals=[{"kind": "legal", "reference": "L", "expires_on": "soon"}]), "`approvals[0].expires_on`"),
        (written(retention_until="2027-02-29"), "`retention_until`"),
    ],
)
def test_when_a_record_is_wrong_then_the_field_is_named(data: bytes, named: str) -> None:
    assert named in refusal(data).message


def test_a_consent_may_be_named_by_its_id_alone() -> None:
    assert load_record(written(consents=[{"consent_id": "c-7"}])).consents == (Consent(consent_id="c-7"),)


def test_when_a_field_is_misspelt_then_the_near_name_is_offered() -> None:
    problem = refusal(written(consents=[{**CONSENT, "revoked": "2026-03-01"}]))
    assert "`consents[0].revoked`" in problem.message
    assert "`revoked_on`" in problem.remedy


@pytest.mark.parametrize(
    ("fields", "named", "near"),
    [
        ({"use": {"teritories": ["DE"]}}, "`use.teritories`", "`territories`"),
        ({"consents": [{**CONSENT, "scope": {"exclusion": []}}]}, "`consents[0].scope.exclusion`", "`exclusions`"),
        ({"on_screen": ["bo"], "cast": [{"talent": "bo", "alive": "yes"}]}, "`cast[0].alive`", "living"),
        ({"approvals": [{"kind": "legal", "reference": "L", "expires": "2027-01-01"}]}, "`approvals[0].expires`", "`"),
        ({"consents": [{**CONSENT, "projects": ["falcon"]}]}, "`consents[0].projects`", "scope"),
    ],
)
def test_when_a_field_is_unknown_at_any_depth_then_it_is_refused_by_its_path(
    fields: dict[str, Any], named: str, near: str
) -> None:
    problem = refusal(written(**fields))
    assert named in problem.message
    assert near in problem.remedy


def test_a_record_of_the_first_schema_keeps_what_it_says_and_nothing_is_added_to_it() -> None:
    old = {**json.loads(written()), "schema": 1, "disclosure": "Made with AI.", "likeness": "non_human"}
    old["consents"] = [{**CONSENT, "projects": ["falcon"]}]
    record = load_record(json.dumps(old).encode())
    assert record == Record(
        record_id="r-1",
        likeness="non_human",
        disclosure=Disclosure(text="Made with AI."),
        consents=(Consent(**CONSENT, scope=ConsentScope(projects=("falcon",))),),
    )


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"disclosure": {"text": "AI"}}, "in schema 1 `disclosure` is a text"),
        ({"use": {}}, "`use`"),
        ({"consents": [{**CONSENT, "scope": {}}]}, "`consents[0].scope`"),
        ({"consents": ["c-1"]}, "$.consents[0]"),
        ({"consents": [{**CONSENT, "projects": "falcon"}]}, "$.consents[0].scope.projects"),
    ],
)
def test_when_a_record_of_the_first_schema_has_what_it_never_had_then_it_is_refused(
    fields: dict[str, Any], named: str
) -> None:
    assert named in refusal(written(schema=1, **fields)).message


TOML = """
schema = 2
record_id = "r-1"
on_screen = ["ana"]

[use]
is_advertising = false
territories = ["DE", "US-NY"]
first_use_on = 2026-12-01

[[consents]]
consent_id = "c-1"
talent = "ana"
document = "DOCUMENT"
signed_on = 2026-01-05
notice_at = 2026-11-18T10:00:00+01:00
""".replace("DOCUMENT", "a" * 64)


def test_a_record_may_be_toml_and_its_dates_need_no_quotes(tmp_path: Path) -> None:
    path = tmp_path / "record.toml"
    path.write_text(TOML)
    record = load_record_file(path)
    assert record.use == Use(is_advertising=False, territories=("DE", "US-NY"), first_use_on="2026-12-01")
    assert (record.consents[0].signed_on, record.consents[0].notice_at) == ("2026-01-05", "2026-11-18T09:00:00Z")
    again = tmp_path / "record.json"
    again.write_bytes(msgspec.json.encode(record))
    assert load_record_file(again) == record


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("schema = 2\nuse = yes", "line 2"),
        ("schema = 2\nschema = 2\n", "line 2"),
        ("schema = 2\n[use]\nteritories = []", "`use.teritories`"),
        ("schema = 2\nretention_until = 2026-11-20T10:00:00", "`retention_until`"),
    ],
)
def test_when_a_record_in_toml_is_wrong_then_file_and_place_are_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "record.toml"
    path.write_text(text)
    with pytest.raises(RequestError) as caught:
        load_record_file(path)
    assert str(path) in caught.value.message
    assert named in caught.value.message
    assert caught.value.remedy


def test_where_python_reads_no_toml_the_record_is_refused_and_json_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "record.toml"
    path.write_text(TOML)
    monkeypatch.setitem(sys.modules, "tomllib", None)  # as Python 3.10, where there is none
    with pytest.raises(RequestError, match=r"record\.toml: this Python reads no TOML") as caught:
        load_record_file(path)
    assert "JSON" in caught.value.remedy


def test_what_is_not_stated_is_neither_yes_nor_no() -> None:
    record = load_record(b'{"schema": 2}')
    assert (record.use, record.content, record.cast) == (Use(), Content(), ())
    assert record.content.minor_depicted is None
    assert CastMember(talent="ana").living is None


def test_a_salted_hash_is_another_with_another_salt_and_never_the_plain_one() -> None:
    one, other = Record(salt="0" * 32), Record(salt="1" * 32)
    assert len({salted(one, "ana"), salted(other, "ana"), hashlib.sha256(b"ana").hexdigest()}) == 3


def test_when_a_record_is_newer_than_this_version_then_it_is_refused_and_not_guessed() -> None:
    assert "reads up to 2" in refusal(written(schema=3)).message


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


@pytest.mark.parametrize("text", ["2026-11-20", "2026-11-20T10:00", "2026-11-20T25:00Z", "2026-11-20T10:00+01:00", ""])
def test_only_utc_is_a_moment(text: str) -> None:
    assert not is_moment(text)
    assert is_moment("2026-11-20T10:00Z")


@given(st.datetimes(timezones=st.just(timezone.utc)))
def test_a_moment_lies_in_its_day(at: datetime) -> None:
    moment, day = span(at.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")), span(at.date().isoformat())
    assert moment is not None
    assert day is not None
    assert day[0] <= moment[0] == moment[1] <= max(day[1], at)


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
