"""A waiver turns a refusal into waived, never into a pass, and counts for nothing else than what it was granted for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.circumstances import Content, Use
from understudy.inference.authority.papers import Waiver
from understudy.inference.compliance.policy.findings import FACTS_HASH
from understudy.inference.compliance.policy.waiver import Waivable, facts_hash, why_not

REQUIRE = '{ set = "use.media" }'


def granted(facts: str, **changes: Any) -> Waiver:
    fields: dict[str, Any] = {
        "id": "w-1", "rule": "mine.rule", "pack": "mine@1.0.0", "record_id": "r-1",
        "reason": "The client shows it at a trade fair only.", "requested_by": "pat", "requested_on": "2026-11-18",
        "state": "granted", "decided_by": "lee", "decided_as": "legal", "decided_on": "2026-11-19",
        "expires_on": "2026-12-01", "facts": facts, "waivable_by": ("legal",),
    }  # fmt: skip
    return Waiver(**{**fields, **changes})


@pytest.fixture
def refused(ask: Any, pack_of: Any) -> Any:
    """Return the refusal that the waivers of this file are for, and its hash of facts."""
    return ask(pack_of(REQUIRE))["mine.rule"]


def test_a_waiver_turns_a_refusal_into_waived_and_says_whose_it_is(ask: Any, pack_of: Any, refused: Any) -> None:
    waiver = granted(refused.facts[FACTS_HASH], condition="Show it nowhere else.")
    found = ask(pack_of(REQUIRE), waivers=(waiver,))["mine.rule"]
    assert found.outcome == "waived"
    assert "Waived by legal, w-1, until 2026-12-01." in found.message
    assert found.remedy == "Show it nowhere else."
    assert found.facts["use.media"] == "not stated"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"decided_by": "pat"}, "pat asked for it and granted it"),
        ({"decided_by": "jo"}, "jo runs the job and granted it"),
        ({"decided_as": "producer"}, "granted by producer; legal may"),
        ({"decided_as": "artist"}, "granted by artist; legal may"),
        ({"requested_by": " "}, "does not say who asked"),
        ({"pack": "mine@0.9.0"}, "is for mine.rule of mine@0.9.0, and this is mine@1.0.0"),
        ({"record_id": "r-2"}, "is for the record r-2, not r-1"),
        ({"shots": ("SH02*",)}, "is for the shots SH02*, not SH010"),
        ({"reason": "because      "}, "its reason is shorter than 20"),
        ({"expires_on": "2026-11-19"}, "it expired on 2026-11-19"),
        ({"decided_on": "2026-11-21"}, "after today (2026-11-20)"),
        ({"expires_on": "soon"}, "a date that is no day"),
        ({"facts": "0" * 64}, "what the rule read has changed"),
        ({"state": "requested"}, "it is requested, not granted"),
        ({"state": "denied"}, "it is denied, not granted"),
    ],
    ids=["the requester granted it", "the actor granted it", "a producer", "an artist", "nobody asked",
         "another version", "another record", "another shot", "no reason", "expired", "not yet", "no day",
         "changed facts", "only asked for", "denied"],
)  # fmt: skip
def test_when_a_waiver_is_not_for_this_then_the_refusal_stands_and_says_why(
    ask: Any, pack_of: Any, refused: Any, changes: dict[str, Any], why: str
) -> None:
    waiver = granted(**{"facts": refused.facts[FACTS_HASH], **changes})
    found = ask(pack_of(REQUIRE), waivers=(waiver,))["mine.rule"]
    assert found.outcome == "refuse"
    assert "The waiver w-1 does not count: " in found.message
    assert why in found.message


def test_when_the_record_changed_in_what_the_rule_read_then_its_waiver_is_dead(ask: Any, pack_of: Any) -> None:
    pack = pack_of(REQUIRE, of_rule='when = { in = ["use.territories", ["EU"]] }')
    waiver = granted(ask(pack)["mine.rule"].facts[FACTS_HASH])
    assert ask(pack, waivers=(waiver,))["mine.rule"].outcome == "waived"
    wider = ask(pack, waivers=(waiver,), use=Use(territories=("DE", "FR")))["mine.rule"]
    assert wider.outcome == "refuse"
    assert "what the rule read has changed since it was granted" in wider.message


def test_a_waiver_lives_on_where_the_record_changed_in_something_else(ask: Any, pack_of: Any, refused: Any) -> None:
    waiver = granted(refused.facts[FACTS_HASH])
    found = ask(pack_of(REQUIRE), waivers=(waiver,), content=Content(violence=True))["mine.rule"]
    assert found.outcome == "waived"


def test_a_waiver_outlives_the_day_of_a_rule_that_reads_the_day(ask: Any, pack_of: Any) -> None:
    pack = pack_of('{ gte_hours = ["use.first_use_on", "today", 48] }')
    waiver = granted(ask(pack)["mine.rule"].facts[FACTS_HASH])
    assert ask(pack, waivers=(waiver,), today="2026-11-25")["mine.rule"].outcome == "waived"


def test_when_nobody_may_waive_a_rule_then_no_waiver_counts(ask: Any, pack_of: Any) -> None:
    pack = pack_of(REQUIRE, waivable_by="[]")
    found = ask(pack)["mine.rule"]
    assert found.facts["waiver"] == "waivable by nobody"
    waiver = granted(found.facts[FACTS_HASH])
    again = ask(pack, waivers=(waiver,))["mine.rule"]
    assert again.outcome == "refuse"
    assert "nobody can waive this rule" in again.message


def test_what_holds_is_a_pass_with_a_waiver_as_without_one(ask: Any, pack_of: Any, refused: Any) -> None:
    waiver = granted(refused.facts[FACTS_HASH])
    assert ask(pack_of('{ set = "record_id" }'), waivers=(waiver,))["mine.rule"].outcome == "pass"


def test_an_expired_pack_and_an_unknown_territory_are_for_legal_to_waive(ask: Any, pack_of: Any) -> None:
    pack = pack_of('{ set = "record_id" }', of_pack='valid_to = "2026-11-19"\nterritories = ["FR"]')
    use = Use(territories=("FR", "BR"))
    found = ask(pack, stage="delivery", use=use)
    waivers = tuple(
        granted(found[rule].facts[FACTS_HASH], rule=rule, pack=found[rule].facts["pack"])
        for rule in ("mine.validity", "packs.territories")
    )
    again = ask(pack, stage="delivery", use=use, waivers=waivers)
    assert {again[rule].outcome for rule in ("mine.validity", "packs.territories")} == {"waived"}


WHAT = Waivable(
    rule="mine.rule", pack="mine@1.0.0", waivable_by=("legal",), facts="f" * 64, record_id="r-1", shot="SH010",
    actor="jo", today="2026-11-20",
)  # fmt: skip
NOT_TRIED = ("shots", "decided_as", "facts", "state", "waivable_by")
TEXTS = st.sampled_from(("jo", "pat", "lee", "", "r-1", "r-2", "mine.rule", "mine@1.0.0", "2026-11-20", "2026-12-01"))


@given(st.fixed_dictionaries({}, optional={name: TEXTS for name in Waiver.__struct_fields__ if name not in NOT_TRIED}))
def test_a_waiver_counts_only_where_everything_about_it_is_right(changes: dict[str, str]) -> None:
    waiver = granted("f" * 64, **changes)
    right = (
        (waiver.rule, waiver.pack, waiver.record_id) == ("mine.rule", "mine@1.0.0", "r-1")
        and len(waiver.reason.strip()) >= 20
        and waiver.decided_by not in ("", "jo", waiver.requested_by)
        and waiver.requested_by != ""
        and waiver.decided_on in ("2026-11-19", "2026-11-20")
        and waiver.expires_on in ("2026-11-20", "2026-12-01")
    )
    assert (why_not(waiver, WHAT) == "") == right


@given(
    st.dictionaries(
        st.sampled_from(("use.media", "likeness", "cn.label")), st.sampled_from((None, "a", ("a",), 1, True))
    )
)
def test_the_hash_of_facts_tells_every_value_apart_but_the_day(reads: dict[str, Any]) -> None:
    one = facts_hash("r", "p", reads, "5")
    assert facts_hash("r", "p", {**reads, "today": "2026-11-20"}, "5") == one
    assert facts_hash("r", "p", {**reads, "cn.label": 3}, "5") != one
    assert facts_hash("s", "p", reads, "5") != one
    assert facts_hash("r", "p", reads, "6") != one


def test_a_waiver_crosses_as_json_unchanged() -> None:
    waiver = granted("f" * 64, shots=("SH0*",))
    assert msgspec.json.decode(msgspec.json.encode(waiver), type=Waiver) == waiver
