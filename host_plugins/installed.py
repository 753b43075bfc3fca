"""The record of what is installed for one host and user: `installed.json` in our own folder.

Written before anything outside changes, with what is about to be written, and again when all of it is done: whoever is
killed between leaves a record that names everything there may be.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from understudy.bridge.errors import HostError
from understudy.host_plugins.edits import Written
from understudy.host_plugins.tree import flush

RECORD_NAME = "installed.json"


class Installed(msgspec.Struct, frozen=True, kw_only=True):
    schema: int = 1
    host: str
    version: str
    state: Literal["writing", "whole"]
    tree: str
    """The one in use, once `state` is whole."""
    trees: tuple[str, ...]
    """Every one that may be on the disk, the one in use last. The one before stays for hosts that run with it now."""
    written: tuple[Written, ...]
    pythons: tuple[str, ...] = ()
    command: str = ""
    """The path of `understudy` that was written down; every host of this user shares it."""
    programs: tuple[str, ...] = ()
    """Programs of the host that were told of it: Blenders."""


def read_installed(keep: Path) -> Installed | None:
    """Return the record in our folder; None where there is none. Raises HostError for one that does not read."""
    path = keep / RECORD_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Installed)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise HostError(
            f"{path} does not read: {problem}",
            remedy="Move that file away and install again; what it listed has to be removed by hand.",
        ) from None


def write_installed(keep: Path, installed: Installed) -> None:
    path = keep / RECORD_NAME
    beside = path.with_name(f".{RECORD_NAME}.{os.getpid()}")
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(installed), indent=1))
    flush(beside)
    beside.replace(path)
    flush(keep)
