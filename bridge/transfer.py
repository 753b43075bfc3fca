"""Files to the daemon and back: by path on one machine, else in checked chunks by credit, resumed after a cut.

All functions block, for one thread; `progress(done, total)` is called in it with bytes. Raises, beside what each says:
DaemonUnreachable when the daemon stays away, PlateError for a file that is not what it was, JobParked without room.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import TypeVar

from blake3 import blake3
from xxhash import xxh3_128_digest

from understudy.bridge.bulk_line import BulkLine
from understudy.bridge.bulk_messages import CHUNK_BYTES, CREDIT_CHUNKS, Chunk, Credit, Pull, Rejected, Stored
from understudy.bridge.client import Client
from understudy.bridge.errors import (
    DaemonUnreachable,
    KeyRefused,
    PlateError,
    ProtocolError,
    RequestError,
    UnderstudyError,
    error_from_report,
)
from understudy.bridge.exr_structure import opened, read_at
from understudy.bridge.keys import Connection
from understudy.bridge.messages import Outputs
from understudy.bridge.shot import OutputFile

Progress = Callable[[int, int], None]
_Result = TypeVar("_Result")

PATIENCE_SECONDS = 60.0
"""How long a transfer that makes no headway looks for a daemon that went away before it gives up."""
RETRY_SECONDS = 0.5
OPEN_FILES = 16
"""Files under way at once, so that small ones do not each wait for the daemon's disk."""
WINDOW_BYTES = CREDIT_CHUNKS * CHUNK_BYTES
FICLONE = 0x40049409
CHANGED = "It was changed after the job was sent. Submit the job again."


def upload(
    client: Client,
    connection: Connection,
    job_id: str,
    paths: dict[str, Path],
    progress: Progress = lambda done, total: None,
    *,
    give_up: Collection[str] = (),
) -> None:
    """Bring every file of the job that the vault lacks; return when all of them stand there.

    paths: digest to file, at least of those lacking; give_up: digests of files that our exporter wrote and that nobody
    will write again, which the daemon may link. Raises RequestError when a lacking file is not among the paths.
    """

    def attempt(moved: Callable[[], None]) -> None:
        lacking = client.lacking(job_id)
        unknown = lacking.keys() - paths.keys()
        if unknown:
            raise RequestError(
                f"job {job_id} lacks {len(unknown)} files that are not at hand, such as {min(unknown)}",
                remedy="Submit the job again from where its files are.",
            )
        files = [_Sending(digest, paths[digest], offset) for digest, offset in lacking.items()]
        report = _Report(progress, files, moved)
        left = _by_path(client, job_id, files, report, give_up)
        if left:
            with BulkLine(client) as line:
                _Upload(line, job_id, left, report).run()
        report.tell()

    patiently(client, attempt)


def download(
    client: Client,
    connection: Connection,
    job_id: str,
    file: OutputFile,
    target: Path,
    progress: Progress = lambda done, total: None,
) -> None:
    """Fetch one output file of a job; `target` appears whole, by rename, with the digest that the daemon listed.

    What an earlier, cut download brought is kept beside it and gone on with. Raises RequestError for a file that this
    user's job does not have.
    """

    def attempt(moved: Callable[[], None]) -> None:
        with _Landing(target, file) as landing:
            if landing.length < file.size:
                with BulkLine(client) as line:
                    line.send(Pull(job_id, file.path, landing.length))
                    while landing.length < file.size:
                        _take_next(line, job_id, file, landing)
                        moved()
                        progress(landing.length, file.size)
            landing.finish()

    patiently(client, attempt)


def collect(
    client: Client,
    connection: Connection,
    outputs: Outputs,
    file: OutputFile,
    target: Path,
    progress: Progress = lambda done, total: None,
) -> None:
    """Bring one file that a job made to `target`: reflink or copy on the same machine, never a link; else a download.

    `target` appears whole, by rename, with the digest that the daemon listed. Makes its folder.
    """
    if PurePosixPath(file.path).is_absolute() or ".." in PurePosixPath(file.path).parts:
        raise ProtocolError(f"the daemon names a file outside its version: {file.path}", remedy="Is it a daemon?")
    target.parent.mkdir(parents=True, exist_ok=True)
    source = Path(outputs.folder, file.path)
    if client.same_machine and source.is_file():
        with _Landing(target, file, fresh=True) as landing:
            landing.copy(source)
            landing.finish()
        progress(file.size, file.size)
    else:
        download(client, connection, outputs.job_id, file, target, progress)


