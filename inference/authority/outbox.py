"""What of a follower's ledger its authority does not have yet.

The ledger is the outbox: each entry is on the disk, in its order, before anyone is told, and stays. All that is kept
beside it is how far the authority has said that it holds it: HOME/authority/posted.json. Blocks; one thread.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import msgspec

from understudy.bridge.errors import DaemonError
from understudy.bridge.follower_messages import Posted
from understudy.bridge.private_files import make_private_folder, read_private, write_private
from understudy.inference.authority.entries import line_digest
from understudy.inference.authority.held import FOLDER
from understudy.inference.authority.ledger import entries_file

POSTED_FILE = "posted.json"
LINES_AT_ONCE = 64
"""An entry takes 0.1 ms to verify: the authority's ledger waits 10 ms for a batch."""


def read_posted(home: Path) -> Posted | None:
    """Return what the authority has said that it holds; None before it said anything."""
    try:
        return msgspec.json.decode(read_private(home / FOLDER / POSTED_FILE), type=Posted)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None  # the authority is asked again, and says what it holds


class Outbox:
    """The lines that are still to be posted."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._posted = read_posted(home)
        self._offset: int | None = None
        """Where the first line starts that is not posted; None = to be looked for."""

    @property
    def after(self) -> int:
        """The newest entry that the authority holds."""
        return 0 if self._posted is None else self._posted.seq

    def next(self) -> tuple[str, ...]:
        """Return the next lines in their order. Raises DaemonError for a ledger that is not the one that was posted."""
        with entries_file(self._home).open("rb") as file:
            offset = self._find(file) if self._offset is None else self._offset
            file.seek(offset)
            lines: list[str] = []
            for line in file:
                if len(lines) == LINES_AT_ONCE or not line.endswith(b"\n"):
                    break
                lines.append(line[:-1].decode())
        return tuple(lines)

    def _find(self, file: BinaryIO) -> int:
        """Return where the lines begin that follow on what is posted."""
        offset, last = 0, b""
        file.seek(0)
        for number, line in enumerate(file, 1):
            if number > self.after:
                break
            offset, last = offset + len(line), line
        if self._posted is not None and self._posted.seq and line_digest(last[:-1]) != self._posted.digest:
            raise DaemonError(
                f"entry {self._posted.seq} of this daemon's ledger is not the one that its authority holds",
                remedy="The ledger was cut or put back from an old copy. `understudy ledger verify` here and at the "
                "authority; ask who was at the disk.",
            )
        self._offset = offset
        return offset

    def note(self, posted: Posted, sent: tuple[str, ...]) -> None:
        """Keep what the authority has said that it holds; from there the next lines go."""
        if self._offset is not None and posted.seq == self.after + len(sent):
            self._offset += sum(len(line.encode()) + 1 for line in sent)
        else:
            self._offset = None
        if posted != self._posted:
            make_private_folder(self._home / FOLDER)
            write_private(self._home / FOLDER / POSTED_FILE, msgspec.json.encode(posted))
        self._posted = posted
