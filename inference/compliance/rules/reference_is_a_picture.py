"""The character comes from this image: it must be one."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts
from understudy.inference.compliance.rule import InspectionRule, lists, not_applicable, passes, refuses

SMALLEST_SIDE = 16
SMALL_SIDE = 256  # under a character's usual height in a 480-line picture it is enlarged


class Rule(InspectionRule):
    """The reference is an image that decodes, and its size is that of a character."""

    def check(self, facts: InspectionFacts) -> Finding:
        references = [role for role in facts.roles if role.role.startswith("reference")]
        pictures = [picture for role in references for picture in role.pictures]
        if not pictures:
            return not_applicable("the reference was not read") if not facts.whole else lacking()
        for picture in pictures:
            size = f"{picture.width}x{picture.height}"
            if picture.problem:
                return refuses(
                    f"the reference {picture.typed} is no image: {picture.problem}",
                    remedy="Give --reference a PNG, JPEG, TIFF, WebP or EXR of the character.",
                    files=(picture.typed,),
                )
            if min(picture.width, picture.height) < SMALLEST_SIDE:
                return refuses(
                    f"the reference {picture.typed} is {size} pixels",
                    remedy=f"Give an image of the character, at least {SMALL_SIDE} pixels on its shorter side.",
                    files=(picture.typed,),
                )
            if min(picture.width, picture.height) < SMALL_SIDE:
                return lists(
                    f"the reference {picture.typed} is only {size} pixels: it is enlarged", files=(picture.typed,)
                )
        return passes(f"reference of {pictures[0].width}x{pictures[0].height} pixels")


def lacking() -> Finding:
    return refuses("no reference was read", remedy="Give --reference an image of the character.")
