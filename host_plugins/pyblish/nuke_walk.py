"""Nuke's script, walked up from what is published: through groups, precomps, and from a Read to the Write that made it.

`nuke` is given, not imported: the studio's publish runs where it is there already. Main thread only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from understudy.bridge.errors import HostError
from understudy.host_plugins.pyblish.walk import Use, same_files

MOST_PIPES = 100
"""Merge and Switch take a hundred; `inputs()` may stop at the first pipe that is not connected."""
MEMORY, VERSION, PLATE_ONLY, TAKES = "understudy_memory", "version", "plate", 4
"""Of an Understudy node: what it is known by, which take it shows and its word for none, the pipe that brings takes.

Our plugin's own words (`nuke.knobs`, `nuke.node`): it is not imported, for it may not be in the Nuke that publishes.
"""
_READ_BLOCK = re.compile(r"^\s*(?:Deep)?Read \{$(.*?)^\s*\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\s*(file|first|last) (.+?)\s*$", re.MULTILINE)


class NukeUpstream:
    """Implements `walk.Upstream`."""

    host = "nuke"

    def __init__(self, nuke: Any) -> None:
        self._nuke = nuke

    def uses(self, published: str) -> Iterator[Use]:
        """Yield the files of every node above `published`, or of the whole script."""
        if published:
            node = self._nuke.toNode(published)
            if node is None:
                raise HostError(f"there is no node {published} in this script", remedy="Collect again.")
            waiting = [node]
        else:
            waiting = list(self._nuke.allNodes(group=self._nuke.root(), recurseGroups=True))
        writes = [node for node in self._nuke.allNodes("Write", self._nuke.root(), True) if not _off(node)]
        seen: set[str] = set()
        while waiting:
            node = waiting.pop()
            if node.fullName() not in seen:
                seen.add(node.fullName())
                yield from self._files(node)
                waiting += self._above(node, writes)

    def _above(self, node: Any, writes: list[Any]) -> Iterator[Any]:
        """Yield the nodes whose pictures reach this one; of one that is switched off only what it lets through."""
        if _off(node):
            pipes = [node.input(0)]
        else:
            pipes = [node.input(number) for number in range(MOST_PIPES)]
            if node.Class() == "Group" and node.knob(MEMORY) is not None:
                pipes[TAKES] = self._take_shown(node)
            if hasattr(node, "nodes"):
                pipes += node.nodes()  # of a group all: one too many is harmless
        if node.Class() == "Input" and node.parent() is not None:
            pipes.append(node.parent())
        yield from (pipe for pipe in pipes if pipe is not None)
        if _reads(node) and not _off(node):
            patterns = self._patterns(node)
            yield from (write for write in writes if any(same_files(one, self._pattern(write)) for one in patterns))

    def _take_shown(self, node: Any) -> Any:
        """Return what comes through an Understudy node's pipe of takes: the one take that its version names, or none.

        The whole pipe, with every take, where another may be shown at another frame or in another view, or where the
        switches that follow the version are no longer as our plugin made them.
        """
        pipe = switch = node.input(TAKES)
        while switch is not None and switch.Class() == "Dot":
            switch = switch.input(0)
        version = node.knob(VERSION)
        if switch is None or version is None or not _steady(version) or len(self._nuke.views()) > 1:
            return pipe
        if version.value() == PLATE_ONLY:
            return None if _shows_plate(node) else pipe
        if _follows(switch, f"max({node.name()}.{VERSION}-1,0)"):
            shown = switch.input(int(switch["which"].value()))
            return shown if shown is not None else pipe
        return pipe

    def _files(self, node: Any) -> Iterator[Use]:
        if _off(node):
            return
        where = node.fullName()
        if _reads(node):
            first, last = _number(node, "first"), _number(node, "last")
            for pattern in self._patterns(node):
                yield Use(pattern, where, (first, last) if first is not None and last is not None else None)
        elif node.Class() in ("Precomp", "LiveGroup") and not (hasattr(node, "nodes") and node.nodes()):
            yield from script_uses(Path(self._pattern(node)), where)

    def _patterns(self, node: Any) -> list[str]:
        """Return the node's files, one pattern a view that its name stands for."""
        texts = [self._pattern(node)]
        if self._nuke.root().proxy():  # then Nuke names the proxies; what is published is made of the files
            texts.append(_plain(node))
        views = self._nuke.views()
        named = [text.replace("%V", view).replace("%v", view[:1]) for text in texts for view in views]
        return list(dict.fromkeys(text for text in named if text))

    def _pattern(self, node: Any) -> str:
        """Return the files as Nuke understands the text of the knob, its program run, with %04d for the number."""
        try:
            return str(self._nuke.filename(node) or "")
        except RuntimeError:  # the text is no program that runs: as it stands it names the files, or none
            return str(node["file"].value() or "")


def _plain(node: Any) -> str:
    """Return the text of a node's file knob with its escapes taken out; a program in it is not run."""
    return re.sub(r"\\(.)", r"\1", str(node["file"].value() or ""))


def _reads(node: Any) -> bool:
    """Say whether a node brings pictures from files: any that has a file and does not write it."""
    if node.knob("file") is None or node.Class() in ("Precomp", "LiveGroup"):
        return False
    reading = node.knob("reading")
    return "Write" not in node.Class() or (reading is not None and bool(reading.value()))


def _off(node: Any) -> bool:
    """Say whether a node is switched off for good. Switched by an expression it may be on at another frame."""
    knob = node.knob("disable")
    return knob is not None and bool(knob.value()) and _steady(knob)


def _steady(knob: Any) -> bool:
    """Say whether a knob has the same value at every frame."""
    return not knob.hasExpression() and not knob.isAnimated()


def _shows_plate(node: Any) -> bool:
    """Say whether an Understudy node at version `plate` is inside as it was made: its output is its input `plate`."""
    outputs = [inside for inside in node.nodes() if inside.Class() == "Output"]
    switch = outputs[0].input(0) if len(outputs) == 1 else None
    plate = switch.input(0) if switch is not None and _follows(switch, f"parent.{VERSION}>0") else None
    return plate is not None and plate.Class() == "Input" and plate.name() == "plate"


def _follows(switch: Any, expression: str) -> bool:
    """Say whether a node is a Switch whose choice is this expression, written without blanks."""
    if switch.Class() != "Switch" or _off(switch) or not switch["which"].hasExpression():
        return False
    curve = switch["which"].animation(0)
    return curve is not None and "".join(str(curve.expression()).split()) == expression


def _number(node: Any, name: str) -> int | None:
    knob = node.knob(name)
    return int(knob.value()) if knob is not None else None


def script_uses(script: Path, where: str) -> Iterator[Use]:
    """Yield what a script on disk reads, as it is written there: it is not opened in this Nuke.

    A file whose name is a program ([...]) cannot be told without running it.
    """
    try:
        text = script.read_text("utf-8", "surrogateescape")
    except OSError as problem:
        yield Use("", where, unseen=f"the script {script} cannot be read: {problem.strerror}")
        return
    for block in _READ_BLOCK.findall(text):
        fields = dict(_FIELD.findall(block))
        file = fields.get("file", "").strip('"')
        if "[" in file:
            yield Use("", f"{where} > {script.name}", unseen=f"{file} is only known when the script is open")
        elif file:
            first, last = (int(fields.get(name, "1").split()[0]) for name in ("first", "last"))
            yield Use(
                file, f"{where} > {script.name}", (first, last) if "first" in fields or "last" in fields else None
            )
