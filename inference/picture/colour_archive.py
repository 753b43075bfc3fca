"""An archive of a studio's OCIO config (.ocioz), read so that it can harm nobody. For a worker, never the daemon.

OCIO never sees the zip: names, counts and sizes are looked at first, and then OCIO asks here for the config and for
each LUT. It reads nothing else of this machine, whatever paths the config holds.
"""

from __future__ import annotations

import posixpath
import re
import stat
import struct
import threading
import zipfile
import zlib
from pathlib import Path

import PyOpenColorIO

from understudy.bridge.errors import RequestError

MEMBER = "config.ocio"
LONGEST_CONFIG_BYTES = 16 << 20
LARGEST_FILE_BYTES = 256 << 20
"""Of one LUT: a cube of 129 points a side, written as text, has 60 MiB."""
LARGEST_TOTAL_BYTES = 2 << 30
ENTRIES_LIMIT = 20_000
_DIRECTORY_LIMIT_BYTES = 8 << 20
_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")  # PKWARE APPNOTE 6.3.10, 4.3.16
_LONGEST_COMMENT_BYTES = 65535
_NO_LUT = b"\0there is no such file in the archive"
"""No format reads this. OCIO takes nothing for a reason to open a file of that name on this machine."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_WHAT_ZIPS_RAISE = (OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)


class ColourArchive(PyOpenColorIO.PyConfigIOProxy):  # type: ignore[misc]  # the library has no types
    """The members of one archive, by name. Must live as long as a config that was made of it: OCIO keeps no hold.

    Any thread may call; `typed` is the name for messages.
    """

    def __init__(self, path: Path, typed: str, digest: str) -> None:
        """Look at every entry; unpack none. Raises RequestError for an archive that is not one, or not sound."""
        super().__init__()
        self.typed = typed
        # OCIO remembers LUTs by their path in all configs of a process: two shows may both have a luts/log.spi1d.
        self.root = f"/{digest}"
        self._lock = threading.Lock()
        self._digest = digest
        try:
            _check_directory(path)
            self._zip = zipfile.ZipFile(path)
            self._entries = _sound_entries(self._zip.infolist())
            self.text = self._read(MEMBER, LONGEST_CONFIG_BYTES)
        except _Unsound as problem:
            raise self._refused(str(problem)) from None
        except _WHAT_ZIPS_RAISE as problem:
            raise self._refused(" ".join(str(problem).split())[:300]) from None

    def getConfigData(self) -> str:  # noqa: N802 - OCIO's name
        return self.text.decode(errors="replace")

    def getLutData(self, path: str) -> bytearray:  # noqa: N802 - OCIO's name
        name = self._member(path)
        return bytearray(self._read(name, LARGEST_FILE_BYTES) if name else b"") or bytearray(_NO_LUT)

    def getFastLutFileHash(self, path: str) -> str:  # noqa: N802 - OCIO's name
        """Return what names the LUT's content; nothing where the archive has no such file."""
        name = self._member(path)
        return f"{self._digest}:{name}" if name else ""

    def _member(self, path: str) -> str:
        """Return the name in the archive of a path that OCIO put together, nothing where there is no such member."""
        name = posixpath.normpath(path.replace("\\", "/")).removeprefix(self.root).lstrip("/")
        return name if name in self._entries else ""

    def _read(self, name: str, limit: int) -> bytes:
        """Return a member's bytes; what an entry says of its size bounds what is unpacked. Raises _Unsound."""
        entry = self._entries.get(name)
        if entry is None:
            raise _Unsound(f"there is no {name} at its root")
        if entry.file_size > limit:
            raise _Unsound(f"{name} has {entry.file_size} bytes; {limit} are the limit")
        with self._lock, self._zip.open(entry) as member:
            return member.read(limit)

    def _refused(self, why: str) -> RequestError:
        return RequestError(
            f"the colour config {self.typed} cannot be used: {why}",
            remedy="Make the archive again with ocioarchive; it holds config.ocio at its root and LUTs beneath it.",
            facts={"config": self.typed},
        )


class _Unsound(Exception):
    """Why an archive is not opened, in words that follow `cannot be used`."""


def _check_directory(path: Path) -> None:
    """Look at how long the list of entries is, before anything reads it. Raises _Unsound."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _END_OF_DIRECTORY.size - _LONGEST_COMMENT_BYTES))
        tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END_OF_DIRECTORY.size:
        raise _Unsound("it is no zip archive, or cut short")
    _, _, _, _, entries, length, offset, _ = _END_OF_DIRECTORY.unpack_from(tail, at)
    if entries > ENTRIES_LIMIT or length > _DIRECTORY_LIMIT_BYTES or offset == 0xFFFFFFFF:
        raise _Unsound(f"it has more than {ENTRIES_LIMIT} entries, or is a zip64")


def _sound_entries(entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the files by name. Raises _Unsound for what no archive of a config holds."""
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        why = _problem(entry) or ("is there twice" if entry.filename in found else "")
        if why:
            raise _Unsound(f"its entry {entry.filename[:200]!r} {why}")
        if not entry.is_dir():
            found[entry.filename] = entry
    total = sum(entry.file_size for entry in found.values())
    if total > LARGEST_TOTAL_BYTES or len(entries) > ENTRIES_LIMIT:
        raise _Unsound(f"it unpacks to {total} bytes; {LARGEST_TOTAL_BYTES} are the limit")
    return found


def _problem(entry: zipfile.ZipInfo) -> str:
    name = entry.filename
    if name.startswith("/") or "\\" in name or ".." in name.split("/") or re.match(r"[A-Za-z]:", name):
        return "leads out of the archive"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a link"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    if entry.compress_type not in _METHODS:
        return "is compressed in a way that OpenColorIO does not read"
    if entry.file_size > LARGEST_FILE_BYTES:
        return f"has {entry.file_size} bytes; {LARGEST_FILE_BYTES} are the limit"
    return ""
