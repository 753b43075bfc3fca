"""The way to Resolve's objects, asked anew each time: handles die when a project, a timeline or a clip goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from understudy.bridge.errors import HostError

if TYPE_CHECKING:
    from fusionscript import MediaPool, Project, Resolve, Timeline

_Answer = TypeVar("_Answer")

CLOSE_WINDOWS = "Close every window that Resolve has open over its own (a notice, a question), then try again."


def granted(answer: _Answer | None, call: str, remedy: str = CLOSE_WINDOWS) -> _Answer:
    """Return Resolve's answer. Raises HostError where it is False, None or empty: that is how Resolve refuses."""
    if not answer:
        raise HostError(f"DaVinci Resolve refused to {call}", remedy=remedy)
    return answer


def offers(thing: object, call: str) -> bool:
    """Return whether this version has the call. `hasattr` is no answer: Resolve says yes to every name."""
    return callable(getattr(thing, call, None))


class Session:
    """One running Resolve. Every use is on the script's own thread."""

    def __init__(self, resolve: Resolve) -> None:
        self.resolve = resolve

    @property
    def project(self) -> Project:
        manager = granted(self.resolve.GetProjectManager(), "show its projects")
        return granted(manager.GetCurrentProject(), "show a project", "Open a project, then start this again.")

    @property
    def timeline(self) -> Timeline:
        return granted(
            self.project.GetCurrentTimeline(),
            "show a timeline",
            "Open the timeline of the shot, then start this again.",
        )

    @property
    def media_pool(self) -> MediaPool:
        return granted(self.project.GetMediaPool(), "show the media pool")

    def timelines(self) -> list[Timeline]:
        project = self.project
        found = (project.GetTimelineByIndex(number) for number in range(1, int(project.GetTimelineCount() or 0) + 1))
        return [timeline for timeline in found if timeline]

    def timeline_called(self, identity: str, name: str) -> Timeline:
        """Raises HostError when the timeline of a job is not in the open project."""
        for timeline in self.timelines():
            if identity_of(timeline) == identity:
                return timeline
        raise HostError(
            f"the timeline {name} is not in the open project {self.project.GetName()}",
            remedy=f"Open the project that holds {name} and start Understudy again: the take is kept.",
        )


def identity_of(timeline: Timeline) -> str:
    """Return what stays the same when the timeline is renamed, where this version says it."""
    return str((timeline.GetUniqueId() if offers(timeline, "GetUniqueId") else "") or timeline.GetName())
