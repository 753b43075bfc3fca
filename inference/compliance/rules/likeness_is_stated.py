"""Which law and which contract apply hangs on what the picture makes of a person."""

from understudy.bridge.errors import Finding
from understudy.bridge.shot import JobRequest
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule, lists, not_applicable, passes, refuses

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
                fields=("likeness",),
            )
        if record.likeness in SHOWS_A_KNOWN_PERSON and not record.on_screen:
            return refuses(
                f"the record's likeness is {record.likeness} but `on_screen` names nobody",
                remedy="Name in `on_screen` whose likeness is seen.",
                fields=("on_screen", "likeness"),
            )
        if record.likeness != "no_person" and not (record.replaced or record.performed_by):
            return refuses(
                f"the record's likeness is {record.likeness} but neither `performed_by` nor `replaced` names anybody",
                remedy="Name whose performance drives the character, and who is painted out.",
                fields=("performed_by", "replaced"),
            )
        if record.likeness == "no_person" and _shows_a_performer(facts.job) and not _names_a_performer(facts.job):
            return _nobody_is_named(facts)
        return passes(f"likeness: {record.likeness}", fields=("likeness",))


def _shows_a_performer(job: JobRequest) -> bool:
    """Say whether the inputs show one: who is replaced is in the plate, and a driver of pictures shows who acts."""
    return job.settings.mode == "replace" or job.shot.plate is not None


def _names_a_performer(job: JobRequest) -> bool:
    record = job.record
    return bool(record.performed_by or record.replaced or any(one.talents for one in job.shot.performers))


def _nobody_is_named(facts: AdmissionFacts) -> Finding:
    """Return what follows where a performer is in the pictures and nobody is named: a reason, or no job."""
    job = facts.job
    field = "replaced" if job.settings.mode == "replace" else "performed_by"
    where = "the plate" if job.settings.mode == "replace" else "the driver"
    if not job.record.attestation.strip():
        return refuses(
            f"the record's likeness is no_person, but {where} shows a performer whom `{field}` does not name",
            remedy=f"Name them in `{field}`, with a consent. If no person is seen there (a CG figure), say in "
            "`attestation` who says so and why.",
            fields=(field, "attestation"),
        )
    return lists(
        f"{where} is said to show no person: {job.record.attestation}",
        remedy=f"If somebody does act in it, name them in `{field}`, with a consent, and run the job again.",
        fields=(field, "attestation"),
        attestation=job.record.attestation,
        actor=facts.actor,
    )
