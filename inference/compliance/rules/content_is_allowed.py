"""Some pictures are not made here, whoever signed. No waiver opens this."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.hard_stops import judge_content
from understudy.inference.compliance.rule import AdmissionRule


class Rule(AdmissionRule):
    """No intimate picture of a minor, and no training on a person's replica; nobody can waive it."""

    def check(self, facts: AdmissionFacts) -> Finding:
        return judge_content(facts.job)
