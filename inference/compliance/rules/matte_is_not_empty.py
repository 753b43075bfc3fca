"""A frame with an empty matte is delivered as the plate; a shot of such frames is a slip."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts
from understudy.inference.compliance.phrases import write_frames
from understudy.inference.compliance.rule import InspectionRule, lists, not_applicable, passes, refuses

EMPTY_BELOW = 0.5 / 255  # a matte whose greatest value is below half an 8-bit step covers nothing


class Rule(InspectionRule):
    """The matte covers something: empty on every frame is refused, empty on some is listed."""

    def check(self, facts: InspectionFacts) -> Finding:
        mattes = facts.mattes()
        pictures = [p for role in mattes for p in role.pictures if not p.problem]
        if not pictures:
            return not_applicable("no matte was read")
        empty = [picture for picture in pictures if picture.peak is not None and picture.peak < EMPTY_BELOW]
        if len(empty) == len(pictures) and facts.whole:
            return refuses(
                f"the matte {mattes[0].typed} is empty on all {len(pictures)} frames",
                remedy="White means replace here: check --matte-channel, or turn it with --matte-invert.",
                files=(role.typed for role in mattes),
            )
        if empty:
            frames = [picture.frame for picture in empty if picture.frame is not None]
            animates = facts.job.settings.mode == "animate"
            then = "in which nobody drives the character" if animates else "which are delivered as the plate"
            return lists(
                f"the matte is empty on {len(empty)} of {len(pictures)} frames, {then}: {write_frames(frames)}",
                remedy="Nothing to do if the performer is out of the picture there.",
                frames=frames,
            )
        return passes(f"the matte covers something on {len(pictures)} frames")
