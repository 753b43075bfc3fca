"""What stands on a timeline, read once into plain values. Timeline frames are absolute: 01:00:00:00 at 24 is 86400."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.host_plugins.resolve.session import Session, granted, offers

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem, Timeline, TimelineItem

_DRESSING = re.compile(
    r"\.?\[\d+(-\d+)?\](\.\w{2,5})?\Z|\.(exr|dpx|tiff?|png|jpe?g|mov|mp4|mxf|mkv|avi|braw|r3d)\Z", re.I
)


class Clip:
    """A timeline item. Where it stands is read at once, the rest when it is asked for: a call costs a round trip."""

    # No dataclass: that would bring `inspect` along, a tenth of what a host's start may cost.
    def __init__(self, item: TimelineItem, track: int, start: int, end: int) -> None:
        """Track counts from 1, the lowest first. start, end: absolute timeline frames; the end is exclusive."""
        self.item = item
        self.track = track
        self.start = start
        self.end = end

    @cached_property
    def name(self) -> str:
        return str(self.item.GetName() or "")

    @cached_property
    def left(self) -> int:
        """Return the frames of the medium before the cut."""
        return int(self.item.GetLeftOffset() or 0)  # type: ignore[call-arg]  # optional; absent before 20

    @cached_property
    def right(self) -> int:
        return int(self.item.GetRightOffset() or 0)  # type: ignore[call-arg]

    @cached_property
    def medium(self) -> MediaPoolItem | None:
        return self.item.GetMediaPoolItem() or None

    @cached_property
    def properties(self) -> Mapping[str, str]:
        """Return what its medium says of itself; empty for titles, generators and Fusion compositions."""
        said = self.medium.GetClipProperty() if self.medium else {}  # type: ignore[call-arg]  # without a name: all
        return {str(name): str(value) for name, value in said.items()} if isinstance(said, dict) else {}

    @property
    def frames(self) -> FrameRange:
        return FrameRange(self.start, self.end - 1)

    @property
    def reach(self) -> FrameRange:
        """Return the frames that the medium would fill: the clip's own and those behind its trim."""
        return FrameRange(self.start - self.left, self.end - 1 + self.right)

    @property
    def shot(self) -> str:
        """Return the name without what Resolve adds for a sequence, as one component of a path."""
        bare = _DRESSING.sub("", self.name) or self.name
        return re.sub(r"[/\\\x00-\x1f]", "_", bare).strip(". ")[:128] or "clip"

    def touches(self, first: int, last: int) -> bool:
        return self.start <= last and first < self.end


def read_clip(item: TimelineItem, track: int) -> Clip | None:
    """Return the clip; None for a dead handle or a phantom, which answer with nothing."""
    start, duration = item.GetStart(), item.GetDuration()  # type: ignore[call-arg]
    if start is None or duration is None:
        return None
    return Clip(item, track, int(start), int(start) + int(duration))


def clips_on(timeline: Timeline, track: int) -> Iterator[Clip]:
    for item in timeline.GetItemListInTrack("video", track) or []:
        clip = read_clip(item, track)
        if clip is not None:
            yield clip


def video_tracks(timeline: Timeline) -> range:
    """Return the numbers of the video tracks, which count from 1, the lowest first."""
    return range(1, int(timeline.GetTrackCount("video") or 0) + 1)


def clip_under_playhead(timeline: Timeline) -> Clip:
    """Raises HostError where the playhead stands on no clip."""
    item = timeline.GetCurrentVideoItem()
    clip = read_clip(item, _track_of(timeline, item)) if item else None
    if clip is None:
        raise HostError(
            f"the playhead of {timeline.GetName()} stands on no clip",
            remedy="Put it on the clip that is to be recast, then start this again.",
        )
    return clip


def playhead_frame(timeline: Timeline, rate_said: str) -> int:
    """Return the absolute frame at the playhead. rate_said: as Resolve says the rate, `29.97 DF` counting by drops."""
    parts = [int(part) for part in re.findall(r"\d+", str(timeline.GetCurrentTimecode() or ""))]
    if len(parts) != 4:
        raise HostError(
            "DaVinci Resolve does not say where the playhead is", remedy="Open the Edit page and try again."
        )
    hours, minutes, seconds, frames = parts
    nominal = round(float(read_rate(rate_said).fraction))
    count = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    if "DF" not in rate_said.upper():
        return count
    # SMPTE ST 12-1: the first two numbers of every minute are left out (four at 59.94), but not of every tenth minute.
    past = hours * 60 + minutes
    return count - nominal // 15 * (past - past // 10)


def _track_of(timeline: Timeline, item: TimelineItem) -> int:
    if offers(item, "GetTrackTypeAndIndex"):
        return int(item.GetTrackTypeAndIndex()[1])
    identity = item.GetUniqueId()
    for track in video_tracks(timeline):
        if any(other.GetUniqueId() == identity for other in timeline.GetItemListInTrack("video", track) or []):
            return track
    raise HostError(f"{item.GetName()} is on no video track", remedy="Put the playhead on a video clip.")


def setting(session: Session, timeline: Timeline, name: str) -> str:
    """Return a timeline's setting, or the project's where the timeline has none of its own."""
    return str(timeline.GetSetting(name) or session.project.GetSetting(name) or "")


def read_rate(text: str) -> FrameRate:
    """Read `23.976`, `29.97 DF`, `25`, `24.0` or `59.940` as a fraction. Raises HostError for anything else."""
    said = text.upper().replace("DF", "").strip()
    try:
        return FrameRate.near(float(said))
    except (ValueError, OverflowError):
        raise HostError(
            f"DaVinci Resolve says a frame rate of '{text}'", remedy="Set the timeline's rate in its settings."
        ) from None


def timeline_rate(session: Session, timeline: Timeline) -> FrameRate:
    return read_rate(granted(setting(session, timeline, "timelineFrameRate"), "say the timeline's frame rate"))


def marked_range(timeline: Timeline, clip: Clip) -> FrameRange | None:
    """Return the marked range in absolute frames; None where nothing is marked.

    Blackmagic does not say whether the numbers count from the timeline's start: the reading that lies within the
    timeline and touches the clip under the playhead is taken. Raises HostError when neither does.
    """
    marks = (timeline.GetMarkInOut() or {}).get("video", {}) if offers(timeline, "GetMarkInOut") else {}
    if "in" not in marks and "out" not in marks:
        return None
    start, end = int(timeline.GetStartFrame()), int(timeline.GetEndFrame())
    for offset in (0, start):
        first = int(marks["in"]) + offset if "in" in marks else start
        last = int(marks["out"]) + offset if "out" in marks else end - 1
        if start <= first <= last <= end and clip.touches(first, last):
            return FrameRange(first, last)
    raise HostError(
        f"the marked range does not touch {clip.name}, which is under the playhead",
        remedy="Move the playhead into the marked range, or clear the marks.",
    )
