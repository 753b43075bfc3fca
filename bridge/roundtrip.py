"""The whole job from the artist's side: submit, send what is lacking, take frames as they are made, settle the take.

Read this file first: everything else on the artist's side is a detail of one of these steps.
"""

from __future__ import annotations

import queue
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from understudy.bridge.client import Client
from understudy.bridge.colour_config import archive_again
from understudy.bridge.errors import DaemonUnreachable, JobParked, KeyRefused, RequestError, UnderstudyError
from understudy.bridge.gather import Gathered
from understudy.bridge.keys import Connection
from understudy.bridge.messages import (
    Accepted,
    Event,
    Finished,
    FrameFinished,
    JobDetail,
    JobSummary,
    RedoSegment,
    StateChanged,
)
from understudy.bridge.take import Take
from understudy.bridge.transfer import patiently, upload
from understudy.bridge.watch import Watcher
from understudy.bridge.words import ENDED

ROOM_SECONDS = 2.0
"""How often a daemon without room is asked again."""
GLANCE_SECONDS = 0.5
Sent = Callable[[int, int], None]
"""Called with (bytes sent or handed over, bytes in all)."""
Told = Callable[[Event], None]


def send_job(
    connection: Connection,
    gathered: Gathered,
    *,
    sent: Sent = lambda done, total: None,
    parked: Callable[[JobParked], None] | None = None,
    accepted: Callable[[Accepted], None] = lambda accepted: None,
    glance: Callable[[], None] = lambda: None,
    give_up: Collection[str] = (),
    token: str = "",
) -> Accepted:
    """Submit a job and bring every file that the vault lacks. Returns how the job then stands.

    accepted: told as soon as the job is stored, before a file moves. glance: called each time before a daemon without
    room is asked again; what it raises ends the waiting. give_up: digests of files that our exporter wrote and that
    nobody will write again.

    A connection that breaks is taken up again where it stopped: the daemon knows the job by its token. token: one of
    the caller's own, who has written it down to ask for the job by it (`Client.find_job`). When the daemon
    has no room, `parked` is told once and the rest is brought when there is some; without it JobParked is raised.
    Raises ComplianceError when the gate refuses, DaemonUnreachable when the daemon stays away.
    """
    token = token or new_token()
    with Client.connect(connection) as client:
        answer = patiently(client, lambda moved: client.submit(gathered.job, token))
        accepted(answer)
        _bring(client, answer.job_id, gathered.paths, sent, parked, glance, give_up)
        state = patiently(client, lambda moved: client.show_job(answer.job_id)).summary.state
    return msgspec.structs.replace(answer, state=state)


def new_token() -> str:
    return secrets.token_hex(16)


def _bring(
    client: Client,
    job_id: str,
    paths: dict[str, Path],
    sent: Sent,
    parked: Callable[[JobParked], None] | None,
    glance: Callable[[], None],
    give_up: Collection[str],
) -> None:
    """Upload what the job lacks, waiting for room where `parked` wants it so."""
    waiting = False
    while True:
        try:
            return upload(client, client.connection, job_id, paths, sent, give_up=give_up)
        except JobParked as problem:
            if parked is None:
                raise
            if not waiting:
                parked(problem)
        waiting = True
        glance()
        time.sleep(ROOM_SECONDS)


def redo_segment(client: Client, request: RedoSegment) -> Accepted:
    """Have one segment of a delivered version made again; return how the new job then stands.

    It is brought what the vault has forgotten meanwhile. Raises RequestError for what cannot be redone and for files
    that are not at hand here, ComplianceError when the gate refuses.
    """
    answer = patiently(client, lambda moved: client.redo(request))
    if answer.state == "uploading":
        bring_lacking(client, answer.job_id)
    state = patiently(client, lambda moved: client.show_job(answer.job_id)).summary.state
    return msgspec.structs.replace(answer, state=state)


def change_job(client: Client, job_id: str, action: str, priority: int = 0) -> JobSummary:
    """Cancel, pause, resume, retry a job or set its priority; return how it then stands.

    One that goes on is brought what the vault lacks by now. Raises RequestError when that is not at hand here.
    """
    summary = client.control(job_id, action, priority)
    if summary.state == "uploading":
        bring_lacking(client, job_id)
        summary = client.show_job(job_id).summary
    return summary


