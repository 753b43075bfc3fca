"""A waiver: somebody who may, and who did not ask, lets one rule of one pack version be on one record. Pure.

It turns a refusal into *waived*, never into a pass, and every report says so. It is bound to the facts that the rule
read: when one of them changes, it is dead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from understudy.bridge.moments import is_day
from understudy.inference.authority.papers import REASON_LENGTH, Waiver
from understudy.inference.compliance.coverage import matches_any
from understudy.inference.compliance.policy.fields import TODAY, Value

__all__ = ["REASON_LENGTH", "Waivable", "Waiver", "facts_hash", "why_not"]


@dataclass(frozen=True, slots=True)
class Waivable:
    """What a waiver is held against."""

    rule: str
    pack: str
    waivable_by: tuple[str, ...]
    facts: str
    record_id: str
    shot: str
    actor: str
    """Who runs the job: nobody waives for themselves."""
    today: str


def facts_hash(rule: str, pack: str, reads: Mapping[str, Value], salt: str) -> str:
    """Return one SHA-256 over what a rule read, without the day: time alone kills no waiver before its end.

    salt: the record's own, because the hash stands in reports, and what was read may be somebody's name.
    """
    stated = {path: value for path, value in reads.items() if path != TODAY}
    text = json.dumps([salt, rule, pack, stated], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def why_not(waiver: Waiver, what: Waivable) -> str:
    """Return why `waiver` does not count for `what`, or nothing when it does."""
    if not what.waivable_by:
        return "nobody can waive this rule"
    if waiver.rule != what.rule or waiver.pack != what.pack:
        return f"it is for {waiver.rule} of {waiver.pack}, and this is {what.pack}"
    if waiver.state != "granted":
        return f"it is {waiver.state}, not granted"
    if waiver.decided_as not in what.waivable_by:
        return f"it was granted by {waiver.decided_as or 'nobody stated'}; {' or '.join(what.waivable_by)} may"
    if waiver.decided_by == waiver.requested_by:
        return f"{waiver.decided_by} asked for it and granted it"
    if waiver.decided_by == what.actor:
        return f"{waiver.decided_by} runs the job and granted it"
    if not waiver.decided_by.strip() or not waiver.requested_by.strip():
        return "it does not say who asked and who granted"
    if waiver.record_id != what.record_id or not what.record_id:
        return f"it is for the record {waiver.record_id}, not {what.record_id or 'one without an id'}"
    if waiver.shots and not matches_any(what.shot, waiver.shots):
        return f"it is for the shots {', '.join(waiver.shots)}, not {what.shot}"
    if len(waiver.reason.strip()) < REASON_LENGTH:
        return f"its reason is shorter than {REASON_LENGTH} characters"
    if not is_day(waiver.decided_on) or not is_day(waiver.expires_on):
        return "it has a date that is no day"
    if waiver.decided_on > what.today:
        return f"it is granted on {waiver.decided_on}, after today ({what.today})"
    if waiver.expires_on < what.today:
        return f"it expired on {waiver.expires_on}"
    if waiver.facts != what.facts:
        return "what the rule read has changed since it was granted"
    return ""
