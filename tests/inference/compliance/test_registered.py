"""A record against the registry: what is not there, differs, was revoked or ran out refuses; what is left is passed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from understudy.bridge.errors import Finding
from understudy.bridge.record import Consent
from understudy.inference.authority.papers import RegisteredConsent, Snapshot
from understudy.inference.compliance.gate import evaluate
from understudy.inference.compliance.registered import fill_in, judge_registry, vouching

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


def test_a_consent_named_by_its_id_alone_is_filled_in(make: Any) -> None:
    bare = Consent(consent_id="c-1", talent="", document="", signed_on="")
    record = fill_in(make.record(consents=(bare,)), snapshot(known(expires_on="2027-01-01")))
    assert record.consents == (make.consent(expires_on="2027-01-01"),)
    assert judged(make.job(record=record), known(expires_on="2027-01-01")).outcome == "pass"
    unknown = make.record(consents=(msgspec.structs.replace(bare, consent_id="c-9"),))
    assert fill_in(unknown, snapshot(known())) == unknown
    assert judged(make.job(record=unknown), known()).outcome == "refuse"


def test_the_rules_of_both_stages_ask_the_registry(make: Any) -> None:
    rules = ("registry_bears_it_out",)
    facts = make.admission(make.job(), registry=snapshot(known(revoked_on="2026-11-01")))
    (found,) = evaluate("admission", facts, rules=rules)
    assert (found.rule, found.outcome) == (*rules, "refuse")
    (found,) = evaluate("admission", make.admission(make.job(), registry=snapshot(known())), rules=rules)
    assert found.outcome == "pass"
