"""Every message of the wire. docs/protocol.md is generated from here.

Those of a daemon that follows are in follower_messages.py, those between an artist's programs in desk_messages.py,
those for looking at pictures in picture_messages.py.

Three conversations, each a ROUTER of the daemon and a DEALER of the client, all under CURVE:

control   requests and their replies, one in flight a client; then the events of a watch
bulk      chunks of blobs, by credit, either way

Unknown fields are ignored, unknown tags refused. A new field with a default keeps PROTOCOL_VERSION; anything else
raises it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from understudy.bridge.cost_messages import AskCosts, Costs
from understudy.bridge.desk_messages import AskDesks, Desks, Heard, Listener, Tell, Told
from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import ErrorReport, Finding
from understudy.bridge.follower_messages import AskSnapshot, Posted, PostEntries, PostWaiver, SignedSnapshot
from understudy.bridge.machine_messages import AskMachine, Machine
from understudy.bridge.papers_messages import (
    AskConsents,
    AskWaivers,
    Consents,
    DecideWaiver,
    Judged,
    JudgeDraft,
    RequestWaiver,
    Waivers,
)  # fmt: skip
from understudy.bridge.picture_messages import AskPixel, AskProxy, Pixel, Proxy
from understudy.bridge.record import Record
from understudy.bridge.shot import Digest, JobRequest, OutputFile, Seed, SegmentNumber
from understudy.bridge.take_segments import TakeSegment
from understudy.bridge.words import Mode, State

PROTOCOL_VERSION = 3  # 2: the record of schema 2; 3: what a panel asks (papers, pictures, costs, desks)
CONTROL_MESSAGE_LIMIT_BYTES = 16 * 1024 * 1024
"""A job of 20,000 frames in four roles is about 12 MB of JSON; anything larger is refused unread."""

JobId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-z]{4,40}\Z")]


# ---- requests -------------------------------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """First word of every connection."""

    protocol: int = PROTOCOL_VERSION
    client: str = ""
    """Program and version, for the daemon's log."""