def patiently(client: Client, attempt: Callable[[Callable[[], None]], _Result]) -> _Result:
    """Try again when the connection is lost, for as long as there is headway, or a minute without any.

    attempt(moved) calls `moved` at every step forward; what it does must be safe to do twice.
    """
    last = time.monotonic()
    lost = False

    def moved() -> None:
        nonlocal last
        last = time.monotonic()

    while True:
        try:
            if lost:
                client.ping()  # on a new connection, which says hello: a daemon that came back has another bulk port
            return attempt(moved)
        except DaemonUnreachable:
            if time.monotonic() - last > PATIENCE_SECONDS:
                raise
        lost = True
        time.sleep(RETRY_SECONDS)
        client.close()


class _Sending:
    """One file on its way up."""

    def __init__(self, digest: str, path: Path, offset: int) -> None:
        self.digest = digest
        self.path = path
        self._file: FileIO | None = None
        with opened(path) as file:
            self.size = file.seek(0, os.SEEK_END)
        # Where everything had arrived but was not confirmed, its last byte asks for the confirmation.
        self.taken = self.position = max(0, min(offset, self.size - 1))

    def next_chunk(self, job_id: str) -> tuple[Chunk, bytes]:
        """Read the next chunk. Raises PlateError when the file has become shorter."""
        try:
            if self._file is None:
                self._file = FileIO(self.path)
            payload = read_at(self._file, self.position, min(CHUNK_BYTES, self.size - self.position))
        except OSError as problem:
            raise PlateError(f"{self.path} cannot be read: {problem.strerror}", remedy="Check the disk.") from None
        if not payload:
            raise PlateError(f"{self.path} became shorter while it was sent", remedy=CHANGED)
        chunk = Chunk(job_id, self.digest, self.position, self.size, xxh3_128_digest(payload))
        self.position += len(payload)
        return chunk, payload

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def credit(self, credit: Credit) -> None:
        """Note how much was taken: a window opens, or the way leads back to what was not taken."""
        self.taken = max(self.taken, min(credit.offset, self.size))
        self.position = credit.offset if credit.again else max(self.position, credit.offset)


class _Report:
    """Progress in bytes over all files of the job, and the news that there is headway."""

    def __init__(self, progress: Progress, files: list[_Sending], moved: Callable[[], None]) -> None:
        self._progress = progress
        self._moved = moved
        self._files = files
        self._total = sum(file.size for file in files)

    def tell(self, moved: bool = False) -> None:
        if moved:
            self._moved()
        self._progress(sum(file.taken for file in self._files), self._total)


def _by_path(
    client: Client, job_id: str, files: list[_Sending], report: _Report, give_up: Collection[str]
) -> list[_Sending]:
    """Hand over by path what the daemon takes so; return the files that must be sent.

    Without proof of the machine one file is offered: it may lie in a root that both machines share.
    """
    left = list(files)
    while left:
        file = left[0]
        try:
            client.hand_over(job_id, file.digest, file.path.resolve(), give_up=file.digest in give_up)
        except (RequestError, KeyRefused):
            return left
        except PlateError as problem:
            if not client.same_machine:
                return left
            raise _named(problem, file.path) from None
        file.taken = file.size
        left.pop(0)
        report.tell(moved=True)
    return left


