"""Timelines that OpenTimelineIO reads and writes: its own format, and the XML of Final Cut 7 and Premiere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

from understudy.bridge.errors import RequestError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.host_plugins.timeline.cuts import TRACK, Cut, Take, media_path, sequence_of

METADATA = "understudy"
RETIMES = ("timeremap", "time remap", "speed")
"""What formats other than OTIO call a retime, in the name or the id of an effect."""


class OtioFile:
    """Implements `cuts.TimelineFile`."""

    def __init__(self, path: Path) -> None:
        """Raises RequestError for a file that does not read as a timeline."""
        self.suffix = path.suffix
        self.takes_frames = path.suffix.lower() == ".otio"  # the adapter of Final Cut 7 has no word for sequences
        try:
            read = otio.adapters.read_from_file(str(path))
        except (otio.exceptions.OTIOError, OSError, ValueError, TypeError, KeyError) as problem:
            raise RequestError(
                f"{path} does not read as a timeline: {problem}", remedy="Export it again as OTIO or FCPXML."
            ) from None
        if not isinstance(read, otio.schema.Timeline):
            raise RequestError(
                f"{path} holds a {type(read).__name__}, not one timeline", remedy="Export the one timeline by itself."
            )
        self._timeline = read
        self._items: dict[str, Any] = {}

    def cuts(self) -> list[Cut]:
        found = []
        for track in self._timeline.video_tracks():
            for number, item in enumerate(track):
                if isinstance(item, otio.schema.Clip | otio.core.Composition):
                    cut = self._cut(track, number, item)
                    self._items[cut.said] = item
                    found.append(cut)
        return found

    def _cut(self, track: Any, number: int, item: Any) -> Cut:
        place = item.trimmed_range_in_parent()
        rate = FrameRate.near(place.duration.rate)
        start = self._start(place.duration.rate) + round(place.start_time.rescaled_to(place.duration.rate).value)
        frames = FrameRange(start, start + max(round(place.duration.value), 1) - 1)
        neighbours = [track[n] for n in (number - 1, number + 1) if 0 <= n < len(track)]
        media = self._media(item, frames)
        no_media = media.pop("why", "")
        why = _why_not(item, neighbours, rate) or no_media
        return Cut(name=item.name or "clip", track=track.name, frames=frames, rate=rate, why_not=why, **media)

    def _start(self, rate: float) -> int:
        start = self._timeline.global_start_time
        return round(start.rescaled_to(rate).value) if start is not None else 0

    def _media(self, item: Any, frames: FrameRange) -> dict[str, Any]:
        """Return what `Cut` keeps of the clip's medium, or `why` there is none to speak of."""
        reference = item.media_reference if isinstance(item, otio.schema.Clip) else None
        if reference is None or reference.is_missing_reference:
            return {"why": f"{item.name} has no media: its reference is missing"}
        there, used = reference.available_range, item.trimmed_range()
        if there is None:
            return {"why": f"{item.name} does not say where its media begins (available_range)"}
        index = round((used.start_time - there.start_time).rescaled_to(used.duration.rate).value)
        known = {"origin": frames.first - index, "length": round(there.duration.value)}
        if isinstance(reference, otio.schema.ImageSequenceReference):
            return {**known, **_sequence(item.name, reference)}
        url = getattr(reference, "target_url", "")
        path = media_path(url) if url else ""
        if not path:
            return {"why": f"{item.name} is a generator: it has no files"}
        pattern, first = sequence_of(path)
        return {**known, "media": pattern, "first_number": first}

    def place(self, take: Take) -> None:
        item = self._items[take.cut.said]
        rate = item.trimmed_range().duration.rate
        self._disable_older(take.cut.frames, rate)
        track = otio.schema.Track(name=TRACK, kind=otio.schema.TrackKind.Video)
        before = take.cut.frames.first - self._start(rate)
        if before:
            track.append(otio.schema.Gap(source_range=_range(0, before, rate)))
        track.append(_clip(take, rate))
        # Above the video and below the sound, where a format keeps all of its tracks in one list.
        videos = [n for n, one in enumerate(self._timeline.tracks) if one.kind == otio.schema.TrackKind.Video]
        self._timeline.tracks.insert(max(videos, default=-1) + 1, track)

    def _disable_older(self, frames: FrameRange, rate: float) -> None:
        """An older take stays, and no longer shows through the new one."""
        for clip in self._timeline.find_clips():
            if METADATA not in clip.metadata:
                continue
            place = clip.trimmed_range_in_parent()
            start = self._start(rate) + round(place.start_time.rescaled_to(rate).value)
            if start <= frames.last and frames.first < start + round(place.duration.value):
                clip.enabled = False

    def write(self, path: Path) -> None:
        otio.adapters.write_to_file(self._timeline, str(path))


