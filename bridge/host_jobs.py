"""Jobs of a host, each in a thread of its own: export, send, follow, fetch, place; found again after a restart.

The host's main thread lends itself for one step at a time (`main_thread`): never longer than one frame's own render.
Everything that waits, hashes or moves bytes happens here, off it.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from understudy.bridge.client import Client
from understudy.bridge.delivered import read_delivered
from understudy.bridge.errors import DaemonError, ErrorReport, HostError, JobCancelled, UnderstudyError, error_in_words
from understudy.bridge.gather import gather_job
from understudy.bridge.host import DRAFT, Exported, Host, Notice, RememberedJob, Selection, Steps
from understudy.bridge.keys import Connection
from understudy.bridge.main_thread import MainThread
from understudy.bridge.messages import ENDED, Accepted, Event, FrameFinished, JobSummary, Progress, StateChanged
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import follow_job, new_token, send_job

_Result = TypeVar("_Result")

Told = Callable[["HostJob"], None]

STALE_SECONDS = 7 * 86_400.0
"""An export that a killed host left behind is kept so long: the job that it belongs to may still want its files."""
CLOSE_SECONDS = 5.0
"""How long a document that closes waits for our threads: one that waits for a lost daemon may do nothing here any more.
"""


class HostJob:
    """One job as its host sees it. `notice` may be read from any thread."""

    def __init__(self, key: str) -> None:
        self.key = key
        """Ours, from the first moment; the daemon's id comes later, in the notice."""
        self.notice = Notice(stage="exporting")
        self.remembered: RememberedJob | None = None
        self.draft: RememberedJob | None = None
        """What the document keeps while the daemon is asked to accept the job."""
        self.cancelled = threading.Event()
        self.thread: threading.Thread | None = None
        self.steps: Steps[Any] | None = None
        """What the host is in the middle of, one step a turn."""

    @property
    def ended(self) -> bool:
        return self.notice.ended


