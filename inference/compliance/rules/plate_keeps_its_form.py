"""What is promised for a plate hangs on its form: half in one frame and float in the next is no plate."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts
from understudy.inference.compliance.rule import InspectionRule, not_applicable, passes, refuses


class Rule(InspectionRule):
    """Every frame of the plate has the first one's channels and pixel type."""

    def check(self, facts: InspectionFacts) -> Finding:
        plate = facts.role("plate")
        whole = [picture for picture in plate.pictures if not picture.problem] if plate is not None else []
        if not whole:
            return not_applicable("no plate was read")
        first = whole[0]
        other = [p for p in whole if (p.channels, p.pixel_type) != (first.channels, first.pixel_type)]
        if other:
            return refuses(
                f"the plate changes its form: {first.typed} is {first.pixel_type} {','.join(first.channels)}, "
                f"{other[0].typed} is {other[0].pixel_type} {','.join(other[0].channels)}",
                remedy="Write all frames of the plate with the same channels and pixel type.",
                frames=(picture.frame for picture in other if picture.frame is not None),
                files=(first.typed, other[0].typed),
            )
        return passes(f"the plate is {first.pixel_type} {','.join(first.channels)} in {len(whole)} frames")
