"""FCPXML, read and changed in place: everything that we do not know in it stays as it was, to the attribute.

OpenTimelineIO's own adapter for it drops speed changes and the start timecode and gives missing media a path, so a
slowed clip would pass for source frames: it is not used.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

from understudy.bridge.errors import RequestError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.host_plugins.timeline.cuts import Cut, Take, media_path, sequence_of

NESTED = {"ref-clip": "a compound clip", "sync-clip": "a synchronised clip", "mc-clip": "a multicam clip"}
PLAIN = ("asset-clip", "clip", "video")
MEDIA_IN_A_CHILD_SINCE = (1, 9)
"""From FCPXML 1.9 an asset names its file in a `media-rep` of its own."""


class FcpxmlFile:
    """Implements `cuts.TimelineFile`."""

    suffix = ".fcpxml"
    takes_frames = False

    def __init__(self, path: Path) -> None:
        """Raises RequestError for a file that is no FCPXML with one timeline."""
        file = path / "Info.fcpxml" if path.is_dir() else path  # an .fcpxmld is a folder
        try:
            text = file.read_bytes()
            if b"<!ENTITY" in text:
                raise RequestError(f"{path} defines entities, which no editor writes", remedy="Export it again.")
            self._root = ElementTree.fromstring(text)  # noqa: S314 - see above
        except (OSError, ElementTree.ParseError) as problem:
            raise RequestError(f"{path} does not read as FCPXML: {problem}", remedy="Export it again.") from None
        sequences = list(self._root.iter("sequence"))
        spine = sequences[0].find("spine") if len(sequences) == 1 else None
        if spine is None:
            raise RequestError(
                f"{path} holds {len(sequences)} sequences, not one timeline",
                remedy="Export the one timeline by itself, without compound clips.",
            )
        self._sequence, self._spine = sequences[0], spine
        self._resources = {element.get("id", ""): element for element in self._root.iterfind("resources/*")}
        self._step = self._frame_duration(self._sequence.get("format"))
        if self._step is None:
            raise RequestError(f"{path} does not say its frame rate", remedy="Export it again.")
        self._items: dict[str, ElementTree.Element] = {}

    def cuts(self) -> list[Cut]:
        found = sorted(
            self._walk(self._spine, Fraction(0), 0), key=lambda one: (int(one[0].track), one[0].frames.first)
        )
        self._items = {cut.said: element for cut, element in found}
        return [cut for cut, _ in found]

    def _walk(
        self, parent: ElementTree.Element, shift: Fraction, lane: int
    ) -> Iterator[tuple[Cut, ElementTree.Element]]:
        """Yield the clips in `parent`. shift: timeline seconds minus the parent's own."""
        children = list(parent)
        for number, element in enumerate(children):
            own_lane = lane + int(element.get("lane", "0"))
            start = _seconds(element.get("offset")) + shift
            if element.tag in (*PLAIN, *NESTED) and (parent.tag == "spine" or element.get("lane")):
                neighbours = [children[n] for n in (number - 1, number + 1) if 0 <= n < len(children)]
                mixed = parent.tag == "spine" and any(one.tag == "transition" for one in neighbours)
                yield self._cut(element, start, own_lane, mixed), element
            if element.tag in (*PLAIN, *NESTED, "gap", "title"):
                yield from self._walk(element, start - _seconds(element.get("start")), own_lane)
            elif element.tag == "spine" and element.get("lane"):
                yield from self._walk(element, start, own_lane)

    def _cut(self, element: ElementTree.Element, start: Fraction, lane: int, mixed: bool) -> Cut:
        assert self._step is not None  # noqa: S101 - the constructor has refused
        name = element.get("name") or element.tag
        first = round(start / self._step)
        length = max(round(_seconds(element.get("duration")) / self._step), 1)
        asset = self._resources.get(self._reference(element))
        why = _why_not(element, name, mixed)
        cut = Cut(
            name=name, track=str(lane), frames=FrameRange(first, first + length - 1), why_not=why,
            rate=FrameRate.from_fraction(1 / self._step),
        )  # fmt: skip
        if asset is None or asset.tag != "asset":
            return _refused(cut, why or f"{name} is a generator or has no media: it has no files")
        begins = _seconds(asset.get("start"))
        index = round((_seconds(element.get("start"), begins) - begins) / self._step)
        other = self._frame_duration(asset.get("format"))
        if not why and other is not None and other != self._step:
            why = f"{name} has media of {float(1 / other):g} frames a second on a timeline of {cut.rate}"
        representation = asset.find("media-rep")
        url = asset.get("src") or (representation.get("src") if representation is not None else None) or ""
        pattern, number = sequence_of(media_path(url))
        return Cut(
            name=name, track=cut.track, frames=cut.frames, rate=cut.rate, why_not=why, media=pattern,
            first_number=number, origin=first - index,
            length=round(_seconds(asset.get("duration")) / self._step),
        )  # fmt: skip

    def _reference(self, element: ElementTree.Element) -> str:
        """Return the id of what is shown: an asset-clip's own, a clip's by its video."""
        video = element.find("video")
        return element.get("ref") or (video.get("ref") if video is not None else None) or ""

    def _frame_duration(self, format_id: str | None) -> Fraction | None:
        said = self._resources[format_id].get("frameDuration") if format_id in self._resources else None
        return _seconds(said) if said else None

    def place(self, take: Take) -> None:
        """Connect the take to its clip, one lane above all that is connected there."""
        assert self._step is not None  # noqa: S101 - the constructor has refused
        element = self._items[take.cut.said]
        identity = f"understudy-{take.job_id}"
        length = len(take.frames) * self._step
        resources = self._root.find("resources")
        assert resources is not None  # noqa: S101 - the frame rate was read in it
        url = Path(take.movie).as_uri()
        asset = ElementTree.SubElement(
            resources, "asset", id=identity, name=take.name, start="0s", duration=_time(length), hasVideo="1",
            format=self._sequence.get("format", ""),
        )  # fmt: skip
        version = tuple(int(part) for part in self._root.get("version", "1.8").split("."))
        if version >= MEDIA_IN_A_CHILD_SINCE:
            ElementTree.SubElement(asset, "media-rep", kind="original-media", src=url)
        else:
            asset.set("src", url)
        for older in element.iterfind("asset-clip"):
            if older.get("ref", "").startswith("understudy-"):
                older.set("enabled", "0")
        lanes = [int(child.get("lane", "0")) for child in element]
        connected = ElementTree.Element(
            "asset-clip", ref=identity, name=take.name, lane=str(max([0, *lanes]) + 1),
            offset=element.get("start") or self._start_of(element), start=_time(take.frames.head * self._step),
            duration=_time(len(take.frames.cut) * self._step),
        )  # fmt: skip
        element.insert(_after_anchors(element), connected)

    def _start_of(self, element: ElementTree.Element) -> str:
        asset = self._resources.get(self._reference(element))
        return (asset.get("start") if asset is not None else None) or "0s"

    def write(self, path: Path) -> None:
        text = ElementTree.tostring(self._root, encoding="unicode")
        path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n\n{text}\n', encoding="utf-8")


