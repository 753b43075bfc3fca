"""What a draft is told: the same as a submit of the same papers, and which fields its record has to fill."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from understudy.bridge.circumstances import CastMember, Content, Use
from understudy.bridge.consent import Consent
from understudy.bridge.errors import Finding
from understudy.bridge.papers_messages import FieldAsked, JudgeDraft
from understudy.bridge.record import Record
from understudy.bridge.record_fields import record_fields
from understudy.inference.compliance.draft import OF_CLIPS, READS_PAPERS, Asked, asked_of, rules_of_drafts
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.gate import STAGES, evaluate
from understudy.inference.compliance.policy.cases import Case, job_of, read_cases
from understudy.inference.compliance.policy.conditions import parse
from understudy.inference.compliance.policy.library import SHIPPED
from understudy.inference.compliance.policy.reading import necessary
from understudy.inference.daemon import drafts

TODAY = "2026-11-20"
ANA = Consent(consent_id="c-1", talent="ana", document="a" * 64, signed_on="2026-01-05")
UNSOUND = msgspec.structs.replace(ANA, document="x")
ADVERT = Use(is_advertising=True, promotes_expressive_work=False, territories=("US-NY",), media=("online",))


def facts(job: Any, today: str = TODAY) -> AdmissionFacts:
    return AdmissionFacts(job=job, actor="actor", today=today)


def draft_of(case: Case) -> JudgeDraft:
    job = job_of(case)
    return JudgeDraft(record=job.record, shot=job.shot.name, project=job.output.project)


def of_drafts(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings of the rules that judge drafts, with those of the packs (whose names have a dot)."""
    return tuple(one for one in findings if one.rule in READS_PAPERS or "." in one.rule)


def asked(record: Record, **said: Any) -> Asked:
    return asked_of(facts(drafts.job_of(JudgeDraft(record=record, shot="SH010", **said))))


def fields(record: Record, **said: Any) -> dict[str, FieldAsked]:
    return {field.path: field for field in asked(record, **said).fields}


def on_record(**said: Any) -> Record:
    return Record(**{"record_id": "r-1", "likeness": "synthetic_performer", "performed_by": ("ana",), **said})


@pytest.mark.parametrize("pack", SHIPPED)
def test_a_draft_of_any_packs_case_is_told_what_admission_says_of_it(pack: str) -> None:
    for case in read_cases(pack):
        submit, draft = facts(job_of(case), case.today), facts(drafts.job_of(draft_of(case)), case.today)
        said = evaluate("admission", draft, rules=rules_of_drafts(with_inputs=False))
        assert said == of_drafts(evaluate("admission", submit)), case.name


@pytest.mark.parametrize("pack", SHIPPED)
def test_whatever_mends_a_finding_of_a_packs_case_is_a_field_that_is_asked(pack: str) -> None:
    for case in read_cases(pack):
        draft = facts(drafts.job_of(draft_of(case)), case.today)
        shown = {field.path for field in asked_of(draft).fields}
        for found in evaluate("admission", draft, rules=rules_of_drafts(with_inputs=False)):
            if found.outcome in ("refuse", "warn"):
                assert set(found.fields) <= shown, (case.name, found.rule, set(found.fields) - shown)


def test_a_refusal_of_a_blocking_pack_rule_names_a_field_that_the_form_calls_required_or_shows() -> None:
    found = {field.path: field for field in asked(on_record(use=ADVERT, likeness="synthetic_performer")).fields}
    assert found["disclosure.placement"].required
    assert not found["disclosure.placement"].stated
    assert found["disclosure.placement"].packs == ("us-ny-ads@1.0.0",)
    assert found["disclosure.placement"].help == record_fields()["disclosure.placement"].help


def test_the_rules_of_drafts_are_admissions_own_in_its_order_and_nothing_else() -> None:
    assert set(READS_PAPERS) | {OF_CLIPS} <= set(STAGES["admission"])
    names = rules_of_drafts(with_inputs=True)
    assert names == tuple(name for name in STAGES["admission"] if name in names)
    assert OF_CLIPS not in rules_of_drafts(with_inputs=False)


def test_a_pack_that_is_not_asked_asks_no_field_and_says_why() -> None:
    packs = {pack.id: pack for pack in asked(on_record(use=Use(territories=("DE",)))).packs}
    assert (packs["us-ny-ads"].asked, packs["us-ny-ads"].why) == (False, "for US-NY, and this is for DE")
    assert packs["eu-art50"].asked
    assert (packs["uk-replica"].asked, packs["uk-replica"].in_force) == (False, False)
    told = fields(on_record(use=Use(territories=("DE",))))
    assert "eu.deepfake" in told
    assert [field.path for field in told.values() if any(one.startswith("us-ny") for one in field.packs)] == []


def test_while_it_is_not_known_whether_a_rule_applies_only_what_decides_it_is_asked() -> None:
    open_ = on_record(use=Use(territories=("US-NY",)), likeness="synthetic_performer")
    assert "use.is_advertising" in fields(open_)
    assert "disclosure.placement" not in fields(open_)
    known = msgspec.structs.replace(open_, use=Use(territories=("US-NY",), is_advertising=False))
    assert "disclosure.placement" not in fields(known)


def test_of_a_record_that_says_nothing_the_first_things_are_asked_and_required() -> None:
    told = fields(Record())
    required = {path for path, field in told.items() if field.required and not field.stated}
    assert required == {"record_id", "likeness"}
    assert "use.territories" in told  # no pack of a territory is asked before one is stated
    assert told["likeness"].kind == "choice"


