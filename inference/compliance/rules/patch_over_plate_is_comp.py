"""Hosts wire the patch over the plate: that must give the comp."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.phrases import missing_spans, write_frames, write_spans
from understudy.inference.compliance.rule import DeliveryRule, not_applicable, passes, refuses

# A half has 11 significant bits. The host adds a rounded patch to the plate and rounds again: two roundings of 2**-11.
ERROR_LIMIT = 2.0**-10


class Rule(DeliveryRule):
    """The stored patch over the plate is the stored comp, to a half's rounding."""

    def check(self, facts: DeliveryFacts) -> Finding:
        if not {"comp", "patch"} <= set(facts.layers):
            return not_applicable("this job makes no patch and comp")
        compared = {proof.frame: proof.patch_error for proof in facts.proofs if proof.patch_error is not None}
        spans = missing_spans(compared, facts.range)
        if spans:
            return refuses(
                f"the patch of frames {write_spans(spans)} could not be held against the comp",
                remedy="Retry the job; if it comes again, send the report of this job.",
            )
        worst = max(compared.values())
        wrong = [frame for frame, error in compared.items() if not error <= ERROR_LIMIT]
        if wrong:
            return refuses(
                f"patch over plate is not comp in frames {write_frames(wrong)}: "
                f"off by {max(compared[frame] for frame in wrong):.2g} of the value",
                remedy="Nothing is delivered: retry the job; if it comes again, send the report of this job.",
                frames=wrong,
            )
        return passes(f"patch over plate is comp, within {worst:.1g} of the value", worst=f"{worst:.3g}")
