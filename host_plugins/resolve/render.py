"""Frames as the timeline shows them: one render job of ours with every setting pinned, watched, counted and taken away.

Resolve renders in itself: a step here is one look at how far it is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FilePattern, FrameRange
from understudy.bridge.host import Step, Steps
from understudy.host_plugins.resolve.clips import read_rate, setting
from understudy.host_plugins.resolve.keeping import as_it_was, enabled_tracks
from understudy.host_plugins.resolve.session import Session, granted

if TYPE_CHECKING:
    from fusionscript import Project, Timeline

POLL_SECONDS = 0.2
START_GRACE_SECONDS = 5.0
"""How long a render that was accepted may take before Resolve says that it runs."""
FORMAT = "exr"
CODEC = "RGBHalfZIP"
SINGLE_CLIP: Literal[1] = 1
"""Render mode: one file range. The other one splits at cuts and names files after clips."""
_NUMBER = re.compile(r"(\d+)\D*\Z")


class Order(NamedTuple):
    """What to render: one track alone, over a range of absolute timeline frames."""

    name: str
    """Of the files and of their folder: plate, matte."""
    track: int
    frames: FrameRange
    alpha: bool = False


def render(session: Session, timeline: Timeline, order: Order, folder: Path, poll_seconds: float) -> Steps[FilePattern]:
    """Render into `folder`/name and return the files, numbered by timeline frame.

    Closed early or refused, it leaves page, marks, tracks, format, settings and the queue as they were.
    """
    project = session.project
    if project.IsRenderingInProgress():
        raise HostError("DaVinci Resolve is rendering already", remedy="Let it finish, then start this again.")
    target = folder / order.name
    target.mkdir(parents=True, exist_ok=True)
    with as_it_was(session) as keeper:
        keeper.marks(timeline)  # before the page: what is kept first is put back last, and a page may drop the marks
        keeper.playhead(timeline)
        keeper.page()
        keeper.render_settings()
        keeper.tracks(timeline)
        granted(session.resolve.OpenPage("edit"), "open the Edit page")
        _show_only(timeline, order.track)
        granted(session.resolve.OpenPage("deliver"), "open the Deliver page")
        _pin(session, timeline, order, target)
        job = granted(
            project.AddRenderJob(),
            f"queue the render of {order.name} {order.frames}",
            "Try such a render by hand on the Deliver page: it says what is wrong.",
        )
        keeper.keep(f"the render queue (remove the job {job})", lambda: _take_away(project, job))
        granted(project.StartRendering([job], False), f"render {order.name}")
        yield from _watched(project, job, order, poll_seconds, lambda: len(_written(target)))
        complaint = str((project.GetRenderJobStatus(job) or {}).get("Error") or "")
    pattern = yield from _renumbered(target, order, complaint)
    if keeper.cautions:
        yield Step(1, 1, "; ".join(keeper.cautions))
    return pattern


def _show_only(timeline: Timeline, track: int) -> None:
    """Disable every other track, or they would be rendered as well; subtitles would be burned in."""
    for (kind, number), enabled in enabled_tracks(timeline).items():
        wanted = kind == "video" and number == track
        if enabled != wanted:
            timeline.SetTrackEnable(kind, number, wanted)  # type: ignore[arg-type]
            if bool(timeline.GetIsTrackEnabled(kind, number)) != wanted:  # type: ignore[arg-type]
                what = "enable" if wanted else "disable"
                raise HostError(
                    f"DaVinci Resolve refused to {what} {kind} track {number}",
                    remedy="Is the track locked? Unlock it, then start this again.",
                )


def _pin(session: Session, timeline: Timeline, order: Order, target: Path) -> None:
    """State every setting: what is left out keeps whatever the Deliver page held before."""
    project = session.project
    codec = _codec(project)
    granted(project.SetCurrentRenderFormatAndCodec(FORMAT, codec), f"render {FORMAT} as {codec}")
    chosen = project.GetCurrentRenderFormatAndCodec() or {}
    if chosen.get("format") != FORMAT or chosen.get("codec") != codec:
        raise HostError(
            f"DaVinci Resolve stays with {chosen.get('format')} {chosen.get('codec')} where EXR {codec} was asked for",
            remedy="Choose EXR on the Deliver page once by hand, then start this again.",
        )
    granted(project.SetCurrentRenderMode(SINGLE_CLIP), "render as a single clip")
    settings: dict[str, Any] = {
        "SelectAllFrames": False, "MarkIn": order.frames.first, "MarkOut": order.frames.last,
        "TargetDir": str(target), "CustomName": f"{order.name}.", "UniqueFilenameStyle": 1,
        "ExportVideo": True, "ExportAudio": False,
        "FormatWidth": int(setting(session, timeline, "timelineResolutionWidth") or 0),
        "FormatHeight": int(setting(session, timeline, "timelineResolutionHeight") or 0),
        "FrameRate": float(f"{float(read_rate(setting(session, timeline, 'timelineFrameRate')).fraction):.3f}"),
        "ExportAlpha": order.alpha,
    }  # fmt: skip
    if order.alpha:
        settings["AlphaMode"] = 0  # premultiplied
    granted(project.SetRenderSettings(settings), "take the render settings")  # type: ignore[arg-type]


def _codec(project: Project) -> str:
    """Return the id of a half-float codec: labels differ between versions and languages, ids do not."""
    known = list((project.GetRenderCodecs(FORMAT) or {}).values())
    if CODEC in known:
        return CODEC
    halves = [codec for codec in known if codec.startswith("RGBHalf")]
    if not halves:
        raise HostError(
            f"DaVinci Resolve offers no half-float EXR ({', '.join(known) or 'nothing'})",
            remedy="Export source frames instead (`source: source`), or use `understudy timeline`.",
        )
    return halves[0]


def _watched(
    project: Project, job: str, order: Order, poll_seconds: float, written: Callable[[], int]
) -> Iterator[Step]:
    """Yield how far the render is until it is over."""
    total = len(order.frames)
    patience = time.monotonic() + START_GRACE_SECONDS
    while True:
        if project.IsRenderingInProgress():
            patience = 0.0  # it has begun: the next pause is its end
        elif time.monotonic() > patience or _ended(project.GetRenderJobStatus(job)):
            return
        yield Step(min(written(), total), total, f"Resolve renders {order.name}", pause_seconds=poll_seconds)


def _ended(status: Any) -> bool:
    """Tell by what is no word: the job's state is said in the language of Resolve's windows."""
    status = status or {}
    return bool(status.get("Error")) or status.get("CompletionPercentage") == 100


def _take_away(project: Project, job: str) -> bool:
    """Stop our job if it still runs and remove it. Only ours: the queue is the artist's."""
    if project.IsRenderingInProgress():
        project.StopRendering()
    return bool(project.DeleteRenderJob(job))


def _written(target: Path) -> list[Path]:
    """Return the frames in order; Resolve may make a folder of its own for them."""
    found = [(path, _NUMBER.search(path.stem)) for path in target.rglob(f"*.{FORMAT}")]
    return [path for _, path in sorted((int(number[1]), path) for path, number in found if number)]


def _renumbered(target: Path, order: Order, complaint: str) -> Steps[FilePattern]:
    """Give the files the timeline's numbers, whatever Resolve called them. Raises HostError for too few or too many."""
    written = _written(target)
    if complaint or len(written) != len(order.frames):
        raise HostError(
            f"Resolve wrote {len(written)} of {len(order.frames)} frames of {order.name}"
            + (f": {complaint}" if complaint else ""),
            remedy="Look at disk space and at offline clips, then try such a render by hand on the Deliver page.",
        )
    pattern = FilePattern(str(target / f"{order.name}.frame.####.{FORMAT}"))
    for done, (frame, path) in enumerate(zip(order.frames, written, strict=True), start=1):
        path.rename(pattern.path(frame))
        yield Step(done, len(written), f"numbering {order.name}")
    return pattern
