"""Finding and opening an OCIO config: a built-in one by name, a `config.ocio`, or an archive with its LUTs (`.ocioz`).

An archive is known by its content, not its name: in the vault it has a digest for a name.
"""

from __future__ import annotations

import difflib
import re
import zipfile
from pathlib import Path
from typing import Any

import PyOpenColorIO

from understudy.bridge.errors import RequestError

STANDARD = "studio-config-v4.0.0_aces-v2.0_ocio-v2.5"
"""The config of a shot that brings none, and the dictionary for spaces that a show's config lacks."""
_PROFILE = re.compile(rb"^\s*ocio_profile_version\s*:\s*[\"']?(\d+)(?:\.(\d+))?", re.MULTILINE)
_LONGEST_CONFIG_BYTES = 16 << 20
_MEMBER = "config.ocio"


def open_config(name: str) -> Any:
    """Return the OCIO config named or stored at `name`.

    Raises RequestError for a name that is no built-in config (with the nearest ones), a file that is missing or is no
    config, and a config whose profile is newer than the library here, naming both versions.
    """
    built_in = _built_in(name)
    if built_in is not None:
        return built_in
    path = Path(name)
    if not path.is_file():
        raise _no_such_config(name)
    _refuse_newer_profile(name, _config_text(path))
    try:
        return PyOpenColorIO.Config.CreateFromFile(str(path))
    except PyOpenColorIO.Exception as problem:
        raise RequestError(
            f"the colour config {name} cannot be used: {_one_line(problem)}",
            remedy="Check it with ociocheck, and send it as an archive (ocioarchive) so that its LUTs travel with it.",
            facts={"config": name},
        ) from None


def open_built_in(name: str) -> Any:
    """Return the built-in OCIO config of this name; no file is looked at. Raises RequestError with near names."""
    built_in = _built_in(name)
    if built_in is None:
        raise _no_such_config(name)
    return built_in


def nearest(name: str, known: list[str], count: int = 3) -> list[str]:
    """Return up to `count` of `known` that `name` may have meant, regardless of case; if none is near, the first."""
    lowered = {entry.lower(): entry for entry in reversed(known)}
    asked = name.lower()
    near = [entry for entry in lowered if asked and asked in entry]
    near += difflib.get_close_matches(asked, list(lowered), n=count, cutoff=0.4)
    return list(dict.fromkeys(lowered[entry] for entry in near or list(lowered)))[:count]


def _config_text(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            if stream.read(2) != b"PK":
                stream.seek(0)
                return stream.read(_LONGEST_CONFIG_BYTES)
        with zipfile.ZipFile(path) as archive, archive.open(_MEMBER) as member:
            return member.read(_LONGEST_CONFIG_BYTES)
    except (OSError, zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as problem:
        raise RequestError(
            f"the colour config {path} cannot be read: {_one_line(problem)}",
            remedy="Make the archive again with ocioarchive; it holds config.ocio at its root.",
            facts={"config": str(path)},
        ) from None


def _refuse_newer_profile(name: str, text: bytes) -> None:
    found = _PROFILE.search(text)
    if found is None:
        raise RequestError(
            f"{name} is no OCIO config: it states no ocio_profile_version",
            remedy="Give a config.ocio, an .ocioz archive, or the name of a built-in config.",
            facts={"config": name},
        )
    major, minor = int(found.group(1)), int(found.group(2) or 0)
    ours = tuple(int(part) for part in PyOpenColorIO.GetVersion().split(".")[:2])
    if (major, minor) > ours:
        raise RequestError(
            f"the colour config {name} has profile {major}.{minor}; this machine reads up to {ours[0]}.{ours[1]}",
            remedy="Save the config with an older profile, or update OpenColorIO on the daemon's machine.",
            facts={"config": name, "profile": f"{major}.{minor}", "reads_up_to": f"{ours[0]}.{ours[1]}"},
        )


def _built_in_names() -> list[str]:
    return [str(entry[0]) for entry in PyOpenColorIO.BuiltinConfigRegistry().getBuiltinConfigs()]


def _built_in(name: str) -> Any:
    short = name.removeprefix("ocio://")
    return PyOpenColorIO.Config.CreateFromBuiltinConfig(short) if short in _built_in_names() else None


def _no_such_config(name: str) -> RequestError:
    if "/" in name or "\\" in name or name.endswith((".ocio", ".ocioz")):
        return RequestError(
            f"there is no colour config at {name}",
            remedy="Check the path, or name a built-in config.",
            facts={"config": name},
        )
    near = ", ".join(nearest(name, _built_in_names()))
    return RequestError(
        f"there is no colour config '{name}'", remedy=f"Did you mean one of: {near}?", facts={"config": name}
    )


def _one_line(problem: object) -> str:
    return " ".join(str(problem).split())[:300]
