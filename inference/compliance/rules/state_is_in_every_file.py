"""A frame that has not passed says so."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import DeliveryRule, passes, refuses


class Rule(DeliveryRule):
    """Every file carries the state that the job is in; its final word comes after this gate, in place."""

    def check(self, facts: DeliveryFacts) -> Finding:
        wrong = [f"{r.path} says '{r.state}'" for r in facts.readings if r.state != facts.state]
        if wrong or not facts.state:
            return refuses(
                f"{len(wrong)} files do not carry the state {facts.state}: {write_list(wrong, 3)}",
                remedy="Retry the job; files that another program rewrote are made again.",
                files=(reading.path for reading in facts.readings if reading.state != facts.state),
            )
        return passes(f"{len(facts.readings)} files say {facts.state}")
