"""No consent, no job."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.consents import judge_consents
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule


class Rule(AdmissionRule):
    """Everyone named has a consent that is signed, not expired, not revoked and covers this project."""

    def check(self, facts: AdmissionFacts) -> Finding:
        return judge_consents(facts.job, facts.today)
