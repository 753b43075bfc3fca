"""The other takes of a shot, to compare one with: which there are, and where they lie."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from understudy.bridge.client import Client
from understudy.bridge.errors import KeyRefused, RequestError
from understudy.bridge.messages import JobDetail, JobSummary, Outputs
from understudy.ui.job_rows import JobRow
from understudy.ui.remote_take import RemoteTake

OFFERED_MOST = 12
"""The newest ones: each is asked for and its folder is listed."""
OFFERED_ELSEWHERE_MOST = 3
"""Of those that lie elsewhere every file is told over the wire."""


class OtherTake(NamedTuple):
    """A take to compare with: what it is called, and where it lies."""

    named: str
    folder: Path
    """On this machine; of one that lies elsewhere only a name."""
    told: tuple[Outputs, JobDetail] | None = None
    """What the daemon says of one that lies elsewhere."""
    remote: RemoteTake | None = None
    """The way to the pictures of one that lies elsewhere."""


def others_of_shot(rows: Iterable[JobRow], chosen: JobSummary) -> tuple[JobSummary, ...]:
    """Return the jobs whose takes can be held against that of `chosen`, the newest first. Pure.

    What has no take, or is set aside in quarantine, is not offered.
    """
    found = [
        row.summary
        for row in rows
        if (row.summary.shot, row.summary.project) == (chosen.shot, chosen.project)
        and row.summary.job_id != chosen.job_id
        and row.standing not in ("none", "quarantined")
    ]
    found.sort(key=lambda summary: (summary.created_at, summary.version), reverse=True)
    return tuple(found[:OFFERED_MOST])


def find_takes(client: Client, version: int, summaries: Iterable[JobSummary]) -> tuple[OtherTake, ...]:
    """Return those takes that can be seen. Asks the daemon, and looks at folders: not the interface's thread.

    version: of the take that they are held against. Jobs that were not numbered together may have one number: those
    are told apart by the job.
    """
    wanted = list(summaries)
    versions = [version, *(summary.version for summary in wanted)]
    found = []
    for summary in wanted if client.same_machine else wanted[:OFFERED_ELSEWHERE_MOST]:
        alone = versions.count(summary.version) == 1
        named = f"v{summary.version:03}" + ("" if alone else f" {summary.job_id[:6]}")
        try:
            take = _find_take(client, summary.job_id, named)
        except (RequestError, KeyRefused):  # nothing was made yet, or it is not to be seen
            continue
        if take is not None:
            found.append(take)
    return tuple(found)


def _find_take(client: Client, job_id: str, named: str) -> OtherTake | None:
    outputs = client.outputs(job_id, files=not client.same_machine)
    if outputs.removed:
        return None
    if not client.same_machine:
        return OtherTake(named, Path(f"{job_id} elsewhere"), told=(outputs, client.show_job(job_id)))
    folder = Path(outputs.folder)
    return OtherTake(named, folder) if folder.is_dir() else None