class HostJobs:
    """Every job of one document. Make it, call it and close it on the host's main thread."""

    def __init__(
        self,
        host: Host,
        main: MainThread,
        connect: Callable[[], Connection],
        exports: Path,
        told: Told = lambda job: None,
    ) -> None:
        """connect: finds the daemon, in a job's own thread. exports: a folder for what is written on the way, best on
        the vault's file system. told: a notice changed, in a job's thread: hand over.
        """
        self.jobs: dict[str, HostJob] = {}
        self._host = host
        self._main = main
        self._connect = connect
        self._exports = exports
        self._told = told
        self._closing = threading.Event()
        self._telling = threading.Lock()

    def submit(self, selection: Selection, choices: JobOptions, folder: Path) -> HostJob:
        """Begin a job and return at once. Its take will lie in `folder`/vNNN."""
        return self._begin(lambda job: self._submit(job, selection, choices, folder))

    def reattach(self) -> tuple[HostJob, ...]:
        """Take up every job of the document that is not settled; ask once a document is opened."""
        ours = [one for job in self.jobs.values() for one in (job.remembered, job.draft if not job.ended else None)]
        known = {one.job_id for one in ours if one is not None}
        left = [one for one in self._host.remembered() if not one.settled and one.job_id not in known]
        return tuple(self._begin(lambda job, one=one: self._take_up(job, one), one) for one in left)  # type: ignore[misc]

    def cancel(self, job: HostJob) -> None:
        """Stop a job wherever it stands: before the next frame of its export, or within a step of the engine."""
        job.cancelled.set()
        if job.remembered is not None:
            threading.Thread(target=self._cancel_there, args=(job,), name="understudy-cancel", daemon=True).start()

    def close(self) -> None:
        """The document closes: what runs goes on in the daemon, what is exported half is dropped.

        Raises what the host raises where it cannot put back what an export changed, once every job was seen to.
        """
        self._closing.set()
        self._main.close()
        end = time.monotonic() + CLOSE_SECONDS
        with ExitStack() as put_back:
            for job in self.jobs.values():
                if job.thread is not None:
                    job.thread.join(max(0.0, end - time.monotonic()))
                if job.steps is not None:
                    put_back.callback(job.steps.close)  # the thread could not ask any more

    def _begin(self, work: Callable[[HostJob], None], remembered: RememberedJob | None = None) -> HostJob:
        job = HostJob(f"job{len(self.jobs) + 1}")
        if remembered is not None and remembered.token:
            job.draft = remembered
        else:
            job.remembered = remembered
        self.jobs[job.key] = job
        job.thread = threading.Thread(target=self._guarded, args=(job, work), name=f"understudy-{job.key}", daemon=True)
        job.thread.start()
        return job

    def _guarded(self, job: HostJob, work: Callable[[HostJob], None]) -> None:
        """Do a job's work; what goes wrong becomes its last notice."""
        try:
            work(job)
        except JobCancelled as problem:
            self._tell(job, stage="cancelled", words=problem.message)
        except Exception as problem:  # noqa: BLE001 - the host callback's edge
            if not self._closing.is_set():
                error = error_in_words(problem)
                self._tell(job, stage="failed", words=error.message, error=error.report())

    def _submit(self, job: HostJob, selection: Selection, choices: JobOptions, folder: Path) -> None:
        with _export_folder(self._exports, lambda: job.remembered is not None) as written:
            exported = self._on_main(job, "exporting", lambda: self._host.export(selection, written))
            connection = self._connect()
            try:
                accepted = self._send(job, exported, selection, choices, folder, connection)
            except UnderstudyError:
                if job.remembered is None or not job.cancelled.is_set():
                    raise  # else the daemon was asked to cancel it, and says when it has
            else:
                self._tell(job, findings=accepted.findings)
                self._hear_state(job, accepted.state)
        self._follow(job, connection)

    def _send(
        self,
        job: HostJob,
        exported: Exported,
        selection: Selection,
        choices: JobOptions,
        folder: Path,
        connection: Connection,
    ) -> Accepted:
        """Hash and send what was exported; the document remembers the job before the daemon knows of it."""

        def stored(accepted: Accepted) -> None:
            self._accepted(job, draft, accepted)
            if job.cancelled.is_set():  # pressed when there was no job yet that could be cancelled
                self._cancel_there(job)

        gathered = gather_job(
            exported.options(choices, selection, str(folder)),
            hashed=lambda done, total: self._progress(job, "hashing", done, total),
            numbering=exported.numbering(),
        )
        token = new_token()
        draft = job.draft = RememberedJob(
            job_id=DRAFT + token, shot=gathered.job.shot.name, version=0, frames=gathered.job.shot.range,
            anchor=selection.anchor, folder=str(folder), state="draft",
        )  # fmt: skip
        self._main.ask(lambda: self._host.remember(draft))
        try:
            return send_job(
                connection,
                gathered,
                sent=lambda done, total: self._progress(job, "sending", done, total),
                parked=lambda problem: self._tell(job, stage="parked", words=problem.message),
                glance=lambda: self._refuse_when_stopped(job),
                accepted=stored,
                give_up=exported.given_up(gathered.paths),
                token=token,
            )
        except UnderstudyError as problem:
            # A daemon that fell silent may have accepted it: then the draft is asked for when it is taken up.
            if job.remembered is None and not isinstance(problem, DaemonError):
                self._forget(draft)
            raise

    def _accepted(self, job: HostJob, draft: RememberedJob, known: Accepted | JobSummary) -> None:
        """The daemon knows the job: let the document remember it in the draft's place, within one turn."""
        version = claim_version(Path(draft.folder), known)
        accepted = job.remembered = msgspec.structs.replace(
            draft, job_id=known.job_id, version=known.version, folder=str(version), state="uploading"
        )

        def exchange() -> None:
            self._host.forget(draft)
            self._host.remember(accepted)

        self._main.ask(exchange)
        self._tell(job, job_id=accepted.job_id)

    def _forget(self, draft: RememberedJob) -> None:
        with suppress(HostError):  # the document was closed: it is asked for when that is opened again
            self._main.ask(lambda: self._host.forget(draft))

    def _take_up(self, job: HostJob, remembered: RememberedJob) -> None:
        connection = self._connect()
        if remembered.token and not self._find_draft(job, remembered, connection):
            return
        assert job.remembered is not None  # noqa: S101 - it was given, or the draft was found
        self._tell(job, stage=job.remembered.state, job_id=job.remembered.job_id)
        self._follow(job, connection)

    def _find_draft(self, job: HostJob, draft: RememberedJob, connection: Connection) -> bool:
        """Ask the daemon what became of a draft whose document was closed meanwhile; return whether to go on with it.

        One that never came there, or that the document remembers under its own id by now, is forgotten.
        """
        with Client.connect(connection) as client:
            known = client.find_job(draft.token)
        kept = {one.job_id for one in self._main.ask(self._host.remembered)}
        if known is not None and known.job_id not in kept:
            self._accepted(job, draft, known)
            return True
        self._main.ask(lambda: self._host.forget(draft))
        words = "it was never sent: submit it again" if known is None else f"it is known as job {known.job_id}"
        self._tell(job, stage="cancelled", words=words)
        return False

    def _follow(self, job: HostJob, connection: Connection) -> None:
        """Follow the job to its end; place what was delivered, withdraw what was not."""
        remembered = job.remembered
        assert remembered is not None  # noqa: S101 - both ways here have set it
        detail = follow_job(
            connection,
            remembered.job_id,
            Path(remembered.folder),
            told=lambda event: self._hear(job, event),
            silent=lambda: self._tell(job, words="the daemon does not answer; waiting for it"),
            glance=self._refuse_when_closing,
            unhelped=lambda problem: self._tell(job, words=f"{problem.message}. {problem.remedy}"),
        )
        state = detail.summary.state
        if state != "delivered":
            error = detail.summary.error
            ended = msgspec.structs.replace(remembered, state=state, settled=True)
            self._remember(job, ended)
            self._main.ask(lambda: self._host.withdraw(ended, error))
            stage = "cancelled" if state == "cancelled" else "failed" if state == "failed" else "withdrawn"
            words = error.message if error is not None else f"the job ended {state}"
            self._tell(job, stage=stage, words=words, error=error, findings=detail.findings)
            return
        delivered = read_delivered(remembered, detail.findings)
        self._on_main(job, "placing", lambda: self._host.place(delivered))
        self._remember(job, msgspec.structs.replace(remembered, state=state, settled=True))
        self._tell(job, stage="placed", words=f"version {remembered.version} is in place", findings=detail.findings)

    def _hear(self, job: HostJob, event: Event) -> None:
        if isinstance(event.what, StateChanged):
            self._hear_state(job, event.what.state, event.what.reason)
        elif isinstance(event.what, Progress):
            self._tell(job, done=event.what.done, total=event.what.total, words=event.what.stage)
        elif isinstance(event.what, FrameFinished):
            self._tell(job, words=f"frame {event.what.frame} is here")

    def _hear_state(self, job: HostJob, state: str, reason: ErrorReport | None = None) -> None:
        """Tell how the job stands. Its end is told when it was carried out here; as an event it may even be history."""
        if state not in ENDED:
            self._tell(job, stage=state, error=reason)

    def _on_main(self, job: HostJob, stage: str, begin: Callable[[], Steps[_Result]]) -> _Result:
        """Run a host's generator on its main thread, one step a turn; close it when the job is cancelled."""
        steps = job.steps = self._main.ask(begin)
        try:
            while True:
                try:
                    step = self._main.ask(lambda: next(steps))
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                self._progress(job, stage, step.done, step.total, step.words)
                self._closing.wait(step.pause_seconds)
        finally:
            with suppress(HostError):
                self._main.ask(steps.close)

    def _progress(self, job: HostJob, stage: str, done: int, total: int, words: str = "") -> None:
        if stage != "placing":
            self._refuse_when_stopped(job)
        self._refuse_when_closing()
        self._tell(job, stage=stage, done=done, total=total, words=words)

    def _refuse_when_stopped(self, job: HostJob) -> None:
        if job.cancelled.is_set():
            raise JobCancelled("cancelled before it was sent", remedy="Submit it again when it is wanted.")
        self._refuse_when_closing()

    def _refuse_when_closing(self) -> None:
        if self._closing.is_set():
            raise HostError("the document was closed", remedy="Open it again: the job goes on.")

    def _remember(self, job: HostJob, remembered: RememberedJob) -> None:
        job.remembered = remembered
        self._main.ask(lambda: self._host.remember(remembered))
        self._tell(job, job_id=remembered.job_id)

    def _cancel_there(self, job: HostJob) -> None:
        """Ask the daemon; a job that has ended meanwhile is left as it is."""
        assert job.remembered is not None  # noqa: S101 - cancel has looked
        try:
            with Client.connect(self._connect()) as client:
                client.control(job.remembered.job_id, "cancel")
        except UnderstudyError as problem:
            self._tell(job, words=f"it could not be cancelled: {problem.message}")

    def _tell(self, job: HostJob, **changed: object) -> None:
        """Change the notice as a whole and say so: a reader in another thread never sees half of one.

        A new stage begins anew: what was counted and said of the one before is over.
        """
        with self._telling:  # the watcher and a cancel tell from threads of their own
            if changed.get("stage", job.notice.stage) != job.notice.stage:
                changed = {"done": 0, "total": 0, "words": "", **changed}
            job.notice = msgspec.structs.replace(job.notice, **changed)
        self._told(job)


def claim_version(folder: Path, accepted: Accepted | JobSummary) -> Path:
    """Return the take's folder, made by this very call: a number is one user's, or one daemon's, a folder everybody's.

    Where another's take has that number already, the job's id is added: no take is ever put over another.
    """
    version = folder / f"v{accepted.version:03}"
    try:
        version.mkdir(parents=True)
    except FileExistsError:
        return version.with_name(f"{version.name}_{accepted.job_id[:8]}")
    except OSError:  # told with its remedy when the take is opened
        return version
    return version


@contextmanager
def _export_folder(exports: Path, awaited: Callable[[], bool]) -> Iterator[Path]:
    """Yield a folder of its own for one export, removed when it was sent or will never be.

    What ends in an error while the daemon awaits its files is left, as by a killed host: the upload is gone on with
    when the document is opened again. awaited: whether the daemon knows the job.
    """
    exports.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in exports.iterdir():
        with suppress(FileNotFoundError):  # another job's, which is over just now
            if time.time() - old.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="export-", dir=exports))
    whole = False
    try:
        yield folder
        whole = True
    finally:
        if whole or not awaited():
            shutil.rmtree(folder, ignore_errors=True)
