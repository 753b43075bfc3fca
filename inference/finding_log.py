"""What was found while frames were made, kept for whoever goes on with the job after a worker died.

A finished frame is not made again, so the next worker would never hear what was to be said of it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from understudy.bridge.errors import Finding

FILE = "findings.json"


class FindingLog:
    """One file in the scratch folder of a job. Not shared by threads."""

    def __init__(self, scratch: Path) -> None:
        self._path = scratch / FILE

    def read(self) -> tuple[Finding, ...]:
        """Return what is kept, as it was told; nothing where nobody wrote, or the file is damaged."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=tuple[Finding, ...])
        except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
            return ()

    def write(self, findings: tuple[Finding, ...]) -> None:
        """Keep these and no others. A file that has its name is whole."""
        part = self._path.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(findings))
        part.replace(self._path)
