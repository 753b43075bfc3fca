"""Policy packs through the gate itself, in its own process: whatever is wrong with a pack or a waiver, it refuses."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pack_rig import MEDIA, pack_text

from understudy.bridge.circumstances import CastMember, Content, Disclosure, Replica, Use
from understudy.bridge.consent import ConsentScope
from understudy.bridge.errors import Finding
from understudy.inference.authority.papers import Snapshot, Waiver
from understudy.inference.compliance.facts import AdmissionFacts, DeliveryFacts
from understudy.inference.compliance.gate import STAGES, evaluate, refusal
from understudy.inference.compliance.policy.findings import FACTS_HASH
from understudy.inference.compliance.policy.library import FOLDER

LAST = (
    "consents_still_stand",
    "consents_still_reach_this_use",
    "grantors_might_still_consent",
    "pack_rules_still_hold",
)
"""Of delivery, the rules that look at papers alone."""
MINE = pack_text("mine.media", "admission", "legal", MEDIA)


def admission(facts: AdmissionFacts, **changes: Any) -> dict[str, Finding]:
    return {found.rule: found for found in evaluate("admission", facts, **changes)}


def delivery(job: Any, today: str, actor: str = "jo", **changes: Any) -> dict[str, Finding]:
    facts = DeliveryFacts(
        job=job, today=today, layers=(), state="provisional", readings=(), marks={"understudy/actor": actor}, **changes
    )
    return {found.rule: found for found in evaluate("delivery", facts, rules=LAST)}


def own(text: str = MINE) -> dict[str, str]:
    return {"mine": text}


def waiver(facts: str, **changes: Any) -> Waiver:
    fields: dict[str, Any] = {
        "id": "w-1", "rule": "mine.media", "pack": "mine@1.0.0", "record_id": "r-1",
        "reason": "The client shows it at a trade fair only.", "requested_by": "pat",
        "requested_on": "2026-11-18", "state": "granted", "waivable_by": ("legal",), "decided_by": "lee",
        "decided_as": "legal", "decided_on": "2026-11-19", "expires_on": "2026-12-01", "facts": facts,
    }  # fmt: skip
    return Waiver(**{**fields, **changes})


def test_a_sound_job_is_told_which_packs_were_asked_and_one_finding_a_rule(make: Any) -> None:
    found = admission(make.admission(make.job()))
    assert found["pack_rules_hold"].message.startswith("these rules of base@1.0.0")
    assert "were evaluated on these facts" in found["pack_rules_hold"].message
    assert found["base.content-stated"].facts["content.intimate"] == "not stated"
    assert "not asked: us-ny-ads@1.0.0" in found["pack_rules_hold"].facts
    assert len(found["pack_rules_hold"].facts["sha256 of base@1.0.0"]) == 64


def test_a_self_attested_job_is_asked_nothing(make: Any) -> None:
    record = make.record(ground="self_attested", attestation="Jo: my own face", consents=())
    found = admission(make.admission(make.job(record=record)))
    assert found["pack_rules_hold"].outcome == "not_applicable"
    assert not [name for name in found if "." in name]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (MINE.replace("set =", "exists ="), "the policy pack mine: rule mine.media, `require`, line 14: there is no"),
        (MINE.replace("use.media\" }", "use.medium\" }"), "there is no field `use.medium`"),
        (MINE.replace("[[rule]]", "[[rule]"), "the policy pack mine is not TOML"),
        (MINE.replace("severity", "severiti"), "unknown field `severiti`"),
    ],
    ids=["unknown operator", "unknown field", "no TOML", "unknown key"],
)  # fmt: skip
@pytest.mark.parametrize("ground", ["record", "self_attested"])
def test_when_a_pack_does_not_read_then_every_job_is_refused_and_pack_and_line_are_named(
    make: Any, text: str, named: str, ground: str
) -> None:
    job = make.job(record=make.record(ground=ground, attestation="Jo: a test"))
    found = admission(make.admission(job, packs=own(text)))
    assert found["pack_rules_hold"].outcome == "broken"
    assert named in found["pack_rules_hold"].message
    assert delivery(job, "2026-11-20", packs=own(text))["pack_rules_still_hold"].outcome == "broken"


def test_when_a_shipped_pack_file_is_deleted_then_every_job_is_refused_and_it_is_named(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(FOLDER, tmp_path / "packs")
    (tmp_path / "packs" / "cn-gb45438.toml").unlink()
    rules = tmp_path / "rules_on_other_packs"
    rules.mkdir()
    (rules / "pack_rules_hold.py").write_text(
        "from pathlib import Path\n"
        "from understudy.inference.compliance import pack_rules\n"
        "from understudy.inference.compliance.policy.library import all_packs\n"
        f"pack_rules.all_packs = lambda own: all_packs(own, Path({str(tmp_path / 'packs')!r}))\n"
        "from understudy.inference.compliance.rules.pack_rules_hold import Rule\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = admission(make.admission(make.job()), package=rules.name, rules=("pack_rules_hold",))
    assert found["pack_rules_hold"].outcome == "broken"
    assert "the policy pack cn-gb45438 cannot be read" in found["pack_rules_hold"].message


def test_when_a_pack_has_expired_then_admission_warns_and_delivery_refuses(make: Any) -> None:
    text = MINE.replace('valid_from = "2026-01-01"', 'valid_from = "2026-01-01"\nvalid_to = "2026-11-19"')
    job = make.job(record=make.record(use=Use(media=("online",), territories=("DE",))))
    assert admission(make.admission(job, packs=own(text)))["mine.validity"].outcome == "warn"
    assert delivery(job, "2026-11-20", packs=own(text))["mine.validity"].outcome == "refuse"


def test_when_two_packs_contradict_each_other_then_the_job_is_refused_and_both_are_named(make: Any) -> None:
    other = MINE.replace("mine", "other").replace('{ set = "use.media" }', '{ eq = ["disclosure.form", "caption"] }')
    mine = MINE.replace('{ set = "use.media" }', '{ eq = ["disclosure.form", "icon"] }')
    packs = {"mine": mine, "other": other}
    found = admission(make.admission(make.job(), packs=packs))
    assert found["packs.contradiction"].outcome == "refuse"
    assert "mine.media and other.media" in found["packs.contradiction"].message


def test_when_a_consent_expired_the_day_before_delivery_then_nothing_is_delivered(make: Any) -> None:
    """Papers count by days in UTC: one minute before midnight the consent holds, one minute after it does not."""
    job = make.job(record=make.record(consents=(make.consent(expires_on="2026-11-19"),)))
    assert refusal(tuple(delivery(job, "2026-11-19").values()), "the take") is None
    found = delivery(job, "2026-11-20")
    assert found["consents_still_stand"].outcome == "refuse"
    assert "consent c-1 expired on 2026-11-19" in found["consents_still_stand"].message


@pytest.mark.parametrize(("notice", "outcome"), [("2026-11-20T00:00Z", "pass"), ("2026-11-20T01:00Z", "refuse")])
def test_when_a_guilds_member_had_47_hours_of_notice_then_the_job_is_refused(
    make: Any, notice: str, outcome: str
) -> None:
    use_text = "Her face on a stunt double in the car chase of episode 3, shots 10 to 40."
    scope = ConsentScope(projects=("falcon",), use_text=use_text)
    record = make.record(
        likeness="digital_replica", on_screen=("ana",), use=Use(first_use_on="2026-11-22"),
        replica=Replica(type="employment_based", source="scan"),
        cast=(CastMember(talent="ana", living="yes", union="sag-aftra", contract_type="tv_theatrical"),),
        consents=(make.consent(notice_at=notice, separate=True, scope=scope),),
    )  # fmt: skip
    found = admission(make.admission(make.job(record=record)))
    assert found["sag-tv-2026.notice"].outcome == outcome
    assert (refusal(tuple(found.values()), "the job") is None) == (outcome == "pass")


def test_when_an_ad_is_shown_in_new_york_without_a_disclosure_then_delivery_refuses_it_and_says_what_it_read(
    make: Any,
) -> None:
    use = Use(is_advertising=True, promotes_expressive_work=False, territories=("US-NY",), media=("online",))
    job = make.job(record=make.record(use=use))
    assert admission(make.admission(job))["us-ny-ads.disclose"].outcome == "warn"
    found = delivery(job, "2026-11-20")["us-ny-ads.disclose"]
    assert found.outcome == "refuse"
    assert found.facts["use.is_advertising"] == "yes"
    assert found.facts["pack"] == "us-ny-ads@1.0.0"
    shown = Disclosure(form="on_screen", placement="lower third", proof_frame=4)
    job = make.job(record=make.record(use=use, disclosure=shown))
    assert delivery(job, "2026-11-20")["us-ny-ads.disclose"].outcome == "pass"


def test_a_waiver_lets_a_job_in_as_waived_at_both_gates(make: Any) -> None:
    job = make.job()
    refused = admission(make.admission(job, packs=own()))
    assert refusal(tuple(refused.values()), "the job") is not None
    waivers = (waiver(refused["mine.media"].facts[FACTS_HASH]),)
    found = admission(make.admission(job, packs=own(), registry=Snapshot(waivers=waivers)))
    assert found["mine.media"].outcome == "waived"
    assert refusal(tuple(found.values()), "the job") is None
    assert (
        delivery(job, "2026-11-20", packs=own(), registry=Snapshot(waivers=waivers))["mine.media"].outcome == "waived"
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"decided_by": "pat"}, "pat asked for it and granted it"),
        ({"decided_by": "jo"}, "jo runs the job and granted it"),
        ({"decided_as": "artist"}, "it was granted by artist"),
        ({"expires_on": "2026-11-19"}, "it expired"),
    ],
    ids=["the requester", "who runs the job", "an artist", "expired"],
)
def test_when_a_waiver_was_granted_by_the_requester_then_both_gates_refuse(
    make: Any, changes: dict[str, Any], why: str
) -> None:
    job = make.job()
    facts = admission(make.admission(job, packs=own()))["mine.media"].facts[FACTS_HASH]
    waivers = (waiver(facts, **changes),)
    for found in (
        admission(make.admission(job, packs=own(), registry=Snapshot(waivers=waivers))),
        delivery(job, "2026-11-20", packs=own(), registry=Snapshot(waivers=waivers)),
    ):
        assert found["mine.media"].outcome == "refuse"
        assert why in found["mine.media"].message


def test_when_the_record_changed_after_a_waiver_then_the_waiver_is_dead(make: Any) -> None:
    text = MINE.replace("require =", 'when = { set = "use.territories" }\nrequire =')
    job = make.job(record=make.record(use=Use(territories=("DE",))))
    facts = admission(make.admission(job, packs=own(text)))["mine.media"].facts[FACTS_HASH]
    wider = make.job(record=make.record(use=Use(territories=("DE", "FR"))))
    found = admission(make.admission(wider, packs=own(text), registry=Snapshot(waivers=(waiver(facts),))))
    assert found["mine.media"].outcome == "refuse"
    assert "what the rule read has changed" in found["mine.media"].message


@pytest.mark.parametrize("rule", ["content_is_allowed", "base.intimate-consent"])
def test_when_a_minor_and_intimacy_meet_then_no_waiver_opens_the_gate(make: Any, rule: str) -> None:
    record = make.record(content=Content(intimate=True, minor_depicted=True))
    job = make.job(record=record)
    first = admission(make.admission(job))
    facts = first[rule].facts.get(FACTS_HASH, "0" * 64)
    waivers = (waiver(facts, rule=rule, pack="base@1.0.0"),)
    found = admission(make.admission(job, registry=Snapshot(waivers=waivers)))
    assert found["content_is_allowed"].outcome == "refuse"
    assert found["base.intimate-consent"].outcome == "refuse"
    assert refusal(tuple(found.values()), "the job") is not None
    if rule == "content_is_allowed":
        assert "of no use are the waivers w-1" in found["pack_rules_hold"].message


def test_the_process_that_judges_loads_no_picture_library_and_no_hub_with_its_packs() -> None:
    heavy = "{'numpy', 'cv2', 'OpenEXR', 'OpenImageIO', 'av', 'PyOpenColorIO', 'torch', 'zmq', 'typer', 'rich'}"
    code = (
        "import sys, importlib; from understudy.inference.compliance import gate, nursery; "
        "nursery.pack_rules.prepare(); "
        "[importlib.import_module(f'{gate.RULES_PACKAGE}.{name}') for name in gate.STAGES['admission']]; "
        f"print(sorted({heavy} & {{n.partition('.')[0] for n in sys.modules}}))"
    )
    found = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_stages_ask_packs_last_so_that_their_findings_stand_together() -> None:
    assert STAGES["admission"][-1] == "pack_rules_hold"
    assert STAGES["delivery"][-1] == "pack_rules_still_hold"


def test_a_report_of_a_delivered_job_names_nobody(make: Any) -> None:
    record = make.record(
        performed_by=("Velez",), consents=(make.consent(talent="Velez"),), use=Use(territories=("DE",)), salt="5" * 32
    )
    found = delivery(make.job(record=record), "2026-11-20")
    passing = [msgspec.to_builtins(one) for one in found.values() if not one.refuses]
    assert "Velez" not in str(passing)
