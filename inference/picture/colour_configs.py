"""Finding and opening an OCIO config: a built-in one by name, a `config.ocio`, or an archive with its LUTs (`.ocioz`).

An archive is known by its content, not its name: in the vault it has a digest for a name.
"""

from __future__ import annotations

import copy
import difflib
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import PyOpenColorIO

from understudy.bridge.errors import RequestError
from understudy.bridge.exr_file import file_digest
from understudy.inference.picture.colour_archive import LONGEST_CONFIG_BYTES, ColourArchive

STANDARD = "studio-config-v4.0.0_aces-v2.0_ocio-v2.5"
"""The config of a shot that brings none, and the dictionary for spaces that a show's config lacks."""
OCIO_PROBLEMS = (PyOpenColorIO.Exception, PyOpenColorIO.ExceptionMissingFile)
"""What OCIO raises; the second, for a LUT that is not there, is in Python no kind of the first."""
_PROFILE = re.compile(rb"^\s*ocio_profile_version\s*:\s*[\"']?(\d+)(?:\.(\d+))?", re.MULTILINE)


class OpenedConfig(NamedTuple):
    """A config, and the archive that it reads its LUTs from: OCIO does not keep it alive."""

    config: Any
    archive: ColourArchive | None = None


def open_config(name: str) -> OpenedConfig:
    """Return the OCIO config named or stored at `name`.

    Raises RequestError for a name that is no built-in config (with the nearest ones), a file that is missing or is no
    config, and a config whose profile is newer than the library here, naming both versions.
    """
    built_in = _built_in(name)
    if built_in is not None:
        return OpenedConfig(built_in)
    path = Path(name)
    if not path.is_file():
        raise _no_such_config(name)
    if _is_archive(path):
        return open_archive(path, name, file_digest(path), {})
    _refuse_newer_profile(name, _config_text(path))
    try:
        return OpenedConfig(PyOpenColorIO.Config.CreateFromFile(str(path)))
    except OCIO_PROBLEMS as problem:
        raise _unusable(name, problem) from None


def open_archive(path: Path, typed: str, digest: str, context: Mapping[str, str]) -> OpenedConfig:
    """Return the config in the archive at `path`, its context variables set: those given, else the config's defaults.

    Nothing of this machine's environment gets in. `typed` is its name for messages. Raises RequestError as above.
    """
    archive = ColourArchive(path, typed, digest)
    _refuse_newer_profile(typed, archive.text)
    try:
        config = copy.deepcopy(PyOpenColorIO.Config.CreateFromConfigIOProxy(archive))
        config.setWorkingDir(archive.root)
        _set_context(config, context)
    except OCIO_PROBLEMS as problem:
        raise _unusable(typed, problem) from None
    return OpenedConfig(config, archive)


def _set_context(config: Any, context: Mapping[str, str]) -> None:
    """Give the context these values. OCIO has filled it from this process' environment, which is not the artist's."""
    stated = {str(name): str(config.getEnvironmentVarDefault(name)) for name in config.getEnvironmentVarNames()}
    for name in [str(entry[0]) for entry in config.getCurrentContext().getStringVars()]:
        if name not in stated and name not in context:
            config.addEnvironmentVar(name, None)
    for name, value in {**stated, **context}.items():
        config.addEnvironmentVar(name, value)


def _unusable(name: str, problem: object) -> RequestError:
    return RequestError(
        f"the colour config {name} cannot be used: {_one_line(problem)}",
        remedy="Check it with ociocheck, and send it as an archive (ocioarchive) so that its LUTs travel with it.",
        facts={"config": name},
    )


@functools.cache
def built_in_config(name: str) -> Any:
    """Return OCIO's own config of exactly this name, parsed once a process (35 ms). Everybody's: nobody changes it."""
    return PyOpenColorIO.Config.CreateFromBuiltinConfig(name)


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


def _is_archive(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"PK"


def _config_text(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(LONGEST_CONFIG_BYTES)


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
            f"the colour config {name} has profile {major}.{minor}; the daemon reads up to {ours[0]}.{ours[1]}",
            remedy="Save the config with an older profile, or update OpenColorIO on the daemon's machine.",
            facts={"config": name, "profile": f"{major}.{minor}", "reads_up_to": f"{ours[0]}.{ours[1]}"},
        )


def _built_in_names() -> list[str]:
    return [str(entry[0]) for entry in PyOpenColorIO.BuiltinConfigRegistry().getBuiltinConfigs()]


def _built_in(name: str) -> Any:
    short = name.removeprefix("ocio://")
    return built_in_config(short) if short in _built_in_names() else None


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
