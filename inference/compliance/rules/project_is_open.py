"""A key belongs to projects."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import AdmissionRule, passes, refuses


class Rule(AdmissionRule):
    """The job's project is one that the user's key belongs to."""

    def check(self, facts: AdmissionFacts) -> Finding:
        project = facts.job.output.project
        if project is not None and facts.projects and project not in facts.projects:
            return refuses(
                f"{facts.actor} does not belong to the project {project}",
                remedy=f"Choose one of {write_list(facts.projects)}, or ask the daemon's admin for the project.",
            )
        return passes(f"project {project}" if project else "no project: the artist's own folder")
