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
        clauses = [
            f"{role} has {sum(p.non_finite for p in pictures)} in frames "
            f"{write_frames(p.frame for p in pictures if p.frame is not None)}"
            for role, pictures in found.items()
        ]
        return lists(
            f"values that are NaN or infinite: {'; '.join(clauses)}",
            remedy="In a plate they pass through outside the effective matte and are repaired inside it; in a matte "
            "they count as black.",
            frames=(p.frame for pictures in found.values() for p in pictures if p.frame is not None),
            files=(p.typed for pictures in found.values() for p in pictures),
        )
