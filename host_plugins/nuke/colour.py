"""Which colour space pictures are in: the script's working space, a Read's own, and the names both go by outside Nuke.

Nuke's own management knows curves and no primaries; its `linear` is taken as Rec.709, as everybody does.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import cast

import nuke

from understudy.bridge.errors import HostError
from understudy.bridge.host import DATA, LayerFiles
from understudy.host_plugins.nuke.file_text import evaluated

NUKE_NAMES = {
    "linear": "lin_rec709_scene",
    "sRGB": "srgb_rec709_scene",
    "rec709": "camera_rec709",
    "Gamma1.8": "g18_rec709_scene",
    "Gamma2.2": "g22_rec709_scene",
}
"""Curves of Nuke's own management that are spaces as well. Its camera curves are not: they leave primaries alone."""
NO_CONFIG = "none"
_SAME = (
    ("lin_rec709_scene", "linear", "linear rec.709 (srgb)", "lin_rec709", "lin_rec709_srgb", "lin_srgb",
     "utility - linear - srgb", "utility - linear - rec.709"),
    ("lin_ap1_scene", "acescg", "aces - acescg", "lin_ap1"),
    ("lin_ap0_scene", "aces2065-1", "aces - aces2065-1", "aces2065_1", "lin_ap0", "aces"),
)  # fmt: skip
_DEFAULT = re.compile(r"default(?: \((.+)\))?")


def managed_by_ocio() -> bool:
    return _text(nuke.root(), "colorManagement") == "OCIO"


def working_space() -> str:
    """Return the working space's name as it travels: what a raw Write's numbers are in."""
    name = _plain(_text(nuke.root(), "workingSpaceLUT") or "linear")
    return name if managed_by_ocio() else NUKE_NAMES.get(name, name)


def ocio_config() -> str | None:
    """Return the OCIO config in force as `--ocio` takes it: a path, or none where Nuke manages colour itself.

    None where it is one of Nuke's own and not found on disk: then the daemon's built-in one knows the usual names.
    """
    if not managed_by_ocio():
        return NO_CONFIG
    named = os.environ.get("OCIO") or ""
    if not named and _text(nuke.root(), "OCIO_config") == "custom":
        named = evaluated(nuke.root(), "customOCIOConfigPath")
    if named:
        return named
    shipped = Path(nuke.EXE_PATH).parent / "plugins" / "OCIOConfigs" / "configs"
    name = _text(nuke.root(), "OCIO_config")
    found = [path for path in (shipped / name / "config.ocio", shipped / f"{name}.ocio") if path.is_file()]
    return str(found[0]) if found else None


def source_space(read: nuke.Node) -> str | None:
    """Return the space from which this Read converts, as it travels; None where it is not known by a name."""
    if read["raw"].value():
        return working_space()
    said = _text(read, "colorspace")
    default = _DEFAULT.fullmatch(said)
    name = _plain(default[1] or "" if default is not None else said)
    if not name:
        name = _plain(_text(nuke.root(), _root_default(read)))
    return name or None if managed_by_ocio() else NUKE_NAMES.get(name)


def comes_back_readable(space: str, suffix: str) -> bool:
    """Say whether layers over a plate of this space come back in one that the script can read exactly.

    Nuke's own management cannot read what the daemon makes of codes and curves: only linear EXR comes back as it went.
    """
    return managed_by_ocio() or (suffix == ".exr" and space == "lin_rec709_scene")


def is_same(one: str, other: str) -> bool:
    """Say whether two names mean one space, by the names in common use."""
    return _known(one) == _known(other)


def read_as(read: nuke.Node, layer: LayerFiles) -> None:
    """Let a Read give the layer's own numbers in the working space. Raises HostError where Nuke cannot."""
    if layer.colour == DATA or is_same(layer.colour, working_space()):
        read["raw"].setValue(True)
        return
    if managed_by_ocio():
        read["raw"].setValue(False)
        with suppress(ValueError, TypeError):  # what counts is what stands there afterwards
            read["colorspace"].setValue(_entry(read["colorspace"], layer.colour))
        if is_same(_plain(_text(read, "colorspace")), layer.colour):
            return
    raise HostError(
        f"layer {layer.name} is in {layer.colour or 'no stated space'}, and this script works in {working_space()}",
        remedy=f"Set the project's colour management to OCIO with a config that has {layer.colour or 'its space'}.",
    )


def _entry(knob: nuke.Knob, space: str) -> str:
    """Return the enumeration's own word for a space: families may stand before it, aliases behind a tab."""
    for entry in cast("nuke.Enumeration_Knob", knob).values():
        word, *aliases = str(entry).split("\t")
        if any(is_same(name, space) for name in (_plain(word), *aliases)):
            return word
    return space


def _root_default(read: nuke.Node) -> str:
    suffix = Path(str(nuke.filename(read) or "")).suffix.lower()
    return {".exr": "floatLut", ".hdr": "floatLut", ".dpx": "logLut", ".cin": "logLut"}.get(suffix, "int8Lut")


def _known(name: str) -> str:
    lowered = name.lower()
    return next((names[0] for names in _SAME if lowered in names), lowered)


def _text(node: nuke.Node, knob: str) -> str:
    found = node.knob(knob)
    return str(found.value()) if found is not None else ""


def _plain(said: str) -> str:
    """Return a colour space's bare name: without the aliases behind a tab, without the families before it."""
    name = said.split("\t")[0]
    parts = name.split("/")
    for start in range(len(parts) - 1, 0, -1):
        bare = "/".join(parts[start:])
        if _family(bare) == "/".join(parts[:start]):
            return bare
    return parts[-1] if len(parts) > 1 and not _family(name) else name


def _family(name: str) -> str:
    try:
        return nuke.root().getOCIOColorspaceFamily(name) or ""
    except (AttributeError, RuntimeError, ValueError):  # not in every version, not for every name
        return ""
