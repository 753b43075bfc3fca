"""A clip is approved for a use, by whoever keeps the library, and may be withdrawn."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.clips import judge_clips
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule


class Rule(AdmissionRule):
    """An input that is a clip of the registry may be used for this job, and its performers are named."""

    def check(self, facts: AdmissionFacts) -> Finding:
        return judge_clips(facts.job, facts.registry, facts.today)
