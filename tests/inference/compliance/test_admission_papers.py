"""Which papers a job must have before anything of it is read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from understudy.bridge.circumstances import Disclosure
from understudy.bridge.consent import ConsentScope
from understudy.bridge.shot import Keypoints, Settings


def refused(found: Any) -> str:
    assert found.outcome == "refuse", found
    assert found.remedy
    return str(found.message)


# ---- papers


def test_when_a_consent_is_missing_then_the_person_is_named(say: Any, make: Any) -> None:
    job = make.job(record=make.record(performed_by=("ana", "bo")))
    assert refused(say("consents_cover_everyone", make.admission(job))) == (
        "consent is lacking for bo: no consent in the record"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"expires_on": "2026-11-19"}, "consent c-1 expired on 2026-11-19"),
        ({"revoked_on": "2026-11-20"}, "consent c-1 was revoked on 2026-11-20"),
        ({"signed_on": "2026-11-21"}, "consent c-1 is signed on 2026-11-21, after today (2026-11-20)"),
        ({"scope": ConsentScope(projects=("eagle",))}, "consent c-1 is for eagle, not falcon"),
    ],
)
def test_when_a_consent_does_not_hold_today_then_the_reason_is_told(
    say: Any, make: Any, changes: dict[str, Any], words: str
) -> None:
    job = make.job(record=make.record(consents=(make.consent(**changes),)))
    assert refused(say("consents_cover_everyone", make.admission(job))).endswith(f"ana: {words}")


@pytest.mark.parametrize(
    "changes",
    [{"expires_on": "2026-11-20"}, {"revoked_on": "2026-11-21"}, {"scope": ConsentScope(projects=("falcon",))}],
)
def test_a_consent_holds_to_the_end_of_its_last_day(say: Any, make: Any, changes: dict[str, Any]) -> None:
    job = make.job(record=make.record(consents=(make.consent(**changes),)))
    assert say("consents_cover_everyone", make.admission(job)).outcome == "pass"


def test_one_consent_that_holds_is_enough_beside_one_that_does_not(say: Any, make: Any) -> None:
    old = make.consent(consent_id="c-0", expires_on="2026-02-01")
    job = make.job(record=make.record(consents=(old, make.consent())))
    assert say("consents_cover_everyone", make.admission(job)).outcome == "pass"


def test_when_a_performer_is_said_to_be_somebody_then_that_person_needs_a_consent_too(say: Any, make: Any) -> None:
    job = make.job()
    performer = msgspec.structs.replace(job.shot.performers[0], talents=("cleo",))
    found = say("consents_cover_everyone", make.admission(make.with_shot(job, performers=(performer,))))
    assert "cleo: no consent in the record" in refused(found)


def test_when_a_clock_jumps_back_then_a_consent_signed_later_does_not_hold(say: Any, make: Any) -> None:
    found = say("consents_cover_everyone", make.admission(make.job(), today="1970-01-01"))
    assert "after today (1970-01-01)" in refused(found)


@pytest.mark.parametrize("ground", ["self_attested", "demonstration"])
def test_when_nobody_attests_then_a_job_without_papers_is_refused(say: Any, make: Any, ground: str) -> None:
    job = make.job(record=make.record(ground=ground, consents=()))
    found = say("ground_is_stated", make.admission(job))
    assert "`attestation` is empty" in refused(found)
    assert "--self-attest" in found.remedy


def test_a_self_attested_job_passes_and_is_listed_as_uncleared(say: Any, make: Any) -> None:
    job = make.job(record=make.record(ground="self_attested", attestation="Jo: my own face", consents=()))
    found = say("ground_is_stated", make.admission(job))
    assert found.outcome == "warn"
    assert "every file says uncleared" in found.message
    assert found.facts["actor"] == "jo"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"likeness": None}, "`likeness`"),
        ({"likeness": "digital_replica"}, "`on_screen` names nobody"),
        ({"performed_by": ()}, "neither `performed_by` nor `replaced`"),
    ],
)
def test_when_a_record_does_not_say_whose_likeness_it_is_then_it_is_refused(
    say: Any, make: Any, changes: dict[str, Any], named: str
) -> None:
    found = say("likeness_is_stated", make.admission(make.job(record=make.record(**changes))))
    assert named in refused(found)


@pytest.mark.parametrize(("mode", "field"), [("replace", "`replaced`"), ("animate", "`performed_by`")])
def test_when_a_performer_is_seen_and_a_record_of_no_person_names_nobody_then_the_field_is_named(
    say: Any, make: Any, mode: Any, field: str
) -> None:
    record = make.record(likeness="no_person", performed_by=(), on_screen=("ana",), attestation=" ")
    found = say("likeness_is_stated", make.admission(make.job(record=record, settings=Settings(mode=mode))))
    assert field in refused(found)
    assert field in found.remedy
    assert "`attestation`" in found.remedy


def test_when_a_record_says_why_no_person_is_seen_then_the_job_passes_and_the_words_are_listed(
    say: Any, make: Any
) -> None:
    record = make.record(likeness="no_person", performed_by=(), consents=(), attestation="R. Ito: the stand-in is CG")
    found = say("likeness_is_stated", make.admission(make.job(record=record)))
    assert found.outcome == "warn"
    assert "the plate is said to show no person: R. Ito: the stand-in is CG" in found.message
    assert found.facts["actor"] == "jo"


def test_a_record_of_no_person_that_names_who_is_replaced_needs_no_reason(say: Any, make: Any) -> None:
    record = make.record(likeness="no_person", performed_by=(), replaced=("ana",))
    assert say("likeness_is_stated", make.admission(make.job(record=record))).outcome == "pass"
    record = make.record(likeness="no_person", performed_by=())
    job = make.job(record=record)
    performer = msgspec.structs.replace(job.shot.performers[0], talents=("ana",))
    assert say("likeness_is_stated", make.admission(make.with_shot(job, performers=(performer,)))).outcome == "pass"


def test_keypoints_alone_show_no_person_and_need_no_name(say: Any, make: Any) -> None:
    record = make.record(likeness="no_person", performed_by=(), consents=())
    keypoints = Keypoints(pictures=make.single("walk.json"))
    job = make.job(record=record, settings=Settings(mode="animate"))
    rig = make.with_shot(job, plate=None, keypoints=keypoints)
    assert say("likeness_is_stated", make.admission(rig)).outcome == "pass"
    both = make.with_shot(job, keypoints=keypoints)
    assert "`performed_by`" in refused(say("likeness_is_stated", make.admission(both)))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"record_id": ""}, "`record_id` is empty"),
        ({"schema": 7}, "`schema` is 7"),
        ({"on_screen": (" ",)}, "`on_screen`"),
    ],
)
def test_when_a_record_is_not_sound_then_the_field_is_named(
    say: Any, make: Any, changes: dict[str, Any], named: str
) -> None:
    assert named in refused(say("record_is_sound", make.admission(make.job(record=make.record(**changes)))))


@pytest.mark.parametrize("text", ["  ", "x" * 2001, "a\x00b"])
def test_when_a_disclosure_cannot_stand_in_a_header_then_it_is_refused(say: Any, make: Any, text: str) -> None:
    assert "`disclosure.text`" in refused(
        say("disclosure_is_stated", make.admission(make.job(record=make.record(disclosure=Disclosure(text=text)))))
    )


def test_when_a_project_is_not_the_users_then_the_job_is_refused(say: Any, make: Any) -> None:
    found = say("project_is_open", make.admission(make.job(), projects=("eagle",)))
    assert refused(found) == "jo does not belong to the project falcon"
