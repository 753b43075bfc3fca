"""The data model holds several performers; the engines of today take one."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import AdmissionRule, passes, refuses


class Rule(AdmissionRule):
    """The job names one performer."""

    def check(self, facts: AdmissionFacts) -> Finding:
        names = [performer.name for performer in facts.job.shot.performers]
        if len(names) > 1:
            return refuses(
                f"the job names {len(names)} performers ({write_list(names)}); "
                f"the engine {facts.job.settings.engine} takes one",
                remedy="Submit a job for each performer, the second on the first one's comp.",
            )
        return passes("one performer")
