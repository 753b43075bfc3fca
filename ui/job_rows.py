"""A job as one row of the list: what is shown, searched, ordered and allowed. Pure, so that any thread may make rows.

What a take may be used for (`TakeStanding`) is decided here alone, from what the daemon says of the job and its files.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from understudy.bridge.messages import JobSummary, Progress
from understudy.bridge.words import ENDED
from understudy.ui import words

TakeStanding = Literal["delivered", "for_review", "uncleared", "demonstration", "provisional", "quarantined", "none"]
Group = tuple[str | None, str]
"""Project and shot."""
Show = Literal["all", "live", "ended", "attention"]

_ATTENTION = frozenset({"parked", "paused", "refused", "quarantined", "failed"})
_STATES_OF_ACTION = {
    "cancel": frozenset({"draft", "uploading", "queued", "parked", "paused", "running", "checking"}),
    "pause": frozenset({"uploading", "queued", "running", "checking", "parked"}),
    "resume": frozenset({"paused", "parked"}),
    "retry": frozenset({"failed", "cancelled", "refused", "quarantined"}),
    "redo": frozenset({"delivered"}),
    "fetch": frozenset({"delivered"}),
    "sooner": frozenset({"uploading", "queued", "parked", "paused"}),
    "later": frozenset({"uploading", "queued", "parked", "paused"}),
}
"""As the daemon allows it (inference/daemon/jobs.py). It decides; what cannot be is only not offered."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job with its newest progress."""

    summary: JobSummary
    standing: TakeStanding
    searched: str
    """What a search looks through, in lower case."""
    progress: Progress | None = None

    @property
    def stage(self) -> str:
        if self.summary.state == "queued" and self.summary.place_in_queue is not None:
            return words.QUEUE_PLACE.format(place=_ordinal(self.summary.place_in_queue))
        if self.summary.state in ENDED:
            return ""
        return self.progress.stage if self.progress is not None else self.summary.stage

    @property
    def done(self) -> int:
        return self.progress.done if self._counts_frames() else self.summary.frames_done  # type: ignore[union-attr]

    @property
    def total(self) -> int:
        return self.progress.total if self._counts_frames() else self.summary.frames_total  # type: ignore[union-attr]

    @property
    def seconds_left(self) -> float | None:
        if self.summary.state in ENDED:
            return None
        return self.progress.seconds_left if self.progress is not None else self.summary.seconds_left

    def _counts_frames(self) -> bool:
        return self.progress is not None and self.progress.total > 0 and self.summary.state not in ENDED


def row_of(summary: JobSummary, progress: Progress | None = None, take_state: str = "") -> JobRow:
    """Return the row of a job. take_state: what its files say of themselves (`Outputs.state`), where it was asked."""
    texts = (
        summary.shot, f"v{summary.version:03}", summary.job_id, summary.user, summary.engine, summary.project or "",
        summary.state,
    )  # fmt: skip
    return JobRow(summary, standing_of(summary, take_state), " ".join(texts).lower(), progress)


PREVIZ_ENGINE = "preview"
"""Whose takes pass both gates as previz: on good papers, and never part of a final."""


def standing_of(summary: JobSummary, take_state: str = "") -> TakeStanding:
    """Return what the job's take may be used for; the most careful word until its files have said more.

    A cleared take may still be for looking at only (previz, a preset that makes in-betweens): its files know.
    """
    if summary.state == "quarantined":
        return "quarantined"
    if summary.state in ("refused", "cancelled", "failed"):
        return "none"
    if summary.state != "delivered":
        return "provisional"
    if summary.clearance.startswith("demonstration"):
        return "demonstration"
    if summary.clearance != "cleared":
        return "uncleared"
    return "delivered" if take_state == "delivered" and summary.engine != PREVIZ_ENGINE else "for_review"


def allowed(summary: JobSummary) -> frozenset[str]:
    """Return the actions that make sense in the job's state."""
    found = {action for action, states in _STATES_OF_ACTION.items() if summary.state in states}
    if summary.state == "paused":
        found.discard("pause")
    return frozenset(found | {"copy", "copy_fetch", "open"})


def group_of(summary: JobSummary) -> Group:
    """Return what a shot's takes stand together by."""
    return summary.project, summary.shot


def folded(rows: Iterable[JobRow], groups: Collection[Group]) -> tuple[list[JobRow], dict[str, int]]:
    """Return the rows without the older takes of these shots, and how many stand behind each newest one."""
    left: list[JobRow] = []
    behind: dict[str, int] = {}
    head: tuple[Group, str] | None = None
    for row in rows:
        group = group_of(row.summary)
        if head is not None and head[0] == group and group in groups:
            behind[head[1]] = behind.get(head[1], 0) + 1
            continue
        head = group, row.summary.job_id
        left.append(row)
    return left, behind


def matching(rows: Iterable[JobRow], search: str, show: Show) -> list[JobRow]:
    """Return the rows that match every word of `search`, in their order."""
    found = rows if show == "all" else [row for row in rows if _is_shown(row, show)]
    for word in search.lower().split():
        found = [row for row in found if word in row.searched]
    return list(found)


class Ordered(list[JobRow]):
    """Rows that `in_order` has put in their order."""


def in_order(rows: Iterable[JobRow]) -> Ordered:
    """Return the rows by shot, the shot with the newest job first, and within it the newest first.

    Nothing of that changes while a job lives, so a list is put in order when jobs come, and never for a search.
    """
    kept = Ordered(rows)
    kept.sort(key=lambda row: (row.summary.created_at, row.summary.version, row.summary.job_id), reverse=True)
    place: dict[tuple[str | None, str], int] = {}
    for row in kept:
        place.setdefault((row.summary.project, row.summary.shot), len(place))
    kept.sort(key=lambda row: place[row.summary.project, row.summary.shot])  # stable: newest first stays
    return kept


def command_line(summary: JobSummary) -> str:
    """Return the command that shows, or brings, this job in a terminal."""
    if summary.state == "delivered":
        return shlex.join(["understudy", "fetch", summary.job_id, "--out", f"out/{summary.shot}"])
    return shlex.join(["understudy", "show" if summary.state in ENDED else "watch", summary.job_id])


def _is_shown(row: JobRow, show: Show) -> bool:
    state = row.summary.state
    if show == "all":
        return True
    if show == "attention":
        return state in _ATTENTION
    return (state in ENDED) == (show == "ended")


def _ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 11th: a place in the queue, counted as the daemon counts it."""
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
