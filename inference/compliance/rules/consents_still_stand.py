"""Papers must hold when the pictures leave, not only when the job came."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.consents import judge_consents
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.rule import DeliveryRule


class Rule(DeliveryRule):
    """On the day of delivery everyone named still has a consent that holds."""

    def check(self, facts: DeliveryFacts) -> Finding:
        return judge_consents(facts.job, facts.today)
