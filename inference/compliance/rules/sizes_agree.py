"""Mattes, clean plate, holdout and keypoints lie on the plate pixel for pixel; nothing is scaled to fit."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts, PictureReading
from understudy.inference.compliance.rule import InspectionRule, not_applicable, passes, refuses

ON_THE_PLATE = ("matte", "clean_plate", "holdout", "keypoints")


class Rule(InspectionRule):
    """What lies on the plate has the plate's size; where not, both files and sizes are named."""

    def check(self, facts: InspectionFacts) -> Finding:
        checked, clauses, files = list[str](), list[str](), list[str]()
        for ground, on_it in grounds(facts).items():
            under = first_of(facts, ground)
            if under is None:
                continue
            checked.append(f"everything on the {ground} is {size(under)}")
            other = [(role, p) for role in on_it for p in misfits(facts, role, under)]
            if other:
                named = ", ".join(f"{role} {p.typed} is {size(p)}" for role, p in other)
                clauses.append(f"{ground} {under.typed} is {size(under)}, {named}")
                files += [under.typed, *(p.typed for _, p in other)]
        if clauses:
            return refuses(
                f"sizes disagree: {'; '.join(clauses)}",
                remedy="Render or export them at one size; nothing is scaled to fit.",
                files=files,
            )
        return passes("; ".join(checked)) if checked else not_applicable("no plate was read")


def grounds(facts: InspectionFacts) -> dict[str, tuple[str, ...]]:
    """Return which roles lie on which. In mode animate a driver and a backdrop are two pictures of their own, and the
    holdout lies on the backdrop where there is one: it says what passes before the new character."""
    if facts.job.settings.mode != "animate":
        return {"plate": ON_THE_PLATE}
    driver = "plate" if facts.role("plate") is not None else "keypoints"
    if facts.role("clean_plate") is None:
        return {driver: ("matte", "keypoints", "holdout")}
    return {driver: ("matte", "keypoints"), "clean_plate": ("holdout",)}


def misfits(facts: InspectionFacts, name: str, under: PictureReading) -> list[PictureReading]:
    """Return the first picture of each role of this name (`matte`, `matte.2`) that has another size."""
    return [
        picture
        for role in facts.roles
        if role.role.partition(".")[0] == name
        for picture in [p for p in role.pictures if not p.problem and size(p) != size(under)][:1]
    ]


def first_of(facts: InspectionFacts, name: str) -> PictureReading | None:
    role = facts.role(name)
    return next((p for p in role.pictures if not p.problem), None) if role is not None else None


def size(picture: PictureReading) -> str:
    return f"{picture.width}x{picture.height}"
