"""What scripts cannot ask of a clip but the timeline says of itself when exported as OTIO: transitions, speed, nesting.

OTIO is JSON, so nothing but the standard library reads it. A version that does not export it tells us nothing here, and
the lengths that `source` compares must do. Where it is exported and the clip is not found in it, nothing is ruled out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from understudy.bridge.frames import FrameRate
from understudy.host_plugins.resolve.clips import Clip, timeline_rate
from understudy.host_plugins.resolve.session import Session, offers

if TYPE_CHECKING:
    from fusionscript import Timeline

COMPOSITIONS = ("Stack", "Track")
RETIMES = ("LinearTimeWarp", "TimeEffect")


def said_of(session: Session, timeline: Timeline, clip: Clip) -> str:
    """Return why the clip's files are not what is seen, or may not be; '' where the timeline speaks for them."""
    description = _exported(session, timeline)
    if description is None:
        return ""
    offset, rate = clip.start - int(timeline.GetStartFrame()), timeline_rate(session, timeline)
    for track in description.get("tracks", {}).get("children", []):
        children = [child for child in track.get("children", []) if isinstance(child, dict)]
        for start, number in _starts(children, rate):
            child = children[number]
            same = start == offset and child.get("name") in (clip.name, clip.properties.get("Clip Name"))
            if same and track.get("kind") == "Video":
                return _against(clip, child, children[max(number - 1, 0) : number + 2])
    return f"{clip.name} is not found in the timeline's own description: it may have a transition or another speed"


def _exported(session: Session, timeline: Timeline) -> dict[str, Any] | None:
    kind, plain = getattr(session.resolve, "EXPORT_OTIO", None), getattr(session.resolve, "EXPORT_NONE", None)
    if kind is None or not offers(timeline, "Export"):
        return None
    import tempfile  # a script that only asks what is wanted need not read it, nor what it brings

    with tempfile.TemporaryDirectory(prefix="understudy-") as folder:
        path = Path(folder) / "timeline.otio"
        if not timeline.Export(str(path), kind, plain):
            return None
        try:
            description = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
    return description if isinstance(description, dict) else None


def _starts(children: list[dict[str, Any]], rate: FrameRate) -> Iterator[tuple[int, int]]:
    """Yield where each item begins, in frames from the track's start, and its number. Transitions take no room.

    Ends with an item that does not say its length: where the next one begins is not known.
    """
    position = Fraction()
    for number, child in enumerate(children):
        if _schema(child) == "Transition":
            continue
        yield round(position), number
        length = _length((child.get("source_range") or {}).get("duration") or {}, rate)
        if length is None:
            return
        position += length


def _length(duration: dict[str, Any], rate: FrameRate) -> Fraction | None:
    """Return a length of OTIO's, which is at the medium's own rate, in frames of the timeline; None where none is said.

    24 and 23.976 count as one rate: nobody says which of the two Resolve writes, and a frame is a frame at both.
    """
    try:
        value, own = Fraction(duration["value"]), FrameRate.near(float(duration["rate"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    same = round(own.fraction) == round(rate.fraction)
    return value if same else value * rate.fraction / own.fraction


def _against(clip: Clip, item: dict[str, Any], neighbours: list[dict[str, Any]]) -> str:
    if _schema(item) in COMPOSITIONS:
        return f"{clip.name} is nested: it has no files of its own"
    for effect in item.get("effects") or []:
        if _schema(effect) == "FreezeFrame":
            return f"{clip.name} is a frozen frame"
        if _schema(effect) in RETIMES and effect.get("time_scalar") != 1:
            speed = effect.get("time_scalar")
            return f"{clip.name} is {'reversed' if speed is not None and speed < 0 else 'retimed'} (speed {speed})"
    if any(_schema(neighbour) == "Transition" for neighbour in neighbours):
        return f"{clip.name} has a transition: its neighbour is mixed in"
    return ""


def _schema(item: dict[str, Any]) -> str:
    return str(item.get("OTIO_SCHEMA", "")).partition(".")[0]
