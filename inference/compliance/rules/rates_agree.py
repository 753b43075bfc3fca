"""The stated rate wins; that a movie says otherwise is listed."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts
from understudy.inference.compliance.rule import InspectionRule, lists, not_applicable, passes


class Rule(InspectionRule):
    """Movies run at the shot's rate, or the difference is listed: frames go in one for one either way."""

    def check(self, facts: InspectionFacts) -> Finding:
        stated = facts.job.shot.rate
        rates = {r.role: r.movie.rate for r in facts.roles if r.movie is not None and r.movie.rate is not None}
        wanted = stated or rates.get("plate")
        if not rates or wanted is None:
            return not_applicable("no movie states a rate")
        others = [f"{role} runs at {rate}" for role, rate in rates.items() if rate != wanted]
        if others:
            return lists(
                f"the shot runs at {wanted}, {', '.join(others)}: frame is taken for frame, nothing is retimed",
                remedy="Leave --rate out to use the plate's own rate.",
            )
        return passes(f"every movie runs at {wanted}")
