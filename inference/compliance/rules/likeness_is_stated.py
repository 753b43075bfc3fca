"""Which law and which contract apply hangs on what the picture makes of a person."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule, not_applicable, passes, refuses

SHOWS_A_KNOWN_PERSON = ("digital_replica", "altered_performance")


class Rule(AdmissionRule):
    """A record states the likeness class and names the people that this class involves."""

    def check(self, facts: AdmissionFacts) -> Finding:
        record = facts.job.record
        if record.ground != "record":
            return not_applicable(f"the job's ground is {record.ground}")
        if record.likeness is None:
            return refuses(
                "the record does not state `likeness`",
                remedy="State digital_replica, synthetic_performer, altered_performance, non_human or no_person.",
            )
        if record.likeness in SHOWS_A_KNOWN_PERSON and not record.on_screen:
            return refuses(
                f"the record's likeness is {record.likeness} but `on_screen` names nobody",
                remedy="Name in `on_screen` whose likeness is seen.",
            )
        if record.likeness != "no_person" and not (record.replaced or record.performed_by):
            return refuses(
                f"the record's likeness is {record.likeness} but neither `performed_by` nor `replaced` names anybody",
                remedy="Name whose performance drives the character, and who is painted out.",
            )
        return passes(f"likeness: {record.likeness}")
