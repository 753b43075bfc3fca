"""What a job's own thread does: export, hash, send, follow, fetch, place. It waits, hashes and moves bytes; the host's
main thread lends itself for one step at a time (`main_thread`), never longer than one frame's own render.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from understudy.bridge.client import Client
from understudy.bridge.delivered import read_delivered
from understudy.bridge.errors import DaemonError, ErrorReport, HostError, JobCancelled, UnderstudyError
from understudy.bridge.gather import gather_job
from understudy.bridge.host import DRAFT, Exported, Host, RememberedJob, Selection, Steps
from understudy.bridge.host_job import HostJob
from understudy.bridge.keys import Connection
from understudy.bridge.main_thread import MainThread
from understudy.bridge.messages import Accepted, Event, FrameFinished, JobSummary, Progress, StateChanged
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import follow_job, new_token, send_job
from understudy.bridge.words import ENDED

_Result = TypeVar("_Result")

STALE_SECONDS = 7 * 86_400.0
"""An export that a killed host left behind is kept so long: the job that it belongs to may still want its files."""


class HostWork:
    """One job's work. Made and used in the job's own thread; `cancel_there` in any."""

    def __init__(
        self,
        job: HostJob,
        host: Host,
        main: MainThread,
        connect: Callable[[], Connection],
        exports: Path,
        closing: threading.Event,
    ) -> None:
        self.job = job
        self._host = host
        self._main = main
        self._connect = connect
        self._exports = exports
        self._closing = closing

    def submit(self, selection: Selection, choices: JobOptions, folder: Path) -> None:
        with _export_folder(self._exports, lambda: self.job.remembered is not None) as written:
            exported = self._on_main("exporting", lambda: self._host.export(selection, written))
            connection = self._connect()
            try:
                accepted = self._send(exported, selection, choices, folder, connection)
            except UnderstudyError:
                if self.job.remembered is None or not self.job.cancelled.is_set():
                    raise  # else the daemon was asked to cancel it, and says when it has
            else:
                self.job.tell(findings=accepted.findings)
                self._hear_state(accepted.state)
        self._follow(connection)

    def _send(
        self,
        exported: Exported,
        selection: Selection,
        choices: JobOptions,
        folder: Path,
        connection: Connection,
    ) -> Accepted:
        """Hash and send what was exported; the document remembers the job before the daemon knows of it."""

        def stored(accepted: Accepted) -> None:
            self._accepted(draft, accepted)
            if self.job.cancelled.is_set():  # pressed when there was no job yet that could be cancelled
                self.cancel_there()

        gathered = gather_job(
            exported.options(choices, selection, str(folder)),
            hashed=lambda done, total: self._progress("hashing", done, total),
            numbering=exported.numbering(),
        )
        token = new_token()
        draft = self.job.draft = RememberedJob(
            job_id=DRAFT + token, shot=gathered.job.shot.name, version=0, frames=gathered.job.shot.range,
            anchor=selection.anchor, folder=str(folder), state="draft",
        )  # fmt: skip
        self._main.ask(lambda: self._host.remember(draft))
        try:
            return send_job(
                connection,
                gathered,
                sent=lambda done, total: self._progress("sending", done, total),
                parked=lambda problem: self.job.tell(stage="parked", words=problem.message),
                glance=self._refuse_when_stopped,
                accepted=stored,
                give_up=exported.given_up(gathered.paths),
                token=token,
            )
        except UnderstudyError as problem:
            # A daemon that fell silent may have accepted it: then the draft is asked for when it is taken up.
            if self.job.remembered is None and not isinstance(problem, DaemonError):
                self._forget(draft)
            raise

    def _accepted(self, draft: RememberedJob, known: Accepted | JobSummary) -> None:
        """The daemon knows the job: let the document remember it in the draft's place, within one turn."""
        version = claim_version(Path(draft.folder), known)
        accepted = self.job.remembered = msgspec.structs.replace(
            draft, job_id=known.job_id, version=known.version, folder=str(version), state="uploading"
        )

        def exchange() -> None:
            self._host.forget(draft)
            self._host.remember(accepted)

        self._main.ask(exchange)
        self.job.tell(job_id=accepted.job_id)

    def _forget(self, draft: RememberedJob) -> None:
        with suppress(HostError):  # the document was closed: it is asked for when that is opened again
            self._main.ask(lambda: self._host.forget(draft))

    def take_up(self, remembered: RememberedJob) -> None:
        connection = self._connect()
        if remembered.token and not self._find_draft(remembered, connection):
            return
        assert self.job.remembered is not None  # noqa: S101 - it was given, or the draft was found
        self.job.tell(stage=self.job.remembered.state, job_id=self.job.remembered.job_id)
        self._follow(connection)

    def _find_draft(self, draft: RememberedJob, connection: Connection) -> bool:
        """Ask the daemon what became of a draft whose document was closed meanwhile; return whether to go on with it.

        One that never came there, or that the document remembers under its own id by now, is forgotten.
        """
        with Client.connect(connection) as client:
            known = client.find_job(draft.token)
        kept = {one.job_id for one in self._main.ask(self._host.remembered)}
        if known is not None and known.job_id not in kept:
            self._accepted(draft, known)
            return True
        self._main.ask(lambda: self._host.forget(draft))
        words = "it was never sent: submit it again" if known is None else f"it is known as job {known.job_id}"
        self.job.tell(stage="cancelled", words=words)
        return False

    def _follow(self, connection: Connection) -> None:
        """Follow the job to its end; place what was delivered, withdraw what was not."""
        remembered = self.job.remembered
        assert remembered is not None  # noqa: S101 - both ways here have set it
        detail = follow_job(
            connection,
            remembered.job_id,
            Path(remembered.folder),
            told=self._hear,
            silent=lambda: self.job.tell(words="the daemon does not answer; waiting for it"),
            glance=self._refuse_when_closing,
            unhelped=lambda problem: self.job.tell(words=f"{problem.message}. {problem.remedy}"),
        )
        state = detail.summary.state
        if state != "delivered":
            error = detail.summary.error
            ended = msgspec.structs.replace(remembered, state=state, settled=True)
            self._remember(ended)
            self._main.ask(lambda: self._host.withdraw(ended, error))
            stage = "cancelled" if state == "cancelled" else "failed" if state == "failed" else "withdrawn"
            words = error.message if error is not None else f"the job ended {state}"
            self.job.tell(stage=stage, words=words, error=error, findings=detail.findings)
            return
        delivered = read_delivered(remembered, detail.findings)
        self._on_main("placing", lambda: self._host.place(delivered))
        self._remember(msgspec.structs.replace(remembered, state=state, settled=True))
        self.job.tell(stage="placed", words=f"version {remembered.version} is in place", findings=detail.findings)

    def _hear(self, event: Event) -> None:
        if isinstance(event.what, StateChanged):
            self._hear_state(event.what.state, event.what.reason)
        elif isinstance(event.what, Progress):
            self.job.tell(done=event.what.done, total=event.what.total, words=event.what.stage)
        elif isinstance(event.what, FrameFinished):
            self.job.tell(words=f"frame {event.what.frame} is here")

    def _hear_state(self, state: str, reason: ErrorReport | None = None) -> None:
        """Tell how the job stands. Its end is told when it was carried out here; as an event it may even be history."""
        if state not in ENDED:
            self.job.tell(stage=state, error=reason)

    def _on_main(self, stage: str, begin: Callable[[], Steps[_Result]]) -> _Result:
        """Run a host's generator on its main thread, one step a turn; close it when the job is cancelled.

        What a step waits for is waited for here: the main thread has its own to do meanwhile.
        """
        steps = self.job.steps = self._main.ask(begin)
        try:
            while True:
                try:
                    step = self._main.ask(lambda: next(steps))
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                self._progress(stage, step.done, step.total, step.words)
                self._closing.wait(step.pause_seconds)
        finally:
            with suppress(HostError):
                self._main.ask(steps.close)

    def _progress(self, stage: str, done: int, total: int, words: str = "") -> None:
        if stage != "placing":
            self._refuse_when_stopped()
        self._refuse_when_closing()
        self.job.tell(stage=stage, done=done, total=total, words=words)

    def _refuse_when_stopped(self) -> None:
        if self.job.cancelled.is_set():
            raise JobCancelled("cancelled before it was sent", remedy="Submit it again when it is wanted.")
        self._refuse_when_closing()

    def _refuse_when_closing(self) -> None:
        if self._closing.is_set():
            raise HostError("the document was closed", remedy="Open it again: the job goes on.")

    def _remember(self, remembered: RememberedJob) -> None:
        self.job.remembered = remembered
        self._main.ask(lambda: self._host.remember(remembered))
        self.job.tell(job_id=remembered.job_id)

    def cancel_there(self) -> None:
        """Ask the daemon; a job that has ended meanwhile is left as it is."""
        assert self.job.remembered is not None  # noqa: S101 - cancel has looked
        try:
            with Client.connect(self._connect()) as client:
                client.control(self.job.remembered.job_id, "cancel")
        except UnderstudyError as problem:
            self.job.tell(words=f"it could not be cancelled: {problem.message}")


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


def drop_stale(exports: Path) -> None:
    """Remove what was exported so long ago that nothing wants it any more."""
    for old in exports.iterdir():
        with suppress(FileNotFoundError):  # another job's, which is over just now
            if time.time() - old.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _export_folder(exports: Path, awaited: Callable[[], bool]) -> Iterator[Path]:
    """Yield a folder of its own for one export, removed when it was sent or will never be.

    What ends in an error while the daemon awaits its files is left, as by a killed host: the upload is gone on with
    when the document is opened again. awaited: whether the daemon knows the job.
    """
    exports.mkdir(parents=True, exist_ok=True, mode=0o700)
    drop_stale(exports)
    folder = Path(tempfile.mkdtemp(prefix="export-", dir=exports))
    whole = False
    try:
        yield folder
        whole = True
    finally:
        if whole or not awaited():
            shutil.rmtree(folder, ignore_errors=True)
