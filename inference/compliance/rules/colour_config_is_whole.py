"""A studio's own config must open here and reach the model's colour; what it lacks is lent to it and listed."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts
from understudy.inference.compliance.rule import InspectionRule, lists, not_applicable, passes, refuses


class Rule(InspectionRule):
    """The job's own colour config can be read, and every conversion that it lacks comes from a named place."""

    def check(self, facts: InspectionFacts) -> Finding:
        archive = facts.role("colour_archive")
        if archive is None:
            return not_applicable("the colour config is built in")
        colour = archive.colour
        if colour is None or colour.problem:
            return refuses(
                colour.problem if colour is not None else f"the colour config {archive.typed} was not read",
                remedy=colour.remedy if colour is not None else "Retry the job.",
                files=(archive.typed,),
            )
        digest = facts.job.settings.colour_config
        if colour.assumed:
            remedy = "If the config has these under other names, give it their interop ids as aliases."
            return lists(colour.assumed, remedy=remedy, files=(archive.typed,), config=digest)
        return passes(f"the colour config {archive.typed} comps in {colour.space}", config=digest)
