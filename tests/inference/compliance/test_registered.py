"""A record against the registry: what is not there, differs, was revoked or ran out refuses; what is left is passed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from understudy.bridge.circumstances import CastMember, Content, Use
from understudy.bridge.consent import ConsentScope
from understudy.bridge.errors import Finding
from understudy.bridge.record import Consent
from understudy.inference.authority.papers import RegisteredConsent, Snapshot, TalentState
from understudy.inference.compliance.consents import judge_grantors
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.gate import evaluate
from understudy.inference.compliance.hard_stops import judge_content
from understudy.inference.compliance.registered import as_known_now, fill_in, judge_registry, vouching

TODAY = "2026-11-20"


def known(**changes: Any) -> RegisteredConsent:
    fields = {"id": "c-1", "talent": "ana", "document": "a" * 64, "signed_on": "2026-01-05"}
    return RegisteredConsent(**{**fields, **changes})


def snapshot(*consents: RegisteredConsent) -> Snapshot:
    return Snapshot(consents_known=max(1, len(consents)), consents=consents, digest="d" * 64)


def judged(job: Any, *consents: RegisteredConsent) -> Finding:
    return judge_registry(job, snapshot(*consents), TODAY)


def test_without_any_entry_the_record_vouches_for_itself(make: Any) -> None:
    job = make.job()
    assert judge_registry(job, Snapshot(), TODAY).outcome == "not_applicable"
    assert vouching(job, Snapshot()) == "self-attested"


def test_a_consent_that_agrees_and_stands_is_borne_out(make: Any) -> None:
    job = make.job()
    assert judged(job, known()).outcome == "pass"
    assert vouching(job, snapshot(known())) == "registry"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"revoked_on": "2026-11-20"}, "consent c-1 was revoked on 2026-11-20"),
        ({"expires_on": "2026-11-19"}, "consent c-1 expired on 2026-11-19"),
        ({"signed_on": "2026-11-21"}, "consent c-1 is signed on 2026-11-21, after today"),
        ({"document": "b" * 64}, "`document` is aaaaaaaaaaaa in the record and bbbbbbbbbbbb in the registry"),
        ({"signed_on": "2026-01-06"}, "`signed_on` is 2026-01-05 in the record and 2026-01-06 in the registry"),
        ({"expires_on": "2026-12-31"}, "`expires_on` is None in the record and 2026-12-31 in the registry"),
        ({"talent": "bo"}, "`talent` is ana in the record and bo in the registry"),
        ({"projects": ("dune",)}, "consent c-1 is for dune, not falcon"),
        ({"shots": ("SH020",)}, "consent c-1 is for the shots SH020, not SH010"),
    ],
)
def test_what_the_registry_knows_otherwise_refuses_whatever_the_record_says(
    make: Any, changes: dict[str, Any], words: str
) -> None:
    found = judged(make.job(), known(**changes))
    assert (found.outcome, words in found.message) == ("refuse", True), found.message


def test_a_consent_that_runs_out_tomorrow_or_was_revoked_from_tomorrow_still_stands(make: Any) -> None:
    job = make.job(record=make.record(consents=(make.consent(expires_on="2026-11-20"),)))
    assert judged(job, known(expires_on="2026-11-20")).outcome == "pass"
    assert judged(make.job(), known(revoked_on="2026-11-21")).outcome == "pass"


def test_a_consent_that_the_registry_lacks_refuses_where_it_holds_any(make: Any) -> None:
    found = judged(make.job(), known(id="c-2"))
    assert (found.outcome, "consent c-1 is not in it" in found.message) == ("refuse", True)


def test_one_that_stands_is_enough_but_a_revoked_one_never_is(make: Any) -> None:
    job = make.job(record=make.record(consents=(make.consent(expires_on="2026-11-01"), make.consent(consent_id="c-2"))))
    assert judged(job, known(expires_on="2026-11-01"), known(id="c-2")).outcome == "pass"
    gone = known(expires_on="2026-11-01", revoked_on="2026-10-01")
    assert judged(job, gone, known(id="c-2")).outcome == "refuse"


def test_who_withdrew_every_consent_is_not_named_on_any_ground(make: Any) -> None:
    record = make.record(ground="self_attested", attestation="a test", consents=(), performed_by=("ana",))
    job = make.job(record=record)
    assert judged(job, known()).outcome == "pass"
    found = judged(job, known(revoked_on="2026-11-01"))
    assert (found.outcome, "ana has withdrawn every consent" in found.message) == ("refuse", True)
    assert vouching(job, snapshot(known())) == "self-attested"


WHOLE: dict[str, Any] = {
    "expires_on": "2027-01-01", "capacity": "guardian", "representation": "counsel", "separate": "yes",
    "notice_at": "2026-01-02T09:00Z", "projects": ("falcon",), "shots": ("SH0*",), "media": ("streaming",),
    "territories": ("DE",), "use": "Walks through a door.", "exclusions": ("political",), "nudity": "no",
    "training": "no",
}  # fmt: skip


def test_a_consent_named_by_its_id_alone_is_filled_in_whole(make: Any) -> None:
    record = fill_in(make.record(consents=(Consent(consent_id="c-1"),)), snapshot(known(**WHOLE)))
    assert record.consents == (
        make.consent(
            expires_on="2027-01-01", grantor_capacity="guardian", representation="counsel", separate=True,
            notice_at="2026-01-02T09:00Z",
            scope=ConsentScope(
                projects=("falcon",), shots=("SH0*",), media=("streaming",), territories=("DE",),
                use_text="Walks through a door.", exclusions=("political",), nudity=False, training=False,
            ),
        ),
    )  # fmt: skip
    use = Use(media=("streaming",), territories=("DE",))
    assert judged(make.job(record=msgspec.structs.replace(record, use=use)), known(**WHOLE)).outcome == "pass"
    unknown = make.record(consents=(Consent(consent_id="c-9"),))
    assert fill_in(unknown, snapshot(known())) == unknown
    assert judged(make.job(record=unknown), known()).outcome == "refuse"


def test_what_the_registry_filled_in_follows_it_and_is_never_held_against_the_record(make: Any) -> None:
    sent = make.record(consents=(Consent(consent_id="c-1"),))
    job = make.job(record=fill_in(sent, snapshot(known(expires_on="2026-11-21"))))
    longer = known(expires_on="2027-11-21")
    assert judged(job, longer).outcome == "refuse"
    assert judged(as_known_now(job, sent, snapshot(longer)), longer).outcome == "pass"
    for changes in ({"talent": "bo"}, {"document": "b" * 64}, {"expires_on": "2026-11-19"}, {"projects": ("dune",)}):
        now = known(**changes)
        assert judged(as_known_now(job, sent, snapshot(now)), now).outcome == "refuse"
    assert as_known_now(job, None, snapshot(longer)) == as_known_now(job, sent, Snapshot()) == job


def test_a_record_that_says_less_than_the_registry_is_filled_and_one_that_says_more_is_judged_by_the_registry(
    make: Any,
) -> None:
    silent = fill_in(make.record(), snapshot(known(territories=("DE",), capacity="self")))
    assert silent.consents[0].scope.territories == ("DE",)
    assert silent.consents[0].grantor_capacity == "self"
    wider = make.record(
        consents=(make.consent(scope=ConsentScope(territories=("worldwide",))),), use=Use(territories=("DE", "FR"))
    )
    found = judged(make.job(record=wider), known(territories=("DE",)))
    assert found.outcome == "refuse"
    assert "consent c-1 is for the territories DE, not FR" in found.message
    own = make.record(consents=(make.consent(scope=ConsentScope(territories=("DE",))),), use=Use(territories=("DE",)))
    assert judged(make.job(record=own), known()).outcome == "pass"


def test_shots_and_projects_of_the_registry_are_patterns_as_those_of_a_record(make: Any) -> None:
    assert judged(make.job(), known(shots=("SH0*",), projects=("fal*",))).outcome == "pass"
    assert judged(make.job(), known(shots=("SH9*",))).outcome == "refuse"


def test_a_minor_the_dead_and_a_guilds_member_are_so_whatever_the_record_says_of_them(make: Any) -> None:
    """Until decision 61 a record that called somebody living won over the registry: a false word beat a hard stop."""
    told = TalentState(id="ana", living=False, minor=True, union="sag-aftra")
    there = msgspec.structs.replace(snapshot(known()), talents=(told,))
    record = fill_in(make.record(), there)
    assert record.cast == (CastMember(talent="ana", living="no", minor=True, union="sag-aftra"),)
    said = make.record(cast=(CastMember(talent="ana", living="yes", minor=False, contract_type="commercial"),))
    assert fill_in(said, there).cast == (
        CastMember(talent="ana", living="no", minor=True, union="sag-aftra", contract_type="commercial"),
    )
    usual = msgspec.structs.replace(there, talents=(TalentState(id="ana", living=True, minor=False, union=""),))
    assert fill_in(make.record(), usual).cast == ()
    stricter = make.record(cast=(CastMember(talent="ana", living="no", minor=True, union="equity"),))
    assert fill_in(stricter, usual) == stricter  # that they live and are of age is the registry's default


FALSE = (CastMember(talent="ana", living="yes", minor=False),)


def test_a_false_word_on_a_minor_does_not_pass_the_hard_stop_nor_who_may_grant(make: Any) -> None:
    there = msgspec.structs.replace(snapshot(known()), talents=(state("ana", minor=True),))
    said = make.record(cast=FALSE, content=Content(intimate=True))
    job = make.job(record=fill_in(said, there))
    assert "never made" in judge_content(job).message
    assert "the person is a minor" in judge_grantors(job, TODAY).message


@pytest.mark.parametrize("ground", ["record", "self_attested", "demonstration"])
@pytest.mark.parametrize("consents", [0, 1], ids=["a registry without consents", "one with"])
def test_when_the_registry_learns_of_a_minor_after_admission_then_intimate_content_is_refused_on_every_ground(
    make: Any, ground: str, consents: int
) -> None:
    """The stored record holds what was known when the job came."""
    there = Snapshot(consents_known=consents, consents=(known(),), talents=(state("ana", minor=True),))
    intimate = Content(intimate=True)
    job = make.job(record=make.record(ground=ground, attestation="a test", cast=FALSE, content=intimate))
    found = judge_registry(job, there, TODAY)
    assert found.outcome == "refuse"
    assert "the registry says that ana is a minor" in found.message
    assert "Nobody can waive this" in found.remedy
    assert "content.intimate" in found.fields
    assert judge_registry(make.job(), there, TODAY).outcome in ("pass", "not_applicable")  # nothing intimate


def test_a_minor_named_by_a_performer_alone_counts_as_one_that_the_record_names(make: Any) -> None:
    there = msgspec.structs.replace(snapshot(known(nudity="yes")), talents=(state("bo", minor=True),))
    job = make.job(record=make.record(content=Content(intimate=True)))
    performer = msgspec.structs.replace(job.shot.performers[0], talents=("bo",))
    assert judge_registry(job, there, TODAY).outcome == "pass"  # nobody names bo
    assert "bo is a minor" in judge_registry(make.with_shot(job, performers=(performer,)), there, TODAY).message


def test_a_union_that_differs_is_refused_for_neither_answer_is_the_stricter(make: Any) -> None:
    there = msgspec.structs.replace(snapshot(known()), talents=(state("ana", union="sag-aftra"),))
    for union in ("none", "SAG-AFTRA"):  # packs compare letter by letter
        record = fill_in(make.record(cast=(CastMember(talent="ana", union=union),)), there)
        found = judge_registry(make.job(record=record), there, TODAY)
        assert found.outcome == "refuse"
        assert f"`cast[].union` of ana is {union} in the record and sag-aftra in the registry" in found.message
        assert "cast[].union" in found.fields
        assert "left out" in found.remedy
    same = make.record(cast=(CastMember(talent="ana", union="sag-aftra"),))
    assert judge_registry(make.job(record=same), there, TODAY).outcome == "pass"
    claims_nothing = make.record(ground="self_attested", attestation="a test", consents=(), cast=record.cast)
    assert judge_registry(make.job(record=claims_nothing), there, TODAY).outcome == "pass"


def state(talent: str, **changes: Any) -> TalentState:
    return TalentState(**{"id": talent, "living": True, "minor": False, "union": "", **changes})


@pytest.mark.parametrize(
    ("stated", "said", "words"),
    [
        (
            {"representation": "none"},
            {"representation": "counsel"},
            "`representation` is counsel in the record and none",
        ),
        ({"separate": "no"}, {"separate": True}, "`separate` is yes in the record and no"),
        ({"capacity": "self"}, {"grantor_capacity": "estate"}, "`grantor_capacity` is estate in the record and self"),
        (
            {"notice_at": "2026-11-19"},
            {"notice_at": "2026-11-17"},
            "`notice_at` is 2026-11-17 in the record and 2026-11-19",
        ),
        ({"use": "Walks by."}, {"scope": ConsentScope(use_text="Dies in a fire.")}, "`scope.use_text` is another text"),
    ],
)
@pytest.mark.parametrize("leaving", [False, True])
def test_a_grant_told_otherwise_than_it_was_signed_is_refused_at_both_gates(
    make: Any, stated: dict[str, Any], said: dict[str, Any], words: str, leaving: bool
) -> None:
    there = snapshot(known(**stated))
    record = fill_in(make.record(consents=(make.consent(**said),)), there)
    found = judge_registry(make.job(record=record), there, TODAY, leaving=leaving)
    assert found.outcome == "refuse"
    assert f"consent c-1: {words}" in found.message
    assert "left out" in found.remedy
    assert "fire" not in str(found)  # a description is private
    silent = make.job(record=fill_in(make.record(), there))
    assert judge_registry(silent, there, TODAY, leaving=leaving).outcome == "pass"
    assert judge_registry(make.job(record=record), snapshot(known()), TODAY).outcome == "pass"  # it states nothing


def test_what_the_registry_states_after_admission_is_no_difference_where_the_record_was_silent(make: Any) -> None:
    assert judged(make.job(), known(capacity="self", representation="counsel", use="Walks by.")).outcome == "pass"


def test_a_description_is_the_same_however_its_lines_are_broken(make: Any) -> None:
    scope = ConsentScope(use_text="Walks through\n a door. ")
    job = make.job(record=make.record(consents=(make.consent(scope=scope),)))
    assert judged(job, known(use="Walks through a door.")).outcome == "pass"


def test_what_either_leaves_out_is_left_out(make: Any) -> None:
    """A record with exclusions of its own does not hide those of the registry from whoever has to read them."""
    scope = ConsentScope(exclusions=("political", "no comedy"))
    record = fill_in(
        make.record(consents=(make.consent(scope=scope),)), snapshot(known(exclusions=("no stunts", "political")))
    )
    assert record.consents[0].scope.exclusions == ("political", "no comedy", "no stunts")


@pytest.mark.parametrize("held", [(), (known(),)], ids=["an empty registry", "one that lacks it"])
def test_when_a_consent_is_named_by_an_id_that_nobody_knows_then_it_is_refused_by_its_name(
    make: Any, held: tuple[RegisteredConsent, ...]
) -> None:
    job = make.job(record=make.record(consents=(Consent(consent_id="c-9"),)))
    facts = make.admission(job, registry=snapshot(*held))
    (found,) = evaluate("admission", facts, rules=("record_is_sound",))
    assert (found.outcome, "names c-9 by its id alone" in found.message) == ("refuse", True)


def test_the_rules_of_both_stages_ask_the_registry(make: Any) -> None:
    rules = ("registry_bears_it_out",)
    facts = make.admission(make.job(), registry=snapshot(known(revoked_on="2026-11-01")))
    (found,) = evaluate("admission", facts, rules=rules)
    assert (found.rule, found.outcome) == (*rules, "refuse")
    (found,) = evaluate("admission", make.admission(make.job(), registry=snapshot(known())), rules=rules)
    assert found.outcome == "pass"


def test_when_a_consent_runs_out_at_midnight_between_the_gates_then_delivery_refuses_what_admission_took(
    make: Any,
) -> None:
    job = make.job(record=make.record(consents=(make.consent(expires_on="2026-11-20"),)))
    there = snapshot(known(expires_on="2026-11-20"))
    rules = ("consents_still_stand", "registry_still_bears_it_out")

    def delivered(today: str) -> set[str]:
        facts = DeliveryFacts(job=job, today=today, layers=(), state="provisional", readings=(), registry=there)
        return {found.outcome for found in evaluate("delivery", facts, rules=rules)}

    admitted = evaluate("admission", make.admission(job, registry=there, today="2026-11-20"))
    assert {
        found.outcome for found in admitted if found.rule in ("consents_cover_everyone", "registry_bears_it_out")
    } == {"pass"}
    assert delivered("2026-11-20") == {"pass"}
    assert delivered("2026-11-21") == {"refuse"}
