"""Whether the papers of a job that waits, runs or is done still stand, by the registry as it is now."""

from __future__ import annotations

from datetime import datetime, timezone

import msgspec

from understudy.bridge.errors import ComplianceError, JobParked
from understudy.inference.authority.papers import Snapshot
from understudy.inference.compliance.clips import judge_clips
from understudy.inference.compliance.gate import refusal
from understudy.inference.compliance.policy.library import own_packs
from understudy.inference.compliance.registered import as_known_now, judge_registry, named_in
from understudy.inference.daemon.house import House

RULE, CLIPS_RULE = "registry_still_bears_it_out", "clips_are_still_approved"
"""Their names in STAGES: what the daemon finds beside the worker's gate is a finding of the same rules."""


def today() -> str:
    return datetime.now(timezone.utc).date().isoformat()


def registry_now(house: House, job_id: str) -> Snapshot:
    """Return what the registry knows now of the people and consents that a job names. Blocks."""
    return house.registry.snapshot(*named_in(house.store.request(job_id)[0]))


def packs_of(house: House) -> dict[str, str]:
    """Return the studio's own policy packs: those of this daemon's folder, and over them its authority's. Blocks."""
    return {**own_packs(house.settings.packs_folder), **house.registry.packs()}


def why_fallen(house: House, job_id: str) -> ComplianceError | None:
    """Return why a job's consents do not stand now; None when they do, or no registry says otherwise. Blocks."""
    if not house.registry.in_use():
        return None
    job, _ = house.store.request(job_id)
    snapshot = house.registry.snapshot(*named_in(job))
    job = as_known_now(job, house.store.papers(job_id).record, snapshot)
    found = {RULE: judge_registry(job, snapshot, today()), CLIPS_RULE: judge_clips(job, snapshot, today())}
    findings = tuple(msgspec.structs.replace(finding, rule=rule) for rule, finding in found.items() if finding.refuses)
    return refusal(findings, f"the job on {job.shot.name}")


def parked_for(fallen: ComplianceError) -> JobParked:
    """Return how a job is told that it waits for its papers."""
    return JobParked(
        fallen.message,
        remedy="It goes on by itself when the registry bears it out again; cancel it if it will not. Ask legal.",
    )
