"""What tries of a job taught about its memory, kept in the job's scratch folder: the next try begins with it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from understudy.bridge.errors import Finding
from understudy.inference.weights.memory_plan import MemoryPlan

FILE = "memory.json"


class Lessons(msgspec.Struct, frozen=True, kw_only=True):
    """One job's. `plan`: spares at least this; `findings`: how it came to that; `losses`: GPUs lost in one segment."""

    plan: MemoryPlan | None = None
    findings: tuple[Finding, ...] = ()
    losses: int = 0


def read_lessons(scratch: Path) -> Lessons:
    """Return what is known; nothing where no try failed or its file is not whole."""
    try:
        return msgspec.json.decode((scratch / FILE).read_bytes(), type=Lessons)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Lessons()


def write_lessons(scratch: Path, lessons: Lessons) -> None:
    part = scratch / f"{FILE}.part"
    part.write_bytes(msgspec.json.encode(lessons))
    part.replace(scratch / FILE)
