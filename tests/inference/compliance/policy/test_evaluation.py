"""What packs make of a job: who is asked, what is not known, which two cannot both be kept, what may be read of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from understudy.bridge.circumstances import CastMember, Content, Disclosure, Europe, Use
from understudy.bridge.consent import ConsentScope
from understudy.inference.compliance.policy.contradictions import Demand, contradictions
from understudy.inference.compliance.policy.evaluation import evaluate_packs
from understudy.inference.compliance.policy.job_facts import facts_of
from understudy.inference.compliance.policy.library import all_packs

POLITICAL = '{ eq = ["content.political", true] }'
WHEN_POLITICAL = f"when = {POLITICAL}"
BOTH = ("admission", "delivery")
PERSON = 'each = "person"'


@pytest.mark.parametrize("severity", ["block", "warn", "info"])
@pytest.mark.parametrize("stage", BOTH)
def test_a_rule_that_does_not_hold_does_what_its_severity_says(
    ask: Any, pack_of: Any, severity: str, stage: str
) -> None:
    found = ask(pack_of('{ set = "use.media" }', severity=severity), stage=stage)["mine.rule"]
    assert found.outcome == {"block": "refuse", "warn": "warn", "info": "note"}[severity]
    assert "use.media is stated" in found.message
    assert found.facts["use.media"] == "not stated"
    assert found.remedy


def test_a_rule_of_delivery_tells_at_admission_what_delivery_will_do(ask: Any, pack_of: Any) -> None:
    pack = pack_of('{ set = "use.media" }', gate="delivery")
    found = ask(pack)["mine.rule"]
    assert found.outcome == "warn"
    assert found.message.endswith("Delivery will refuse.")
    assert ask(pack, stage="delivery")["mine.rule"].outcome == "refuse"


@pytest.mark.parametrize(("political", "outcomes"), [(None, ("warn", "refuse")), (True, ("refuse", "refuse"))])
def test_when_whether_a_rule_applies_is_not_known_then_admission_warns_and_delivery_refuses(
    ask: Any, pack_of: Any, political: bool | None, outcomes: tuple[str, str]
) -> None:
    pack = pack_of('{ set = "use.media" }', of_rule=WHEN_POLITICAL)
    said = [ask(pack, stage=stage, content=Content(political=political))["mine.rule"].outcome for stage in BOTH]
    assert tuple(said) == outcomes
    told = ask(pack, stage="delivery", content=Content(political=political))["mine.rule"].message
    assert ("Whether it applies hangs on what is not stated: content.political." in told) == (political is None)


def test_a_rule_that_does_not_apply_says_so_with_what_it_read(ask: Any, pack_of: Any) -> None:
    pack = pack_of('{ set = "use.media" }', of_rule=WHEN_POLITICAL)
    found = ask(pack, content=Content(political=False))["mine.rule"]
    assert found.outcome == "not_applicable"
    assert found.facts["content.political"] == "no"


def test_when_an_exception_is_not_known_then_it_exempts_nobody(ask: Any, pack_of: Any) -> None:
    pack = pack_of('{ set = "use.media" }', of_rule=f"unless = {POLITICAL}")
    assert ask(pack, stage="delivery")["mine.rule"].outcome == "refuse"
    assert ask(pack, stage="delivery", content=Content(political=True))["mine.rule"].outcome == "not_applicable"


def test_a_requirement_that_is_met_holds_even_where_it_is_not_known_whether_it_is_asked(ask: Any, pack_of: Any) -> None:
    pack = pack_of('{ set = "use.media" }', of_rule=WHEN_POLITICAL)
    assert ask(pack, stage="delivery", use=Use(territories=("DE",), media=("tv",)))["mine.rule"].outcome == "pass"


def test_of_two_packs_that_both_apply_the_strictest_wins(ask: Any, pack_of: Any) -> None:
    day = pack_of('{ gte_hours = ["use.first_use_on", "today", 24] }', id="short")
    week = pack_of('{ gte_hours = ["use.first_use_on", "today", 168] }', id="long")
    found = ask(day, week, use=Use(territories=("DE",), first_use_on="2026-11-23"))
    assert (found["short.rule"].outcome, found["long.rule"].outcome) == ("pass", "refuse")
    mild = pack_of('{ set = "use.media" }', id="mild", severity="warn")
    strict = pack_of('{ set = "use.media" }', id="strict")
    found = ask(mild, strict)
    assert (found["mild.rule"].outcome, found["strict.rule"].outcome) == ("warn", "refuse")


# ---- contradictions


@pytest.mark.parametrize(
    ("one", "other", "path"),
    [
        ('{ eq = ["disclosure.form", "icon"] }', '{ eq = ["disclosure.form", "caption"] }', "disclosure.form"),
        (
            '{ in = ["disclosure.form", ["icon", "spoken"]] }',
            '{ in = ["disclosure.form", ["caption"]] }',
            "disclosure.form",
        ),
        ('{ eq = ["disclosure.owner", "us"] }', '{ not = { eq = ["disclosure.owner", "us"] } }', "disclosure.owner"),
        ('{ set = "retention_until" }', '{ not = { set = "retention_until" } }', "retention_until"),
        ('[{ set = "use.media" }, { eq = ["cn.label", 1] }]', '{ in = ["cn.label", [2, 3]] }', "cn.label"),
        ('{ not = { eq = ["use.training", true] } }', '{ not = { eq = ["use.training", false] } }', "use.training"),
        ('{ len_min = ["eu.reason", 20] }', '{ not = { set = "eu.reason" } }', "eu.reason"),
    ],
)
def test_when_two_packs_contradict_each_other_then_it_is_an_error_that_nobody_can_waive(
    ask: Any, pack_of: Any, one: str, other: str, path: str
) -> None:
    found = ask(pack_of(one, id="one"), pack_of(other, id="other"))["packs.contradiction"]
    assert found.outcome == "refuse"
    assert f"one.rule and other.rule cannot both be kept: they ask for different values of {path}" in found.message
    assert found.facts["waiver"] == "waivable by nobody"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{ in = ["disclosure.form", ["icon", "spoken"]] }', '{ in = ["disclosure.form", ["caption", "icon"]] }'),
        ('{ in = ["use.media", ["online"]] }', '{ in = ["use.media", ["broadcast"]] }'),
        ('{ set = "retention_until" }', '{ len_min = ["eu.reason", 20] }'),
        ('{ any = [{ eq = ["eu.role", "both"] }] }', '{ eq = ["eu.role", "provider"] }'),
    ],
)
def test_what_can_be_kept_together_is_no_contradiction(ask: Any, pack_of: Any, one: str, other: str) -> None:
    assert "packs.contradiction" not in ask(pack_of(one, id="one"), pack_of(other, id="other"))


def test_a_rule_of_persons_and_one_of_the_job_contradict_each_other_in_what_both_read_of_the_job(
    ask: Any, pack_of: Any
) -> None:
    one = pack_of('{ eq = ["replica.type", "background"] }', id="one", of_rule=PERSON)
    other = pack_of('{ eq = ["replica.type", "none"] }', id="other")
    assert "packs.contradiction" in ask(one, other)
    hers = pack_of('{ eq = ["person.living", "yes"] }', id="hers", of_rule=PERSON)
    his = pack_of('{ eq = ["person.living", "no"] }', id="his", of_rule=PERSON)
    assert "packs.contradiction" not in ask(hers, his)


def test_packs_that_contradict_each_other_but_never_both_apply_are_no_error(ask: Any, pack_of: Any) -> None:
    one = pack_of('{ eq = ["disclosure.form", "icon"] }', id="one", of_rule=WHEN_POLITICAL)
    other = pack_of('{ eq = ["disclosure.form", "caption"] }', id="other", of_rule=f"when = {{ not = {POLITICAL} }}")
    assert "packs.contradiction" not in ask(one, other, content=Content(political=True))
    assert "packs.contradiction" in ask(one, other)


VALUES = st.sampled_from(("on_screen", "icon", "caption", "credits"))
WANTED = st.lists(VALUES, min_size=1, max_size=3, unique=True)


@given(WANTED, WANTED)
def test_two_demands_contradict_exactly_where_no_value_meets_both(one: list[str], other: list[str]) -> None:
    from understudy.inference.compliance.policy.conditions import parse

    demands = [
        Demand(str(index), "p@1.0.0", parse({"in": ["disclosure.form", wanted]}, per_person=False))
        for index, wanted in enumerate((one, other))
    ]
    assert bool(list(contradictions(demands))) == (not set(one) & set(other))


# ---- which packs are asked


def test_when_a_pack_has_expired_then_admission_warns_and_delivery_refuses_and_its_rules_are_asked_all_the_same(
    ask: Any, pack_of: Any
) -> None:
    pack = pack_of('{ set = "use.media" }', of_pack='valid_to = "2026-11-19"')
    said = [ask(pack, stage=stage)["mine.validity"].outcome for stage in BOTH]
    assert said == ["warn", "refuse"]
    assert ask(pack)["mine.rule"].outcome == "refuse"
    last_day = pack_of('{ set = "use.media" }', of_pack='valid_to = "2026-11-20"')
    assert ask(last_day, stage="delivery")["mine.validity"].outcome == "pass"


def test_when_no_pack_speaks_of_a_territory_then_admission_warns_and_delivery_refuses(ask: Any, pack_of: Any) -> None:
    pack = pack_of('{ set = "record_id" }', of_pack='territories = ["EU"]')
    use = Use(territories=("DE", "BR"))
    said = [ask(pack, stage=stage, use=use)["packs.territories"] for stage in BOTH]
    assert [found.outcome for found in said] == ["warn", "refuse"]
    assert "No pack speaks of BR" in said[0].message
    assert ask(pack, stage="delivery")["packs.territories"].outcome == "pass"


def test_when_the_only_pack_of_a_territory_is_switched_off_then_nobody_speaks_of_it(ask: Any, pack_of: Any) -> None:
    pack = pack_of('{ set = "use.media" }', of_pack='territories = ["GB"]\nenabled = false')
    found = ask(pack, stage="delivery", use=Use(territories=("GB",)))
    assert "mine.rule" not in found
    assert found["packs.territories"].outcome == "refuse"


def test_a_record_without_territories_is_listed_and_asked_what_applies_everywhere(ask: Any, pack_of: Any) -> None:
    everywhere = pack_of('{ set = "record_id" }', id="one")
    somewhere = pack_of('{ set = "record_id" }', id="two", of_pack='territories = ["DE"]')
    found = ask(everywhere, somewhere, stage="delivery", use=Use())
    assert found["packs.territories"].outcome == "warn"
    assert "one.rule" in found
    assert "two.rule" not in found


def test_a_worldwide_use_asks_every_pack(ask: Any, pack_of: Any) -> None:
    packs = [
        pack_of('{ set = "record_id" }', id=one.lower(), of_pack=f'territories = ["{one}"]') for one in ("CN", "KR")
    ]
    assert {"cn.rule", "kr.rule"} <= ask(*packs, use=Use(territories=("worldwide",))).keys()


# ---- person by person


def test_a_rule_of_persons_holds_where_everyone_has_one_consent_that_meets_it(
    ask: Any, pack_of: Any, make: Any
) -> None:
    pack = pack_of('{ eq = ["consent.representation", "union"] }', of_rule=PERSON)
    good, bad = make.consent(representation="union"), make.consent(consent_id="c-2", representation="none")
    bo = make.consent(consent_id="c-3", talent="bo", representation="none")
    assert ask(pack, consents=(bad, good))["mine.rule"].outcome == "pass"
    found = ask(pack, performed_by=("ana", "bo"), consents=(good, bo))["mine.rule"]
    assert found.outcome == "refuse"
    assert found.message.endswith("This is about bo.")


def test_a_consent_that_does_not_cover_this_use_meets_no_rule(ask: Any, pack_of: Any, make: Any) -> None:
    pack = pack_of('{ eq = ["consent.representation", "union"] }', of_rule=PERSON)
    narrow = make.consent(representation="union", scope=ConsentScope(shots=("SH999",)))
    expired = make.consent(consent_id="c-2", representation="union", expires_on="2026-11-19")
    assert ask(pack, consents=(narrow, expired))["mine.rule"].outcome == "refuse"


def test_what_stands_beside_the_pictures_names_nobody_and_quotes_nothing_private(
    ask: Any, pack_of: Any, make: Any
) -> None:
    require = '[{ len_min = ["consent.scope.use_text", 500] }, { set = "person.union" }, { set = "on_screen" }]'
    pack = pack_of(require, of_rule=PERSON, severity="warn")
    found = ask(
        pack, performed_by=("Velez",), on_screen=("Velez",),
        consents=(make.consent(talent="Velez", scope=ConsentScope(use_text="her secret wedding")),),
    )["mine.rule"]  # fmt: skip
    assert found.outcome == "warn"
    text = str(msgspec.to_builtins(found))
    assert "Velez" not in text
    assert "wedding" not in text
    assert "consent.scope.use_text': 'stated'" in text
    assert "'on_screen': 'stated'" in text


def test_one_person_has_the_same_name_in_every_finding_of_a_record_and_another_in_the_next(make: Any) -> None:
    def alias(salt: str) -> str:
        return facts_of(make.job(record=make.record(salt=salt)), "2026-11-20", "jo").people[0].alias

    assert alias("5" * 32) == alias("5" * 32) != alias("6" * 32)


# ---- the whole library on whatever a record states

RECORDS = st.fixed_dictionaries(
    {
        "use": st.builds(
            Use,
            is_advertising=st.sampled_from((None, True, False)),
            promotes_expressive_work=st.sampled_from((None, True, False)),
            territories=st.sampled_from(((), ("DE",), ("US",), ("US-NY", "CN", "KR", "IN"), ("worldwide",), ("BR",))),
            first_use_on=st.sampled_from((None, "2026-12-24")),
        ),
        "content": st.builds(Content, political=st.sampled_from((None, True)), intimate=st.sampled_from((None, True))),
        "eu": st.builds(Europe, deepfake=st.sampled_from((None, "yes", "no", "undetermined"))),
        "disclosure": st.builds(Disclosure, form=st.sampled_from((None, "on_screen", "credits"))),
        "likeness": st.sampled_from(("digital_replica", "synthetic_performer", "non_human", "no_person")),
        "on_screen": st.sampled_from(((), ("ana",))),
        "cast": st.sampled_from(((), (CastMember(talent="ana", union="sag-aftra", contract_type="tv_theatrical"),))),
    }
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RECORDS, st.sampled_from(BOTH), st.sampled_from(("2026-11-20", "2029-01-01")))
def test_every_rule_of_every_pack_that_applies_answers_once_with_all_that_it_read(
    make: Any, record: dict[str, Any], stage: Any, today: str
) -> None:
    packs = all_packs()
    found = evaluate_packs(packs, facts_of(make.job(record=make.record(**record)), today, "jo"), stage)
    expected = [rule for pack in found.applied for rule in (f"{pack.id}.validity", *(r.id for r in pack.rules))]
    assert [one.rule for one in found.outcomes] == [*expected, "packs.territories"]
    assert {pack.reference for pack in packs} == {*found.left_out, *(pack.reference for pack in found.applied)}
    for one in found.outcomes:
        assert one.reads or one.standing == "not_applicable"
        assert one.outcome != "refuse" or one.remedy
        if stage == "admission":
            assert one.standing != "not_known" or one.outcome in ("warn", "note")
