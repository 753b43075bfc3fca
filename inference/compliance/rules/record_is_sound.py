"""The record says what it says in a form that can be judged."""

import re

from understudy.bridge.consent import is_bare
from understudy.bridge.errors import Finding
from understudy.bridge.record import record_problems
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule, passes, refuses


class Rule(AdmissionRule):
    """The record is well formed: schema, dates, documents, an id where it is the ground, and every consent."""

    def check(self, facts: AdmissionFacts) -> Finding:
        record = facts.job.record
        problems = list(record_problems(record))
        if record.ground == "record" and not record.record_id.strip():
            problems.append("`record_id` is empty")
        problems += [
            f"`consents[{index}]` names {consent.consent_id} by its id alone, and the registry here lacks it"
            for index, consent in enumerate(record.consents)
            if is_bare(consent)
        ]
        if problems:
            return refuses(
                f"the record is not sound: {'; '.join(problems)}",
                remedy="Mend the fields that are named in the record.",
                fields=[found for problem in problems if (found := _field(problem))],
            )
        return passes(f"record of schema {record.schema}, ground {record.ground}")


def _field(problem: str) -> str:
    """Return the field that a problem begins with, as every one of them does, in backticks."""
    found = re.match(r"`([^`]+)`", problem)
    return found.group(1) if found is not None else ""
