"""A take onto the timeline: on the next free track above the clip, at its own frames, read back and corrected."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.host import Delivered, RememberedJob, Step, Steps
from understudy.host_plugins.resolve.choices import Choices
from understudy.host_plugins.resolve.clips import Clip, clips_on, timeline_rate, video_tracks
from understudy.host_plugins.resolve.colour import unset_space
from understudy.host_plugins.resolve.importing import BIN, CLIP, JOB, VERSION, holds, import_layer
from understudy.host_plugins.resolve.keeping import as_it_was
from understudy.host_plugins.resolve.memory import Anchor, clip_of
from understudy.host_plugins.resolve.session import Session, granted, offers
from understudy.host_plugins.resolve.source import why_not_frame_for_frame

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem, Timeline

VIDEO_ONLY = 1
GEOMETRY = (
    "Pan", "Tilt", "ZoomX", "ZoomY", "ZoomGang", "RotationAngle", "AnchorPointX", "AnchorPointY", "Pitch", "Yaw",
    "FlipX", "FlipY", "CropLeft", "CropRight", "CropTop", "CropBottom", "CropSoftness", "Scaling", "ResizeFilter",
)  # fmt: skip
"""What a timeline does to a clip's frame: a take of source frames needs the same, a take of a render has it already."""


def place(session: Session, delivered: Delivered, choices: Choices) -> Steps[list[str]]:
    """Import and place the take; return what the artist must know. Refused half-way, it takes everything out again.

    One that stands there already stays: it was placed, and something of the artist's could not be put back after it.
    """
    anchor = Anchor.read(delivered.job.anchor)
    timeline = session.timeline_called(anchor.timeline, anchor.timeline_name)
    plate = clip_of(session, anchor)
    sent = plate if anchor.untouched else None
    cut = _cut_on_timeline(delivered.job.frames.cut, anchor, plate, timeline_rate(session, timeline))
    movie = choices.medium == "prores_4444"
    if _stands(timeline, delivered, choices.layer, movie, cut):
        return []
    with as_it_was(session) as keeper, ExitStack() as undo:
        keeper.timeline()
        keeper.marks(timeline)
        keeper.playhead(timeline)
        keeper.page()
        keeper.folder()
        granted(session.resolve.OpenPage("edit"), "open the Edit page")
        medium, cautions = import_layer(session, delivered, choices.layer, movie, sent, undo)
        unset = "" if movie else unset_space(session, timeline, delivered.layer(choices.layer).colour, sent)
        cautions += [unset] if unset else []
        yield Step(1, 3, f"imported into the bin {BIN}")
        granted(session.project.SetCurrentTimeline(timeline), f"open the timeline {anchor.timeline_name}")
        track = _free_track(timeline, cut, plate.track if plate is not None else anchor.track, undo)
        yield Step(2, 3, f"video track {track}")
        placed = _append(session, timeline, medium, delivered.job.frames.head, cut, track, undo)
        if sent is not None:
            cautions += _same_geometry(sent, placed) + _reaching_out(sent, placed)
        cautions += _cover(timeline, placed, plate, undo)
        undo.pop_all()
    cautions += keeper.cautions
    yield Step(3, 3, "; ".join(cautions))
    return cautions


def _cut_on_timeline(cut: FrameRange, anchor: Anchor, plate: Clip | None, rate: FrameRate) -> FrameRange:
    """Return where the take belongs now: an artist may have moved the clip while the job ran, or trimmed its head."""
    moved = plate.start - anchor.start if plate is not None else 0
    if plate is not None and anchor.left is not None and not why_not_frame_for_frame(plate, rate):
        moved -= plate.left - anchor.left  # where the medium's first picture would be tells a move from a trim
    return FrameRange(cut.first + moved, cut.last + moved)


def _stands(timeline: Timeline, delivered: Delivered, layer: str, movie: bool, cut: FrameRange) -> bool:
    clips = (clip for track in video_tracks(timeline) for clip in clips_on(timeline, track) if clip.frames == cut)
    return any(clip.medium is not None and holds(clip.medium, delivered, layer, movie) for clip in clips)


def _free_track(timeline: Timeline, cut: FrameRange, below: int, undo: ExitStack) -> int:
    """Return the lowest track above `below`, the plate's, that is free there, so that titles stay above; where there is
    none beneath a title or a generator, the next one; a new one on top where there is none at all.
    """
    tracks = video_tracks(timeline)
    for track in tracks[below:]:
        there = any(clip.touches(cut.first, cut.last) for clip in clips_on(timeline, track))
        if not there and _takes_clips(timeline, track):
            return track
    granted(timeline.AddTrack("video"), "add a video track", "Is the timeline locked? Unlock it.")  # type: ignore[call-overload]
    added = len(video_tracks(timeline))
    if added == len(tracks):
        raise HostError("DaVinci Resolve added no video track", remedy="Add one on top by hand and name it Understudy.")
    undo.callback(timeline.DeleteTrack, "video", added)
    timeline.SetTrackName("video", added, BIN)
    return added


def _takes_clips(timeline: Timeline, track: int) -> bool:
    """A locked track drops what is placed on it, a disabled one does not show it: both are as the artist wants them."""
    locked, enabled = timeline.GetIsTrackLocked("video", track), timeline.GetIsTrackEnabled("video", track)
    return bool(enabled) and not locked


