"""What is the artist's, read before it is changed and put back whatever happens: page, marks, tracks, settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from understudy.bridge.errors import HostError
from understudy.host_plugins.resolve.clips import video_tracks
from understudy.host_plugins.resolve.session import Session, granted, offers

if TYPE_CHECKING:
    from fusionscript import Timeline

ATTEMPTS = 3
"""Resolve may refuse once what it allows the next moment: a window has just closed, a page has just come up."""


class Keeper:
    """Puts back, last first, what was named by `keep`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._back: list[tuple[str, Callable[[], bool]]] = []
        self.cautions: list[str] = []
        """What Resolve dropped that no script can set again: told to the artist, and no reason to fail."""

    def keep(self, what: str, back: Callable[[], bool]) -> None:
        """back: brings it back and returns whether that can be read back."""
        self._back.append((what, back))

    def put_back(self) -> list[str]:
        """Return what could not be put back."""
        left = []
        for what, back in reversed(self._back):
            if not any(back() for _ in range(ATTEMPTS)):
                left.append(what)
        self._back.clear()
        return left

    def page(self) -> None:
        resolve = self._session.resolve
        page = resolve.GetCurrentPage()
        if page:
            self.keep(f"the page {page}", lambda: bool(resolve.GetCurrentPage() == page or resolve.OpenPage(page)))

    def marks(self, timeline: Timeline) -> None:
        """A change of page has been seen to drop the marks. Only a pair can be set: a lone one is not cleared by us."""
        if not offers(timeline, "GetMarkInOut"):
            return
        marks = timeline.GetMarkInOut() or {}
        pairs = {kind: values for kind, values in marks.items() if _is_pair(values)}

        def back() -> bool:
            if (timeline.GetMarkInOut() or {}) == marks:
                return True
            if pairs == marks:
                timeline.ClearMarkInOut("all")
            for kind, values in pairs.items():
                timeline.SetMarkInOut(values["in"], values["out"], kind)  # type: ignore[index,arg-type]
            now = timeline.GetMarkInOut() or {}
            whole = all(now.get(kind) == values for kind, values in pairs.items())
            if whole and pairs != marks and now != marks:
                self.cautions.append("Resolve dropped a lone In or Out mark: set it again by hand")
                return True
            return whole and now == marks

        self.keep("the marked range", back)

    def tracks(self, timeline: Timeline) -> None:
        """Keep which video and subtitle tracks are enabled."""
        enabled = enabled_tracks(timeline)

        def back() -> bool:
            if enabled_tracks(timeline) != enabled:
                self._session.resolve.OpenPage("edit")  # the one page on which tracks are known to obey
            for (kind, number), was in enabled.items():
                if bool(timeline.GetIsTrackEnabled(kind, number)) != was:  # type: ignore[arg-type]
                    timeline.SetTrackEnable(kind, number, was)  # type: ignore[arg-type]
            now = enabled_tracks(timeline)
            return all(now.get(track, was) == was for track, was in enabled.items())

        self.keep("which tracks are enabled", back)

    def render_settings(self) -> None:
        """Keep every setting of the Deliver page: it has no reader, so they are saved as a preset and loaded again.

        Raises HostError when the preset cannot be saved: then nothing may be changed.
        """
        project = self._session.project
        preset = f"Understudy keeps your settings {uuid4().hex[:8]}"
        chosen: dict[str, Any] = dict(project.GetCurrentRenderFormatAndCodec() or {})
        mode = project.GetCurrentRenderMode()
        granted(project.SaveAsNewRenderPreset(preset), "save the Deliver page's settings as a preset")
        self.keep(f"the preset {preset} (remove it)", lambda: bool(project.DeleteRenderPreset(preset)))

        def back() -> bool:
            if not project.LoadRenderPreset(preset):
                return False
            if dict(project.GetCurrentRenderFormatAndCodec() or {}) != chosen and chosen:
                project.SetCurrentRenderFormatAndCodec(chosen.get("format", ""), chosen.get("codec", ""))
            if project.GetCurrentRenderMode() != mode:
                project.SetCurrentRenderMode(mode)
            return dict(project.GetCurrentRenderFormatAndCodec() or {}) == chosen

        self.keep("the settings of the Deliver page", back)

    def folder(self) -> None:
        pool = self._session.media_pool
        folder = pool.GetCurrentFolder()
        if folder:
            self.keep("the bin that was open", lambda: bool(pool.SetCurrentFolder(folder)))

    def timeline(self) -> None:
        project = self._session.project
        timeline = project.GetCurrentTimeline()
        if timeline:
            self.keep("the timeline that was open", lambda: bool(project.SetCurrentTimeline(timeline)))

    def playhead(self, timeline: Timeline) -> None:
        timecode = timeline.GetCurrentTimecode()

        def back() -> bool:
            if timeline.GetCurrentTimecode() != timecode:
                timeline.SetCurrentTimecode(timecode)
            return True  # some pages do not move it, and nothing is lost

        if timecode:
            self.keep("the playhead", back)


@contextmanager
def as_it_was(session: Session) -> Iterator[Keeper]:
    """Yield a keeper; whatever ends the block, put back what it kept. Raises HostError naming what could not be.

    Afterwards the keeper's `cautions` say what nothing could bring back.
    """
    keeper = Keeper(session)
    refusal: HostError | None = None
    try:
        yield keeper
    except HostError as problem:
        refusal = problem
    finally:
        left = keeper.put_back()  # a step that is closed early comes by here and no further
    if refusal is not None:
        lost = [*([_words(left)] if left else []), *keeper.cautions]
        if lost:
            raise HostError("; ".join([refusal.message, *lost]), remedy=refusal.remedy) from refusal
        raise refusal
    if left:
        raise HostError(f"DaVinci Resolve refused to put something back: {_words(left)}", remedy="Set it by hand.")


def _words(left: list[str]) -> str:
    return f"{', '.join(left)} could not be put back"


def _is_pair(values: object) -> bool:
    return isinstance(values, dict) and {"in", "out"} <= values.keys()


def enabled_tracks(timeline: Timeline) -> dict[tuple[str, int], bool]:
    subtitles = range(1, int(timeline.GetTrackCount("subtitle") or 0) + 1)
    named = [*(("video", number) for number in video_tracks(timeline)), *(("subtitle", n) for n in subtitles)]
    return {track: bool(timeline.GetIsTrackEnabled(*track)) for track in named}  # type: ignore[arg-type]
