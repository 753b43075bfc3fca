"""A rig's points move a body; no expression is in them, and that is told before anything is made."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule, lists, not_applicable, passes


class Rule(AdmissionRule):
    """In mode animate the driver has pictures, or the neutral face is listed."""

    def check(self, facts: AdmissionFacts) -> Finding:
        shot = facts.job.shot
        if facts.job.settings.mode != "animate":
            return not_applicable("the plate itself shows the performance")
        if shot.plate is None and shot.keypoints is not None:
            return lists(
                f"the keypoints {shot.keypoints.pictures.typed} alone drive the character: its face stays neutral",
                remedy="Give the performance as pictures too, with --plate, if the face should act.",
                files=(shot.keypoints.pictures.typed,),
            )
        return passes("pictures drive the character")
