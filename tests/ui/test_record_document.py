from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from understudy.bridge.record_file import record_from
from understudy.ui import papers_words
from understudy.ui.job_again import document_of
from understudy.ui.record_catalogue import SECTIONS, catalogue, field_at, parts_of, section_of
from understudy.ui.record_document import new_document, people_of, stated_paths, value_at, with_value

PATHS = some.sampled_from(sorted(catalogue()))
VALUES = some.one_of(some.booleans(), some.text(min_size=1), some.lists(some.text(min_size=1), min_size=1))


def test_when_the_record_has_a_field_then_the_form_has_words_and_a_section_for_it() -> None:
    assert set(papers_words.LABELS) == set(catalogue())
    assert set(papers_words.SECTIONS) == set(SECTIONS) == {section_of(path) for path in catalogue()}
    for path in ("cast", "approvals"):
        assert set(parts_of(path)) <= set(papers_words.PARTS)


def test_when_a_rule_reads_within_a_list_then_the_list_is_where_it_is_mended() -> None:
    assert field_at("cast[].minor") == field_at("cast[0].union") == field_at("person.union") == "cast"
    assert field_at("consent.scope.nudity") == field_at("consents[].scope.use_text") == "consents"
    assert field_at("use.media[2]") == "use.media"
    assert field_at("job.project") == field_at("") == ""


@given(PATHS, VALUES)
def test_what_is_stated_is_read_back_and_taken_away_without_a_trace(path: str, value: Any) -> None:
    before = {**new_document("r"), "ours": {"number": 7}}
    after = with_value(before, path, value)
    assert value_at(after, path) == value
    assert path in stated_paths(after, tuple(catalogue()))
    gone = with_value(after, path, None)
    assert gone == with_value(before, path, None)
    assert gone["ours"] == {"number": 7}
    assert before == {**new_document("r"), "ours": {"number": 7}}


def test_when_a_group_is_no_group_then_it_stays_until_something_is_stated_in_it() -> None:
    broken = {"schema": 2, "use": "ads"}
    assert value_at(broken, "use.media") is None
    assert with_value(broken, "use.media", None) == broken
    assert with_value(broken, "use.media", ["tv"])["use"] == {"media": ["tv"]}


def test_everyone_is_named_once_in_the_order_in_which_they_are_named() -> None:
    assert people_of({"performed_by": ["bo", "ana"], "replaced": ["ana"], "on_screen": "nobody"}) == ("bo", "ana")


def test_when_a_jobs_record_becomes_a_document_then_it_says_the_same_and_nothing_else() -> None:
    said = {
        "schema": 2, "ground": "record", "record_id": "r", "likeness": "non_human", "performed_by": ["ana"],
        "consents": [{"consent_id": "c-1"}], "cast": [{"talent": "ana", "minor": False}],
        "content": {"intimate": False}, "use": {"territories": ["DE"]},
    }  # fmt: skip
    assert document_of(record_from(dict(said))) == said
