"""With the day the consents that hold change, and with them who signed."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.consents import judge_grantors
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.rule import DeliveryRule


class Rule(DeliveryRule):
    """On the day of delivery whoever signed could grant, for everyone named."""

    def check(self, facts: DeliveryFacts) -> Finding:
        return judge_grantors(facts.job, facts.today, leaving=True)
