"""What was written opens again and has the plate's size."""

from understudy.bridge.errors import Finding
from understudy.bridge.shot import OWN_SIZES
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import DeliveryRule, passes, refuses


class Rule(DeliveryRule):
    """Every file that was made decodes whole and has the size that its layer must have."""

    def check(self, facts: DeliveryFacts) -> Finding:
        problems = {reading.path: f"{reading.path}: {reading.problem}" for reading in facts.readings if reading.problem}
        sizes = {layer: OWN_SIZES.get(layer, facts.plate_size) for layer in facts.layers}
        for reading in facts.readings:
            if reading.problem:
                continue
            size = (reading.width, reading.height)
            wanted = sizes.get(reading.layer) or sizes.setdefault(reading.layer, size) or size
            if size != wanted:
                problems[reading.path] = f"{reading.path} is {size[0]}x{size[1]}, not {wanted[0]}x{wanted[1]}"
        if problems:
            return refuses(
                f"{len(problems)} files are not as they were made: {write_list(list(problems.values()), 3)}",
                remedy="Check the disk, then retry the job.",
                files=problems,
            )
        return passes(f"{len(facts.readings)} files open whole at their size")
