"""A take on the artist's disk: provisional while the job runs, settled when the daemon delivered it.

Frames first land under `OUT/.provisional/<job>/`. When the job is delivered each copy gets its final state by the same
edit that the daemon made, its digest is compared with the daemon's list, and it moves into `OUT/` by rename. An earlier
take that lies in OUT is kept whole under `OUT/earlier/`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import msgspec

from understudy.bridge.client import Client
from understudy.bridge.errors import KeyRefused, PlateError, ProtocolError, RequestError
from understudy.bridge.exr_file import file_digest, read_attribute, set_state
from understudy.bridge.keys import Connection
from understudy.bridge.messages import Finished, JobDetail, Outputs
from understudy.bridge.shot import OutputFile
from understudy.bridge.transfer import collect

PROVISIONAL = ".provisional"
EARLIER = "earlier"
TAKE_MARK = "manifest.json"
"""The file that makes a folder a take: written last by the daemon, moved last by us."""
IN_ORDER = ".in_order"
SHELF = ".shelf"


class _Manifest(msgspec.Struct):
    """As much of a manifest as is needed to know a take again."""

    job: str
    files: list[OutputFile]


class Take:
    """One job's files under one folder. For one thread."""

    def __init__(self, out: Path, job_id: str) -> None:
        self.out = out
        self.job_id = job_id
        self.settled = False
        self.withdrawn = False
        self._landing = out / PROVISIONAL / job_id
        self._where: Outputs | None = None
        """What the daemon said of the version's folder; its list of all files is too long to be asked for a frame."""

    def open(self) -> None:
        """Make the folder, unless this very take lies in OUT already. Raises RequestError for an OUT that is closed."""
        if self._is_here():
            shutil.rmtree(self._landing, ignore_errors=True)
            _remove_if_empty(self.out / PROVISIONAL)
            self.settled = True
            return
        try:
            self._landing.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise RequestError(
                f"{self.out} cannot be written: {problem.strerror}", remedy="Choose another --out."
            ) from None

    def _is_here(self) -> bool:
        """Say whether OUT holds this job's take with every file that its manifest lists."""
        try:
            manifest = msgspec.json.decode((self.out / TAKE_MARK).read_bytes(), type=_Manifest)
        except (OSError, msgspec.MsgspecError):
            return False
        files = (self.out / file.path for file in manifest.files)
        return manifest.job == self.job_id and all(path.is_file() for path in files)

    def add(self, client: Client, connection: Connection, files: tuple[OutputFile, ...]) -> None:
        """Bring a finished frame's layers; one that has already landed whole is left alone.

        A file that cannot be had now (the daemon is settling the version) is left for `settle`.
        """
        if self.settled or (self._landing / IN_ORDER).exists():
            return
        try:
            outputs = self._folder(client)
        except KeyRefused:  # set aside in quarantine between the event and now
            return
        for file in files:
            target = self._landing / file.path
            if target.is_file() and target.stat().st_size == file.size:
                continue
            try:
                collect(client, connection, outputs, file, target)
            except (PlateError, RequestError):  # settled or withdrawn between the event and now
                continue

    def settle(self, client: Client, connection: Connection, finished: Finished) -> None:
        """Make every file final, compare it with the daemon's list, and move the take into place.

        Killed in the middle of the moves, it goes on with them the next time: a mark says that all was in order.
        """
        if self.settled:
            return
        _refuse_paths_outside(finished.files)
        names = _top_names(finished.files)
        in_order = self._landing / IN_ORDER
        if not in_order.exists():
            outputs = client.outputs(self.job_id, files=False)
            if outputs.removed:
                raise RequestError(
                    f"the files of job {self.job_id} are no longer on the daemon's machine",
                    remedy="Submit it again; `keep_ended_days` in the daemon's settings says how long they stay.",
                )
            for file in finished.files:
                self._make_final(client, connection, outputs, file)
            self._remove_strays(finished.files)
            self._set_aside(names)
            in_order.touch()
        for name in names:
            if (self._landing / name).exists():
                (self._landing / name).replace(self.out / name)
        shutil.rmtree(self._landing)
        _remove_if_empty(self.out / PROVISIONAL)
        self.settled = True

    def close(self, client: Client, connection: Connection, detail: JobDetail) -> None:
        """Withdraw provisional frames of a job that ended without delivery; settle one whose event was missed."""
        if self.settled:
            return
        if detail.summary.state == "delivered":
            outputs = client.outputs(self.job_id)
            self.settle(
                client, connection, Finished(version=outputs.version, folder=outputs.folder, files=outputs.files)
            )
        elif detail.summary.state in ("refused", "quarantined", "cancelled"):
            shutil.rmtree(self._landing, ignore_errors=True)
            _remove_if_empty(self.out / PROVISIONAL)
            self.withdrawn = True

    def _folder(self, client: Client) -> Outputs:
        """Return where the version lies, asking only when it is not known, or lies there no longer."""
        if self._where is None or (client.same_machine and not Path(self._where.folder).is_dir()):
            self._where = client.outputs(self.job_id, files=False)
        return self._where

    def _make_final(self, client: Client, connection: Connection, outputs: Outputs, file: OutputFile) -> None:
        target = self._landing / file.path
        if target.is_file() and _sealed_like(target, file, outputs):
            return
        collect(client, connection, outputs, file, target)

    def _remove_strays(self, files: tuple[OutputFile, ...]) -> None:
        """Remove what a killed download left beside the take's files: only what is listed goes into OUT."""
        listed = {self._landing / file.path for file in files}
        for path in self._landing.rglob("*"):
            if path not in listed and path != self._landing / SHELF and not path.is_dir():
                path.unlink()

    def _set_aside(self, names: list[str]) -> None:
        """Move what stands in the take's way into `earlier/`: nothing is overwritten, whoever wrote it.

        A take goes there whole, with layers that the new one lacks, on one shelf however often we are killed.
        """
        if any((self.out / name).exists() for name in names):
            names = [*dict.fromkeys((*names, *_names_in(self.out / TAKE_MARK)))]
        in_the_way = [name for name in names if (self.out / name).exists()]
        if not in_the_way:
            return
        kept = self._shelf()
        for name in sorted(in_the_way, key=_mark_last):
            (self.out / name).replace(kept / name)

    def _shelf(self) -> Path:
        """Return the folder of `earlier/` for what this take displaces; the same one after a kill."""
        remembered = self._landing / SHELF
        name = remembered.read_text() if remembered.is_file() else ""
        if name:
            return self.out / EARLIER / name
        taken = [int(path.name[5:]) for path in (self.out / EARLIER).glob("take_*") if path.name[5:].isdigit()]
        name = f"take_{max(taken, default=0) + 1:03}"
        (self.out / EARLIER / name).mkdir(parents=True)
        remembered.write_text(name)
        return self.out / EARLIER / name