class ProveMachine(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The content of the owner-only file named by `Welcome.challenge`: same machine, same user."""

    nonce: str


class Ping(msgspec.Struct, frozen=True, tag=True):
    """Is the control loop alive?"""


class Submit(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ask for a job. The same `token` from the same user answers with the job it made, however often it is sent."""

    token: Annotated[str, msgspec.Meta(min_length=16, max_length=64)]
    job: JobRequest


class RedoSegment(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make one segment of a delivered version again, as a new version: answered like Submit, and as safe to repeat.

    That segment and all after it are made; `alone` keeps those after it. Inputs and papers are those of the job, judged
    anew.
    """

    token: Annotated[str, msgspec.Meta(min_length=16, max_length=64)]
    job_id: JobId
    segment: SegmentNumber
    alone: bool = False
    dissolve: bool = False
    """With `alone`: dissolve the segment's last pictures into those that the next segment goes on from."""
    seed: Seed | None = None
    """The segment's own; None = the one that it had."""
    options: dict[str, str] = {}
    """Engine options that change for what is made again."""


class AskLacking(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Which files of this job does the vault lack?"""

    job_id: JobId


class HandOver(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Take this file by its path. Only after ProveMachine, or inside roots that the daemon's settings name: for a key
    that is bound to projects, roots of these.
    """

    job_id: JobId
    file: Digest
    path: str
    give_up: bool = False
    """True only for a file our exporter just wrote and will never touch again: it may be linked instead of copied."""


class ListJobs(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The newest jobs that this key may see."""

    states: tuple[State, ...] = ()
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
    token: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Only the job that this user's Submit with this token made, whatever its state; empty = every one."""


class ShowJob(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    job_id: JobId


class Control(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Change a job: cancel, pause, resume, retry, or set its priority."""

    job_id: JobId
    action: Literal["cancel", "pause", "resume", "retry", "priority"]
    priority: Annotated[int, msgspec.Meta(ge=-100, le=100)] = 0


class AskOutputs(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Which files has this job made so far?"""

    job_id: JobId
    files: bool = True
    """False = only where they lie and how they stand, without segments: the list of a long job is megabytes."""


class AskOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The work order of a paused job, to be run without a daemon. Only after ProveMachine: it names blobs by path."""

    job_id: JobId


class Watch(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Send me events after `after`, of these jobs (empty = all that I may see), until this connection ends."""

    job_ids: tuple[JobId, ...] = ()
    after: int = 0
    listener: Listener | None = None
    """Send me what my other programs tell such a one, and no job's events."""


class NoteFix(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A fix that a finding of this job offered is applied to its record: for the ledger, before it is done."""

    job_id: JobId
    rule: Annotated[str, msgspec.Meta(max_length=128)]
    kind: Annotated[str, msgspec.Meta(max_length=64)]


class AskStatus(msgspec.Struct, frozen=True, tag=True):
    """Slots, queue, vault, disk."""


class Drain(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Finish what runs, start nothing new, exit. `now` stops workers at once; their jobs go on at the next start."""

    now: bool = False


Request = (
    Hello | ProveMachine | Ping | Submit | RedoSegment | AskLacking | HandOver | ListJobs | ShowJob | Control
    | AskOutputs | AskOrder | Watch | NoteFix | AskStatus | Drain | AskSnapshot | PostEntries | PostWaiver
    | JudgeDraft | AskConsents | AskWaivers | RequestWaiver | DecideWaiver | Tell | AskDesks | AskCosts | AskMachine
    | AskProxy | AskPixel
)  # fmt: skip


# ---- replies --------------------------------------------------------------------------------------------------------


class Welcome(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    protocol: int
    version: str
    user: str
    roles: tuple[str, ...]
    projects: tuple[str, ...]
    """Empty = every project."""
    challenge: str
    """Path of an owner-only file; a client that can read it shares this machine and user."""
    bulk_port: int
    engines: tuple[EngineDescription, ...]


class Done(msgspec.Struct, frozen=True, tag=True):
    """Understood and durable."""


class Pong(msgspec.Struct, frozen=True, tag=True):
    """The control loop is alive."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The job is stored and will survive anything. `findings` holds what was assumed or warned of."""

    job_id: JobId
    state: State
    version: int
    findings: tuple[Finding, ...] = ()


class Lacking(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """File digest to the offset at which to go on: 0, or where an earlier connection was cut."""

    files: dict[Digest, int]


class JobSummary(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    job_id: JobId
    shot: str
    project: str | None
    user: str
    engine: str
    mode: Mode
    state: State
    version: int
    priority: int
    created_at: str
    """ISO 8601, UTC."""
    changed_at: str
    clearance: str
    stage: str = ""
    frames_done: int = 0
    frames_total: int = 0
    seconds_left: float | None = None
    place_in_queue: int | None = None
    error: ErrorReport | None = None


class Jobs(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    jobs: tuple[JobSummary, ...]
    token: str = ""
    """Of the question, where it was looked at: a daemon that does not know it answers with every job."""


class JobDetail(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    summary: JobSummary
    job: JobRequest
    findings: tuple[Finding, ...]
    last_event: int
    record: Record | None = None
    """The record as it was sent, where the registry filled in some of the job's; None = the job's own."""


class Outputs(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Files made so far. `folder` is the absolute folder on the daemon's machine that the paths are relative to."""

    job_id: JobId
    version: int
    folder: str
    provisional: bool
    state: str = "provisional"
    """What `understudy/state` says in every layer file now."""
    removed: bool = False
    """The job ended with files, and they are no longer on the daemon's disk (see `keep_ended_days`)."""
    files: tuple[OutputFile, ...]
    segments: tuple[TakeSegment, ...] = ()
    """Where segments meet, from the moment that the plan is known; empty = not known, or files were not asked for."""


class Order(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`order` is JSON for a worker; a client keeps it as it is."""

    job_id: JobId
    order: str


class Watching(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Events follow on this connection. `last` is the newest number that exists now."""

    last: int


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    job_id: str | None
    """None = idle; `hidden` = a job that this key may not see."""
    process: int | None
    gpus: tuple[str, ...] = ()
    """The GPUs that it owns, as the daemon's setting names them; empty = none, or all where none are named."""


class Status(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    version: str
    started_at: str
    draining: bool
    slots: tuple[Slot, ...]
    queued: int
    vault_bytes: int
    vault_quota_bytes: int
    disk_free_bytes: int
    home: str


Reply = (
    Welcome | Done | Pong | Accepted | Lacking | JobSummary | Jobs | JobDetail | Outputs | Order | Watching
    | Status | SignedSnapshot | Posted | ErrorReport | Judged | Consents | Waivers | Heard | Desks | Costs | Machine
    | Proxy | Pixel
)  # fmt: skip


# ---- events: numbered, durable, in order; a watcher that comes back asks for what came after the last it saw ---------


class StateChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    state: State
    reason: ErrorReport | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Where a job stands. Not durable: the newest one replaces the one before."""

    stage: str
    done: int
    total: int
    segment: int = 0
    segments: int = 0
    seconds_left: float | None = None


class FrameFinished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Every layer of one frame is on disk, provisional."""

    frame: int
    files: tuple[OutputFile, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A stage of the gate, or a worker, found something worth saying."""

    findings: tuple[Finding, ...]


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The version is in place. `files` holds every file with its final digest."""

    version: int
    folder: str
    files: tuple[OutputFile, ...]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    number: int
    job_id: JobId
    at: str
    what: StateChanged | Progress | FrameFinished | Found | Finished


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Sent once a second to every watcher: a silent daemon is noticed. `last` is the newest event number."""

    last: int


Push = Event | Heartbeat | Told
