"""Redone jobs without a daemon: the order that one would give, and the pixels of both versions side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import OpenEXR
from numpy.typing import NDArray
from spine_rig import Told

from understudy.bridge.shot import Redo
from understudy.inference.work_order import Earlier, WorkerEnd, WorkOrder
from understudy.inference.worker import Reporter, perform


def keeping(order: WorkOrder) -> WorkOrder:
    """Return the order with a folder of its own for what a redo goes on from, as a daemon gives it."""
    return msgspec.structs.replace(order, carried=str(Path(order.folder) / ".carried"))


def redo_of(before: WorkOrder, folder: Path, segment: int, **said: Any) -> WorkOrder:
    """Return the order that makes a segment of `before` again. said: fields of Redo; `seed` goes into the settings."""
    settings = before.job.settings
    if "seed" in said:
        settings = settings.with_segment_seed(segment, said["seed"])
    options = {**settings.engine_options, **said.get("options", {})}
    settings = msgspec.structs.replace(settings, engine_options=options)
    redo = Redo(
        job_id=before.job_id, version=before.version, first_job_id=before.job_id, segment=segment,
        **{"repeatable": not said.get("options"), **said},
    )  # fmt: skip
    return msgspec.structs.replace(
        before,
        job_id=f"redone{before.version + 1}",
        job=msgspec.structs.replace(before.job, settings=settings, redo=redo),
        version=before.version + 1,
        folder=str(folder),
        scratch=str(folder / ".scratch"),
        carried=str(folder / ".carried"),
        earlier=Earlier(folder=str(folder_of(before)), carried=before.carried),
        reuse=None,
        reuse_carried="",
    )


def folder_of(order: WorkOrder) -> Path:
    return Path(order.folder) / f"v{order.version:03}"


def run(order: WorkOrder) -> tuple[WorkerEnd, Told]:
    told = Told()
    return perform(order, Reporter(told.append)), told


def bits(order: WorkOrder, layer: str, frame: int) -> NDArray[np.uint16]:
    """Return the stored halves of a layer of a delivered order: (height, width, channels), as 16-bit codes."""
    with OpenEXR.File(str(folder_of(order) / layer / f"{layer}.{frame:04}.exr"), separate_channels=True) as file:
        channels = file.channels()
        return np.dstack([channels[name].pixels for name in sorted(channels)]).view(np.uint16)


def header(order: WorkOrder, layer: str, frame: int) -> dict[str, Any]:
    with OpenEXR.File(str(folder_of(order) / layer / f"{layer}.{frame:04}.exr")) as file:
        return dict(file.header())


def changed_frames(one: WorkOrder, other: WorkOrder, layers: tuple[str, ...]) -> list[int]:
    """Return the frames of which any of these layers differs in a bit."""
    return [
        frame
        for frame in one.job.shot.range
        if not all(np.array_equal(bits(one, layer, frame), bits(other, layer, frame)) for layer in layers)
    ]
