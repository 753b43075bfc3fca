"""Without papers somebody must say who they are and why."""

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule, lists, passes, refuses

SAYS = {
    "self_attested": "self-attested: every file says uncleared, and only a new run with a record can clear it",
    "demonstration": "a demonstration: every file says demonstration, not for delivery",
}


class Rule(AdmissionRule):
    """A job without a record carries an attestation and is listed as uncleared."""

    def check(self, facts: AdmissionFacts) -> Finding:
        record = facts.job.record
        if record.ground == "record":
            return passes("the job stands on a record")
        if not record.attestation.strip():
            return refuses(
                f"the job is {record.ground} but its record's `attestation` is empty",
                remedy='Give --record FILE.json, or --self-attest "who and why".',
                fields=("attestation", "ground"),
            )
        return lists(
            f"this job is {SAYS[record.ground]}",
            remedy="For a cleared delivery submit it again with papers (--record FILE.json).",
            fields=("ground",),
            attestation=record.attestation,
            actor=facts.actor,
        )
