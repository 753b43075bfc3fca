"""The operators of policy packs: what each says, and what they must keep to whatever the values."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.errors import RequestError
from understudy.inference.compliance.policy import operators
from understudy.inference.compliance.policy.conditions import OPERATORS, Condition, evaluate, parse, words
from understudy.inference.compliance.policy.fields import Value, fields
from understudy.inference.compliance.policy.operators import Truth

TRUTHS = st.sampled_from((True, False, None))


@pytest.mark.parametrize(
    ("said", "facts", "truth"),
    [
        ({"set": "use.media"}, {"use.media": ("online",)}, True),
        ({"set": "use.media"}, {}, False),
        ({"eq": ["use.is_advertising", False]}, {"use.is_advertising": False}, True),
        ({"eq": ["use.is_advertising", False]}, {}, None),
        ({"eq": ["cn.label", 1]}, {"cn.label": True}, False),
        ({"in": ["likeness", ["non_human", "no_person"]]}, {"likeness": "no_person"}, True),
        ({"in": ["use.media", ["online"]]}, {"use.media": ("broadcast", "online")}, True),
        ({"in": ["use.media", ["online"]]}, {"use.media": ("broadcast",)}, False),
        ({"in": ["use.territories", ["US-NY"]]}, {"use.territories": ("US",)}, True),
        ({"in": ["use.territories", ["US"]]}, {"use.territories": ("US-NY",)}, True),
        ({"in": ["use.territories", ["EU"]]}, {"use.territories": ("GB", "NO")}, False),
        ({"in": ["use.territories", ["EU"]]}, {}, None),
        ({"not": {"eq": ["use.is_advertising", True]}}, {}, None),
        ({"not": {"eq": ["use.is_advertising", True]}}, {"use.is_advertising": False}, True),
        ({"all": [{"set": "record_id"}, {"eq": ["content.political", True]}]}, {}, False),
        ({"any": [{"set": "record_id"}, {"eq": ["content.political", True]}]}, {}, None),
        ({"len_min": ["eu.reason", 5]}, {"eu.reason": " four "}, False),
        ({"len_min": ["eu.reason", 4]}, {"eu.reason": " four "}, True),
        ({"len_min": ["on_screen", 2]}, {"on_screen": ("ana",)}, False),
        ({"len_min": ["eu.reason", 4]}, {}, None),
        ({"before": ["script.dated_on", "script.performed_on"]},
         {"script.dated_on": "2026-01-01", "script.performed_on": "2026-01-01"}, False),
        ({"before": ["script.dated_on", "2026-01-02"]}, {"script.dated_on": "2026-01-01"}, True),
        ({"before": ["script.dated_on", "script.performed_on"]}, {"script.dated_on": "2026-01-01"}, None),
    ],
)  # fmt: skip
def test_an_operator_says_yes_no_or_not_known(said: Any, facts: dict[str, Value], truth: Truth) -> None:
    assert evaluate(parse(said, per_person=False), facts) is truth


@pytest.mark.parametrize(
    ("notice", "truth"),
    [
        ("2026-11-20T00:00Z", True),
        ("2026-11-20T00:01Z", False),
        ("2026-11-20T01:00:00Z", False),
        ("2026-11-19", True),
        ("2026-11-20", False),
        (None, None),
    ],
    ids=["48 h", "47 h 59", "47 h", "a day before", "the day itself", "not stated"],
)
def test_when_notice_was_given_47_hours_before_then_it_is_less_than_48(notice: str | None, truth: Truth) -> None:
    assert operators.hours_apart("2026-11-22", notice, 48) is truth


@pytest.mark.parametrize(
    ("scope", "value", "truth"),
    [
        (("SH0*",), "SH010", True),
        (("SH0*",), "SH110", False),
        (("online", "broadcast"), ("online",), True),
        (("online",), ("online", "broadcast"), False),
        (("online",), None, None),
        (None, ("online",), True),
        (None, None, True),
    ],
)
def test_a_scope_covers_what_it_names_and_an_empty_one_everything(scope: Value, value: Value, truth: Truth) -> None:
    assert operators.lies_in_scope(scope, value, "list") is truth


def test_a_scope_of_territories_covers_what_lies_in_them() -> None:
    assert operators.lies_in_scope(("EU", "US"), ("DE", "US-NY"), "territories") is True
    assert operators.lies_in_scope(("DE",), ("EU",), "territories") is False


@given(st.lists(TRUTHS))
def test_all_and_any_are_each_others_mirror(truths: list[Truth]) -> None:
    mirrored = operators.negated(operators.any_of(map(operators.negated, truths)))
    assert operators.all_of(truths) is mirrored


@given(TRUTHS)
def test_a_double_no_is_what_it_was(truth: Truth) -> None:
    assert operators.negated(operators.negated(truth)) is truth


MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(timezone.utc))


@given(MOMENTS, MOMENTS, st.integers(1, 1000))
def test_hours_between_moments_are_those_of_the_calendar(one: datetime, other: datetime, hours: int) -> None:
    one, other = one.replace(microsecond=0), other.replace(microsecond=0)
    later, earlier = (at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in (one, other))
    assert operators.hours_apart(later, earlier, hours) is (one - other >= timedelta(hours=hours))


@given(st.dates(), st.dates(), st.integers(1, 100))
def test_a_day_never_gives_more_hours_than_its_worst_moment(one: Any, other: Any, hours: int) -> None:
    if operators.hours_apart(one.isoformat(), other.isoformat(), hours):
        assert operators.hours_apart(f"{one}T00:00Z", f"{other}T23:59:59Z", hours)


@given(st.dates(), st.dates())
def test_of_two_days_at_most_one_lies_before_the_other(one: Any, other: Any) -> None:
    first, second = one.isoformat(), other.isoformat()
    assert operators.lies_before(first, second) is (one < other)
    assert not (operators.lies_before(first, second) and operators.lies_before(second, first))


# ---- whatever the condition: stating more never turns a known answer around

PATHS = {
    "use.is_advertising": st.sampled_from((None, True, False)),
    "content.political": st.sampled_from((None, True, False)),
    "likeness": st.sampled_from((None, "digital_replica", "no_person")),
    "use.territories": st.sampled_from((None, ("DE",), ("US-NY", "CN"))),
    "eu.reason": st.sampled_from((None, "because", "a long and careful reason")),
    "use.first_use_on": st.sampled_from((None, "2026-11-22", "2027-01-01")),
    "script.dated_on": st.sampled_from((None, "2026-11-20", "2026-11-23")),
}
FACTS = st.fixed_dictionaries(PATHS)
LEAVES = st.sampled_from(
    [
        {"eq": ["use.is_advertising", True]},
        {"eq": ["content.political", False]},
        {"in": ["likeness", ["digital_replica", "altered_performance"]]},
        {"in": ["use.territories", ["EU"]]},
        {"len_min": ["eu.reason", 10]},
        {"before": ["script.dated_on", "use.first_use_on"]},
        {"gte_hours": ["use.first_use_on", "script.dated_on", 24]},
    ]
)
SAID = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda part: {"not": part}, inner)
    ),
    max_leaves=6,
)


@given(SAID, FACTS, FACTS)
def test_stating_more_never_turns_a_known_answer_around(
    said: Any, facts: dict[str, Value], more: dict[str, Value]
) -> None:
    condition = parse(said, per_person=False)
    known = evaluate(condition, facts)
    fuller = {path: more[path] if value is None else value for path, value in facts.items()}
    if known is not None:
        assert evaluate(condition, fuller) is known


@given(SAID, FACTS)
def test_what_a_condition_lists_is_all_that_its_answer_hangs_on(said: Any, facts: dict[str, Value]) -> None:
    condition = parse(said, per_person=False)
    read = {path: facts[path] for path in condition.reads()}
    assert evaluate(condition, read) is evaluate(condition, facts)
    assert words(condition)


# ---- what is no condition


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"equals": ["likeness", "no_person"]}, "there is no operator `equals`"),
        ({"eq": ["likenes", "no_person"]}, "there is no field `likenes`"),
        ({"eq": ["likeness", "digital_replika"]}, "`likeness` never has the value 'digital_replika'"),
        ({"eq": ["use.is_advertising", "yes"]}, "`use.is_advertising` never has the value 'yes'"),
        ({"eq": ["cn.label", True]}, "`cn.label` never has the value True"),
        ({"eq": ["likeness"]}, "`eq` wants 2 things, not 1"),
        ({"in": ["likeness", "no_person"]}, "`in` wants a list"),
        ({"in": ["likeness", []]}, "`in` wants a list"),
        ({"gte_hours": ["likeness", "use.first_use_on", 48]}, "`likeness` is a word, and a day is wanted"),
        ({"gte_hours": ["use.first_use_on", "today", 0]}, "at least 1"),
        ({"gte_hours": ["use.first_use_on", "today", True]}, "at least 1"),
        ({"before": ["use.first_use_on", "tomorrow"]}, "there is no field `tomorrow`"),
        ({"len_min": ["use.is_advertising", 3]}, "is a truth"),
        ({"set": "consent.notice_at"}, 'lacks each = "person"'),
        ({"set": "salt"}, "there is no field `salt`"),
        ({"set": "consents"}, "there is no field `consents`"),
        ({"all": []}, "`all` wants a list"),
        ({"set": "likeness", "eq": ["likeness", "no_person"]}, "one operator"),
        ("likeness", "one operator"),
        ({"matches_scope": ["use.territories", "use.media"]}, "cannot be held against each other"),
    ],
)
def test_when_a_condition_makes_no_sense_then_what_is_wrong_is_named(said: Any, named: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse(said, per_person=False)
    assert named in caught.value.message
    assert caught.value.remedy


def test_when_conditions_are_nested_without_end_then_they_are_refused() -> None:
    said: Any = {"set": "likeness"}
    for _ in range(50):
        said = {"not": said}
    with pytest.raises(RequestError, match="nested deeper"):
        parse(said, per_person=False)


def test_every_operator_can_be_read_and_evaluated() -> None:
    said: dict[str, Any] = {
        "set": "likeness", "eq": ["likeness", "no_person"], "in": ["likeness", ["no_person"]],
        "any": [{"set": "likeness"}], "all": [{"set": "likeness"}], "not": {"set": "likeness"},
        "gte_hours": ["use.first_use_on", "today", 1], "matches_scope": ["use.media", "use.media"],
        "before": ["today", "2027-01-01"], "len_min": ["on_screen", 1],
    }  # fmt: skip
    assert set(said) == set(OPERATORS)
    for operator, inner in said.items():
        assert evaluate(parse({operator: inner}, per_person=False), {}) in (True, False, None)


def test_an_operator_that_nobody_knows_is_a_mistake_of_ours_and_no_answer() -> None:
    with pytest.raises(ValueError, match="no operator sum"):
        evaluate(Condition("sum"), {})


def test_the_salt_and_the_names_of_documents_cannot_be_read_by_a_pack() -> None:
    assert not {"salt", "consent.document", "consent.talent", "person.talent", "attestation"} & fields().keys()
