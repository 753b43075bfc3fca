"""A consent for one thing is none for another."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.consents import judge_scopes
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule


class Rule(AdmissionRule):
    """Everyone named has a consent whose scope covers this project, shot, medium, territory and content."""

    def check(self, facts: AdmissionFacts) -> Finding:
        return judge_scopes(facts.job, facts.today)
