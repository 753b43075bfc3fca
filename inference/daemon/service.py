"""What each request leads to. The only file that knows them all; every decision stands here or one call away.

Lives in the event loop; whatever waits for a disk runs on the house's threads.
"""

from __future__ import annotations

import hmac
import shutil
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from understudy.bridge.cost_messages import AskCosts, Costs
from understudy.bridge.desk_messages import AskDesks, Desks, Heard, Tell
from understudy.bridge.errors import DaemonError, JobParked, KeyRefused, ProtocolError, RequestError
from understudy.bridge.follower_messages import AskSnapshot, Posted, PostEntries, PostWaiver, SignedSnapshot
from understudy.bridge.keys import User
from understudy.bridge.machine_messages import AskMachine, Machine
from understudy.bridge.messages import (
    PROTOCOL_VERSION,
    Accepted,
    AskLacking,
    AskOrder,
    AskOutputs,
    AskStatus,
    Control,
    Done,
    Drain,
    HandOver,
    Hello,
    JobDetail,
    Jobs,
    JobSummary,
    Lacking,
    ListJobs,
    NoteFix,
    Order,
    Outputs,
    Ping,
    Pong,
    ProveMachine,
    RedoSegment,
    Reply,
    Request,
    ShowJob,
    Slot,
    Status,
    Submit,
    Watch,
    Watching,
    Welcome,
)  # fmt: skip
from understudy.bridge.picture_messages import AskPixel, AskProxy, Pixel, Proxy
from understudy.inference.compliance.gate import refusal
from understudy.inference.daemon.admission import engines
from understudy.inference.daemon.audience import Audience
from understudy.inference.daemon.changes import Changes
from understudy.inference.daemon.costs import costs_of
from understudy.inference.daemon.desks import DeskRelay
from understudy.inference.daemon.dispatch import Dispatch
from understudy.inference.daemon.executor import Executor
from understudy.inference.daemon.house import House
from understudy.inference.daemon.inputs import Inputs
from understudy.inference.daemon.jobs import HOUSE_ROLES, check_may_change, keeps_version, may_see, next_state
from understudy.inference.daemon.lookup import unknown_job
from understudy.inference.daemon.machine import MachineNow
from understudy.inference.daemon.orders import make_order
from understudy.inference.daemon.outputs import Shelf
from understudy.inference.daemon.papers import applied_fix, record_retry
from understudy.inference.daemon.papers_answers import papers_answers
from understudy.inference.daemon.pictures import Pictures
from understudy.inference.daemon.redoing import redoing_job
from understudy.inference.daemon.server import Caller
from understudy.inference.daemon.store import utc_now
from understudy.inference.daemon.studio import Studio
from understudy.inference.daemon.submission import Reception
from understudy.inference.daemon.tables import JobRow

ONLY_FOLLOWS = ("follower",)
OF_FOLLOWERS = (Hello, ProveMachine, Ping, AskSnapshot, PostEntries, PostWaiver)
"""What a key of this role alone may ask."""


