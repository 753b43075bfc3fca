"""A take on the artist's disk: provisional while the job runs, settled when the daemon delivered it.

Frames first land under `OUT/.provisional/<job>/`. When the job is delivered each copy gets its final state by the same
edit that the daemon made, its digest is compared with the daemon's list, and it moves into `OUT/` by rename. An earlier
take that lies in OUT is kept whole under `OUT/earlier/`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from understudy.bridge.client import Client
from understudy.bridge.errors import PlateError, RequestError
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

    def open(self) -> None:
        """Make the folder, unless this very take lies in OUT already. Raises RequestError for an OUT that is closed."""
        if self._is_here():
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
        outputs = client.outputs(self.job_id)
        for file in files:
            target = self._landing / file.path
            if target.is_file() and target.stat().st_size == file.size:
                continue
            try:
                collect(client, connection, outputs, file, target)
            except PlateError:
                continue

    def settle(self, client: Client, connection: Connection, finished: Finished) -> None:
        """Make every file final, compare it with the daemon's list, and move the take into place.

        Killed in the middle of the moves, it goes on with them the next time: a mark says that all was in order.
        """
        if self.settled:
            return
        names = _top_names(finished.files)
        in_order = self._landing / IN_ORDER
        if not in_order.exists():
            outputs = client.outputs(self.job_id)
            for file in finished.files:
                self._make_final(client, connection, outputs, file)
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

    def _make_final(self, client: Client, connection: Connection, outputs: Outputs, file: OutputFile) -> None:
        target = self._landing / file.path
        if target.is_file() and _sealed_like(target, file, outputs):
            return
        collect(client, connection, outputs, file, target)

    def _set_aside(self, names: list[str]) -> None:
        """Move what stands in the take's way into `earlier/`, whole: nothing is overwritten, whoever wrote it."""
        in_the_way = [name for name in names if (self.out / name).exists()]
        if not in_the_way:
            return
        shelf = self.out / EARLIER
        number = 1 + sum(1 for _ in shelf.glob("take_*")) if shelf.is_dir() else 1
        kept = shelf / f"take_{number:03}"
        kept.mkdir(parents=True)
        for name in in_the_way:
            (self.out / name).replace(kept / name)


def _sealed_like(target: Path, file: OutputFile, outputs: Outputs) -> bool:
    """Give our provisional copy the state that the daemon's file has; say whether it is now the same, bit for bit."""
    if target.stat().st_size != file.size:
        return False
    if file.layer is not None:
        theirs = outputs.state
        if (read_attribute(target, "understudy/state") or "").rstrip() != theirs:
            set_state(target, theirs)
    return file_digest(target) == file.file


def _top_names(files: tuple[OutputFile, ...]) -> list[str]:
    """Return the folders and files directly under the take, the mark last."""
    names = {file.path.split("/", 1)[0] for file in files}
    return sorted(names, key=lambda name: (name == TAKE_MARK, name))


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