def _sealed_like(target: Path, file: OutputFile, outputs: Outputs) -> bool:
    """Give our provisional copy the state that the daemon's file has; say whether it is now the same, bit for bit."""
    if target.stat().st_size != file.size:
        return False
    if file.layer is not None:
        theirs = outputs.state
        if (read_attribute(target, "understudy/state") or "").rstrip() != theirs:
            set_state(target, theirs)
    return file_digest(target) == file.file


def _top_names(files: Iterable[OutputFile]) -> list[str]:
    """Return the folders and files directly under the take, the mark last."""
    return sorted({file.path.split("/", 1)[0] for file in files}, key=_mark_last)


def _mark_last(name: str) -> tuple[bool, str]:
    return name == TAKE_MARK, name


def _names_in(manifest: Path) -> list[str]:
    """Return the top names of the take that a manifest lists; none where there is no manifest that reads."""
    try:
        files = msgspec.json.decode(manifest.read_bytes(), type=_Manifest).files
        _refuse_paths_outside(files)
        return [*_top_names(files), TAKE_MARK]
    except (OSError, msgspec.MsgspecError, ProtocolError):
        return []


def _refuse_paths_outside(files: Iterable[OutputFile]) -> None:
    """Raises ProtocolError for a path that leads out of the take, before anything is touched."""
    for file in files:
        parts = PurePosixPath(file.path).parts
        if not parts or parts[0] == "/" or ".." in parts or parts[0] in (PROVISIONAL, EARLIER, IN_ORDER, SHELF):
            raise ProtocolError(f"the daemon names a file outside its version: {file.path}", remedy="Is it a daemon?")


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
