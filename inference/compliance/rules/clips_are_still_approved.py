"""A clip is approved for a use, by whoever keeps the library, and may be withdrawn."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.clips import judge_clips
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.rule import DeliveryRule


class Rule(DeliveryRule):
    """The same when the pictures leave: a clip may be withdrawn while a job is made."""

    def check(self, facts: DeliveryFacts) -> Finding:
        return judge_clips(facts.job, facts.registry, facts.today)
