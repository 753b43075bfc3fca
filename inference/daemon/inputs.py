"""The files of jobs: what a job still lacks, how one is handed over, whether all are whole when it starts, and room.

A digest known from elsewhere proves nothing: a file counts for a job only when somebody of its project (or its user)
brought it. Methods block and may be called from any thread, but for those marked as the event loop's.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from understudy.bridge.errors import JobParked, KeyRefused, PlateError, RequestError
from understudy.bridge.exr_file import picture_digest
from understudy.bridge.keys import User
from understudy.bridge.messages import HandOver
from understudy.bridge.settings import this_system
from understudy.bridge.shot import JobRequest, PictureFile
from understudy.inference.daemon.house import House
from understudy.inference.daemon.jobs import check_may_change, has_ended
from understudy.inference.daemon.lookup import unknown_job

ROOM_BYTES = 256 * 1024 * 1024
"""Disk space below which a parked job stays parked: less than this a job could not write its first frames."""


class Inputs:
    """The inputs of every job of one daemon."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._store = house.store
        self._vault = house.vault
        self._lock = threading.Lock()
        self._lacking: dict[str, set[str]] = {}
        """What jobs that upload still lack, so that a stored file is one look-up and not a walk over the job."""

    def lacking(self, job_id: str, owner: str) -> dict[str, int]:
        """Return what the vault lacks of a job: file digest to the offset at which this owner's upload goes on."""
        missing = self._missing(job_id)
        self._remember(job_id, set(missing))
        return {file: self._vault.resume_offset(file, owner) for file in missing}

    def may_send(self, user: User | None, job_id: str, file: str) -> bool:
        """Say whether `user` may bring this file for this job: its own job, which needs it and has not ended."""
        try:
            row = self._store.job(job_id)
            if user is None:
                return False
            check_may_change(user, row.user, "send files for")
        except (RequestError, KeyRefused):
            return False
        return not has_ended(row.state) and self._store.size_of(job_id, file) is not None

    def note_stored(self, job_id: str, file: str) -> bool:
        """Note that a file of a job stands in the vault; return True when it was the last one that lacked."""
        self._store.possess(job_id, file)
        with self._lock:
            missing = self._lacking.get(job_id)
            if missing is not None:
                missing.discard(file)
        return not missing and self.complete(job_id)

    def complete(self, job_id: str) -> bool:
        """Say whether every file of a job stands in the vault."""
        missing = self._missing(job_id)
        self._remember(job_id, missing)
        return not missing

    def forget(self, job_id: str) -> None:
        """Drop what is remembered of a job that has ended: of a long one that is ten megabytes."""
        with self._lock:
            self._lacking.pop(job_id, None)

    def _remember(self, job_id: str, missing: set[str]) -> None:
        with self._lock:
            self._lacking[job_id] = missing
        # Asked afterwards: a job that ends meanwhile is forgotten here, or by whoever ended it.
        if not missing or has_ended(self._store.job(job_id).state):
            self.forget(job_id)

    def take(self, user: User, request: HandOver, *, proved: bool) -> None:
        """Take a file by its path. `proved`: the connection showed that it shares this machine and user.

        Raises RequestError (unknown here, outside the roots), PlateError (not what was announced), JobParked. Who
        proved nothing is not told what the file is instead: its size and digest may be another's.
        """
        if not self.may_send(user, request.job_id, request.file):
            raise unknown_job(request.job_id)
        path = Path(request.path)
        if not path.is_absolute() or "\0" in request.path:
            raise RequestError(f"'{request.path}' is not an absolute path", remedy="Hand over files by absolute paths.")
        size = self.announced_size(request.job_id, request.file)
        if proved:
            take = self._vault.take_link if request.give_up else self._vault.take_copy
            take(path, request.file, size=size)
            return
        try:
            self._vault.take_copy(path, request.file, size=size, roots=self._roots_of(user))
        except PlateError:
            raise PlateError(
                f"{path} cannot be read here, or is not the file that was announced",
                remedy="Let it be uploaded; if it was changed after the job was sent, submit the job again.",
            ) from None

    def announced_size(self, job_id: str, file: str) -> int | None:
        """Return how long the job says that a file is; make room for it. Raises JobParked when there is none."""
        size = self._store.size_of(job_id, file)
        fits = size is None or self._vault.bytes_used + size <= self._vault.quota_bytes
        if (not fits or shutil.disk_usage(self._house.home).free < (size or 0)) and not self.has_room(job_id):
            raise JobParked(
                f"there is no room for the files of job {job_id}: the vault holds {self._vault.bytes_used} of "
                f"{self._vault.quota_bytes} bytes",
                remedy="The job goes on by itself when other jobs end, or when there is room on the disk.",
            )
        return size

    def has_room(self, job_id: str) -> bool:
        """Say whether what a job lacks would fit the vault's quota and the disk, after cleaning if need be."""
        self.make_room(job_id)
        return self.fits(job_id)

    def make_room(self, *job_ids: str) -> None:
        """Clean the vault once of what no job needs, where one of these would not fit its quota otherwise.

        It stats every blob, and whoever sends a file waits meanwhile.
        """
        needed = max(map(self._needed, job_ids), default=0)
        if needed and self._vault.bytes_used + needed > self._vault.quota_bytes:
            self._vault.clean(self._store.live_files(), needed)

    def fits(self, job_id: str) -> bool:
        """Say whether what a job lacks fits the vault's quota and the disk as they are."""
        needed = self._needed(job_id)
        if shutil.disk_usage(self._house.home).free < needed + ROOM_BYTES:
            return False
        return not needed or self._vault.bytes_used + needed <= self._vault.quota_bytes

    def verified_paths(
        self, job_id: str, job: JobRequest, step: Callable[[int, int], None]
    ) -> tuple[dict[str, str], bool]:
        """Hash every blob of a job again; return file digest to path, and whether the pictures are what the job says.

        `step(done, total)` may raise to stop. Raises PlateError naming the file as the user typed it.
        """
        files = job.shot.files()
        blobs = self._store.blobs(job_id)
        paths: dict[str, str] = {}
        pictures: dict[str, str] = {}
        honest = True
        for done, (digest, file) in enumerate(files.items()):
            step(done, len(files))
            path = self._verified(blobs.get(digest), file)
            paths[digest] = str(path)
            if file.picture != digest:
                pictures[digest] = picture_digest(path)
                honest = honest and pictures[digest] == file.picture
        self._store.know_pictures(job_id, {file: picture for file, picture in pictures.items() if blobs[file] == file})
        return paths, honest

    def _verified(self, blob: str | None, file: PictureFile) -> Path:
        try:
            if blob is None:
                raise PlateError("it is no longer in the vault")
            return self._vault.verify(blob)
        except PlateError as problem:
            raise PlateError(
                f"{file.typed} must be sent again: {problem.message}",
                remedy="`understudy watch` of this job sends it again, from where the files are.",
                facts={"file": file.file},
            ) from None

    def _missing(self, job_id: str) -> set[str]:
        return {file for file, blob in self._store.blobs(job_id).items() if blob is None or not self._vault.has(blob)}

    def _needed(self, job_id: str) -> int:
        sizes = self._store.sizes(job_id)
        return sum(sizes[file] for file in self._missing(job_id))

    def _roots_of(self, user: User) -> list[Path]:
        """Return the folders of this machine that a key reaches by path: of its projects' roots; of all, bound to none.

        Where roots lie in each other, either opens a file.
        """
        own = frozenset(user.projects)
        roots = [root for root in self._house.settings.roots if not own or own.intersection(root.projects)]
        return [Path(here) for root in roots if (here := root.path_on(this_system()))]
