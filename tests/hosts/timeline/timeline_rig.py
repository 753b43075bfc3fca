"""Real timelines for tests: OTIO written by OpenTimelineIO, FCPXML as Final Cut writes it, movies that decode."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
from host_rig import FIRST, FRAMES, read_exr
from opentimelineio.opentime import RationalTime, TimeRange

from understudy.bridge.frames import FilePattern

RATE = 24000 / 1001
START = 86_400


def time_range(first: int, length: int, rate: float = RATE) -> TimeRange:
    return TimeRange(RationalTime(first, rate), RationalTime(length, rate))


def sequence(pattern: str, first: int = FIRST, length: int = FRAMES, rate: float = RATE) -> otio.schema.MediaReference:
    path = Path(pattern)
    prefix, _, suffix = path.name.rpartition("####")
    return otio.schema.ImageSequenceReference(
        target_url_base=f"{path.parent.as_uri()}/", name_prefix=prefix, name_suffix=suffix, start_frame=first,
        rate=rate, frame_zero_padding=4, available_range=time_range(first, length, rate),
    )  # fmt: skip


def clip(name: str, media: otio.schema.MediaReference, first: int = FIRST, length: int = FRAMES) -> otio.schema.Clip:
    return otio.schema.Clip(name, media, time_range(first, length))


def timeline(*items: object, start: int = START) -> otio.schema.Timeline:
    made = otio.schema.Timeline("Reel 1", global_start_time=RationalTime(start, RATE))
    made.tracks.append(otio.schema.Track("V1", kind=otio.schema.TrackKind.Video))
    made.tracks[0].extend(items)
    return made


def movie(pattern: str, path: Path, frames: int = FRAMES) -> Path:
    """Encode the frames, repeated where there are too few, as H.264 in the pictures' own codes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(24000, 1001))
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for number in range(frames):
            picture = read_exr(FilePattern(pattern).path(FIRST + number % FRAMES))[..., :3]
            codes = np.clip(picture.repeat(3, axis=2) if picture.shape[2] == 1 else picture, 0, 1) ** (1 / 2.2) * 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(codes.astype(np.uint8), format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


FCPXML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="{version}">
  <resources>
    <format id="r1" frameDuration="1001/24000s" width="160" height="90"/>
    <format id="r3" frameDuration="1/25s"/>
    <asset id="r2" name="plate" start="0s" duration="{media}" format="r1" hasVideo="1"{src}>{representation}</asset>
    <asset id="r4" name="gone" start="0s" duration="{media}" format="r3" hasVideo="1" src="file:///gone/away.mov"/>
    <effect id="r5" name="Basic Title" uid="title"/>
  </resources>
  <library><event name="day 1"><project name="Reel 1">
    <sequence format="r1" tcStart="{start}" tcFormat="NDF" duration="{media}">
      <spine>
{spine}
      </spine>
    </sequence>
  </project></event></library>
</fcpxml>
"""


def frames(count: int) -> str:
    return f"{1001 * count}/24000s"


def fcpxml(path: Path, media: Path, spine: str, *, version: str = "1.8", length: int = 8) -> Path:
    in_child = tuple(int(part) for part in version.split(".")) >= (1, 9)
    path.write_text(
        FCPXML.format(
            version=version, media=frames(length), start=frames(START), spine=spine,
            src="" if in_child else f' src="{media.as_uri()}"',
            representation=f'<media-rep kind="original-media" src="{media.as_uri()}"/>' if in_child else "",
        )
    )  # fmt: skip
    return path
