"""What packs ask of how a version is made: from the pack to the order's label, and back at delivery."""

from __future__ import annotations

from typing import Any

import pytest

from understudy.bridge.circumstances import China, Disclosure, Use
from understudy.bridge.errors import Finding, RequestError
from understudy.inference.authority.papers import Snapshot
from understudy.inference.compliance.aigc import AIGC, aigc_json
from understudy.inference.compliance.asked import Marking, marking
from understudy.inference.compliance.facts import DeliveryFacts, MovieProof
from understudy.inference.compliance.gate import evaluate
from understudy.inference.compliance.pack_rules import judge_packs
from understudy.inference.compliance.policy.packs import parse_pack

from .test_pack_rules import MINE

NOTHING = Marking(label_text="", label_seconds=3.0, aigc_producer="")
CHINESE = "由人工智能生成"
STATED = China(label=1, producer_code="P-1", produce_id="C-1", explicit="burned_in")


def in_china(make: Any, **cn: Any) -> Any:
    fields = {name: getattr(STATED, name) for name in STATED.__struct_fields__} | cn
    return make.job(record=make.record(use=Use(territories=("CN",)), cn=China(**fields)))


def marked(job: Any, usual: Marking = NOTHING) -> Marking:
    said = judge_packs(job, "admission", "2026-11-20", "jo", {}, Snapshot())
    return marking(said.more, usual)


def test_a_use_in_china_is_labelled_and_marked_by_the_pack_whatever_the_settings_are(make: Any) -> None:
    assert marked(in_china(make)) == Marking(CHINESE, 3.0, "P-1")
    assert marked(in_china(make), Marking("Made with AI", 5.0, "ours")) == Marking(
        f"Made with AI / {CHINESE}", 5.0, "P-1"
    )
    assert marked(in_china(make), Marking(f"影：{CHINESE}", 2.0, "")) == Marking(f"影：{CHINESE}", 3.0, "P-1")


def test_a_label_that_is_handed_on_as_a_duty_and_a_use_elsewhere_are_not_labelled(make: Any) -> None:
    assert marked(in_china(make, explicit="waived_article_9")).label_text == ""
    assert marked(make.job(), Marking("Ours", 4.0, "us")) == Marking("Ours", 4.0, "us")


def test_an_ad_in_new_york_that_we_disclose_on_screen_opens_with_the_disclosure(make: Any) -> None:
    use = Use(is_advertising=True, promotes_expressive_work=False, territories=("US-NY",))
    for owner, text in (("us", "Made with AI."), ("client", "")):
        disclosure = Disclosure(text="Made with AI.", form="on_screen", placement="opening", proof_frame=2, owner=owner)
        assert marked(make.job(record=make.record(use=use, disclosure=disclosure))).label_text == text


def test_what_is_waived_is_not_asked() -> None:
    asks = {"asks label_text": "A"}
    waived = Finding(rule="a.b", outcome="waived", message="", facts=asks)
    assert marking((waived,), NOTHING) == NOTHING
    assert marking((Finding(rule="a.b", outcome="warn", message="", facts=asks),), NOTHING).label_text == "A"


@pytest.mark.parametrize(
    ("label", "producer", "outcomes"),
    [
        (CHINESE, "P-1", {"pass"}),
        ("", "", {"refuse"}),
        ("Made with AI", "P-2", {"refuse"}),
    ],
    ids=["as asked", "without", "otherwise"],
)
def test_when_a_version_was_made_without_what_a_pack_asks_then_delivery_refuses_it(
    make: Any, label: str, producer: str, outcomes: set[str]
) -> None:
    facts = DeliveryFacts(
        job=in_china(make), today="2026-11-20", layers=(), state="provisional", readings=(),
        marks={AIGC: aigc_json(producer, "j_v001")} if producer else {},
        movies=(MovieProof(path="review.mp4", label=label),),
    )  # fmt: skip
    found = {one.rule: one for one in evaluate("delivery", facts, rules=("pack_rules_still_hold",))}
    asked = [found["cn-gb45438.explicit"], found["cn-gb45438.implicit"]]
    assert {one.outcome for one in asked} == outcomes
    if outcomes == {"refuse"}:
        assert f"It asks for `label_text` '{CHINESE}', and the version was made without." in asked[0].message


@pytest.mark.parametrize(
    ("asks", "words"),
    [
        ('asks = [{ setting = "label_text" }]', "either `to` or `field`"),
        ('asks = [{ setting = "label_text", field = "salt" }]', "no field `salt`"),
        ('asks = [{ setting = "watermark", to = "no" }]', "does not read"),
        ('asks = [{ setting = "label_seconds", to = 1 }]', "does not read"),
    ],
)
def test_a_pack_that_asks_for_what_cannot_be_is_no_pack(asks: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        parse_pack(MINE + asks, "mine")
