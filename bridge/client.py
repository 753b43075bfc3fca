"""A blocking client of the daemon's control socket. Every call ends in time, by an answer or by an error.

One connection is one conversation: when it breaks, the call in flight raises DaemonUnreachable at once, and the next
call opens a new one, says hello and proves the machine again. Nothing is ever sent twice by itself.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from understudy.bridge.cost_messages import AskCosts, Cost, Costs
from understudy.bridge.desk_messages import AskDesks, Desks, Heard, Tell
from understudy.bridge.errors import DaemonUnreachable, KeyRefused, RequestError
from understudy.bridge.follower_messages import AskSnapshot, Posted, PostEntries, PostWaiver, SignedSnapshot
from understudy.bridge.keys import Connection, load_connection, read_challenge
from understudy.bridge.line import Line, lost_if_cut
from understudy.bridge.machine_messages import AskMachine, Machine
from understudy.bridge.messages import (
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
    Status,
    Submit,
    Welcome,
)
from understudy.bridge.picture_messages import AskPixel, AskProxy, Pixel, Proxy
from understudy.bridge.shot import JobRequest
from understudy.bridge.wire import decode_reply, encode_request, expect
from understudy.bridge.words import State

TIMEOUT_SECONDS = 10.0
SUBMIT_TIMEOUT_SECONDS = 120.0
"""Admission runs every rule in a process of its own before it answers."""
HAND_OVER_TIMEOUT_SECONDS = 600.0
"""The daemon copies and digests the file before it answers: 50 GB of movie at 100 MB/s."""
PICTURE_TIMEOUT_SECONDS = 60.0
"""Others may look at pictures too, and rendering goes first."""
_Answer = TypeVar("_Answer")


class Client:
    """The requests of the protocol as methods. For one thread at a time; give each thread a client of its own.

    Any call may raise DaemonUnreachable, KeyRefused, ProtocolError, and the error that the daemon reports.
    """

    def __init__(self, connection: Connection, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Prepare a client; the first call connects."""
        self.connection = connection
        self.timeout_seconds = timeout_seconds
        self.welcome: Welcome | None = None
        """What the daemon said to hello; None before it."""
        self.same_machine = False
        """True once this client has proved that it shares the daemon's machine and user."""
        self._line: Line | None = None

    @classmethod
    def connect(cls, where: Connection | Path | str, timeout_seconds: float = TIMEOUT_SECONDS) -> Client:
        """Return a client that has said hello and, on the daemon's own machine, proved it.

        where: a connection, a connection file, or a HOME folder that holds one.
        """
        client = cls(where if isinstance(where, Connection) else load_connection(Path(where)), timeout_seconds)
        with contextlib.ExitStack() as unless_found:
            unless_found.callback(client.close)
            client._find()
            client.prove_machine()
            unless_found.pop_all()
        return client

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection. The client may be used again: the next call opens another."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def note_fix(self, job_id: str, rule: str, kind: str) -> None:
        """Have the ledger say that what a finding of this job offered is applied. RequestError where it did not."""
        self._ask(NoteFix(job_id=job_id, rule=rule, kind=kind), Done)

    def hello(self) -> Welcome:
        """Return who the daemon is, who it takes us for, and which engines it has."""
        self.welcome = self._ask(Hello(client=_program()), Welcome)
        return self.welcome

    def prove_machine(self) -> bool:
        """Show that this client shares the daemon's machine and user; return whether it does.

        Afterwards files may be handed over by path. Says hello first where that has not been done.
        """
        welcome = self.welcome or self.hello()
        nonce = read_challenge(Path(welcome.challenge)) if welcome.challenge else None
        self.same_machine = False
        if nonce is not None:
            self._ask(ProveMachine(nonce=nonce), Done)
            self.same_machine = True
        return self.same_machine

    def ping(self) -> float:
        """Return the seconds that a question to the control loop and its answer took."""
        start = time.perf_counter()
        self._ask(Ping(), Pong)
        return time.perf_counter() - start

    def submit(self, job: JobRequest, token: str) -> Accepted:
        """Ask for a job. The same `token` (16 to 64 characters) gives the same job, so asking again is safe.

        Raises ComplianceError with every rule's finding when admission refuses.
        """
        return self._ask(Submit(token=token, job=job), Accepted, max(self.timeout_seconds, SUBMIT_TIMEOUT_SECONDS))

    def redo(self, request: RedoSegment) -> Accepted:
        """Have one segment of a delivered version made again; the same token gives the same job.

        Raises RequestError for a job or a segment that cannot be redone, ComplianceError when admission refuses.
        """
        return self._ask(request, Accepted, max(self.timeout_seconds, SUBMIT_TIMEOUT_SECONDS))

    def lacking(self, job_id: str) -> dict[str, int]:
        """Return the files of the job that the vault lacks: digest to the offset at which to go on."""
        return self._ask(AskLacking(job_id=job_id), Lacking).files

    def hand_over(
        self,
        job_id: str,
        file: str,
        path: Path | str,
        *,
        give_up: bool = False,
        timeout_seconds: float = HAND_OVER_TIMEOUT_SECONDS,
    ) -> None:
        """Let the daemon take the file with digest `file` from `path`. Returns when it stands in the vault.

        give_up: only for a file that nobody will ever write again; it may be linked instead of copied.
        """
        request = HandOver(job_id=job_id, file=file, path=os.path.abspath(path), give_up=give_up)  # noqa: PTH100
        self._ask(request, Done, timeout_seconds)

    def list_jobs(self, states: tuple[State, ...] = (), limit: int = 200) -> tuple[JobSummary, ...]:
        """Return the newest jobs that this key may see; of all states when none is named."""
        return self._ask(ListJobs(states=states, limit=limit), Jobs).jobs

    def find_job(self, token: str) -> JobSummary | None:
        """Return the job that this user's submit with this token made; None where it never came to that.

        Raises RequestError for a daemon that cannot tell.
        """
        answer = self._ask(ListJobs(token=token, limit=1), Jobs)
        if answer.token != token:
            raise RequestError(
                "this daemon is older and cannot say what became of a submit", remedy="Stop it; a newer one can."
            )
        return answer.jobs[0] if answer.jobs else None

    def show_job(self, job_id: str) -> JobDetail:
        """Return one job with its inputs, settings and findings."""
        return self._ask(ShowJob(job_id=job_id), JobDetail)

    def control(self, job_id: str, action: str, priority: int = 0) -> JobSummary:
        """Cancel, pause, resume, retry a job or set its priority; return the job as it then stands.

        Raises RequestError when the job's state does not allow it.
        """
        return self._ask(Control(job_id=job_id, action=action, priority=priority), JobSummary)  # type: ignore[arg-type]

    def outputs(self, job_id: str, *, files: bool = True) -> Outputs:
        """Return the files that the job has made so far; without `files` only where they lie."""
        return self._ask(AskOutputs(job_id=job_id, files=files), Outputs)

    def proxy(self, request: AskProxy) -> Proxy:
        """Return a frame made small. RequestError, KeyRefused for what this key may not see, PlateError for a file
        that cannot be read.
        """
        return self._ask(request, Proxy, max(self.timeout_seconds, PICTURE_TIMEOUT_SECONDS))

    def pixel(self, request: AskPixel) -> Pixel:
        """Return what a whole frame stores at one pixel. Raises as `proxy` does."""
        return self._ask(request, Pixel, max(self.timeout_seconds, PICTURE_TIMEOUT_SECONDS))

    def order(self, job_id: str) -> bytes:
        """Return the work order of a paused job as JSON, for `understudy run`. Every blob is hashed again before.

        Raises RequestError for a job that is not paused, PlateError for a file that has not arrived, KeyRefused from
        another machine.
        """
        return self._ask(AskOrder(job_id=job_id), Order, HAND_OVER_TIMEOUT_SECONDS).order.encode()

    def status(self) -> Status:
        """Return slots, queue, vault and disk."""
        return self._ask(AskStatus(), Status)

    def costs(self, engine: str = "") -> tuple[Cost, ...]:
        """Return what jobs have cost on this daemon, as it measured them; of every engine where none is named."""
        return self._ask(AskCosts(engine=engine), Costs).measured

    def machine(self) -> Machine:
        """Return the daemon's GPUs, who waits for them, the packs in force and where its ledger stands."""
        return self._ask(AskMachine(), Machine)

    def snapshot(self, contents: str = "", key: str = "") -> SignedSnapshot:
        """Return what an authority signs for this follower; see `AskSnapshot`. Nothing of it is verified here."""
        return self._ask(AskSnapshot(contents=contents, key=key), SignedSnapshot)

    def post_entries(self, after: int, lines: tuple[str, ...]) -> Posted:
        """Give the authority lines of this follower's ledger; return what it holds. Safe to repeat."""
        return self._ask(PostEntries(after=after, lines=lines), Posted)

    def post_waiver(self, waiver: bytes) -> None:
        """Ask the authority for a waiver, given as JSON. Raises RequestError for one that is there already."""
        self._ask(PostWaiver(waiver=waiver.decode()), Done)

    def tell(self, said: Tell) -> int:
        """Pass this on to other programs of this key; return how many it reached."""
        return self._ask(said, Heard).listeners

    def desks(self, seat: str) -> Desks:
        """Return which programs of this key listen at this seat."""
        return self._ask(AskDesks(seat=seat), Desks)

    def drain(self, now: bool = False) -> None:
        """Let the daemon finish what runs and exit; `now` = at once, its jobs go on at the next start."""
        self._ask(Drain(now=now), Done)

    def ask(self, request: Request, kind: type[_Answer], seconds: float | None = None) -> _Answer:
        """Return the answer to any request: for calls that stand in files of their own, such as papers_client.py."""
        return self._ask(request, kind, seconds)

    def _ask(self, request: Request, kind: type[_Answer], seconds: float | None = None) -> _Answer:
        """Return the daemon's answer to `request`, which must be a `kind`."""
        end = time.monotonic() + (self.timeout_seconds if seconds is None else seconds)
        self._forget_lost_line()
        if self._line is None and not isinstance(request, Hello):
            self._greet()
        with contextlib.ExitStack() as unless_answered:
            # Also on Ctrl-C: what the daemon has not read yet must not reach it after we gave up.
            unless_answered.callback(self.close)
            reply = self._exchange(request, end)
            unless_answered.pop_all()
        return expect(reply, kind, request)

    def _exchange(self, request: Request, end: float) -> Reply:
        body = encode_request(request)
        line = self._line = self._line or Line(self.connection)
        request_id = line.send(body)
        while True:
            frames = line.receive(end - time.monotonic())
            if frames is None:
                raise DaemonUnreachable(
                    f"the daemon at {line.place} gave no answer to {type(request).__name__} in time",
                    remedy="It may be very busy: try again. See `understudy doctor`.",
                )
            if frames[0] == request_id:
                return decode_reply(frames[1])

    def _find(self) -> None:
        """Say hello; where nobody is, look once more into the connection file: the daemon may have moved."""
        try:
            self.hello()
        except DaemonUnreachable:
            moved = self.connection.refreshed()
            if moved == self.connection:
                raise
            self.connection = moved
            self.hello()

    def _forget_lost_line(self) -> None:
        try:
            if self._line is not None:
                self._line.check()
        except DaemonUnreachable:
            self.close()

    def _greet(self) -> None:
        """Bring a new connection to where the one before it stood."""
        proved = self.same_machine
        if self.welcome is None:
            self.hello()
        else:
            try:
                self._find()
            except KeyRefused as problem:
                raise lost_if_cut(problem) from None
        if proved:
            self.prove_machine()


def _program() -> str:
    return f"{Path(sys.argv[0] if sys.argv else '').name or 'python'} {sys.version_info.major}.{sys.version_info.minor}"