class Service:
    """Answers requests."""

    def __init__(
        self, house: House, audience: Audience, changes: Changes, dispatch: Dispatch, executor: Executor,
        inputs: Inputs, reception: Reception, shelf: Shelf, *, challenge: Path, nonce: str, bulk_port: int,
        user_now: Callable[[bytes], User | None], pictures: Pictures,
    ) -> None:  # fmt: skip
        self._house, self._audience, self._changes, self._dispatch = house, audience, changes, dispatch
        self._executor, self._inputs, self._reception, self._shelf = executor, inputs, reception, shelf
        self._challenge, self._nonce, self._bulk_port = challenge, nonce, bulk_port
        self._user_now = user_now
        self._started_at = utc_now()
        self._studio, self._pictures = Studio(house), pictures
        self._desks = DeskRelay(audience)
        self._machine = MachineNow(house)
        self._answers: dict[type, Callable[[Caller, Any], Awaitable[Reply]]] = {
            Hello: self._hello, ProveMachine: self._prove, Ping: self._ping, Submit: self._submit,
            RedoSegment: self._redo, AskLacking: self._lacking, HandOver: self._hand_over,
            ListJobs: self._list, ShowJob: self._show, Control: self._control, AskOutputs: self._outputs,
            AskOrder: self._order, Watch: self._watch, NoteFix: self._note_fix,
            AskStatus: self._status, Drain: self._drain,
            AskCosts: self._costs, AskMachine: self._machine_now,
            AskSnapshot: self._snapshot, PostEntries: self._entries, PostWaiver: self._waiver,
            **papers_answers(house),
            Tell: self._tell, AskDesks: self._ask_desks,
            AskProxy: self._proxy, AskPixel: self._pixel,
        }  # fmt: skip

    async def answer(self, caller: Caller, request: Request) -> Reply:
        """Return the reply. Raises UnderstudyError where the answer is an error."""
        if caller.user.roles == ONLY_FOLLOWS and not isinstance(request, OF_FOLLOWERS):
            raise KeyRefused(
                f"{caller.user.name} is a daemon that follows this one and has no jobs here",
                remedy="An artist needs a key of role artist: `understudy key issue`.",
            )
        return await self._answers[type(request)](caller, request)

    async def _hello(self, caller: Caller, request: Hello) -> Welcome:
        return Welcome(
            protocol=PROTOCOL_VERSION,
            version=version("understudy"),
            user=caller.user.name,
            roles=caller.user.roles,
            projects=caller.user.projects,
            challenge=str(self._challenge),
            bulk_port=self._bulk_port,
            engines=engines(),
        )

    async def _prove(self, caller: Caller, request: ProveMachine) -> Done:
        if not caller.connection.startswith(b"\0"):
            # Only names that ZeroMQ gave are never given twice; proof must not pass to a later connection.
            raise ProtocolError("a connection that names itself proves nothing", remedy="Use understudy.bridge.client.")
        if not hmac.compare_digest(request.nonce.encode(), self._nonce.encode()):
            raise KeyRefused("this is not what the daemon's challenge file says", remedy="Say hello again, then prove.")
        caller.proved = True
        return Done()

    async def _ping(self, caller: Caller, request: Ping) -> Pong:
        return Pong()

    async def _submit(self, caller: Caller, request: Submit) -> Accepted:
        self._refuse_while_draining()
        if request.job.redo is not None:
            raise RequestError("a job that redoes another is not submitted", remedy="Use `understudy redo`.")
        return await self._reception.submit(caller.user, request)

    async def _redo(self, caller: Caller, request: RedoSegment) -> Accepted:
        self._refuse_while_draining()
        row = await self._own_job(caller, request.job_id, "redo")
        job = await self._house.looked(redoing_job, self._house, row, request)
        accepted = await self._reception.submit(caller.user, Submit(token=request.token, job=job))
        state = (await self._changes.look_whether_complete(accepted.job_id)).state
        return msgspec.structs.replace(accepted, state=state)

    def _refuse_while_draining(self) -> None:
        if self._dispatch.draining:
            raise DaemonError("the daemon is draining and takes no new jobs", remedy="Submit when it is back.")

    async def _lacking(self, caller: Caller, request: AskLacking) -> Lacking:
        row = await self._own_job(caller, request.job_id, "send files for")
        files = await self._house.looked(self._inputs.lacking, row.job_id, caller.key)
        if not files:
            await self._changes.look_whether_complete(row.job_id)
        return Lacking(files=files)

    async def _hand_over(self, caller: Caller, request: HandOver) -> Done:
        await self._own_job(caller, request.job_id, "send files for")
        try:
            await self._house.on_disk(self._inputs.take, caller.user, request, proved=caller.proved)
            complete = await self._house.looked(self._inputs.note_stored, request.job_id, request.file)
        except JobParked as problem:
            async with self._changes.lock:
                await self._changes.park(request.job_id, problem)
            raise
        if complete:
            await self._changes.look_whether_complete(request.job_id)
        return Done()

    async def _list(self, caller: Caller, request: ListJobs) -> Jobs:
        user = caller.user
        if request.token:
            row = await self._house.stored(self._house.store.job_by_token, user.name, request.token)
            return Jobs(jobs=await self._summaries(row) if row is not None else (), token=request.token)
        rows = await self._house.stored(
            self._house.store.jobs, request.states, user=user.name, projects=user.projects, limit=request.limit
        )
        return Jobs(jobs=await self._summaries(*rows))

    async def _show(self, caller: Caller, request: ShowJob) -> JobDetail:
        row = await self._visible_job(caller, request.job_id)
        # A long job's request is megabytes: it goes from the store to the wire as it is, not through objects.
        job: Any = msgspec.Raw(await self._house.stored(self._house.store.encoded_request, row.job_id))
        findings = await self._house.stored(self._house.store.findings, row.job_id)
        record = (await self._house.stored(self._house.store.papers, row.job_id)).record
        (summary,) = await self._summaries(row)
        return JobDetail(summary=summary, job=job, findings=findings, last_event=row.last_event, record=record)

    async def _control(self, caller: Caller, request: Control) -> JobSummary:
        row = await self._own_job(caller, request.job_id, request.action)
        if request.action == "retry":
            row = await self._retry(caller.user, row)
        elif request.action == "priority":
            house = request.priority if HOUSE_ROLES.intersection(caller.user.roles) else row.house_priority
            row = await self._changes.note(row.job_id, priority=request.priority, house_priority=house)
        else:
            row = await self._dispatch.control(row.job_id, request.action)
        return (await self._summaries(row))[0]

    async def _retry(self, user: User, row: JobRow) -> JobRow:
        """Open an ended job again, when its papers still stand today."""
        next_state(row.state, "retry")
        job = await self._house.stored(self._house.store.sent, row.job_id)
        job, findings, papers = await self._reception.admit(user, job)
        refused = refusal(findings, f"the job on {row.shot}")
        if refused is not None:
            raise refused
        papers = await self._house.recorded(record_retry, self._house.ledger, user.name, row, job, findings, papers)
        fresh = not keeps_version(row.state)
        await self._changes.open_again(row.job_id, new_version=fresh, job=job, admission=findings, papers=papers)
        return await self._changes.look_whether_complete(row.job_id)

    async def _outputs(self, caller: Caller, request: AskOutputs) -> Outputs:
        row = await self._visible_job(caller, request.job_id)
        return await self._house.looked(self._shelf.outputs, caller.user, row, listed=request.files)

    async def _order(self, caller: Caller, request: AskOrder) -> Order:
        row = await self._own_job(caller, request.job_id, "take the order of")
        if not caller.proved:
            raise KeyRefused(
                "a work order names files of the daemon's vault, and this client did not prove to share its machine",
                remedy="Ask for it on the daemon's machine, as the user who runs the daemon.",
            )
        if row.state != "paused":
            # A worker here and one elsewhere must never write into one version.
            raise RequestError(
                f"job {row.job_id} is {row.state}; the order of a paused job alone is given away",
                remedy=f"Say `understudy pause {row.job_id}` first, and `resume` when the order has been run.",
            )
        order = await self._house.on_disk(make_order, self._house, self._inputs, row, lambda done, total: None)
        return Order(job_id=row.job_id, order=msgspec.json.encode(order).decode())

    async def _note_fix(self, caller: Caller, request: NoteFix) -> Done:
        row = await self._own_job(caller, request.job_id, "mend the record of")
        findings = await self._house.stored(self._house.store.findings, row.job_id)
        offered = {(finding.rule, fix.kind) for finding in findings for fix in finding.fixes}
        if (request.rule, request.kind) not in offered:
            raise RequestError(
                f"{request.rule} offered no such fix of job {row.job_id}: {request.kind}",
                remedy="`understudy show JOB` lists what was offered.",
            )
        said = applied_fix(caller.user.name, row, request.rule, request.kind)
        await self._house.recorded(self._house.ledger.append, said)
        return Done()

    async def _watch(self, caller: Caller, request: Watch) -> Watching:
        for job_id in request.job_ids:
            await self._visible_job(caller, job_id)
        connection = caller.connection
        self._desks.note(connection, caller.key, request.listener)
        # Events go out only after this answer: the watcher's task gets its turn when this one is done.
        return Watching(
            last=self._audience.add(
                connection, lambda: self._user_now(connection), frozenset(request.job_ids), request.after,
                hears_jobs=request.listener is None,
            )
        )  # fmt: skip

    async def _tell(self, caller: Caller, request: Tell) -> Heard:
        return self._desks.tell(caller.key, request)

    async def _ask_desks(self, caller: Caller, request: AskDesks) -> Desks:
        return self._desks.desks(caller.key, request.seat)

    async def _status(self, caller: Caller, request: AskStatus) -> Status:
        free = await self._house.looked(shutil.disk_usage, self._house.home)
        return Status(
            version=version("understudy"),
            started_at=self._started_at,
            draining=self._dispatch.draining,
            slots=await self._slots(caller.user),
            queued=len(await self._changes.jobs("queued")),
            vault_bytes=self._house.vault.bytes_used,
            vault_quota_bytes=self._house.vault.quota_bytes,
            disk_free_bytes=free.free,
            home=str(self._house.home),
        )

    async def _slots(self, user: User) -> tuple[Slot, ...]:
        """Return who is at work; a job that the user's key may not see is `hidden`."""
        shown = []
        for slot in self._executor.slots():
            row = await self._changes.job(slot.job_id) if slot.job_id is not None else None
            seen = row is None or may_see(user, row.user, row.project)
            shown.append(slot if seen else msgspec.structs.replace(slot, job_id="hidden"))
        return tuple(shown)

    async def _snapshot(self, caller: Caller, request: AskSnapshot) -> SignedSnapshot:
        return await self._studio.snapshot(caller.user, request)

    async def _entries(self, caller: Caller, request: PostEntries) -> Posted:
        return await self._studio.entries(caller.user, request)

    async def _waiver(self, caller: Caller, request: PostWaiver) -> Done:
        return await self._studio.waiver(caller.user, request)

    async def _costs(self, caller: Caller, request: AskCosts) -> Costs:
        return await self._house.stored(costs_of, self._house.store, request.engine)

    async def _machine_now(self, caller: Caller, request: AskMachine) -> Machine:
        return await self._machine.now(caller.user, await self._dispatch.queue())

    async def _proxy(self, caller: Caller, request: AskProxy) -> Proxy:
        row = await self._visible_job(caller, request.job_id)
        return await self._pictures.proxy(caller, row, request)

    async def _pixel(self, caller: Caller, request: AskPixel) -> Pixel:
        row = await self._visible_job(caller, request.job_id)
        return await self._pictures.pixel(caller, row, request)

    async def _drain(self, caller: Caller, request: Drain) -> Done:
        if "admin" not in caller.user.roles:
            raise KeyRefused(f"{caller.user.name} may not stop the daemon", remedy="Ask an admin.")
        self._dispatch.drain(request.now)
        return Done()

    async def _visible_job(self, caller: Caller, job_id: str) -> JobRow:
        """Raises the same RequestError for a job that is not here and one that the key may not see."""
        row = await self._changes.job(job_id)
        if not may_see(caller.user, row.user, row.project):
            raise unknown_job(job_id)
        return row

    async def _own_job(self, caller: Caller, job_id: str, action: str) -> JobRow:
        row = await self._visible_job(caller, job_id)
        check_may_change(caller.user, row.user, action)
        return row

    async def _summaries(self, *rows: JobRow) -> tuple[JobSummary, ...]:
        waits = any(row.state == "queued" for row in rows)
        places = {job_id: at for at, job_id in enumerate(await self._dispatch.queue(), 1)} if waits else {}
        return tuple(self._summary(row, places.get(row.job_id)) for row in rows)

    def _summary(self, row: JobRow, place: int | None) -> JobSummary:
        progress = self._audience.progress.get(row.job_id)
        stage = progress.stage if progress is not None else self._executor.trouble() if place is not None else ""
        return JobSummary(
            job_id=row.job_id, shot=row.shot, project=row.project, user=row.user, engine=row.engine, mode=row.mode,
            state=row.state, version=row.version, priority=row.priority, created_at=row.created_at,
            changed_at=row.changed_at, clearance=row.clearance, stage=stage, frames_done=row.frames_done,
            frames_total=row.frames_total, seconds_left=progress.seconds_left if progress is not None else None,
            place_in_queue=place, error=row.error,
        )  # fmt: skip
