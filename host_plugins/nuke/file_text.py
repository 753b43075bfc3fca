"""Paths as Nuke's file knobs hold them: text in which brackets, dollars and backslashes are a program and % a number.

Nothing is taken on trust: what was set is read back as Nuke understands it.
"""

from __future__ import annotations

import re
from typing import cast

import nuke

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FilePattern

UNSAFE = re.compile(r'[%#:*?"<>|]')
"""What no escape makes safe in a folder's name: Nuke counts frames by # and %, the rest is not Windows'."""
_LIVE = re.compile(r'([\\\[\]$"])')
_PADDED = re.compile(r"#+|%0?\d*d")
_VIEW = re.compile(r"%[vV]")


def safe_folder_name(name: str) -> str:
    """Return `name` as a folder that every system and Nuke's own patterns can carry."""
    return UNSAFE.sub("_", name).strip(" .") or "shot"


def as_text(path: str, percent: str = "%") -> str:
    """Return the text of a file knob that evaluates to `path`; #### becomes %04d. Windows' backslashes turn round.

    percent: what stands for a % of the path itself.
    """
    turned = path.replace("\\", "/") if re.match(r"[A-Za-z]:|\\\\", path) else path
    folder, slash, name = turned.replace("%", percent).rpartition("/")
    name = re.sub(r"#+", lambda found: f"%0{len(found.group())}d", name)
    return _LIVE.sub(r"\\\1", folder + slash + name)


def point(node: nuke.Node, path: str) -> None:
    """Let the node's `file` be `path`, a pattern with #### or one file. Raises HostError when Nuke reads it otherwise.

    Whether a lone % stays as it is or must be doubled is not documented: both are tried.
    """
    for percent in ("%", "%%"):
        node["file"].setValue(as_text(path, percent))
        found = nuke.filename(node, nuke.REPLACE)
        if found is not None and _means(found, path):
            return
    raise HostError(
        f"{node.name()}: Nuke reads {found or 'nothing'} where {path} was meant",
        remedy="Choose an output folder without % and # in its name.",
    )


def source_pattern(node: nuke.Node, view: str) -> FilePattern | None:
    """Return the files that the node's `file` names in this view, its program run; None where it names none."""
    found = nuke.filename(node)
    if not found:
        return None
    return FilePattern(_VIEW.sub(lambda match: view if match.group() == "%V" else view[:1], found))


def counts_in_folders(pattern: FilePattern) -> bool:
    """Say whether a folder's name holds a frame number: such files are Nuke's to find."""
    folder = pattern.text.replace("\\", "/").rpartition("/")[0]
    return _PADDED.search(folder) is not None or len(_PADDED.findall(pattern.text)) > 1


def evaluated(node: nuke.Node, knob: str) -> str:
    """Return a file knob's value with its program run. Raises HostError that names the knob when that fails."""
    try:
        return str(cast("nuke.File_Knob", node[knob]).evaluate() or "")
    except RuntimeError as problem:
        raise HostError(
            f"{node.name()}: the text of `{knob}` cannot be evaluated: {problem}",
            remedy="Put a backslash before each [ ] and $ that is part of a name.",
        ) from None


def _means(found: str, path: str) -> bool:
    """Say whether `found`, a file of the current frame, is one of `path`."""
    wanted = path.replace("\\", "/")
    folder, slash, name = wanted.rpartition("/")
    parts = re.split(r"#+", name)
    expression = re.escape(folder + slash) + r"-?\d+".join(re.escape(part) for part in parts)
    return re.fullmatch(expression, found.replace("\\", "/")) is not None
