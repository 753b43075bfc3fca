"""Whose signatures count here: the studio's roots, and this machine's own development root. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path

from understudy.bridge.errors import SigningError
from understudy.bridge.settings import UserSettings

FOLDER = "signing"
ROOT_NAME = "development_root.pem"
PEM_LIMIT_BYTES = 2**20
DEVELOPMENT_NAME = "Understudy development certificate, not trusted"
"""The name of every certificate of that chain: whoever lists a file's credentials reads it. No person, no machine."""


def trust_anchors(settings: UserSettings) -> bytes:
    """Return the PEM roots that this machine trusts: the studio's, and its own development root where there is one."""
    return studio_anchors(settings) + b"\n" + development_root(settings.home)


def studio_anchors(settings: UserSettings) -> bytes:
    """Return the PEM roots that the studio set; empty where it set none."""
    return read_pem(Path(settings.trust_anchors), "trust_anchors") if settings.trust_anchors else b""


def development_root(home: Path) -> bytes:
    """Return the PEM of this machine's development root; empty where nothing was ever signed with it."""
    path = home / FOLDER / ROOT_NAME
    return read_pem(path, "the development root") if path.exists() else b""


def read_pem(path: Path, what: str) -> bytes:
    """Return a PEM file of certificates. Raises SigningError naming it and what it is for."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise SigningError(f"{what}: {path} cannot be read: {problem.strerror}", remedy="Check the path.") from None
    if len(data) > PEM_LIMIT_BYTES or b"-----BEGIN CERTIFICATE-----" not in data:
        raise SigningError(f"{what}: {path} is no PEM file of certificates", remedy="Check the path.")
    return data
