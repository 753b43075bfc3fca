"""The timeline as an OTIO file, written by OpenTimelineIO itself."""

from __future__ import annotations

from typing import Any

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange


def write_otio(timeline: Any, path: str) -> None:
    """timeline: the stand-in's own."""
    described = otio.schema.Timeline(timeline.name)
    for track in timeline.tracks:
        described.tracks.append(_track(track, timeline.start))
    otio.adapters.write_to_file(described, path)


def _track(track: Any, start: int) -> otio.schema.Track:
    described, position = otio.schema.Track(track.name, kind=otio.schema.TrackKind.Video), start
    for item in sorted(track.items, key=lambda item: item.start):
        if item.start > position:
            described.append(otio.schema.Gap(source_range=_range(0, item.start - position)))
        if item.transition:
            described.append(
                otio.schema.Transition("Cross Dissolve", "SMPTE_Dissolve", RationalTime(2, 24), RationalTime(2, 24))
            )
        clip = otio.schema.Clip(item.name, source_range=_range(item.left, item.duration))
        if item.speed != 1:
            clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=item.speed))
        described.append(clip)
        position = item.start + item.duration
    return described


def _range(first: int, length: int) -> TimeRange:
    return TimeRange(RationalTime(first, 24), RationalTime(length, 24))
