"""The calls of the papers' side of the protocol, over a client: drafts, consents to pick from, waivers.

Each may raise what `Client` says, and the error that the daemon reports.
"""

from __future__ import annotations

from typing import Literal

from understudy.bridge.client import SUBMIT_TIMEOUT_SECONDS, Client
from understudy.bridge.papers_messages import (
    AskConsents,
    AskWaivers,
    Consents,
    DecideWaiver,
    DraftInput,
    Judged,
    JudgeDraft,
    RequestWaiver,
    WaiverCard,
    Waivers,
)
from understudy.bridge.record import Record
from understudy.bridge.words import Mode

__all__ = ["DraftInput", "ask_consents", "ask_waivers", "decide_waiver", "judge_draft", "request_waiver"]


def judge_draft(
    client: Client,
    record: Record,
    *,
    shot: str,
    project: str | None = None,
    mode: Mode = "replace",
    engine: str = "preview",
    performers: tuple[str, ...] = (),
    pictures_drive: bool = True,
    inputs: tuple[DraftInput, ...] = (),
) -> Judged:
    """Return what admission would say of these papers. Nothing is stored by it.

    Raises KeyRefused for a project that the key does not belong to.
    """
    draft = JudgeDraft(
        record=record, shot=shot, project=project, mode=mode, engine=engine, performers=performers,
        pictures_drive=pictures_drive, inputs=inputs,
    )  # fmt: skip
    return client.ask(draft, Judged, max(client.timeout_seconds, SUBMIT_TIMEOUT_SECONDS))


def ask_consents(
    client: Client, *, project: str | None = None, shot: str = "", talents: tuple[str, ...] = ()
) -> Consents:
    """Return whom a record may name and whose consents it may pick, and which cover this project and shot today."""
    return client.ask(AskConsents(project=project, shot=shot, talents=talents), Consents)


def ask_waivers(client: Client, job_id: str = "", waiver_id: str = "") -> tuple[WaiverCard, ...]:
    """Return the waivers of a job's record, this one, or all that the key may see; the newest first."""
    return client.ask(AskWaivers(job_id=job_id, waiver_id=waiver_id), Waivers).waivers


def request_waiver(
    client: Client,
    job_id: str,
    rule: str,
    reason: str,
    *,
    until: str = "",
    shots: tuple[str, ...] = (),
    waiver_id: str = "",
) -> WaiverCard:
    """Ask that a rule which blocked a job (or a record, by its id) does not, this once; return the waiver.

    Raises RequestError where the rule blocked nothing, nobody may waive it, or the reason is an excuse.
    """
    asked = RequestWaiver(job_id=job_id, rule=rule, reason=reason, until=until, shots=shots, waiver_id=waiver_id)
    return client.ask(asked, Waivers).waivers[0]


def decide_waiver(
    client: Client, waiver_id: str, decision: Literal["grant", "deny"], *, until: str = "", condition: str = ""
) -> WaiverCard:
    """Grant or deny a waiver that somebody else asked for; return it as it then stands.

    Raises KeyRefused for whoever asked for it, or has no role that its rule allows.
    """
    said = DecideWaiver(waiver_id=waiver_id, decision=decision, until=until, condition=condition)
    return client.ask(said, Waivers).waivers[0]
