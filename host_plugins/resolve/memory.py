"""Where a project keeps its jobs: a marker on the timeline at the clip, its hidden text the job; the clip's medium too.

A marker is what the artist sees and may delete; the medium's own metadata then still knows the job.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from understudy.bridge.errors import ErrorReport, HostError
from understudy.bridge.host import RememberedJob
from understudy.host_plugins.resolve.clips import Clip, clip_under_playhead, read_clip
from understudy.host_plugins.resolve.session import Session, granted, identity_of, offers

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem, Timeline

MARK = "understudy "
"""What begins the hidden text of our markers, and the names of our metadata."""
RUNNING, PLACED, WITHDRAWN = "Blue", "Green", "Red"


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """Where a job belongs: enough to find the clip again when it was moved or renamed meanwhile."""

    project: str
    timeline: str
    timeline_name: str
    clip: str
    clip_name: str
    track: int
    start: int
    left: int | None = None
    """Frames of the medium before the cut: told with `start`, a trimmed head is no move. None where they are no frames
    of the timeline (retimed, another rate), and for a job of before this was kept.
    """
    untouched: bool
    """Source frames were sent: what the timeline does to the clip's geometry is to be done to the take as well."""

    def text(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, text: str) -> Anchor:
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError as problem:
            raise HostError(f"a job's place cannot be read: {problem}", remedy="Recast the clip anew.") from None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is written down."""

    number: int
    """Counts up within a project: markers have no age."""
    job: RememberedJob
    words: str = ""
    """What the artist must know: what could not be set, why the job was withdrawn."""

    @property
    def colour(self) -> str:
        return RUNNING if not self.job.settled else PLACED if self.job.state == "delivered" else WITHDRAWN


def clip_of(session: Session, anchor: Anchor) -> Clip | None:
    """Return the clip where it stands now, None when it is gone."""
    timeline = session.timeline_called(anchor.timeline, anchor.timeline_name)
    for track in range(1, int(timeline.GetTrackCount("video") or 0) + 1):
        for item in timeline.GetItemListInTrack("video", track) or []:
            if item.GetUniqueId() == anchor.clip:
                return read_clip(item, track)
    return None


def remember(session: Session, job: RememberedJob, words: str = "") -> None:
    """Write the job down in place of what stood there. Raises HostError when no place took it."""
    anchor = Anchor.read(job.anchor)
    timeline = session.timeline_called(anchor.timeline, anchor.timeline_name)
    kept = {one.job.job_id: one for one in all_kept(session)}
    before = kept.get(job.job_id)
    number = before.number if before is not None else 1 + max((one.number for one in kept.values()), default=0)
    now = Kept(number=number, job=job, words=words or (before.words if before is not None else ""))
    clip = clip_of(session, anchor)
    in_medium = clip is not None and clip.medium is not None and _write_metadata(clip.medium, now)
    in_marker = _write_marker(timeline, anchor, now, clip, same=before is not None and before.words == now.words)
    if not in_marker and not in_medium:
        raise HostError(
            f"DaVinci Resolve keeps neither a marker on {anchor.timeline_name} nor metadata of {anchor.clip_name}",
            remedy=f"Is the project read-only? The job goes on: `understudy fetch {job.job_id}` brings its take.",
        )


def forget(session: Session, job: RememberedJob) -> None:
    """Take the job's marker and what its medium says of it out again. Raises HostError where Resolve keeps them."""
    anchor = Anchor.read(job.anchor)
    timeline = session.timeline_called(anchor.timeline, anchor.timeline_name)
    for frame, marker in (timeline.GetMarkers() or {}).items():
        if _job_of(str(marker.get("customData") or "")) == job.job_id:
            granted(timeline.DeleteMarkerAtFrame(frame), f"take the marker of {anchor.clip_name} away")
    clip, name = clip_of(session, anchor), MARK + job.job_id
    medium = clip.medium if clip is not None else None
    if medium is not None and offers(medium, "GetThirdPartyMetadata") and medium.GetThirdPartyMetadata(name):
        medium.SetThirdPartyMetadata(name, "")


