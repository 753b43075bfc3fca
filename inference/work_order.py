"""What the daemon and a worker say to each other: JSON lines over a socket pair, or a file for `understudy run --once`.

Not part of the wire: both ends are always of one version.
"""

from __future__ import annotations

import msgspec

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import ErrorReport, Finding
from understudy.bridge.record import Record
from understudy.bridge.shot import SKELETON, JobRequest, OutputFile
from understudy.inference.authority.head import LedgerHead, StudioAuthority, Vouching
from understudy.inference.authority.papers import Snapshot


def layers_of(job: JobRequest, description: EngineDescription) -> tuple[str, ...]:
    """Return the layers of a job: what its engine makes in this mode, and the skeleton where a rig gave keypoints."""
    layers = description.layers.get(job.settings.mode, ())
    return layers if job.shot.keypoints is None or SKELETON in layers else (*layers, SKELETON)


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """The delivered version that a redo goes on from, on this machine's disk."""

    folder: str
    carried: str


class WorkOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One job for one worker. Everything a worker needs; it never asks the daemon back."""

    job_id: str
    job: JobRequest
    version: int
    actor: str
    """The user that the key belongs to."""
    accepted_at: str
    """ISO 8601 UTC; the only time that goes into files, so that a repeated run makes the same bytes."""
    blobs: dict[str, str]
    """File digest to absolute path in the vault."""
    folder: str
    """The job's folder. `.provisional/v003/` lies in it while the job runs; `v003/` when it is delivered."""
    version_folder: str = "v{version:03}"
    layer_file: str = "{layer}/{layer}.{frame:04}.exr"
    """Path of a layer's frame inside the version's folder; a show's template may say otherwise."""
    scratch: str = ""
    """A folder of this job that survives a crash; removed when the job ends."""
    carried: str = ""
    """A folder of this job that stays as long as its version: what an engine needs to redo a later segment. Empty = in
    `scratch`."""
    earlier: Earlier | None = None
    """Where `job.redo` says so: the version whose other segments are kept."""
    reuse: str | None = None
    """A delivered version folder of an identical job on unchanged pictures: its pixels may be copied, nothing else."""
    reuse_carried: str = ""
    """What that version keeps for a redo of it: what is made of its pixels is redone from there as well."""
    label_text: str = ""
    """What movies of the finished picture open with for all to read; empty = no label."""
    label_seconds: float = 3.0
    aigc_producer: str = ""
    """The producer's code in the metadata of GB 45438; empty = no such metadata."""
    watermark_key: str = ""
    """The file with the key that the review is marked with; empty = no mark. A path, never the key: orders travel."""
    admission: tuple[Finding, ...] = ()
    """What admission said: it goes into the report and the manifest."""
    packs: dict[str, str] = {}
    """The studio's own policy packs, name to TOML text, for the delivery gate."""
    sent: Record | None = None
    """The record as it was sent, where the registry filled in some of it: delivery is judged by what fills it then."""
    vouched_by: Vouching = "self-attested"
    """Who said at acceptance that the consents are what the record says they are; stands in the manifest."""
    snapshot: str = ""
    """Digest of what the registry knew then; stands in the manifest."""
    authority: StudioAuthority | None = None
    """Where `vouched_by` is the studio authority: which one, by which snapshot."""
    registry: Snapshot = Snapshot()
    """What it knew when this order was made: what a worker judges by that has no daemon to ask at delivery."""
    ledger_head: LedgerHead | None = None
    """The ledger's entry that says that the job was accepted. It stands in the manifest: a cut ledger is found out."""


class _FrameNumber(int):
    """A frame number that pads its digits and keeps its sign before them: -10 is -0010, as on disk everywhere."""

    def __format__(self, form: str) -> str:
        return ("-" if self < 0 else "") + format(abs(int(self)), form)


def layer_path(order: WorkOrder, layer: str, frame: int) -> str:
    """Return the path of a layer's frame inside the version's folder, with forward slashes."""
    return filled_in(order.layer_file, layer, frame, order.job.shot.name, order.version)


def filled_in(template: str, layer: str, frame: int, shot: str, version: int) -> str:
    """Return the path that a version's template for layer files stands for."""
    return template.format(layer=layer, frame=_FrameNumber(frame), shot=shot, version=version)


class CancelJob(msgspec.Struct, frozen=True, tag=True):
    """Stop within one step; finished frames stay until the daemon removes them."""


class PauseJob(msgspec.Struct, frozen=True, tag=True):
    """Stop within one step and keep what is finished: the job goes on from there."""


class FreshPapers(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The answer to AskPapers: what the registry knows now of the people and consents that the job names."""

    registry: Snapshot


ToWorker = WorkOrder | CancelJob | PauseJob | FreshPapers


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The worker has imported what it needs and waits for an order."""


class WorkerProgress(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    stage: str
    done: int
    total: int
    segment: int = 0
    segments: int = 0
    seconds_left: float | None = None


class WorkerFrame(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Every layer of this frame is whole and on disk under `.provisional`."""

    frame: int
    files: tuple[OutputFile, ...]


class WorkerFindings(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    findings: tuple[Finding, ...]


class WorkerChecking(msgspec.Struct, frozen=True, tag=True):
    """All frames are made; the delivery gate reads them back."""


class AskPapers(msgspec.Struct, frozen=True, tag=True):
    """Every file was read back; before the gate judges, the worker wants to know how the papers stand now."""


class RunCost(msgspec.Struct, frozen=True, kw_only=True):
    """What the run of a job cost, as the worker measured it. See `bridge.cost_messages.Cost` for the parts."""

    height: int
    width: int
    frames: int
    """How many the engine made in this run."""
    device: str
    start_seconds: float
    frame_seconds: float
    finish_seconds: float
    gpu_bytes: int = 0
    host_bytes: int = 0


class WorkerEnd(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The last word about a job. `state` is delivered, refused, quarantined, cancelled, failed, paused or parked."""

    state: str
    error: ErrorReport | None = None
    findings: tuple[Finding, ...] = ()
    files: tuple[OutputFile, ...] = ()
    spent: bool = False
    """The worker's process ends now: its accelerator is lost to it. Give it no other order."""
    cost: RunCost | None = None
    """Of a delivered version; None = nothing was made anew."""


FromWorker = Ready | WorkerProgress | WorkerFrame | WorkerFindings | WorkerChecking | AskPapers | WorkerEnd
