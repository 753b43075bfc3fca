"""Jobs as the script keeps them: JSON in a hidden knob of the node that sent them."""

from __future__ import annotations

import msgspec
import nuke

from understudy.bridge.errors import HostError
from understudy.bridge.host import RememberedJob
from understudy.host_plugins.nuke.knobs import MEMORY
from understudy.host_plugins.nuke.node import all_of_ours, find_node

SETTLED_KEPT = 50
"""A script grows with every job otherwise; the daemon knows them all."""


def _holds(node: nuke.Node, job: RememberedJob) -> bool:
    return any(one.job_id == job.job_id for one in jobs_of(node))


def jobs_of(node: nuke.Node) -> tuple[RememberedJob, ...]:
    """Return what the node keeps, oldest first; a text that is no longer ours counts as none."""
    text = str(node[MEMORY].value() or "")
    try:
        return msgspec.json.decode(text or "[]", type=tuple[RememberedJob, ...])
    except msgspec.MsgspecError:
        return ()


def all_jobs() -> tuple[RememberedJob, ...]:
    """Return every job of the script once: a copied node brings a copy of its memory."""
    jobs: dict[str, RememberedJob] = {}
    for node in all_of_ours():
        for job in jobs_of(node):
            jobs.setdefault(job.job_id, job)
    return tuple(jobs.values())


def keep(job: RememberedJob) -> None:
    """Write the job down, in place of what was kept under its id. Raises HostError when its node is gone."""
    node = owner(job)
    jobs = {one.job_id: one for one in jobs_of(node)}
    jobs[job.job_id] = job
    settled = [one.job_id for one in jobs.values() if one.settled]
    for old in settled[: max(0, len(settled) - SETTLED_KEPT)]:
        del jobs[old]
    node[MEMORY].setValue(msgspec.json.encode(tuple(jobs.values())).decode())


def owner(job: RememberedJob) -> nuke.Node:
    """Return the node that sent the job: it may have been renamed since. Raises HostError when it was deleted."""
    named = find_node(job.anchor)
    if named is not None and _holds(named, job):
        return named  # without a walk through the script, as this is asked at every turn
    holder = next((node for node in all_of_ours() if _holds(node, job)), named)
    if holder is not None:
        return holder
    raise HostError(
        f"the node {job.anchor} is no longer in this script",
        remedy=f"The take of job {job.job_id} lies in {job.folder}: read it in from there, or undo the deletion.",
    )
