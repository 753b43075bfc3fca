"""A record is what somebody typed; the registry is what legal holds."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.registered import judge_registry
from understudy.inference.compliance.rule import AdmissionRule


class Rule(AdmissionRule):
    """Every consent is in the registry as the record says, and stands there today."""

    def check(self, facts: AdmissionFacts) -> Finding:
        return judge_registry(facts.job, facts.registry, facts.today)
