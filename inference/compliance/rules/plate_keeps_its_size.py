"""A picture that changes its size in mid shot is two shots, or a slip."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts, PictureReading, RoleReading
from understudy.inference.compliance.phrases import write_frames
from understudy.inference.compliance.rule import InspectionRule, passes, refuses


class Rule(InspectionRule):
    """Within each input every frame has the size of the first."""

    def check(self, facts: InspectionFacts) -> Finding:
        changes = [change for role in facts.roles if (change := first_change(role))]
        if not changes:
            return passes("sizes stay the same over the shot")
        return refuses(
            "; ".join(text for text, _, _ in changes),
            remedy="Render the named frames at one size, or choose --frames that stop before the change.",
            frames=(picture.frame for _, _, pictures in changes for picture in pictures if picture.frame is not None),
            files=(name for _, names, _ in changes for name in names),
        )


def first_change(role: RoleReading) -> tuple[str, tuple[str, str], list[PictureReading]] | None:
    """Return how the role's size changes: words, the two files that disagree, every picture of another size."""
    whole = [picture for picture in role.pictures if not picture.problem]
    other = [p for p in whole if (p.width, p.height) != (whole[0].width, whole[0].height)]
    if not other:
        return None
    first, changed = whole[0], other[0]
    words = (
        f"{role.role} changes its size: {first.typed} is {first.width}x{first.height}, "
        f"{changed.typed} is {changed.width}x{changed.height}"
    )
    if len(other) > 1:
        words += f" (frames {write_frames(p.frame for p in other if p.frame is not None)})"
    return words, (first.typed, changed.typed), other