def _why_not(item: Any, neighbours: list[Any], rate: FrameRate) -> str:
    if isinstance(item, otio.core.Composition):
        return f"{item.name or type(item).__name__} is nested: a {type(item).__name__} has no files of its own"
    for effect in item.effects:
        if isinstance(effect, otio.schema.FreezeFrame):
            return f"{item.name} is a frozen frame"
        if isinstance(effect, otio.schema.LinearTimeWarp):
            if effect.time_scalar != 1:
                return f"{item.name} is {'reversed' if effect.time_scalar < 0 else 'retimed'} ({effect.time_scalar:g})"
        elif isinstance(effect, otio.schema.TimeEffect) or _says_retime(effect):
            return f"{item.name} is retimed by {effect.name or effect.effect_name}"
    if any(isinstance(neighbour, otio.schema.Transition) for neighbour in neighbours):
        return f"{item.name} has a transition: its neighbour is mixed in"
    there = item.media_reference.available_range if item.media_reference is not None else None
    if there is not None and FrameRate.near(there.duration.rate) != rate:
        return f"{item.name} has media of {there.duration.rate:g} frames a second on a timeline of {rate}"
    return ""


def _says_retime(effect: Any) -> bool:
    said = f"{effect.name} {effect.effect_name} {dict(effect.metadata)}".lower()
    return any(word in said for word in RETIMES)


def _sequence(clip: str, reference: Any) -> dict[str, Any]:
    number = "#" * max(reference.frame_zero_padding, 1)
    name = f"{reference.name_prefix}{number}{reference.name_suffix}"
    step = f"{clip}: its files count in steps of {reference.frame_step}" if reference.frame_step != 1 else ""
    return {
        "media": str(Path(media_path(reference.target_url_base)) / name), "first_number": reference.start_frame,
        **({"why": step} if step else {}),
    }  # fmt: skip


def _clip(take: Take, rate: float) -> Any:
    length, head = len(take.frames), take.frames.head
    metadata = {
        METADATA: {"job": take.job_id, "version": take.version, "layer": take.layer, "folder": str(take.folder)}
    }
    reference: Any
    if take.movie:
        reference, start = otio.schema.ExternalReference(target_url=Path(take.movie).as_uri()), 0
    else:
        pattern = Path(take.pattern)
        prefix, _, suffix = pattern.name.rpartition("####")
        start = take.frames.first
        reference = otio.schema.ImageSequenceReference(
            target_url_base=f"{pattern.parent.as_uri()}/", name_prefix=prefix, name_suffix=suffix, start_frame=start,
            frame_step=1, rate=rate, frame_zero_padding=4,
            missing_frame_policy=otio.schema.ImageSequenceReference.MissingFramePolicy.error,
        )  # fmt: skip
    reference.available_range = _range(start, length, rate)
    return otio.schema.Clip(
        name=take.name, media_reference=reference, source_range=_range(start + head, len(take.frames.cut), rate),
        metadata=metadata,
    )  # fmt: skip


def _range(first: int, length: int, rate: float) -> TimeRange:
    return TimeRange(RationalTime(first, rate), RationalTime(length, rate))
