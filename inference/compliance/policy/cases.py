"""A pack's own test cases: a record, a day, a stage, and what each rule must say of them. Data, beside the pack.

A case goes through the same reading as an artist's record, and the same evaluation as a job.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import tomllib

from understudy.bridge.errors import RequestError
from understudy.bridge.frames import FrameRange
from understudy.bridge.record_file import record_from
from understudy.bridge.shot import Character, JobRequest, Output, Performer, PictureFile, Pictures, Settings, Shot
from understudy.inference.compliance.policy.evaluation import evaluate_packs, why_left_out
from understudy.inference.compliance.policy.job_facts import facts_of
from understudy.inference.compliance.policy.library import CASES, FOLDER, read_text
from understudy.inference.compliance.policy.packs import RESERVED, Pack, Stage

OPEN = frozenset({"refuse", "warn", "note"})
OF_NOBODY = "0" * 64


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case. A consent of it needs only what the case is about; the rest is of `ana`, signed on 2026-01-05."""

    name: str
    record: dict[str, Any]
    today: str = "2026-11-20"
    stage: Stage = "delivery"
    project: str | None = None
    expect: dict[str, str] = {}
    left_out: bool = False
    """The pack is not asked about this job."""


class Cases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    case: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    case: str
    what: str


def read_cases(name: str, folder: Path = FOLDER) -> tuple[Case, ...]:
    """Return the cases of the pack `name`. Raises RequestError where they are missing or do not read."""
    text = read_text(folder / f"{name}{CASES}", name)
    try:
        return msgspec.convert(tomllib.loads(text), Cases).case
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as problem:
        raise RequestError(f"the cases of {name} do not read: {problem}", remedy=f"Mend {name}{CASES}.") from None


def failures(pack: Pack, cases: tuple[Case, ...]) -> Iterator[Failure]:
    """Yield what is not as the cases say, and every rule that no case shows both holding and not holding.

    A pack that is switched off is asked all the same: it must be right on the day on which it is switched on.
    """
    pack = Pack(msgspec.structs.replace(pack.data, enabled=True), pack.when, pack.rules, pack.digest)
    seen: dict[str, set[str]] = {rule.id: set() for rule in pack.rules}
    for case in cases:
        try:
            facts = facts_of(job_of(case), case.today, "actor")
        except RequestError as problem:
            yield Failure(case.name, problem.message)
            continue
        left_out = why_left_out(pack, facts)
        if bool(left_out) != case.left_out:
            yield Failure(case.name, f"the pack is not asked: {left_out}" if left_out else "the pack is asked")
            continue
        said = {one.rule: one.outcome for one in evaluate_packs((pack,), facts, case.stage).outcomes}
        for rule, wanted in case.expect.items():
            if said.get(rule) != wanted:
                yield Failure(case.name, f"{rule} says {said.get(rule, 'nothing')}, not {wanted}")
            seen.setdefault(rule, set()).add(wanted)
    for rule, outcomes in seen.items():
        if pack.data.id != rule.partition(".")[0]:
            yield Failure("all", f"{rule} is no rule of this pack")
        elif not rule.endswith(f".{RESERVED}") and ("pass" not in outcomes or not outcomes & OPEN):
            yield Failure("all", f"no case shows {rule} both holding and not holding")


def job_of(case: Case) -> JobRequest:
    """Return a job with the case's record. Raises RequestError where the record is not sound."""
    said = dict(case.record)
    consents = [
        {"consent_id": f"c-{number}", "talent": "ana", "document": OF_NOBODY, "signed_on": "2026-01-05", **consent}
        for number, consent in enumerate(said.pop("consents", ()), start=1)
    ]
    record = record_from({"schema": 2, "record_id": "case", **said, "consents": consents})
    still = Pictures(
        files=(PictureFile(file=OF_NOBODY, picture=OF_NOBODY, size=1, typed="hero.png"),),
        kind="still",
        typed="hero.png",
    )
    return JobRequest(
        shot=Shot(
            name="SH010",
            range=FrameRange(1, 1),
            rate=None,
            performers=(Performer(character=Character(pictures=still)),),
        ),
        settings=Settings(),
        record=record,
        output=Output(project=case.project),
    )
