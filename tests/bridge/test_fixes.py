"""What a fix makes of a record's document: what it says, nothing else, and the same when it is said again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.circumstances import USUAL_DISCLOSURE
from understudy.bridge.errors import Fix
from understudy.bridge.fixes import applied, changes_record, in_words
from understudy.bridge.record_file import record_from

RECORD: dict[str, Any] = {
    "schema": 2, "record_id": "r-1", "performed_by": ["bo"], "use": {"territories": ["DE", "FR"], "media": ["online"]},
    "consents": [{"consent_id": "c-1"}], "disclosure": {"text": "", "form": "credits"},
}  # fmt: skip
NARROW = Fix(kind="narrow_territories", values={"territories": "DE AT"})
NAME = Fix(kind="name_performer", values={"field": "performed_by", "talent": "ana"})
USUAL = Fix(kind="usual_disclosure")


@pytest.mark.parametrize(
    ("fix", "path", "value"),
    [
        (NARROW, ("use", "territories"), ["DE", "AT"]),
        (NAME, ("performed_by",), ["bo", "ana"]),
        (USUAL, ("disclosure", "text"), USUAL_DISCLOSURE),
    ],
    ids=["territories", "performer", "disclosure"],
)
def test_a_fix_changes_one_field_of_a_record_and_leaves_the_rest(fix: Fix, path: tuple[str, ...], value: Any) -> None:
    changed = applied(RECORD, fix)
    inner, before = changed, json.loads(json.dumps(RECORD))
    for name in path[:-1]:
        inner, before = inner[name], before[name]
    assert inner[path[-1]] == value
    inner[path[-1]] = before[path[-1]]
    assert changed == RECORD


@given(st.lists(st.sampled_from((NARROW, NAME, USUAL)), max_size=6))
def test_fixes_said_twice_are_as_fixes_said_once_and_the_record_stays_sound(fixes: list[Fix]) -> None:
    once = twice = RECORD
    for fix in fixes:
        once, twice = applied(once, fix), applied(applied(twice, fix), fix)
    assert once == twice
    assert record_from(json.loads(json.dumps(once))).consents == record_from(RECORD).consents


def test_the_first_schemas_disclosure_is_a_text_and_stays_one() -> None:
    assert applied({"schema": 1, "disclosure": ""}, USUAL)["disclosure"] == USUAL_DISCLOSURE


@pytest.mark.parametrize(
    ("fix", "words"),
    [
        (Fix(kind="ask_waiver", values={"rule": "a.b", "by": "legal producer"}), "legal or producer may grant it"),
        (Fix(kind="ask_approval", values={"kind": "brand"}), "kind=brand"),
        (Fix(kind="name_project", values={"projects": "dune falcon"}), "--project dune or falcon"),
        (Fix(kind="of a newer daemon"), "of a newer daemon"),
    ],
    ids=["waiver", "approval", "project", "unknown"],
)
def test_what_is_for_somebody_to_decide_is_said_and_not_done(fix: Fix, words: str) -> None:
    assert words in in_words(fix)
    assert not changes_record(fix)
