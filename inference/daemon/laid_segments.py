"""Where the segments of a job lie, also while it runs. Reads the store, a manifest and headers; blocks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import msgspec

from understudy.bridge.errors import PlateError, RequestError
from understudy.bridge.exr_file import read_attribute, read_frame_rate
from understudy.bridge.frames import FrameRate
from understudy.bridge.shot import JobRequest, OutputFile
from understudy.bridge.take_segments import TakeSegment
from understudy.inference.compliance.manifest import MANIFEST_NAME
from understudy.inference.compliance.marks import PIXELS_FROM
from understudy.inference.daemon.store import Store
from understudy.inference.daemon.tables import JobRow
from understudy.inference.take_segments import planned_segments, with_origins

_PICTURE_LAYERS = ("comp", "beauty")


class _Planned(msgspec.Struct, frozen=True):
    """As much of a manifest as is asked for; the rest of a long take's is not decoded."""

    segments: tuple[TakeSegment, ...] = ()
    rate: str = ""


def laid_segments(store: Store, row: JobRow, folder: Path, files: tuple[OutputFile, ...]) -> tuple[TakeSegment, ...]:
    """Return the segments of a job: as its manifest lists them, else by its plan and the headers of its files so far.

    Empty while the plan is not known: an engine with a rate of its own, on a movie whose rate nobody stated, before
    its first frame. So is a job of an engine that is no longer here.
    """
    listed = _listed(folder)
    if listed.segments:
        return listed.segments
    pictures = {file.frame: folder / file.path for file in files if file.layer in _PICTURE_LAYERS}
    job, _ = store.request(row.job_id)
    try:
        planned = planned_segments(
            job, row.job_id, row.version, _rate(job, listed.rate, next(iter(pictures.values()), None))
        )
    except (ValueError, KeyError, RequestError):  # an engine or a setting that is not known any more
        return ()
    return with_origins(planned, lambda frame: _origin(pictures.get(frame)))


def _listed(folder: Path) -> _Planned:
    try:
        return msgspec.json.decode((folder / MANIFEST_NAME).read_bytes(), type=_Planned)
    except (OSError, msgspec.MsgspecError):
        return _Planned()


def _rate(job: JobRequest, listed: str, first: Path | None) -> Fraction | None:
    if job.shot.rate is not None:
        return job.shot.rate.fraction
    try:
        rate = FrameRate.parse(listed) if listed else read_frame_rate(first) if first is not None else None
    except (PlateError, OSError):
        return None
    return rate.fraction if rate is not None else None


def _origin(path: Path | None) -> str | None:
    try:
        return read_attribute(path, PIXELS_FROM) if path is not None else None
    except (PlateError, OSError):  # withdrawn, or moved into its version, while it is looked at
        return None
