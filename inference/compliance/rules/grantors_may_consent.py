"""Nobody grants for the dead but those who may."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.consents import judge_grantors
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule


class Rule(AdmissionRule):
    """Whoever signed could grant: the person, a minor's guardian, a dead person's estate or union."""

    def check(self, facts: AdmissionFacts) -> Finding:
        return judge_grantors(facts.job, facts.today)
