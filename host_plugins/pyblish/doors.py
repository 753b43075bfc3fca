"""Which host this is, what is published in it, and whom to ask for papers. A studio may say each of them itself."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from understudy.bridge.errors import HostError
from understudy.bridge.host_daemon import find_daemon
from understudy.host_plugins.pyblish.papers import DaemonPapers, Papers
from understudy.host_plugins.pyblish.rule import PAPERS, UPSTREAM
from understudy.host_plugins.pyblish.walk import Upstream

PUBLISHED = "understudy_published"
"""In an instance's data: the host's name of what it publishes, where our guess would be wrong."""
FILES = "understudy_files"
"""In an instance's data: the final's files, where our guess would be wrong."""


def upstream_for(context: Any) -> Upstream:
    """Return the door to the host's document. Raises HostError where this is no host that we can walk in."""
    said = context.data.get(UPSTREAM)
    if said is not None:
        return cast(Upstream, said)
    if "nuke" in sys.modules:
        from understudy.host_plugins.pyblish.nuke_walk import NukeUpstream

        return NukeUpstream(sys.modules["nuke"])
    if "bpy" in sys.modules:
        from understudy.host_plugins.pyblish.blender_walk import BlenderUpstream

        return BlenderUpstream(sys.modules["bpy"])
    resolve = getattr(sys.modules.get("__main__"), "resolve", None)
    if resolve is not None:
        from understudy.host_plugins.pyblish.resolve_walk import ResolveUpstream

        return ResolveUpstream(resolve)
    raise HostError(
        "this is no Nuke, Blender or Resolve, so nobody can look upstream",
        remedy=f"Put an Upstream into context.data['{UPSTREAM}'].",
    )


def papers_for(context: Any) -> Papers:
    """Return whom to ask. One for the whole publish: its answers are kept."""
    papers = context.data.setdefault(PAPERS, DaemonPapers(find_daemon))
    return cast(Papers, papers)


def published_names(context: Any) -> tuple[str, ...]:
    """Return the host's names of what is published: each instance's node; the whole document where one names none."""
    names = tuple(dict.fromkeys(_name(instance) for instance in _published(context)))
    return ("",) if not names or "" in names else names


def _published(context: Any) -> Iterator[Any]:
    """Yield what will be published: an instance that is switched off is not."""
    for instance in context:
        if instance.data.get("publish", True) and instance.data.get("active", True):
            yield instance


def _name(instance: Any) -> str:
    """An instance's node may be the host's own object (as AYON keeps it) or its name."""
    data = instance.data
    node = data.get(PUBLISHED) or data.get("transientData", {}).get("node") or data.get("node")
    if node is None or isinstance(node, str):
        return node or ""
    return str(node.fullName()) if hasattr(node, "fullName") else str(getattr(node, "name", ""))


def final_files(context: Any) -> tuple[Path, ...]:
    """Return the files that a publish wrote, as our own key, pyblish's `files` or AYON's representations name them."""
    found: list[Path] = []
    for instance in _published(context):
        data = instance.data
        found += [Path(file) for file in _many(data.get(FILES) or data.get("files") or ())]
        for representation in data.get("representations", ()):
            folder = Path(representation.get("stagingDir") or data.get("stagingDir") or "")
            found += [folder / file for file in _many(representation.get("files") or ())]
    return tuple(dict.fromkeys(path for path in found if path.is_file()))


def _many(files: Iterable[str] | str) -> list[str]:
    return [files] if isinstance(files, str) else [str(file) for file in files]
