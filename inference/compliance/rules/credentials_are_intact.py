"""What was changed after somebody signed it is not passed on in their name."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import InspectionFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import InspectionRule, not_applicable, passes, refuses


class Rule(InspectionRule):
    """Every input that carries Content Credentials is what was signed."""

    def check(self, facts: InspectionFacts) -> Finding:
        if not facts.credentials:
            return not_applicable("no input carries Content Credentials")
        wrong = [f"{one.role} {one.typed} ({write_list(one.damage, 3)})" for one in facts.credentials if one.damage]
        if wrong:
            return refuses(
                f"not what was signed: {write_list(wrong, 3)}",
                remedy="Get it again from whoever made it, or export it anew from what you trust.",
                files=(one.typed for one in facts.credentials if one.damage),
            )
        signers = write_list(sorted({one.signer or "somebody who gives no name" for one in facts.credentials}), 3)
        return passes(f"{len(facts.credentials)} inputs are as they were signed, by {signers}")
