"""What the spine's tests share: orders as a daemon would give them, and what a worker told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from daemon_rig import RunningDaemon

from understudy.bridge.gather import Gathered, gather_job
from understudy.bridge.options import JobOptions
from understudy.inference.work_order import FromWorker, WorkOrder

__all__ = ["RunningDaemon", "Told", "gathered", "order_of"]


def gathered(options: JobOptions, **changed: Any) -> Gathered:
    return gather_job(msgspec.structs.replace(options, **changed))


def order_of(gathered_job: Gathered, folder: Path, **changed: Any) -> WorkOrder:
    """Return the order that a daemon would give its worker."""
    order = WorkOrder(
        job_id="testjob1", job=gathered_job.job, version=1, actor="tester", accepted_at="2026-11-20T10:00:00Z",
        blobs={digest: str(path) for digest, path in gathered_job.paths.items()},
        folder=str(folder), scratch=str(folder / ".scratch"),
    )  # fmt: skip
    return msgspec.structs.replace(order, **changed)


class Told(list[FromWorker]):
    """What a worker told, in order."""

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self if isinstance(message, kind)]
