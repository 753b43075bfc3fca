"""With the day the consents that hold change, and with them what is granted."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.consents import judge_scopes
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.rule import DeliveryRule


class Rule(DeliveryRule):
    """On the day of delivery everyone named still has a consent whose scope covers this use."""

    def check(self, facts: DeliveryFacts) -> Finding:
        return judge_scopes(facts.job, facts.today, leaving=True)
