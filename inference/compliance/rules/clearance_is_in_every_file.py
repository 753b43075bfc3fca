"""Nothing turns an uncleared file into a cleared one but a new run with a record."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import DeliveryRule, lists, passes, refuses


class Rule(DeliveryRule):
    """Every file says cleared, uncleared or demonstration, as the record's ground makes it."""

    def check(self, facts: DeliveryFacts) -> Finding:
        words = facts.marks.get("understudy/clearance", "")
        clearance = facts.job.record.clearance
        wrong = [reading.path for reading in facts.readings if reading.clearance != words]
        if wrong or not words.startswith(clearance):
            return refuses(
                f"{len(wrong)} files do not say {clearance}: {write_list(wrong)}",
                remedy="Retry the job; files that another program rewrote are made again.",
                files=wrong,
            )
        if clearance != "cleared":
            return lists(
                f"every file says: {words}",
                remedy="For a cleared delivery submit it again with papers (--record FILE.json).",
            )
        return passes(f"{len(facts.readings)} files say {words}")
