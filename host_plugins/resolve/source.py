"""Source frames as they lie on disk: ungraded, without a render, where a clip shows its medium frame for frame."""

from __future__ import annotations

import re
from pathlib import Path

from understudy.bridge.aside import missing_files
from understudy.bridge.errors import HostError
from understudy.bridge.frames import FilePattern, FrameRange, FrameRate
from understudy.bridge.host import Footage, Steps
from understudy.bridge.typed_files import MOVIE_SUFFIXES
from understudy.host_plugins.resolve.clips import Clip, read_rate
from understudy.host_plugins.resolve.colour import source_space
from understudy.host_plugins.resolve.session import offers

RENDER_IT = "Choose `source: render`, and the frames are rendered as the timeline shows them."
SLACK_FRAMES = 2
"""Resolve's own source frames are one off on some clips, and whether the last one is in is not said."""
_SEQUENCE = re.compile(r"\[(\d+)(?:-(\d+))?\](?!.*\[\d+(?:-\d+)?\])")


def why_not_source(clip: Clip, rate: FrameRate, others: tuple[Clip, ...]) -> str:
    """Return why the clip's own files are not what the timeline shows, '' where they are.

    others: the clips of the same track. What cannot be asked here, `edits` reads from the timeline's own description.
    """
    if not clip.properties:
        return f"{clip.name} is a title, a generator or a Fusion composition: it has no files"
    if not clip.properties.get("File Path"):
        return f"{clip.name} is nested: a timeline or a compound clip has no files of its own"
    if clip.track and any(
        other.start < clip.end and clip.start < other.end and other.start != clip.start for other in others
    ):
        return f"{clip.name} runs into its neighbour: a transition mixes the two"
    if clip.item.GetFusionCompCount():
        return f"{clip.name} has a Fusion composition, which its files do not show"
    return why_not_frame_for_frame(clip, rate)


def why_not_frame_for_frame(clip: Clip, rate: FrameRate) -> str:
    """Return why a frame of the timeline is not a frame of the clip's medium, '' where it is."""
    return _retimed(clip) or _other_rate(clip, rate)


def _retimed(clip: Clip) -> str:
    length = _number(clip.properties.get("Frames", ""))
    if length is not None and clip.left + (clip.end - clip.start) + clip.right != length:
        return f"{clip.name} is retimed, frozen or reversed: its {length} frames do not run one for one"
    if offers(clip.item, "GetSourceStartFrame") and offers(clip.item, "GetSourceEndFrame"):
        first, last = clip.item.GetSourceStartFrame(), clip.item.GetSourceEndFrame()
        span = None if first is None or last is None else int(last) - int(first)
        if span is not None and span < 0:
            return f"{clip.name} is reversed"
        if span is not None and abs(span + 1 - (clip.end - clip.start)) > SLACK_FRAMES:
            return f"{clip.name} is retimed: {span + 1} of its frames fill {clip.end - clip.start}"
    return ""


def _other_rate(clip: Clip, rate: FrameRate) -> str:
    said = clip.properties.get("FPS", "")
    if said and read_rate(said) != rate:
        return f"{clip.name} has {said} frames a second and the timeline has {rate}: frames are dropped or repeated"
    return ""


def source_footage(clip: Clip, frames: FrameRange) -> Steps[Footage]:
    """Return the clip's own files by timeline frame. Raises HostError for a file that is not there."""
    path = clip.properties["File Path"]
    sequence = read_sequence(path)
    origin = clip.start - clip.left  # the timeline frame that the medium's first picture would have
    colour = source_space(clip)
    if sequence is None:
        if Path(path).suffix.lower() not in MOVIE_SUFFIXES or not Path(path).is_file():
            raise HostError(f"{clip.name}: {path} is no movie that is here", remedy=RENDER_IT)
        return Footage(typed=path, first=origin, colour=colour)
    pattern, first = sequence
    texts = pattern.texts(first + frame - origin for frame in frames)
    files = {number - first + origin: text for number, text in texts.items()}
    gone = yield from missing_files(files.values())
    if gone:
        frame = next(frame for frame, file in files.items() if file == gone[0])
        raise HostError(
            f"{clip.name}: {gone[0]} is missing (frame {frame} of the timeline)",
            remedy=f"Restore the file or relink the clip. {RENDER_IT}",
        )
    return Footage(typed=pattern.text, files=files, colour=colour)


def read_sequence(path: str) -> tuple[FilePattern, int] | None:
    """Read Resolve's `plate.[1001-1100].exr` as a pattern and the first number; None for what is no sequence."""
    name = Path(path).name
    found = _SEQUENCE.search(name)
    if found is None or Path(path).is_file():  # `hero[2].mov` is a name too
        return None
    text = name[: found.start()] + "#" * len(found[1]) + name[found.end() :]
    return FilePattern(str(Path(path).with_name(text))), int(found[1])


def _number(text: str) -> int | None:
    try:
        return int(float(text))
    except ValueError:
        return None
