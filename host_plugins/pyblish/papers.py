"""How a layer's papers stand today: the daemon that made it is asked, as what a file says of itself may be old.

A door with one real implementation; a studio that keeps its papers elsewhere gives its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

import msgspec

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonError, Finding, HostError, KeyRefused, RequestError, UnderstudyError
from understudy.bridge.exr_file import file_digest
from understudy.bridge.keys import Connection
from understudy.bridge.moments import is_day
from understudy.bridge.record import Record

NEWEST_JOBS = 500
"""Among so many a movie is looked for by its digest; frames name their job themselves."""
ASK_SECONDS = 10.0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is known today of one job."""

    asked: bool = True
    """Whether anybody answered. If not, `why` says who did not."""
    known: bool = True
    state: str = ""
    revoked: tuple[str, ...] = ()
    """In words, each consent that does not hold today."""
    clearance: str = ""
    not_final: str = ""
    """Why the daemon's gate says that the take is never part of a final; empty where nothing stands against it."""
    outputs: dict[str, str] = {}
    """Path inside the take to digest, as the daemon delivered it; empty where its files were removed."""
    why: str = ""


class Papers(Protocol):
    def standing(self, job_id: str) -> Standing:
        """Return how a job stands. Never raises: what cannot be told is told so. May block for seconds."""

    def job_of(self, path: Path) -> str | None:
        """Return the job that made a file with these bytes; empty when none did, None where nobody answers."""


NOT_FINAL_RULE = "in_betweens_are_marked"
"""The rule of the daemon's delivery gate that warns of a take which is never part of a final."""
REVOKED_VARIABLE = "UNDERSTUDY_REVOKED_FILE"
"""Names the studio's list of consents that were revoked after their jobs came: {"consent id": "2026-11-20"}."""


def revoked_since() -> Mapping[str, str]:
    """Return that list; empty where none is named. Raises HostError for one that does not read."""
    path = os.environ.get(REVOKED_VARIABLE, "")
    if not path:
        return {}
    try:
        listed = msgspec.json.decode(Path(path).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise HostError(f"the list of revoked consents {path} does not read: {problem}") from None
    wrong = [f"{consent}: {day}" for consent, day in listed.items() if not is_day(day)]
    if wrong:
        raise HostError(f"the list of revoked consents {path} has no day for {', '.join(wrong)}")
    return listed


def today() -> str:
    return datetime.now(timezone.utc).date().isoformat()


class DaemonPapers:
    """Papers as the daemon keeps them. For one thread, and for one publish: answers are kept."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        day: Callable[[], str] = today,
        revoked: Callable[[], Mapping[str, str]] = revoked_since,
    ) -> None:
        self._connect = connect
        self._day = day
        self._revoked = revoked
        self._standings: dict[str, Standing] = {}
        self._jobs_by_digest: dict[str, str] = {}
        self._sizes: frozenset[int] | None = None
        """Of every file that the daemon lists: others need not be read to know that they are not among them."""
        self._silent = False

    def standing(self, job_id: str) -> Standing:
        if job_id not in self._standings:
            self._standings[job_id] = self._ask(job_id)
        return self._standings[job_id]

    def job_of(self, path: Path) -> str | None:
        if self._sizes is None and not self._silent:
            self._list_outputs()
        if self._sizes is None:
            return None
        return self._jobs_by_digest.get(file_digest(path), "") if path.stat().st_size in self._sizes else ""

    def _ask(self, job_id: str) -> Standing:
        try:
            revoked = self._revoked()
            with Client.connect(self._connect(), ASK_SECONDS) as client:
                detail = client.show_job(job_id)
                outputs = {file.path: file.file for file in client.outputs(job_id).files}
        except KeyRefused as problem:
            return Standing(known=False, why=problem.message)
        except (DaemonError, HostError) as problem:
            return Standing(asked=False, known=False, why=problem.message)
        except RequestError as problem:
            return Standing(known=False, why=problem.message)
        record = detail.job.record
        return Standing(
            state=detail.summary.state,
            revoked=lapsed_consents(record, self._day(), revoked),
            clearance=record.clearance,
            not_final=why_not_final(detail.findings),
            outputs=outputs,
        )

    def _list_outputs(self) -> None:
        sizes = set[int]()
        try:
            with Client.connect(self._connect(), ASK_SECONDS) as client:
                for job in client.list_jobs(limit=NEWEST_JOBS):
                    for file in client.outputs(job.job_id).files:
                        sizes.add(file.size)
                        self._jobs_by_digest[file.file] = job.job_id
        except UnderstudyError:
            self._silent = True
        else:
            self._sizes = frozenset(sizes)


def why_not_final(findings: tuple[Finding, ...]) -> str:
    """Return why a take is never part of a final, as the delivery gate found it; empty when it did not. Pure."""
    return next((found.message for found in findings if (found.rule, found.outcome) == (NOT_FINAL_RULE, "warn")), "")


def lapsed_consents(record: Record, day: str, revoked: Mapping[str, str]) -> tuple[str, ...]:
    """Return, in words, each consent of a record that does not hold on `day` (2026-11-20). Pure.

    revoked: consent to the day on which it was revoked, as far as the record does not know of it.
    """
    lapsed = []
    for consent in record.consents:
        ends = [end for end in (consent.revoked_on, revoked.get(consent.consent_id)) if end is not None and end <= day]
        if ends:
            lapsed.append(f"consent {consent.consent_id} was revoked on {min(ends)}")
        elif consent.expires_on is not None and consent.expires_on < day:
            lapsed.append(f"consent {consent.consent_id} expired on {consent.expires_on}")
    return tuple(lapsed)
