"""A NaN that we made would spread through every blur of a comp."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import DeliveryRule, passes, refuses


class Rule(DeliveryRule):
    """No layer holds NaN or infinity but where the plate has its own outside the effective matte."""

    def check(self, facts: DeliveryFacts) -> Finding:
        bad = [reading for reading in facts.readings if reading.non_finite]
        if bad:
            return refuses(
                f"values that are NaN or infinite were made in {write_list([r.path for r in bad])}",
                remedy="Retry the job; if it comes again, send the report of this job.",
                frames=sorted({reading.frame for reading in bad}),
                files=(reading.path for reading in bad),
            )
        return passes("every value that was made is finite")
