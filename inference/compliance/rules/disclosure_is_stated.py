"""What every file will tell whoever opens it."""

import msgspec

from understudy.bridge.errors import Finding, Fix
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.rule import AdmissionRule, passes, refuses

FIELD = "disclosure.text"
LENGTH_LIMIT = 2000  # it stands in the header of every frame


class Rule(AdmissionRule):
    """The record carries a disclosure text that fits into a file's header."""

    def check(self, facts: AdmissionFacts) -> Finding:
        text = facts.job.record.disclosure.text
        if not text.strip():
            refused = refuses(
                "the record's `disclosure.text` is empty",
                remedy="Leave the field out for the usual text, or write your own.",
                fields=(FIELD,),
            )
            return msgspec.structs.replace(refused, fixes=(Fix(kind="usual_disclosure"),))
        if len(text) > LENGTH_LIMIT or "\x00" in text:
            return refuses(
                f"the record's `disclosure.text` is {len(text)} characters long; "
                f"{LENGTH_LIMIT} plain ones are the limit",
                remedy="Shorten it: it stands in the header of every frame.",
                fields=(FIELD,),
            )
        return passes("a disclosure is stated", fields=(FIELD,), disclosure=text)
