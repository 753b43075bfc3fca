"""The review movie is what a director sees: all of the cut, at the shot's rate."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.rule import DeliveryRule, passes, refuses


class Rule(DeliveryRule):
    """review.mp4 opens, has one picture a frame of the cut, and runs at the shot's rate."""

    def check(self, facts: DeliveryFacts) -> Finding:
        review, wanted = facts.review, len(facts.range.cut)
        if review is None or review.problem:
            why = review.problem if review is not None else "it is not there"
            return refuses(f"review.mp4 cannot be shown: {why}", remedy="Retry the job.")
        if review.count != wanted or review.rate is None or review.rate != facts.rate:
            return refuses(
                f"review.mp4 has {review.count} pictures at {review.rate}; "
                f"the cut {facts.range.cut} has {wanted} at {facts.rate}",
                remedy="Retry the job; if it comes again, send the report of this job.",
            )
        return passes(f"review.mp4 shows {review.count} frames at {review.rate}")
