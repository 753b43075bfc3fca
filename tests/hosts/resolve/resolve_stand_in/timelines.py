"""Timelines and what stands on them. Tracks count from 1, frames are absolute, an item's end is exclusive."""

from __future__ import annotations

from typing import Any

from resolve_stand_in.description import write_otio
from resolve_stand_in.pool import MediaPoolItem
from resolve_stand_in.world import Thing, World


class Markers(Thing):
    """The calls that timelines and items share. A frame holds one marker; frames are relative, and floats to read."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.markers: dict[int, dict[str, Any]] = {}

    def AddMarker(
        self, frameId: float, color: str, name: str, note: str, duration: float, customData: str = ""
    ) -> bool:
        if int(frameId) in self.markers or frameId < 0:
            return False
        self.markers[int(frameId)] = {
            "color": color, "duration": float(duration), "note": note, "name": name, "customData": customData,
        }  # fmt: skip
        return True

    def GetMarkers(self) -> dict[float, dict[str, Any]]:
        return {float(frame): dict(marker) for frame, marker in self.markers.items()}

    def GetMarkerCustomData(self, frameId: float) -> str:
        return str(self.markers.get(int(frameId), {}).get("customData", ""))

    def UpdateMarkerCustomData(self, frameId: float, customData: str) -> bool:
        if int(frameId) not in self.markers:
            return False
        self.markers[int(frameId)]["customData"] = customData
        return True

    def DeleteMarkerAtFrame(self, frameNum: float) -> bool:
        return self.markers.pop(int(frameNum), None) is not None


class TimelineItem(Markers):
    def __init__(
        self, world: World, medium: MediaPoolItem | None, name: str, start: int, duration: int | None, left: int = 0
    ) -> None:
        super().__init__(world)
        self.medium = medium
        self.name = name
        self.start = start
        self.duration = duration
        self.left = left
        length = int(medium.properties["Frames"]) if medium is not None else left + (duration or 0)
        self.right = length - left - (duration or 0)
        self.source = (left, left + (duration or 0) - 1)
        self.compositions = 0
        self.enabled = True
        self.identity = f"item-{world.number()}"
        self.track: tuple[Any, int] = (None, 0)
        self.properties: dict[str, Any] = {"Pan": 0.0, "Tilt": 0.0, "ZoomX": 1.0, "ZoomY": 1.0, "CompositeMode": 0}
        self.speed = 1.0
        self.transition = False
        """One mixes the neighbour in at its head."""

    def trim(self, head: int, tail: int) -> None:
        """Trim both ends, as the artist would: what was there lies behind the trim."""
        assert self.duration is not None
        self.start, self.duration = self.start + head, self.duration - head - tail
        self.left, self.right = self.left + head, self.right + tail
        self.source = (self.left, self.left + self.duration - 1)

    def GetName(self) -> str:
        return self.name

    def GetUniqueId(self) -> str:
        return self.identity

    def GetStart(self) -> int | None:
        return self.start if self.duration is not None else None

    def GetDuration(self) -> int | None:
        return self.duration

    def GetEnd(self) -> int | None:
        return None if self.duration is None else self.start + self.duration

    def GetLeftOffset(self) -> int:
        return self.left

    def GetRightOffset(self) -> int:
        return self.right

    def GetSourceStartFrame(self) -> int:
        return self.source[0]

    def GetSourceEndFrame(self) -> int:
        return self.source[1]

    def GetFusionCompCount(self) -> int:
        return self.compositions

    def GetMediaPoolItem(self) -> MediaPoolItem | None:
        return self.medium

    def GetTrackTypeAndIndex(self) -> list[Any]:
        timeline, _ = self.track
        return ["video", next(n for n, track in enumerate(timeline.tracks, start=1) if self in track.items)]

    def GetClipEnabled(self) -> bool:
        return self.enabled

    def SetClipEnabled(self, Bool: bool) -> bool:
        self.enabled = Bool
        return True

    def GetProperty(self, propertyKey: str | None = None) -> Any:
        return dict(self.properties) if propertyKey is None else self.properties.get(propertyKey)

    def SetProperty(self, propertyKey: str, propertyValue: Any) -> bool:
        if propertyKey not in self.properties:
            return False
        self.properties[propertyKey] = propertyValue
        return True


class Track:
    def __init__(self, name: str) -> None:
        self.name = name
        self.enabled = True
        self.locked = False
        self.items: list[TimelineItem] = []


class Timeline(Markers):
    def __init__(self, world: World, project: Any, name: str, start: int) -> None:
        super().__init__(world)
        self.project = project
        self.name = name
        self.start = start
        self.identity = f"timeline-{world.number()}"
        self.tracks = [Track("Video 1")]
        self.subtitles: list[Track] = []
        self.playhead = start
        self.marks: dict[str, dict[str, int]] = {}
        """Absolute."""
        self.settings: dict[str, str] = {}

    def GetName(self) -> str:
        return self.name

    def GetUniqueId(self) -> str:
        return self.identity

    def GetStartFrame(self) -> int:
        return self.start

    def GetEndFrame(self) -> int:
        ends = [item.start + (item.duration or 0) for track in self.tracks for item in track.items]
        return max(ends, default=self.start)

    def GetSetting(self, settingName: str) -> str:
        return self.settings.get(settingName, "")

    def GetTrackCount(self, trackType: str) -> int:
        return len(self._kind(trackType))

    def AddTrack(self, trackType: str, subTrackType: Any = None) -> bool:
        assert trackType == "video"
        assert subTrackType is None, "what the options do differs between versions"
        self.tracks.append(Track(f"Video {len(self.tracks) + 1}"))
        return True

    def DeleteTrack(self, trackType: str, trackIndex: int) -> bool:
        if not 1 <= trackIndex <= len(self._kind(trackType)):
            return False
        del self._kind(trackType)[trackIndex - 1]
        return True

    def GetTrackName(self, trackType: str, trackIndex: int) -> str:
        return self._kind(trackType)[trackIndex - 1].name

    def SetTrackName(self, trackType: str, trackIndex: int, name: str) -> bool:
        self._kind(trackType)[trackIndex - 1].name = name
        return True

    def GetIsTrackEnabled(self, trackType: str, trackIndex: int) -> bool:
        return self._kind(trackType)[trackIndex - 1].enabled

    def SetTrackEnable(self, trackType: str, trackIndex: int, Bool: bool) -> bool:
        if self.world.switches.tracks_obey_on_edit_only and self.world.page != "edit":
            return False
        self._kind(trackType)[trackIndex - 1].enabled = Bool
        return True

    def GetIsTrackLocked(self, trackType: str, trackIndex: int) -> bool:
        return self._kind(trackType)[trackIndex - 1].locked

    def GetItemListInTrack(self, trackType: str, index: int) -> list[TimelineItem]:
        assert index >= 1, "tracks count from 1"
        tracks = self._kind(trackType)
        return list(tracks[index - 1].items) if index <= len(tracks) else []

    def GetCurrentVideoItem(self) -> TimelineItem | None:
        for track in reversed(self.tracks):
            for item in track.items:
                if track.enabled and item.duration and item.start <= self.playhead < item.start + item.duration:
                    return item
        return None

    def DeleteClips(self, timelineItems: list[TimelineItem], Bool: bool = False) -> bool:
        assert not Bool, "a ripple would move the artist's clips"
        if self.world.page != "edit":
            return False
        for track in self.tracks:
            track.items = [item for item in track.items if item not in timelineItems]
        for item in timelineItems:
            item.dead = True
        return True

    def GetMarkInOut(self) -> dict[str, dict[str, int]]:
        return {kind: {k: n - self._marks_origin() for k, n in marks.items()} for kind, marks in self.marks.items()}

    def SetMarkInOut(self, mark_in: int, mark_out: int, type: str = "all") -> bool:
        for kind in ("video", "audio") if type == "all" else (type,):
            self.marks[kind] = {"in": mark_in + self._marks_origin(), "out": mark_out + self._marks_origin()}
        return True

    def ClearMarkInOut(self, type: str = "all") -> bool:
        for kind in ("video", "audio") if type == "all" else (type,):
            self.marks.pop(kind, None)
        return True

    def GetCurrentTimecode(self) -> str:
        rate = round(float(self.project.settings["timelineFrameRate"].split()[0]))
        seconds, frames = divmod(self.playhead, rate)
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frames:02}"

    def SetCurrentTimecode(self, timecode: str) -> bool:
        rate = round(float(self.project.settings["timelineFrameRate"].split()[0]))
        hours, minutes, seconds, frames = (int(part) for part in timecode.replace(";", ":").split(":"))
        self.playhead = ((hours * 60 + minutes) * 60 + seconds) * rate + frames
        return True

    def Export(self, fileName: str, exportType: Any, exportSubtype: Any) -> bool:
        assert (exportType, exportSubtype) == ("export otio", "export none")
        write_otio(self, fileName)
        return True

    def _kind(self, kind: str) -> list[Track]:
        assert kind in ("video", "subtitle"), kind
        return self.tracks if kind == "video" else self.subtitles

    def _marks_origin(self) -> int:
        return self.start if self.world.switches.marks_from_start else 0

    def put(self, track: int, item: TimelineItem) -> TimelineItem:
        """Stage a clip, as the artist would."""
        while len(self.tracks) < track:
            self.tracks.append(Track(f"Video {len(self.tracks) + 1}"))
        item.track = (self, track)
        self.tracks[track - 1].items.append(item)
        return item

    def append(self, info: dict[str, Any]) -> list[TimelineItem]:
        """Place what the media pool was asked to; occupied and locked targets drop it without a word."""
        expected = {"mediaPoolItem", "startFrame", "endFrame", "recordFrame", "trackIndex", "mediaType"}
        assert set(info) <= expected, f"unknown keys are ignored in silence: {set(info) - expected}"
        medium, number = info["mediaPoolItem"], info["trackIndex"]
        length = int(medium.properties["Frames"])
        inclusive = self.world.switches.end_frame_inclusive
        duration = info["endFrame"] - info["startFrame"] + inclusive
        if not 1 <= number <= len(self.tracks) or self.tracks[number - 1].locked:
            return []
        if duration < 1 or info["startFrame"] + duration > length:
            return []
        start = info["recordFrame"]
        for other in self.tracks[number - 1].items:
            if other.start < start + duration and start < other.start + (other.duration or 0):
                if self.world.switches.occupied == "phantom":
                    return [TimelineItem(self.world, None, "", start, None)]
                return []
        item = TimelineItem(self.world, medium, medium.properties["Clip Name"], start, duration, info["startFrame"])
        self.playhead = start + duration
        return [self.put(number, item)]
