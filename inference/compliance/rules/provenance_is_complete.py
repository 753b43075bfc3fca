"""A file that cannot say how it was made is not delivered."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.marks import PROVENANCE, SOURCE_TYPE, UNKNOWN
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import DeliveryRule, passes, refuses


class Rule(DeliveryRule):
    """Every file carries engine, version, weights, seed, settings, prompt, inputs, papers, actor, time and code."""

    def check(self, facts: DeliveryFacts) -> Finding:
        absent = [name for name in (*PROVENANCE, SOURCE_TYPE) if not facts.marks.get(name, "").strip()]
        if absent:
            return refuses(
                f"the job's marks lack {write_list(absent)}", remedy="Send the report of this job: a mark was not made."
            )
        wrong = [f"{r.path} ({write_list(r.wrong_marks, 3)})" for r in facts.readings if r.wrong_marks]
        if wrong:
            return refuses(
                f"{len(wrong)} files do not carry the job's marks: {write_list(wrong, 3)}",
                remedy="Retry the job; files that another program rewrote are made again.",
                files=(reading.path for reading in facts.readings if reading.wrong_marks),
            )
        commit = facts.marks["understudy/commit"]
        told = " (the commit of the code is not known here)" if commit == UNKNOWN else ""
        return passes(f"{len(facts.readings)} files carry {len(facts.marks)} marks{told}", commit=commit)
