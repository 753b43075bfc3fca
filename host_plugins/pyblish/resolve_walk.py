"""Resolve's timelines, walked down from what is published: every clip on a track, and the timelines nested in it.

`resolve` is the handle that a script is given. Nothing in its interface raises: every answer is read with suspicion.
What a compound or a Fusion clip holds cannot be asked for, and is named as unseen.
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
                nested = _nested(item, timelines)
                if nested:
                    waiting.append(nested)
                else:
                    yield _use(item, f"{name}: {where}")


def _timelines(project: Any) -> dict[str, Any]:
    found = (project.GetTimelineByIndex(number) for number in range(1, int(project.GetTimelineCount() or 0) + 1))
    return {timeline.GetName(): timeline for timeline in found if timeline is not None}


def _items(timeline: Any) -> Iterator[tuple[Any, str]]:
    for track in range(1, int(timeline.GetTrackCount("video") or 0) + 1):
        for item in timeline.GetItemListInTrack("video", track) or []:
            enabled = item.GetClipEnabled()
            if enabled is None or enabled:  # None: an older Resolve that cannot say
                yield item, f"video {track}, {item.GetName()}"


def _nested(item: Any, timelines: dict[str, Any]) -> str:
    """Return the name of the timeline that an item is, empty for another kind of clip."""
    clip = item.GetMediaPoolItem()
    if clip is None or clip.GetClipProperty("File Path"):
        return ""
    name = str(clip.GetName() or "")
    return name if name in timelines else ""


def _use(item: Any, where: str) -> Use:
    clip = item.GetMediaPoolItem()
    if clip is None:
        return Use("", where, unseen="a title, generator or Fusion composition has no file that could be looked at")
    path = str(clip.GetClipProperty("File Path") or "")
    kind = str(clip.GetClipProperty("Type") or "a clip")
    if not path or kind.startswith(CLOSED):
        return Use("", where, unseen=f"{kind} '{clip.GetName()}' does not tell what it is made of")
    said = _RANGE.search(path)
    if said is None:
        return Use(path, where)
    digits = "#" * len(said[1])
    return Use(path[: said.start()] + digits + path[said.end() :], where, (int(said[1]), int(said[2])))
