"""Resolve's timelines, walked down from what is published: every clip on a track, and the timelines nested in it.

`resolve` is the handle that a script is given. Nothing in its interface raises: every answer is read with suspicion.
What a compound clip holds cannot be asked for, and is named as unseen; so is a Fusion composition that does not list
its loaders. A title or generator has no file, and is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from understudy.bridge.errors import HostError
from understudy.host_plugins.pyblish.walk import Use

_RANGE = re.compile(r"\[(\d+)-(\d+)\]")
CLOSED = ("Compound", "Fusion", "Multicam")
"""As the media pool calls their type, in English; other languages have no file path either, which says the same."""


class ResolveUpstream:
    """Implements `walk.Upstream`."""

    host = "resolve"

    def __init__(self, resolve: Any) -> None:
        self._resolve = resolve

    def uses(self, published: str) -> Iterator[Use]:
        """Yield the files of every clip of a timeline; empty = the one that is open. Disabled clips are left out."""
        project = self._resolve.GetProjectManager().GetCurrentProject()
        if project is None:
            raise HostError("no project is open in Resolve", remedy="Open the one that is to be published.")
        timelines = _timelines(project)
        opened = project.GetCurrentTimeline()
        first = published or (opened.GetName() if opened is not None else "")
        if first not in timelines:
            raise HostError(f"there is no timeline '{first}' in this project", remedy="Open it, then collect again.")
        waiting, seen = [first], set[str]()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for item, where in _items(timelines[name]):
                place = f"{name}: {where}"
                yield from _loaded(item, place)
                nested = _nested(item, timelines)
                if nested:
                    waiting.append(nested)
                elif item.GetMediaPoolItem() is not None:
                    yield _use(item.GetMediaPoolItem(), place)


def _timelines(project: Any) -> dict[str, Any]:
    found = (project.GetTimelineByIndex(number) for number in range(1, int(project.GetTimelineCount() or 0) + 1))
    return {timeline.GetName(): timeline for timeline in found if timeline is not None}


def _items(timeline: Any) -> Iterator[tuple[Any, str]]:
    for track in range(1, int(timeline.GetTrackCount("video") or 0) + 1):
        if _asked(timeline, "GetIsTrackEnabled", "video", track) is False:
            continue
        for item in timeline.GetItemListInTrack("video", track) or []:
            if _asked(item, "GetClipEnabled") is not False:  # None: an older Resolve that cannot say
                yield item, f"video {track}, {item.GetName()}"


def _nested(item: Any, timelines: dict[str, Any]) -> str:
    """Return the name of the timeline that an item is, empty for another kind of clip."""
    clip = item.GetMediaPoolItem()
    if clip is None or clip.GetClipProperty("File Path"):
        return ""
    name = str(clip.GetName() or "")
    return name if name in timelines else ""


def _loaded(item: Any, where: str) -> Iterator[Use]:
    """Yield the files that the item's Fusion compositions load beside its own medium."""
    for number in range(1, int(_asked(item, "GetFusionCompCount") or 0) + 1):
        composition = _asked(item, "GetFusionCompByIndex", number)
        loaders = _asked(composition, "GetToolList", False, "Loader")
        if not isinstance(loaders, dict):
            yield Use("", where, unseen="its Fusion composition does not say which files it loads")
            continue
        for loader in loaders.values():
            path = str(_asked(loader, "GetInput", "Clip") or "")
            unseen = "" if path else "a loader of its Fusion composition does not say which file it loads"
            yield Use(path, f"{where}, Fusion", unseen=unseen)


def _use(clip: Any, where: str) -> Use:
    path = str(clip.GetClipProperty("File Path") or "")
    kind = str(clip.GetClipProperty("Type") or "a clip")
    if not path or kind.startswith(CLOSED):
        return Use("", where, unseen=f"{kind} '{clip.GetName()}' does not tell what it is made of")
    said = _RANGE.search(path)
    if said is None:
        return Use(path, where)
    digits = "#" * len(said[1])
    return Use(path[: said.start()] + digits + path[said.end() :], where, (int(said[1]), int(said[2])))


def _asked(thing: Any, method: str, *arguments: Any) -> Any:
    """Return a method's answer; None where this version has no such method, whatever `hasattr` says."""
    call = getattr(thing, method, None)
    return call(*arguments) if callable(call) else None
