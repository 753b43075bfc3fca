"""Frames in = frames out: a frame that is lacking is found before anything is sent."""

from understudy.bridge.errors import Finding
from understudy.bridge.frames import FrameRange
from understudy.bridge.shot import Pictures
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.phrases import missing_spans, spans_of, write_spans
from understudy.inference.compliance.rule import AdmissionRule, passes, refuses


class Rule(AdmissionRule):
    """Every sequence has every frame of the range; where plate and matte disagree, both are named."""

    def check(self, facts: AdmissionFacts) -> Finding:
        wanted = facts.job.shot.range
        sequences = {role: p for role, p in facts.job.shot.roles().items() if p.kind == "sequence"}
        lacking = {role: spans for role, p in sequences.items() if (spans := missing_spans(numbers(p), wanted))}
        if not lacking:
            return passes(f"{len(sequences)} sequences cover {wanted}")
        clauses = [f"{role} {sequences[role].typed} lacks {write_spans(lacking[role])}" for role in lacking]
        plate = sequences.get("plate")
        if plate is not None and "plate" not in lacking:
            clauses.insert(0, f"plate {plate.typed} has frames {has(plate, wanted)}")
        return refuses(
            f"{', '.join(clauses)} (the shot is {wanted})",
            remedy="Render or copy the frames that are named, or choose a range with --frames that all inputs have.",
            frames=(frame for spans in lacking.values() for first, last in spans for frame in range(first, last + 1)),
            files=(sequences[role].typed for role in lacking),
        )


def numbers(pictures: Pictures) -> list[int]:
    return [file.frame for file in pictures.files if file.frame is not None]


def has(pictures: Pictures, wanted: FrameRange) -> str:
    return write_spans(spans_of(frame for frame in numbers(pictures) if frame in wanted))
