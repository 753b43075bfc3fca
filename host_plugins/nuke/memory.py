"""Jobs as the script keeps them: JSON in a hidden knob of the node that sent them."""

from __future__ import annotations

import msgspec
import nuke

from understudy.bridge.errors import HostError
from understudy.bridge.host import RememberedJob
from understudy.host_plugins.nuke.knobs import MEMORY
from understudy.host_plugins.nuke.node import all_of_ours, find_node

_found: dict[str, str] = {}
"""A job's id to the full name of its node when it was found last: a name, no node, for the artist may delete that."""
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
    """Return every job of the script once: a pasted node brings a copy of its memory, in which nothing is settled."""
    jobs: dict[str, RememberedJob] = {}
    for node in all_of_ours():
        for job in jobs_of(node):
            if job.job_id not in jobs or job.settled:
                jobs[job.job_id] = job
    return tuple(jobs.values())


def keep(job: RememberedJob) -> None:
    """Write the job down, in place of what was kept under its id. Raises HostError when its node is gone.

    One that is settled is taken out of pasted copies of its node, which would have it taken up for ever.
    """
    node = owner(job)
    if job.settled:
        drop(job, but=node)
    jobs = {one.job_id: one for one in jobs_of(node)}
    jobs[job.job_id] = job
    settled = [one.job_id for one in jobs.values() if one.settled]
    for old in settled[: max(0, len(settled) - SETTLED_KEPT)]:
        del jobs[old]
    node[MEMORY].setValue(msgspec.json.encode(tuple(jobs.values())).decode())


def drop(job: RememberedJob, but: nuke.Node | None = None) -> None:
    """Take the job out of every node that keeps it, but one."""
    for node in all_of_ours():
        jobs = jobs_of(node)
        left = tuple(one for one in jobs if one.job_id != job.job_id)
        if left != jobs and (but is None or node.fullName() != but.fullName()):
            node[MEMORY].setValue(msgspec.json.encode(left).decode())


def owner(job: RememberedJob) -> nuke.Node:
    """Return the node that sent the job: it may have been renamed since. Raises HostError when it was deleted.

    Asked at every notice, so it looks where the node was last; only then through every group of the script.
    """
    named = find_node(job.anchor)
    for node in (named, find_node(_found.get(job.job_id, ""))):
        if node is not None and _holds(node, job):
            return node
    holder = next((node for node in all_of_ours() if _holds(node, job)), named)
    if holder is not None:
        _found[job.job_id] = holder.fullName()
        return holder
    raise HostError(
        f"the node {job.anchor} is no longer in this script",
        remedy=f"The take of job {job.job_id} lies in {job.folder}: read it in from there, or undo the deletion.",
    )