def _write_marker(timeline: Timeline, anchor: Anchor, kept: Kept, clip: Clip | None, *, same: bool) -> bool:
    """Put the marker at the clip's first free frame; a frame holds one marker, and the artist's own stay.

    same: the words have not changed, so that only the hidden text need be written where the colour is right.
    """
    text = MARK + msgspec.json.encode(kept).decode()
    taken = {int(frame): marker for frame, marker in (timeline.GetMarkers() or {}).items()}
    ours = [frame for frame, marker in taken.items() if _job_of(marker.get("customData", "")) == kept.job.job_id]
    if ours and taken[ours[0]].get("color") == kept.colour and same:
        return bool(timeline.UpdateMarkerCustomData(ours[0], text)) and _reads(timeline, ours[0], text)
    start = (clip.start if clip is not None else anchor.start) - int(timeline.GetStartFrame())
    length = clip.end - clip.start if clip is not None else 1
    frame = next((f for f in range(start, start + length) if f not in taken or f in ours), None)
    if frame is None:
        return False
    for old in ours:
        timeline.DeleteMarkerAtFrame(old)
    version = "" if kept.job.token else f", version {kept.job.version}"
    note = f"{kept.job.shot}{version}: {kept.words or kept.job.state}"
    name = f"Understudy {kept.job.job_id}"
    added = timeline.AddMarker(frame, kept.colour, name, note, 1, text)  # type: ignore[arg-type]
    return bool(added) and _reads(timeline, frame, text)


def _reads(timeline: Timeline, frame: int, text: str) -> bool:
    return bool(timeline.GetMarkerCustomData(frame) == text)


def _write_metadata(medium: MediaPoolItem, kept: Kept) -> bool:
    if not offers(medium, "SetThirdPartyMetadata"):
        return False
    name, text = MARK + kept.job.job_id, msgspec.json.encode(kept).decode()
    return bool(medium.SetThirdPartyMetadata(name, text)) and medium.GetThirdPartyMetadata(name) == text


def all_kept(session: Session) -> list[Kept]:
    """Return every job of the project, oldest first: by its markers, and by the medium under the playhead."""
    found: dict[str, Kept] = {}
    for kept in [*_in_markers(session), *_in_medium(session)]:
        other = found.get(kept.job.job_id)
        if other is None or (kept.job.settled and not other.job.settled):
            found[kept.job.job_id] = kept
    return sorted(found.values(), key=lambda kept: kept.number)


def _in_markers(session: Session) -> Iterator[Kept]:
    for timeline in session.timelines():
        for marker in (timeline.GetMarkers() or {}).values():
            yield from _read(str(marker.get("customData") or "").removeprefix(MARK))


def _in_medium(session: Session) -> Iterator[Kept]:
    timeline = session.project.GetCurrentTimeline()
    if not timeline or not timeline.GetCurrentVideoItem():
        return
    medium = clip_under_playhead(timeline).medium
    if medium is None or not offers(medium, "GetThirdPartyMetadata"):
        return
    everything = medium.GetThirdPartyMetadata()
    for name, text in everything.items() if isinstance(everything, dict) else ():
        if str(name).startswith(MARK):
            for kept in _read(str(text)):
                if Anchor.read(kept.job.anchor).timeline in {identity_of(one) for one in session.timelines()}:
                    yield kept


def _read(text: str) -> Iterator[Kept]:
    """What is not ours, or was cut short, is no job."""
    try:
        yield msgspec.json.decode(text, type=Kept)
    except msgspec.MsgspecError:
        return


def _job_of(custom: str) -> str:
    return next((kept.job.job_id for kept in _read(custom.removeprefix(MARK))), "")


def say_why(session: Session, job: RememberedJob, why: ErrorReport | None, cautions: list[str]) -> None:
    """Write on the job's marker what became of it, and what else the artist must know."""
    became = f"{why.message}. {why.remedy}" if why is not None else job.state
    remember(session, job, "; ".join([became, *cautions]))