def _why_not(element: ElementTree.Element, name: str, mixed: bool) -> str:
    if element.tag in NESTED:
        return f"{name} is nested: {NESTED[element.tag]} has no files of its own"
    if element.find("timeMap") is not None or element.find("video/timeMap") is not None:
        return f"{name} is retimed, frozen or reversed (timeMap)"
    if element.find("spine") is not None and element.tag == "clip":
        return f"{name} is nested: it holds a storyline of its own"
    return f"{name} has a transition: its neighbour is mixed in" if mixed else ""


def _refused(cut: Cut, why: str) -> Cut:
    return Cut(name=cut.name, track=cut.track, frames=cut.frames, rate=cut.rate, why_not=why)


def _after_anchors(element: ElementTree.Element) -> int:
    """Return where a connected clip goes: the format wants it behind notes, speed and adjustments, before markers."""
    late = ("marker", "chapter-marker", "rating", "keyword", "analysis-marker", "audio-channel-source", "metadata")
    numbers = [n for n, child in enumerate(element) if child.tag in late or child.tag.startswith("filter-")]
    return min(numbers, default=len(element))


def _seconds(said: str | None, default: Fraction = Fraction(0)) -> Fraction:
    """Read `1001/24000s`, `5s`. Raises RequestError for what is no time."""
    if said is None:
        return default
    try:
        return Fraction(said.removesuffix("s"))
    except (ValueError, ZeroDivisionError):
        raise RequestError(f"'{said}' is no time of FCPXML", remedy="Export it again.") from None


def _time(value: Fraction) -> str:
    return f"{value.numerator}s" if value.denominator == 1 else f"{value.numerator}/{value.denominator}s"
