"""NaN and infinity happen in renders; they are kept outside the matte, repaired inside, and always listed."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts
from understudy.inference.compliance.phrases import write_frames
from understudy.inference.compliance.rule import InspectionRule, lists, passes


class Rule(InspectionRule):
    """Values that are not finite are counted and listed; they stop nothing."""

    def check(self, facts: InspectionFacts) -> Finding:
        found = {role.role: [p for p in role.pictures if p.non_finite] for role in facts.roles}
        found = {role: pictures for role, pictures in found.items() if pictures}
        if not found:
            return passes("every value is finite")
        clauses = []
        for role, pictures in found.items():
            frames = [picture.frame for picture in pictures if picture.frame is not None]
            where = f" in frames {write_frames(frames)}" if frames else ""
            clauses.append(f"{role} has {sum(picture.non_finite for picture in pictures)}{where}")
        return lists(
            f"values that are NaN or infinite: {'; '.join(clauses)}",
            remedy="In a plate they pass through outside the effective matte and are repaired inside it; elsewhere "
            "they count as black.",
            frames=(p.frame for pictures in found.values() for p in pictures if p.frame is not None),
            files=(p.typed for pictures in found.values() for p in pictures),
        )
