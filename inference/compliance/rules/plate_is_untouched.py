"""The plate is sacred: zero in the effective matte means the plate's own bits."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.phrases import missing_spans, write_frames, write_spans
from understudy.inference.compliance.rule import DeliveryRule, not_applicable, passes, refuses


class Rule(DeliveryRule):
    """Where the effective matte is 0 the comp holds the plate's bits, in every frame."""

    def check(self, facts: DeliveryFacts) -> Finding:
        if "comp" not in facts.layers:
            return not_applicable("this job makes no comp")
        compared = [proof for proof in facts.proofs if proof.touched is not None]
        spans = missing_spans((proof.frame for proof in compared), facts.range)
        if spans:
            return refuses(
                f"frames {write_spans(spans)} could not be held against the plate",
                remedy="Retry the job; if it comes again, send the report of this job.",
            )
        touched = [proof for proof in compared if proof.touched]
        if touched:
            return refuses(
                f"the comp changes {sum(proof.touched or 0 for proof in touched)} pixels of the plate outside the "
                f"effective matte in frames {write_frames(proof.frame for proof in touched)}",
                remedy="Nothing is delivered: retry the job; if it comes again, send the report of this job.",
                frames=(proof.frame for proof in touched),
            )
        return passes(f"outside the effective matte {len(compared)} frames hold the plate's own bits")
