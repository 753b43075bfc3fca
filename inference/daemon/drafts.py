"""A draft of papers, judged as a submit would be and then forgotten: no job, no file, no entry in the ledger.

In the event loop; the rules run in the gate's own process, and what reads packs and registry on the house's threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from understudy.bridge.errors import Finding, RequestError
from understudy.bridge.frames import FrameRange
from understudy.bridge.papers_messages import DraftInput, Judged, JudgeDraft
from understudy.bridge.shot import (
    Character,
    JobRequest,
    Keypoints,
    Matte,
    Output,
    Performer,
    PictureFile,
    Pictures,
    Plate,
    Settings,
    Shot,
)
from understudy.inference.authority.acting import check_may
from understudy.inference.compliance.draft import Asked, asked_of, rules_of_drafts
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.gate import STAGES, evaluate_async
from understudy.inference.compliance.registered import vouching
from understudy.inference.daemon.admission import admission_facts
from understudy.inference.daemon.house import House
from understudy.inference.daemon.jobs import check_may_submit
from understudy.inference.daemon.server import Caller

DRAFTS_AT_ONCE = 1
"""A form asks while somebody types: however many do, a submit finds a gate free and a processor."""
UNKNOWN = "0" * 64
"""Stands for a file of which nothing is told; no rule that judges a draft reads one."""

Judge = Callable[[AdmissionFacts, tuple[str, ...]], Awaitable[tuple[Finding, ...]]]


async def judge(facts: AdmissionFacts, rules: tuple[str, ...]) -> tuple[Finding, ...]:
    """Run these of admission's rules in a process of their own."""
    return await evaluate_async("admission", facts, rules=rules)


class Drafts:
    """Judges drafts. Lives in the event loop."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._gates = asyncio.Semaphore(DRAFTS_AT_ONCE)

    async def judged(self, caller: Caller, draft: JudgeDraft) -> Judged:
        """Return what admission would say today.

        Raises KeyRefused for a project that is not the key's, before anything is looked up.
        """
        check_may(caller.user, "draft")
        check_may_submit(caller.user, draft.project)
        facts = await admission_facts(self._house, caller.user, job_of(draft))
        rules = rules_of_drafts(with_inputs=bool(draft.inputs))
        async with self._gates:
            findings = await judge(facts, rules)
        asked = await self._house.looked(_asked, facts)
        return Judged(
            packs=asked.packs,
            fields=asked.fields,
            findings=findings,
            vouched_by=vouching(facts.job, facts.registry),
            not_judged=tuple(name for name in STAGES["admission"] if name not in rules),
            today=facts.today,
        )


def _asked(facts: AdmissionFacts) -> Asked:
    """Return what is asked; nothing where a pack does not read, of which a finding says what is wrong."""
    try:
        return asked_of(facts)
    except RequestError:
        return Asked((), ())


def job_of(draft: JudgeDraft) -> JobRequest:
    """Return a job with these papers; of its files only what the draft tells is true. Pure."""
    plate = (
        Plate(pictures=_pictures(draft.inputs, "plate")) if draft.mode == "replace" or draft.pictures_drive else None
    )
    performer = Performer(
        character=Character(pictures=_pictures(draft.inputs, "reference")),
        matte=Matte(pictures=_pictures(draft.inputs, "matte")) if _told(draft.inputs, "matte") else None,
        talents=draft.performers,
    )
    shot = Shot(name=draft.shot, range=FrameRange(1, 1), rate=None, performers=(performer,), plate=plate)
    if _told(draft.inputs, "clean_plate"):
        shot = msgspec.structs.replace(shot, clean_plate=Plate(pictures=_pictures(draft.inputs, "clean_plate")))
    if _told(draft.inputs, "holdout"):
        shot = msgspec.structs.replace(shot, holdout=Matte(pictures=_pictures(draft.inputs, "holdout")))
    if _told(draft.inputs, "keypoints"):
        shot = msgspec.structs.replace(shot, keypoints=Keypoints(pictures=_pictures(draft.inputs, "keypoints")))
    return JobRequest(
        shot=shot,
        settings=Settings(engine=draft.engine, mode=draft.mode),
        record=draft.record,
        output=Output(project=draft.project),
    )


def _told(inputs: tuple[DraftInput, ...], role: str) -> bool:
    return any(one.role == role for one in inputs)


def _pictures(inputs: tuple[DraftInput, ...], role: str) -> Pictures:
    theirs = [(one.file, one.picture or one.file) for one in inputs if one.role == role] or [(UNKNOWN, UNKNOWN)]
    files = tuple(PictureFile(file=file, picture=picture, size=1, typed=role) for file, picture in theirs)
    return Pictures(files=files, kind="sequence", typed=role)
