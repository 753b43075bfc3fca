"""What a host and the panel do for each other, in a job's own thread: a selection goes there, a take comes here."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

import msgspec

from understudy.bridge.client import Client
from understudy.bridge.desk_messages import Tell
from understudy.bridge.errors import HostError
from understudy.bridge.host import RememberedJob, Selection, refuse_unseen_by_farm
from understudy.bridge.host_work import HostWork, claim_version, drop_stale
from understudy.bridge.keys import Connection
from understudy.bridge.options import JobOptions
from understudy.bridge.panel_process import start_panel
from understudy.bridge.seat import this_seat
from understudy.bridge.settings import load_settings
from understudy.bridge.typed_shot import typed_options

EXPORTED_FOR_PANEL = "panel-"


class Desk(NamedTuple):
    """What of a host's session the panel must know, and how the panel is started."""

    name: str
    title: str
    home: Path
    command: str = ""


class DeskWork(HostWork):
    """A job's thread that also knows the panel."""

    def show_panel(self, desk: Desk, chosen: tuple[Selection, JobOptions, Path] | None) -> None:
        """Bring the panel to the front, started where there is none; then give it what is selected.

        chosen: the selection, the artist's choices, and the folder in which its takes are numbered.
        Frames that only the host can make are exported first, and kept as long as any export that a job may still want.
        """
        self.job.tell(stage="opening")
        connection = self._connect()
        self._tell_panel(connection, desk, self._to_panel(desk, "show"))
        if chosen is None:
            self.job.tell(stage="shown", words="the panel is open")
            return
        selection, choices, series = chosen
        options = self._export(selection, choices, series)
        self._tell_panel(connection, desk, self._to_panel(desk, "selection", options))
        self.job.tell(stage="shown", words=f"{selection.shot} is in the panel's form")

    def _tell_panel(self, connection: Connection, desk: Desk, said: Tell) -> None:
        """Tell the panel this; start it where nobody hears, also where it was closed or killed a moment ago."""
        with Client.connect(connection) as client:
            if not client.tell(said):
                start_panel(connection.file, desk.home, desk.command, lambda: client.tell(said) > 0)

    def _export(self, selection: Selection, choices: JobOptions, series: Path) -> JobOptions:
        self._exports.mkdir(parents=True, exist_ok=True, mode=0o700)
        drop_stale(self._exports)
        folder = Path(tempfile.mkdtemp(prefix=EXPORTED_FOR_PANEL, dir=self._exports))
        exported = self._on_main("exporting", lambda: self._host.export(selection, folder))
        options = typed_options(exported, choices, selection, str(series), folder)
        if not any(folder.iterdir()):
            folder.rmdir()
        return options

    def bring(self, job_id: str) -> None:
        """Bring a delivered take into the document, as if it had been submitted from it.

        Raises HostError for one that is not delivered: what the gate has not passed is placed by no one.
        """
        self.job.tell(job_id=job_id)
        connection = self._connect()
        known = {one.job_id: one for one in self._main.ask(self._host.remembered)}.get(job_id)
        remembered = known or self._adopt(connection, job_id)
        self.job.remembered = remembered
        self.job.tell(stage=remembered.state)
        self._follow(connection)

    def _adopt(self, connection: Connection, job_id: str) -> RememberedJob:
        """Have the document remember a take that was submitted elsewhere, where the artist's selection says."""
        with Client.connect(connection) as client:
            detail = client.show_job(job_id)
        summary, frames = detail.summary, detail.job.shot.range
        if summary.state != "delivered":
            raise HostError(
                f"{summary.shot} v{summary.version:03} is {summary.state}; only a delivered take is imported",
                remedy="Import it once it is delivered; the panel says what stands in the way.",
            )
        anchor = self._main.ask(lambda: self._host.anchor_here(frames))
        place = Selection(shot=summary.shot, frames=frames, rate=None, anchor=anchor)
        series = self._main.ask(lambda: self._host.default_folder(place))
        refuse_unseen_by_farm(load_settings().roots, series)
        adopted = RememberedJob(
            job_id=job_id, shot=summary.shot, version=summary.version, frames=frames, anchor=anchor,
            folder=str(claim_version(series, summary)), state=summary.state,
        )  # fmt: skip
        self._remember(adopted)
        return adopted

    def answer_panel(self, desk: Desk) -> None:
        """Say in the panel what became of what it asked for."""
        notice = self.job.notice
        said = msgspec.structs.replace(
            self._to_panel(desk, "answer"), job_id=notice.job_id, words=notice.words, error=notice.error
        )
        with Client.connect(self._connect()) as client:
            client.tell(said)

    def _to_panel(self, desk: Desk, kind: str, options: JobOptions | None = None) -> Tell:
        return Tell(
            to="panel", kind=kind, seat=this_seat(), desk=desk.name, title=desk.title, options=options  # type: ignore[arg-type]
        )  # fmt: skip
