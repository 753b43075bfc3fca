"""Whoever opens a file learns what it is."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import DeliveryRule, passes, refuses


class Rule(DeliveryRule):
    """Every file carries the record's disclosure text."""

    def check(self, facts: DeliveryFacts) -> Finding:
        text = facts.job.record.disclosure.text
        wrong = [reading.path for reading in facts.readings if reading.disclosure != text]
        if wrong or not text.strip():
            return refuses(
                f"{len(wrong)} files do not carry the disclosure: {write_list(wrong)}",
                remedy="Retry the job; files that another program rewrote are made again.",
                files=wrong,
            )
        return passes(f"{len(facts.readings)} files carry the disclosure", disclosure=text)
