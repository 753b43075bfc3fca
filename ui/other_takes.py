"""The other takes of a shot, to compare one with: which there are, and where they lie on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from understudy.bridge.client import Client
from understudy.bridge.errors import KeyRefused, RequestError
from understudy.bridge.messages import JobSummary
from understudy.ui.job_rows import JobRow

OFFERED_MOST = 12
"""The newest ones: each is asked for and its folder is listed."""


class OtherTake(NamedTuple):
    """A take to compare with: what it is called, and where it lies on this machine."""

    named: str
    folder: Path


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
    """Return those takes that lie on this machine. Asks the daemon, and looks at folders: not the interface's thread.

    version: of the take that they are held against. Jobs that were not numbered together may have one number: those
    are told apart by the job.
    """
    if not client.same_machine:
        return ()
    wanted = list(summaries)
    versions = [version, *(summary.version for summary in wanted)]
    found = []
    for summary in wanted:
        try:
            outputs = client.outputs(summary.job_id, files=False)
        except (RequestError, KeyRefused):  # nothing was made yet, or it is not to be seen
            continue
        folder = Path(outputs.folder)
        if not outputs.removed and folder.is_dir():
            alone = versions.count(summary.version) == 1
            found.append(OtherTake(f"v{summary.version:03}" + ("" if alone else f" {summary.job_id[:6]}"), folder))
    return tuple(found)
