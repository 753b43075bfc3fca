"""A review that leaves the house must be found again without its name and its metadata."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.rule import DeliveryRule, lists, not_applicable, passes, refuses


class Rule(DeliveryRule):
    """The invisible mark of review.mp4 is this version's. Hard graphics cannot carry one: then none is claimed."""

    def check(self, facts: DeliveryFacts) -> Finding:
        if not facts.watermark:
            return not_applicable("no invisible mark was asked for")
        review = facts.review
        if review is None or review.problem:
            return not_applicable("review.mp4 cannot be shown; another rule says why")
        mark = review.mark
        if mark is None:
            return not_applicable("review.mp4 is too small to carry a mark")
        if not mark.is_sure:
            return lists(
                f"no mark reads back from review.mp4: its pictures cannot carry one ({mark.chance:.0e} is the chance "
                "of what was read without a mark)",
                remedy="Nothing to do: the take says that its review carries none. A copy of the review without its "
                "credentials cannot be traced to this job.",
            )
        if mark.content_id != facts.watermark:
            return refuses(
                f"review.mp4 carries the mark {mark.content_id} of another version, not {facts.watermark}",
                remedy="Retry the job. If it comes again, send its report.",
            )
        return passes(
            f"content id {mark.content_id} reads back from {mark.frames} frames of review.mp4",
            false_positive_at_most=f"{mark.chance:.1e}",
        )
