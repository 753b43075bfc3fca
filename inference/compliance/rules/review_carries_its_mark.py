"""A review that leaves the house must be found again without its name and its metadata."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.rule import DeliveryRule, not_applicable, passes, refuses

MOST_CHANCE = 1e-6
"""The mark counts as read when it would be read by chance at most so often."""


class Rule(DeliveryRule):
    """The invisible mark that was put into review.mp4 reads back from the file: this job's content id, and surely."""

    def check(self, facts: DeliveryFacts) -> Finding:
        if not facts.watermark:
            return not_applicable("no invisible mark was asked for")
        review = facts.review
        if review is None or review.problem:
            return not_applicable("review.mp4 cannot be shown; another rule says why")
        mark = review.mark
        if mark is None:
            return not_applicable("review.mp4 is too small to carry a mark")
        if mark.content_id != facts.watermark or mark.chance > MOST_CHANCE:
            return refuses(
                f"the mark {facts.watermark} does not read back from review.mp4: "
                f"{mark.content_id or 'nothing'} is read, and the chance of that without a mark is {mark.chance:.0e}",
                remedy="Retry the job. If it comes again, send its report; with the setting `watermark` off it is "
                "delivered without a mark.",
            )
        return passes(
            f"content id {mark.content_id} reads back from {mark.frames} frames of review.mp4",
            false_positive_at_most=f"{mark.chance:.1e}",
        )
