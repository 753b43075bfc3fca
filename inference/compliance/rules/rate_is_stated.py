"""A sequence has no rate of its own, and nobody guesses one."""

from fractions import Fraction

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule, passes, refuses

RATE_LIMIT = Fraction(1000)


class Rule(AdmissionRule):
    """The frame rate is stated, or a movie plate brings it."""

    def check(self, facts: AdmissionFacts) -> Finding:
        shot = facts.job.shot
        if shot.rate is not None:
            if shot.rate.fraction > RATE_LIMIT or shot.rate.fraction < 1:
                return refuses(
                    f"{shot.rate} frames a second is no frame rate of a shot",
                    remedy="State --rate as 24 or 24000/1001.",
                )
            return passes(f"rate {shot.rate}")
        if shot.plate is not None and shot.plate.pictures.kind == "movie":
            return passes("the plate is a movie: its own rate counts")
        if shot.plate is None:
            return refuses(
                "this shot has no frame rate: keypoints have none, and no pictures drive the character",
                remedy="State it: --rate 24, or --rate 23.976.",
            )
        return refuses(
            f"plate {shot.plate.pictures.typed} has no frame rate: "
            "a sequence has none of its own and no header states one",
            remedy="State it: --rate 24, or --rate 23.976.",
        )