def bring_lacking(client: Client, job_id: str) -> None:
    """Send what the vault lacks of a job from where its files were typed: its client died, or the vault lost a file.

    Raises RequestError for files that are not here, PlateError for one that has changed since.
    """
    lacking = patiently(client, lambda moved: client.lacking(job_id))
    if not lacking:
        return
    shot = patiently(client, lambda moved: client.show_job(job_id)).job.shot
    files = shot.files()
    paths = {digest: Path(files[digest].typed) for digest in lacking}
    for file in shot.colour_archive.pictures.files if shot.colour_archive is not None else ():
        if file.file in paths:
            paths[file.file] = archive_again(file)  # a plain config is typed, its archive travels
    absent = next((path for path in paths.values() if not path.is_file()), None)
    if absent is not None:
        raise RequestError(
            f"job {job_id} lacks {len(lacking)} files, and {absent} is not here",
            remedy="Say this again on the machine and in the folder from which the job was submitted.",
        )
    upload(client, client.connection, job_id, {digest: path.resolve() for digest, path in paths.items()})


def follow_job(
    connection: Connection,
    job_id: str,
    out: Path | None,
    *,
    told: Told = lambda event: None,
    silent: Callable[[], None] = lambda: None,
    glance: Callable[[], None] = lambda: None,
    unhelped: Callable[[UnderstudyError], None] = lambda problem: None,
) -> JobDetail:
    """Follow a job to its end and return its last word; frames land under `out` while the job runs.

    Works for a job that this process submitted and for one found again after a restart: events are replayed from the
    first; what it lacks is sent where it is at hand. `told` and the collecting run in the calling thread. Ctrl-C leaves
    the job running; so does whatever `glance` raises, which is called twice a second. unhelped: told why an upload
    that stands still could not be gone on with from here.
    """
    take = Take(out, job_id) if out is not None else None
    with _events(connection, job_id, silent, glance) as events, Client.connect(connection) as client:
        if take is not None:
            take.open()
        for event in events:
            told(event)
            if take is not None:
                _land(take, event, client, connection)
            if isinstance(event.what, StateChanged) and event.what.state == "uploading":
                _help_upload(client, job_id, unhelped)
            if isinstance(event.what, StateChanged) and event.what.state in ENDED:
                # A job that was tried again has ended before: what counts is how it stands now.
                detail = patiently(client, lambda moved: client.show_job(job_id))
                if detail.summary.state in ENDED:
                    break
        if take is not None:
            patiently(client, lambda moved: take.close(client, connection, detail))
    return detail


def _help_upload(client: Client, job_id: str, unhelped: Callable[[UnderstudyError], None]) -> None:
    """Bring what a job that uploads lacks, unless that is another's to do, or it has no room just now."""
    try:
        if patiently(client, lambda moved: client.show_job(job_id)).summary.state == "uploading":
            bring_lacking(client, job_id)
    except (RequestError, KeyRefused, JobParked) as problem:
        unhelped(problem)


def _land(take: Take, event: Event, client: Client, connection: Connection) -> None:
    """Bring what an event announces. A frame that does not come now comes when the take is settled."""
    try:
        if isinstance(event.what, FrameFinished):
            take.add(client, connection, event.what.files)
        elif isinstance(event.what, Finished):
            take.settle(client, connection, event.what)
    except DaemonUnreachable:
        return


@contextmanager
def _events(
    connection: Connection, job_id: str, silent: Callable[[], None], glance: Callable[[], None]
) -> Iterator[Iterator[Event]]:
    """Yield the job's events in order; the watcher's thread only fills the queue."""
    waiting: queue.Queue[Event | UnderstudyError] = queue.Queue()

    def arrived() -> Iterator[Event]:
        while True:
            glance()
            try:
                item = waiting.get(timeout=GLANCE_SECONDS)
            except queue.Empty:
                continue
            if isinstance(item, UnderstudyError):
                raise item
            yield item

    watcher = Watcher(connection, (job_id,), 0, waiting.put, silent, on_end=waiting.put)
    try:
        yield arrived()
    finally:
        watcher.close()
