"""What jobs have made, for those who may have it. Methods block; any thread."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from understudy.bridge.errors import KeyRefused, PlateError, RequestError
from understudy.bridge.exr_file import read_attribute
from understudy.bridge.keys import User
from understudy.bridge.messages import Outputs
from understudy.inference.daemon.house import House
from understudy.inference.daemon.jobs import has_ended, may_see
from understudy.inference.daemon.laid_segments import laid_segments
from understudy.inference.daemon.submission import folder_of
from understudy.inference.daemon.tables import JobRow

WITHDRAWN = frozenset({"refused", "cancelled"})
QUARANTINE_ROLES = frozenset({"legal", "admin"})
"""Who may look at what the delivery gate set aside."""


class Shelf:
    """The versions of every job."""

    def __init__(self, house: House) -> None:
        self._store = house.store
        self._users = house.users

    def outputs(self, user: User, row: JobRow, *, listed: bool = True) -> Outputs:
        """Return the files that a job has made so far, or only where they lie. Raises KeyRefused for what is in
        quarantine.
        """
        if row.state == "quarantined" and not QUARANTINE_ROLES.intersection(user.roles):
            raise KeyRefused(
                f"what job {row.job_id} made is in quarantine", remedy="Ask legal or an admin to look at it."
            )
        provisional = row.state != "delivered"
        kept = row.state not in WITHDRAWN and (row.frames_done > 0 or not provisional)
        folder = folder_of(row, provisional=provisional)
        removed = has_ended(row.state) and kept and not folder.is_dir()
        files = self._store.outputs(row.job_id) if listed and kept and not removed else ()
        return Outputs(
            job_id=row.job_id,
            version=row.version,
            folder=str(folder),
            provisional=provisional,
            state="provisional" if provisional else _state_in_files(folder),
            removed=removed,
            files=files,
            segments=laid_segments(self._store, row, folder, files) if listed else (),
        )

    def resolve(self, key: str, job_id: str, path: str) -> Path | None:
        """Return a file of a job's version on disk, None where this key's user has no such file.

        Nothing outside the version's folder is ever found: no `..`, no symlink, no hidden file.
        """
        user = self._users.user_for(key)
        try:
            row = self._store.job(job_id)
        except (RequestError, UnicodeError):  # a name that no job has, or that no text can be
            return None
        if user is None or not may_see(user, row.user, row.project) or row.state in WITHDRAWN:
            return None
        if row.state == "quarantined" and not QUARANTINE_ROLES.intersection(user.roles):
            return None
        for provisional in (row.state != "delivered", False):
            found = _inside(folder_of(row, provisional=provisional), path)
            if found is not None:
                return found
        return None


def _inside(folder: Path, path: str) -> Path | None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\0" in path or any(part.startswith(".") for part in parts):
        return None
    found = folder
    for part in parts:
        found = found / part
        try:
            mode = os.lstat(found).st_mode
        except OSError:
            return None
        if stat.S_ISLNK(mode):
            return None
    return found if stat.S_ISREG(mode) else None


def _state_in_files(folder: Path) -> str:
    """Return what the layers' headers say now: the worker that settled the version chose the word."""
    try:
        layer = next(folder.rglob("*.exr"), None)
        return (read_attribute(layer, "understudy/state") if layer is not None else None) or "delivered"
    except (PlateError, OSError):
        return "delivered"
