"""A matte that covers most of the picture is usually the wrong way round: it asks before hours are spent."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts
from understudy.inference.compliance.phrases import write_frames
from understudy.inference.compliance.rule import InspectionRule, lists, not_applicable, passes, refuses

LARGE_COVERAGE = 0.60


class Rule(InspectionRule):
    """No matte covers more than 60 % of its picture, unless the user said that this is meant."""

    def check(self, facts: InspectionFacts) -> Finding:
        pictures = [p for role in facts.mattes() for p in role.pictures if p.coverage is not None]
        if not pictures:
            return not_applicable("no matte was read")
        large = [p for p in pictures if p.coverage is not None and p.coverage > LARGE_COVERAGE]
        most = max(p.coverage or 0.0 for p in pictures)
        if not large:
            return passes(f"the matte covers at most {most:.0%} of the picture", most=f"{most:.4f}")
        frames = [p.frame for p in large if p.frame is not None]
        words = f"the matte covers up to {most:.0%} of the picture (frames {write_frames(frames)}), more than 60 %"
        if facts.job.settings.allow_large_matte:
            return lists(f"{words}, as was allowed", frames=frames, most=f"{most:.4f}")
        return refuses(
            words,
            remedy="If this is meant, say --allow-large-matte; if it is the wrong way round, --matte-invert.",
            frames=frames,
            files=(p.typed for p in large),
            most=f"{most:.4f}",
        )
