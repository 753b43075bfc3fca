"""A take that lies whole on the artist's disk, read as what a host places: layers, their patterns, their colour."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from understudy.bridge.errors import Finding, HostError
from understudy.bridge.exr_file import read_attribute
from understudy.bridge.frames import FrameRate
from understudy.bridge.host import DATA, Delivered, LayerFiles, RememberedJob
from understudy.bridge.shot import DATA_LAYERS, OutputFile
from understudy.bridge.take import TAKE_MARK

WORKING_SPACE = "understudy/working_space"


class _Manifest(msgspec.Struct):
    job: str
    rate: str
    state: str
    files: list[OutputFile]


def read_delivered(job: RememberedJob, findings: tuple[Finding, ...] = ()) -> Delivered:
    """Return the take in `job.folder`. Raises HostError when it is not there, or is another job's."""
    folder = Path(job.folder)
    try:
        manifest = msgspec.json.decode((folder / TAKE_MARK).read_bytes(), type=_Manifest)
    except (OSError, msgspec.MsgspecError) as problem:
        raise HostError(
            f"the take in {folder} cannot be read: {problem}", remedy=f"Fetch it again: understudy fetch {job.job_id}."
        ) from None
    if manifest.job != job.job_id:
        raise HostError(f"{folder} holds job {manifest.job}, not {job.job_id}", remedy="Fetch it to another folder.")
    firsts: dict[str, OutputFile] = {}
    for file in manifest.files:
        if file.layer is not None and file.frame is not None and file.path.endswith(".exr"):
            firsts.setdefault(file.layer, file)
    review = folder / "review.mp4"
    return Delivered(
        job=job,
        rate=FrameRate.parse(manifest.rate) if manifest.rate else None,
        layers=tuple(_layer(folder, name, file) for name, file in firsts.items()),
        review=str(review) if review.is_file() else "",
        clearance=manifest.state,
        findings=findings,
    )


def _layer(folder: Path, name: str, file: OutputFile) -> LayerFiles:
    path = folder / file.path
    colour = DATA if name in DATA_LAYERS else (read_attribute(path, WORKING_SPACE) or "")
    return LayerFiles(name=name, pattern=_pattern(path, file.frame or 0), colour=colour)


def _pattern(path: Path, frame: int) -> str:
    """Return the path with #### where its frame's number stands: the last number of the name that is this one."""
    numbers = [found for found in re.finditer(r"-?\d+", path.name) if int(found.group()) == frame]
    numbers = numbers or [found for found in re.finditer(r"\d+", path.name) if int(found.group()) == abs(frame)]
    if not numbers:
        raise HostError(f"{path} does not bear its frame number {frame}", remedy="Is the take whole? Fetch it again.")
    start, end = numbers[-1].span()
    return str(path.with_name(path.name[:start] + "####" + path.name[end:]))
