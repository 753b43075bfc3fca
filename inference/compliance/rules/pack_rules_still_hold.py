"""Between admission and delivery packs expire, consents end, waivers die."""

from understudy.inference.compliance.aigc import AIGC, producer_in
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.pack_rules import judge_packs
from understudy.inference.compliance.rule import DeliveryRule, Several


class Rule(DeliveryRule):
    """On the day of delivery every rule of every policy pack that applies is evaluated again, and refuses."""

    def check(self, facts: DeliveryFacts) -> Several:
        actor = facts.marks.get("understudy/actor", "")
        made = {
            "label_text": next((movie.label for movie in facts.movies if movie.label), ""),
            "aigc_producer": producer_in(facts.marks.get(AIGC, "")),
        }
        return judge_packs(facts.job, "delivery", facts.today, actor, facts.packs, facts.registry, made)
