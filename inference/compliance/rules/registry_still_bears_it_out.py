"""A consent may be revoked while a job is made: the registry is asked again when the pictures leave."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.registered import judge_registry
from understudy.inference.compliance.rule import DeliveryRule


class Rule(DeliveryRule):
    """Every consent is in the registry as the record says, and still stands there at delivery."""

    def check(self, facts: DeliveryFacts) -> Finding:
        return judge_registry(facts.job, facts.registry, facts.today, leaving=True)