class _Upload:
    """Several files through one window."""

    def __init__(self, line: BulkLine, job_id: str, files: list[_Sending], report: _Report) -> None:
        self._line = line
        self._job_id = job_id
        self._waiting = files[::-1]
        self._open: dict[str, _Sending] = {}
        self._report = report

    def run(self) -> None:
        """Send until every file is confirmed."""
        try:
            while self._waiting or self._open:
                self._fill_window()
                header, _ = self._line.receive()
                self._heed(header)
        finally:
            for file in self._open.values():
                file.close()

    def _fill_window(self) -> None:
        under_way = sum(file.position - file.taken for file in self._open.values())
        while under_way < WINDOW_BYTES:
            file = next((file for file in self._open.values() if file.position < file.size), None)
            if file is None:
                if not self._waiting or len(self._open) >= OPEN_FILES:
                    return
                file = self._waiting.pop()
                self._open[file.digest] = file
            chunk, payload = file.next_chunk(self._job_id)
            self._line.send(chunk, payload)
            under_way += len(payload)

    def _heed(self, header: object) -> None:
        file = self._open.get(getattr(header, "file", ""))
        if file is None:
            return
        if isinstance(header, Credit):
            file.credit(header)
        elif isinstance(header, Stored):
            file.taken = file.size
            file.close()
            del self._open[file.digest]
        elif isinstance(header, Rejected):
            raise _named(error_from_report(header.error), file.path)
        self._report.tell(moved=True)


class _Landing:
    """A file that grows under a name of its own beside its target; what it has stays when it fails."""

    def __init__(self, target: Path, file: OutputFile, *, fresh: bool = False) -> None:
        self._target = target
        self._wanted = file
        self._partial = target.with_name(f".{target.name}.{file.file[:16]}.partial")
        self._hasher = blake3()
        self.length = 0
        self.going_back = False
        self._file = self._partial.open("w+b" if fresh else "a+b", buffering=0)
        self._hash_what_is_there()

    def __enter__(self) -> _Landing:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        self._hasher.update(view)
        self.length += len(view)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as problem:
            raise UnderstudyError(
                f"{self._target} cannot be written: {problem.strerror}",
                remedy="Make room there, or fetch to another folder: what has arrived is kept, the job goes on.",
            ) from None

    def copy(self, source: Path) -> None:
        """Take the whole of `source`: its extents where the file system shares them, else its bytes."""
        with opened(source) as file:
            if _cloned(file.fileno(), self._file.fileno()):
                self._hash_what_is_there()
                return
            while piece := file.read(CHUNK_BYTES):
                self.append(piece)

    def finish(self) -> None:
        """Give the file its name. Raises PlateError when it is not what the daemon listed; then it is removed."""
        if self.length != self._wanted.size or self._hasher.hexdigest() != self._wanted.file:
            self._partial.unlink()
            raise PlateError(
                f"{self._wanted.path} is not the file that the daemon listed",
                remedy="It changed meanwhile, or was damaged: fetch it again.",
            )
        self._partial.replace(self._target)

    def _hash_what_is_there(self) -> None:
        self._file.seek(0)
        while piece := self._file.read(CHUNK_BYTES):
            self._hasher.update(piece)
            self.length += len(piece)


def _take_next(line: BulkLine, job_id: str, file: OutputFile, landing: _Landing) -> None:
    """Take one message of a download and say how far we are."""
    header, payload = line.receive()
    if isinstance(header, Rejected):
        raise error_from_report(header.error)
    if not isinstance(header, Chunk) or payload is None or header.file != file.path:
        return
    if header.total != file.size:
        raise PlateError(f"{file.path} has {header.total} bytes now", remedy="It changed meanwhile: fetch it again.")
    if header.offset == landing.length and xxh3_128_digest(payload) == header.check:
        landing.going_back = False
        landing.append(payload)
        line.send(Credit(file.path, landing.length))
    elif header.offset == landing.length or not landing.going_back:
        landing.going_back = True
        line.send(Credit(file.path, landing.length, again=True))


def _cloned(source: int, target: int) -> bool:
    """Share the extents of `source` by ioctl_ficlone(2) where system and file system can."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError:
        return False
    return True


def _named(problem: UnderstudyError, path: Path) -> UnderstudyError:
    """Return the daemon's error with the file as it is called on this side."""
    problem.message = f"{path}: {problem.message}"
    problem.args = (problem.message,)
    return problem
