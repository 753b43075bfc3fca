"""Frames in = frames out, file by file."""

from collections import Counter

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.phrases import missing_spans, write_list, write_spans
from understudy.inference.compliance.rule import DeliveryRule, passes, refuses


class Rule(DeliveryRule):
    """Every layer has every frame of the range once, and the folder holds nothing else."""

    def check(self, facts: DeliveryFacts) -> Finding:
        problems: list[str] = []
        for layer in facts.layers:
            frames = [reading.frame for reading in facts.readings if reading.layer == layer]
            spans = missing_spans(frames, facts.range)
            if spans:
                problems.append(f"{layer} lacks {write_spans(spans)}")
        twice = [path for path, times in Counter(reading.path for reading in facts.readings).items() if times > 1]
        if twice:
            problems.append(f"read twice: {write_list(twice)}")
        other = [r.path for r in facts.readings if r.layer not in facts.layers or r.frame not in facts.range]
        if other or facts.unexpected:
            problems.append(f"does not belong: {write_list([*other, *facts.unexpected])}")
        if not facts.layers:
            problems.append("the job has no layers")
        if problems:
            return refuses(
                f"the version is not complete: {'; '.join(problems)}",
                remedy="Retry the job: what is whole is kept, what is lacking is made again.",
                files=(*other, *facts.unexpected),
            )
        return passes(f"{len(facts.range)} frames in each of {len(facts.layers)} layers, nothing else")