def test_without_a_record_only_somebodys_word_is_asked_and_no_pack() -> None:
    told = asked(Record(ground="self_attested"))
    assert {field.path for field in told.fields if field.required} == {"ground", "attestation", "disclosure.text"}
    assert not any(pack.asked for pack in told.packs)
    assert "the ground is self_attested" in told.packs[0].why


@pytest.mark.parametrize(("mode", "field"), [("replace", "replaced"), ("animate", "performed_by")])
def test_the_mode_says_who_has_to_be_named_where_nobody_is(mode: Any, field: str) -> None:
    told = fields(Record(record_id="r", likeness="synthetic_performer"), mode=mode)
    assert [path for path in ("replaced", "performed_by") if told[path].required] == [field]
    named = fields(on_record(), mode=mode)  # performed_by names somebody: that is enough
    assert [path for path in ("replaced", "performed_by") if named[path].required] == ["performed_by"]


def test_where_no_person_is_said_to_be_seen_a_reason_is_asked_or_a_name() -> None:
    told = fields(Record(record_id="r", likeness="no_person"))
    assert (told["attestation"].required, told["attestation"].stated) == (True, False)


def test_of_each_person_it_is_asked_who_they_are_and_what_they_signed() -> None:
    record = on_record(performed_by=("ana", "bo"), consents=(ANA,), cast=(CastMember(talent="bo", living="no"),))
    told = fields(record)
    assert told["consents[].consent_id"].talents == ("ana", "bo")
    assert not told["consents[].consent_id"].stated  # bo has none
    assert told["consents[].grantor_capacity"].talents == ("bo",)
    assert told["consents[].grantor_capacity"].required


def test_a_consent_for_some_media_makes_the_use_one_that_must_be_stated() -> None:
    scope = msgspec.structs.replace(ANA.scope, media=("online",))
    record = on_record(consents=(msgspec.structs.replace(ANA, scope=scope),))
    assert (fields(record)["use.media"].required, fields(record)["use.media"].stated) == (True, False)


@pytest.mark.parametrize(
    ("said", "paths"),
    [
        ({"set": "use.media"}, {"use.media"}),
        ([{"set": "use.media"}, {"eq": ["eu.role", "both"]}], {"use.media", "eu.role"}),
        ({"any": [{"set": "use.media"}, {"set": "eu.role"}]}, set()),
        ({"any": [[{"set": "use.media"}, {"set": "eu.role"}], {"set": "use.media"}]}, {"use.media"}),
        ({"not": {"before": ["script.performed_on", "script.dated_on"]}}, {"script.performed_on", "script.dated_on"}),
    ],
)
def test_what_cannot_be_done_without_is_necessary_and_one_of_two_ways_is_not(said: Any, paths: set[str]) -> None:
    assert necessary(parse(said, per_person=False)) == paths


@pytest.mark.parametrize(
    ("record", "rule", "fields_"),
    [
        (Record(), "record_is_sound", ("record_id",)),
        (on_record(use=Use(first_use_on="soon")), "record_is_sound", ("use.first_use_on",)),
        (on_record(consents=(UNSOUND,)), "record_is_sound", ("consents[0].document",)),
        (Record(record_id="r"), "likeness_is_stated", ("likeness",)),
        (Record(record_id="r", likeness="digital_replica"), "likeness_is_stated", ("on_screen", "likeness")),
        (on_record(), "consents_cover_everyone", ("consents",)),
        (
            on_record(
                content=Content(intimate=True, minor_depicted=True), consents=(ANA,)
            ),
            "content_is_allowed",
            ("content.intimate", "content.minor_depicted", "cast[].minor"),
        ),
        (Record(ground="self_attested"), "ground_is_stated", ("attestation", "ground")),
    ],
)  # fmt: skip
def test_a_refusal_of_the_gates_own_names_the_fields_that_mend_it(
    record: Record, rule: str, fields_: tuple[str, ...]
) -> None:
    draft = facts(drafts.job_of(JudgeDraft(record=record, shot="SH010")))
    (found,) = evaluate("admission", draft, rules=(rule,))
    assert (found.outcome, found.fields) == ("refuse", fields_)


def test_a_use_beyond_a_consent_names_the_field_of_the_use() -> None:
    scope = msgspec.structs.replace(ANA.scope, media=("theatrical",), exclusions=("political",))
    consent = msgspec.structs.replace(ANA, scope=scope)
    record = on_record(consents=(consent,), use=Use(media=("online",)), content=Content(political=True))
    draft = facts(drafts.job_of(JudgeDraft(record=record, shot="SH010")))
    (found,) = evaluate("admission", draft, rules=("consents_reach_this_use",))
    assert found.fields == ("use.media", "content.political", "consents")


def test_what_a_consent_leaves_out_is_asked_for_and_required_where_every_consent_leaves_it_out() -> None:
    scope = msgspec.structs.replace(ANA.scope, exclusions=("violence",))
    without, silent = ANA, msgspec.structs.replace(ANA, consent_id="c-2", scope=scope)
    told = fields(on_record(consents=(silent,)))["content.violence"]
    assert (told.rules, told.required, told.stated) == (("consents_reach_this_use",), True, False)
    assert fields(on_record(consents=(silent,), content=Content(violence=False)))["content.violence"].stated
    assert not fields(on_record(consents=(silent, without)))["content.violence"].required
