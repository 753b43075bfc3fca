"""A consent for one thing is none for another; nobody grants for whom they may not; some pictures are never made."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.circumstances import CastMember, Content, Use
from understudy.bridge.consent import ConsentScope
from understudy.bridge.errors import Finding
from understudy.inference.compliance.consents import judge_grantors, judge_scopes
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.gate import evaluate
from understudy.inference.compliance.hard_stops import judge_content
from understudy.inference.compliance.territories import EUROPEAN_UNION, WORLD, covers, reaches

TODAY = "2026-11-20"


def scoped(make: Any, scope: ConsentScope, **record: Any) -> Finding:
    job = make.job(record=make.record(consents=(make.consent(scope=scope),), **record))
    return judge_scopes(job, TODAY)


@pytest.mark.parametrize(
    ("scope", "record", "words"),
    [
        (ConsentScope(shots=("SH02*", "SH999")), {}, "is for the shots SH02*, SH999, not SH010"),
        (ConsentScope(media=("streaming",)), {"use": Use(media=("streaming", "online"))}, "streaming, not online"),
        (ConsentScope(media=("streaming",)), {}, "`use.media` states none"),
        (ConsentScope(territories=("EU", "GB")), {"use": Use(territories=("DE", "US-NY"))}, "EU, GB, not US-NY"),
        (ConsentScope(territories=("US-NY",)), {"use": Use(territories=("US",))}, "US-NY, not US"),
        (ConsentScope(territories=("DE",)), {}, "`use.territories` states none"),
        (ConsentScope(), {"content": Content(intimate=True)}, "does not grant nudity"),
        (ConsentScope(nudity=False), {"content": Content(intimate=True)}, "does not grant nudity"),
        (ConsentScope(), {"use": Use(training=True)}, "does not grant training"),
        (ConsentScope(exclusions=("Advertising",)), {"use": Use(is_advertising=True)}, "excludes Advertising"),
        (ConsentScope(exclusions=("US",)), {"use": Use(territories=("US-NY",))}, "excludes US"),
        (ConsentScope(exclusions=("US-NY",)), {"use": Use(territories=("DE", "US"))}, "excludes US-NY"),
        (ConsentScope(exclusions=("FR",)), {"use": Use(territories=("EU",))}, "excludes FR"),
        (ConsentScope(territories=(WORLD,), exclusions=("CN",)), {"use": Use(territories=(WORLD,))}, "excludes CN"),
        (ConsentScope(exclusions=("sh010",)), {}, "excludes sh010"),
        (ConsentScope(exclusions=("political",)), {"content": Content(political=True)}, "excludes political"),
    ],
)
def test_when_a_use_is_more_than_was_granted_then_person_and_limit_are_named(
    make: Any, scope: ConsentScope, record: dict[str, Any], words: str
) -> None:
    found = scoped(make, scope, **record)
    assert found.outcome == "refuse"
    assert words in found.message
    assert "ana: consent c-1" in found.message
    assert found.remedy


@pytest.mark.parametrize(
    ("scope", "record"),
    [
        (ConsentScope(), {}),
        (ConsentScope(shots=("SH0*",)), {}),
        (ConsentScope(territories=(WORLD,)), {"use": Use(territories=("US-NY", "CN"))}),
        (ConsentScope(territories=("EU",)), {"use": Use(territories=("DE", "EU"))}),
        (ConsentScope(nudity=True), {"content": Content(intimate=True)}),
        (ConsentScope(exclusions=("political",)), {"content": Content(political=False)}),
    ],
)
def test_a_use_within_what_was_granted_passes(make: Any, scope: ConsentScope, record: dict[str, Any]) -> None:
    assert scoped(make, scope, **record).outcome == "pass"


def test_an_exclusion_in_free_words_is_listed_for_a_person_to_read_without_its_words(make: Any) -> None:
    found = scoped(make, ConsentScope(exclusions=("no comedy about the family",)))
    assert found.outcome == "warn"
    assert "c-1" in found.message
    assert "comedy" not in str(msgspec.to_builtins(found))


@pytest.mark.parametrize("words", ["no comedy about the family", "US-based jokes"])
@pytest.mark.parametrize("territory", [WORLD, "US"])
def test_an_exclusion_in_free_words_is_no_territory_wherever_the_use_is(make: Any, words: str, territory: str) -> None:
    found = scoped(make, ConsentScope(exclusions=(words,)), use=Use(territories=(territory,)))
    assert found.outcome == "warn"


def test_an_excluded_territory_within_a_wider_use_sends_one_to_the_territories(make: Any) -> None:
    found = scoped(make, ConsentScope(exclusions=("CN",)), use=Use(territories=(WORLD,)))
    assert "use.territories" in found.fields


SILENT = [
    (ConsentScope(exclusions=("Advertising",)), "use.is_advertising", "excludes Advertising"),
    (ConsentScope(exclusions=("endorsement",)), "use.endorsement", "excludes endorsement"),
    (ConsentScope(exclusions=("training",)), "use.training", "excludes training"),
    (ConsentScope(exclusions=("intimate",)), "content.intimate", "excludes intimate"),
    (ConsentScope(exclusions=("violence",)), "content.violence", "excludes violence"),
    (ConsentScope(exclusions=(" political",)), "content.political", "excludes political"),
    (ConsentScope(exclusions=("CN",)), "use.territories", "excludes CN"),
    (ConsentScope(exclusions=("broadcast",)), "use.media", "excludes what may be a medium"),
    (ConsentScope(nudity=False), "content.intimate", "does not grant nudity"),
    (ConsentScope(training=False), "use.training", "does not grant training"),
]


@pytest.mark.parametrize(("scope", "field", "words"), SILENT)
def test_an_exclusion_of_which_the_record_says_nothing_warns_at_admission_and_refuses_at_delivery(
    make: Any, scope: ConsentScope, field: str, words: str
) -> None:
    job = make.job(record=make.record(consents=(make.consent(scope=scope),)))
    admitted, delivered = judge_scopes(job, TODAY), judge_scopes(job, TODAY, leaving=True)
    assert [admitted.outcome, delivered.outcome] == ["warn", "refuse"]
    for found in (admitted, delivered):
        assert f"ana: consent c-1 {words}, and `{field}` is not stated" in found.message
        assert f"State `{field}`" in found.remedy
        assert field in found.fields


@pytest.mark.parametrize(("scope", "field", "words"), SILENT)
def test_when_the_record_says_that_it_is_something_else_then_the_exclusion_is_met_at_both_gates(
    make: Any, scope: ConsentScope, field: str, words: str
) -> None:
    others = {"use.territories": ("DE",), "use.media": ("streaming",)}
    group, _, name = field.partition(".")
    kind = {"use": Use, "content": Content}[group]
    record = make.record(consents=(make.consent(scope=scope),), **{group: kind(**{name: others.get(field, False)})})
    for leaving in (False, True):
        found = judge_scopes(make.job(record=record), TODAY, leaving=leaving)
        assert "not stated" not in found.message
        assert not found.refuses


def test_of_two_consents_one_without_that_exclusion_is_enough_to_leave_with(make: Any) -> None:
    without = make.consent(consent_id="c-2")
    record = make.record(consents=(make.consent(scope=ConsentScope(exclusions=("political",))), without))
    assert judge_scopes(make.job(record=record), TODAY, leaving=True).outcome == "pass"


def test_what_left_open_keeps_one_consent_from_covering_does_not_pass_by_who_signed_it(make: Any) -> None:
    silent = make.consent(consent_id="c-1", grantor_capacity="estate", scope=ConsentScope(exclusions=("political",)))
    record = make.record(
        cast=(CastMember(talent="ana", living="no"),),
        consents=(silent, make.consent(consent_id="c-2", grantor_capacity="self")),
    )
    assert judge_grantors(make.job(record=record), TODAY).outcome == "pass"
    assert judge_grantors(make.job(record=record), TODAY, leaving=True).outcome == "refuse"


def test_the_rules_of_delivery_refuse_what_the_record_leaves_open_of_an_exclusion(make: Any) -> None:
    scope = ConsentScope(exclusions=("political",))
    job = make.job(record=make.record(consents=(make.consent(scope=scope),)))
    facts = DeliveryFacts(job=job, today=TODAY, layers=(), state="provisional", readings=())
    (found,) = evaluate("delivery", facts, rules=("consents_still_reach_this_use",))
    assert (found.outcome, "`content.political` is not stated" in found.message) == ("refuse", True)


def test_of_two_consents_one_must_both_hold_and_cover_the_use(make: Any) -> None:
    expired = make.consent(consent_id="c-1", expires_on="2026-11-19")
    narrow = make.consent(consent_id="c-2", scope=ConsentScope(shots=("SH999",)))
    job = make.job(record=make.record(consents=(expired, narrow)))
    assert "consent c-2 is for the shots SH999" in judge_scopes(job, TODAY).message


@pytest.mark.parametrize(
    ("member", "capacity", "words"),
    [
        ({"living": "no"}, "self", "the person has died"),
        ({"living": "no"}, "guardian", "the person has died"),
        ({"living": "no"}, None, "signed by nobody stated"),
        ({"living": "unknown"}, "estate", "whether the person lives is unknown"),
        ({"living": "yes", "minor": True}, "self", "the person is a minor"),
        ({"minor": True}, None, "only a guardian may grant"),
    ],
)
def test_when_somebody_could_not_grant_for_a_person_then_it_is_refused(
    make: Any, member: dict[str, Any], capacity: Any, words: str
) -> None:
    record = make.record(
        cast=(CastMember(talent="ana", **member),), consents=(make.consent(grantor_capacity=capacity),)
    )
    found = judge_grantors(make.job(record=record), TODAY)
    assert found.outcome == "refuse"
    assert words in found.message


@pytest.mark.parametrize(
    ("cast", "capacity"),
    [
        ((), None),
        ((CastMember(talent="ana"),), None),
        ((CastMember(talent="ana", living="yes", minor=False),), "self"),
        ((CastMember(talent="ana", living="no"),), "estate"),
        ((CastMember(talent="ana", living="no"),), "union"),
        ((CastMember(talent="ana", living="yes", minor=True),), "guardian"),
    ],
)
def test_who_may_grant_passes_and_what_is_not_stated_is_left_to_the_packs(make: Any, cast: Any, capacity: Any) -> None:
    record = make.record(cast=cast, consents=(make.consent(grantor_capacity=capacity),))
    assert judge_grantors(make.job(record=record), TODAY).outcome == "pass"


def test_when_scope_and_grantor_are_right_in_two_consents_but_in_none_together_then_it_is_refused(make: Any) -> None:
    wide = make.consent(consent_id="c-1", grantor_capacity="self")
    narrow = make.consent(consent_id="c-2", grantor_capacity="estate", scope=ConsentScope(shots=("SH999",)))
    record = make.record(cast=(CastMember(talent="ana", living="no"),), consents=(wide, narrow))
    job = make.job(record=record)
    assert judge_scopes(job, TODAY).outcome == "pass"
    assert judge_grantors(job, TODAY).outcome == "refuse"


@pytest.mark.parametrize("ground", ["record", "self_attested", "demonstration"])
def test_when_a_minor_and_intimacy_meet_then_it_is_refused_on_every_ground(make: Any, ground: str) -> None:
    intimate = Content(intimate=True, minor_depicted=True)
    found = judge_content(make.job(record=make.record(ground=ground, content=intimate)))
    assert found.outcome == "refuse"
    cast = (CastMember(talent="ana", minor=True),)
    assert judge_content(make.job(record=make.record(content=Content(intimate=True), cast=cast))).outcome == "refuse"


def test_when_a_replica_would_teach_a_model_then_it_is_refused_whatever_was_granted(make: Any) -> None:
    granted = (make.consent(scope=ConsentScope(training=True)),)
    record = make.record(likeness="digital_replica", on_screen=("ana",), use=Use(training=True), consents=granted)
    assert "use.training" in judge_content(make.job(record=record)).message
    assert judge_content(make.job(record=make.record(use=Use(training=True)))).outcome == "pass"


PLACES = st.sampled_from([*sorted(EUROPEAN_UNION), "EU", WORLD, "US", "US-NY", "US-CA", "GB", "DE-BY"])


@given(PLACES, PLACES, PLACES)
def test_what_lies_in_something_lies_in_all_that_holds_it(one: str, two: str, three: str) -> None:
    assert covers(one, one)
    if covers(one, two) and covers(two, three):
        assert covers(one, three)
    assert reaches(one, two) == reaches(two, one)
    assert reaches(WORLD, one)