def _append(
    session: Session, timeline: Timeline, medium: MediaPoolItem, head: int, cut: FrameRange, track: int, undo: ExitStack
) -> Clip:
    """Place the cut and read it back. Whether the end is in or out differs between versions: both are tried."""
    seen = []
    for end in (head + len(cut), head + len(cut) - 1):
        info: Any = {
            "mediaPoolItem": medium, "startFrame": head, "endFrame": end, "recordFrame": cut.first,
            "trackIndex": track, "mediaType": VIDEO_ONLY,
        }  # fmt: skip
        before = {clip.item.GetUniqueId() for clip in clips_on(timeline, track)}
        session.media_pool.AppendToTimeline([info])  # type: ignore[arg-type]  # a list, always: a bare dict would freeze it
        new = [clip for clip in clips_on(timeline, track) if clip.item.GetUniqueId() not in before]
        right = [clip for clip in new if clip.frames == cut]
        if len(new) == 1 and right:
            undo.callback(timeline.DeleteClips, [new[0].item], False)
            return right[0]
        seen += [f"{clip.start} to {clip.end - 1}" for clip in new] or ["nothing"]
        if new:
            granted(timeline.DeleteClips([clip.item for clip in new], False), "take a clip out again")
    raise HostError(
        f"DaVinci Resolve placed {', then '.join(seen)} where {cut} was asked for on video track {track}",
        remedy=f"Free the range of that track, or drag {medium.GetName()} in from its folder by hand.",
    )


def _same_geometry(plate: Clip, placed: Clip) -> list[str]:
    """Give the take what the timeline does to its plate's frame."""
    properties = plate.item.GetProperty()  # type: ignore[call-arg]  # without a name: all of them
    given: dict[str, Any] = properties if isinstance(properties, dict) else {}
    wanted = {name: given[name] for name in GEOMETRY if name in given}
    left = []
    for name, value in wanted.items():
        if placed.item.GetProperty(name) != value:
            placed.item.SetProperty(name, value)
            if placed.item.GetProperty(name) != value:
                left.append(name)
    return [f"copy {', '.join(left)} from {plate.name} to the take by hand"] if left else []


def _reaching_out(plate: Clip, placed: Clip) -> list[str]:
    """Source frames lay within the clip when they were sent: what is outside it now was trimmed or cut off since."""
    within = plate.start <= placed.start and placed.end <= plate.end
    return [] if within else [f"{plate.name} was trimmed meanwhile: trim the take to it by hand"]


def _cover(timeline: Timeline, placed: Clip, plate: Clip | None, undo: ExitStack) -> list[str]:
    """Disable the takes of its clip that this one replaces, or this one where a newer one came first; name what else
    lies between the plate and the take.
    """
    between = []
    for track in video_tracks(timeline):
        for clip in clips_on(timeline, track):
            if not clip.touches(placed.start, placed.end - 1) or clip.item.GetUniqueId() == placed.item.GetUniqueId():
                continue
            if job_of(clip) and _kept(clip, CLIP) == _kept(placed, CLIP):
                replaced = placed if _is_newer(clip, placed) else clip
                if replaced.item.GetClipEnabled():
                    granted(replaced.item.SetClipEnabled(False), f"disable the older take {replaced.name}")
                    undo.callback(replaced.item.SetClipEnabled, True)
            elif plate is not None and plate.track < track < placed.track:
                between.append(clip.name)
    return [f"{', '.join(between)} lies under the take now: move it above"] if between else []


def _is_newer(one: Clip, other: Clip) -> bool:
    """Say whether `one` is a later version of their clip's take: two jobs may end in another order than begun."""
    return int(_kept(one, VERSION) or 0) > int(_kept(other, VERSION) or 0)


def job_of(clip: Clip) -> str:
    """Return the job that a clip on the timeline is a take of, '' for the artist's own."""
    return _kept(clip, JOB)


def _kept(clip: Clip, name: str) -> str:
    medium = clip.medium
    if medium is None or not offers(medium, "GetThirdPartyMetadata"):
        return ""
    return str(medium.GetThirdPartyMetadata(name) or "")


def take_out(session: Session, job: RememberedJob) -> list[str]:
    """Remove from the timeline whatever is of this job; return what the artist must know. The files on disk stay."""
    anchor = Anchor.read(job.anchor)
    timeline = session.timeline_called(anchor.timeline, anchor.timeline_name)
    clips = [clip for track in video_tracks(timeline) for clip in clips_on(timeline, track)]
    shown = [clip.item for clip in clips if job_of(clip) == job.job_id]
    if not shown:
        return []
    with as_it_was(session) as keeper:
        keeper.timeline()
        keeper.marks(timeline)
        keeper.playhead(timeline)
        keeper.page()
        granted(session.resolve.OpenPage("edit"), "open the Edit page")
        granted(session.project.SetCurrentTimeline(timeline), f"open the timeline {anchor.timeline_name}")
        granted(
            timeline.DeleteClips(shown, False),
            f"take {anchor.clip_name}'s take out",
            "Delete it on the Edit page by hand.",
        )
    return keeper.cautions
