"""A frame that cannot be decoded to its last row is no frame."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts, PictureReading
from understudy.inference.compliance.phrases import write_frames, write_list
from understudy.inference.compliance.rule import InspectionRule, passes, refuses


class Rule(InspectionRule):
    """Every frame of every input decodes whole."""

    def check(self, facts: InspectionFacts) -> Finding:
        readings = [p for role in facts.roles if not role.role.startswith("reference") for p in role.pictures]
        bad = [picture for picture in readings if picture.problem]
        if not bad:
            return passes(f"{len(readings)} pictures decoded whole")
        frames = [picture.frame for picture in bad if picture.frame is not None]
        where = f" (frames {write_frames(frames)})" if len(frames) > 1 else ""
        return refuses(
            f"{len(bad)} of {len(readings)} pictures cannot be used{where}: {write_list(problems(bad), 3)}",
            remedy=bad[0].remedy or "Write or copy these files again.",
            frames=frames,
            files=(picture.typed for picture in bad),
        )


def problems(pictures: list[PictureReading]) -> list[str]:
    return list(dict.fromkeys(picture.problem for picture in pictures))
