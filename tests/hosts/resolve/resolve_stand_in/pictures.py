"""What the stand-in's viewer shows: enabled tracks over each other, bottom up, premultiplied, in the output space."""

from __future__ import annotations

from typing import Any

import numpy as np
from host_rig import HEIGHT, WIDTH, Picture, read_exr
from resolve_stand_in.timelines import Timeline, TimelineItem

BLACK = np.zeros((HEIGHT, WIDTH, 4), np.float32)


def composite(timeline: Timeline, frame: int) -> Picture:
    """Return (height, width, 4), float32, premultiplied."""
    picture = BLACK
    for track in timeline.tracks:
        for item in track.items:
            if track.enabled and item.enabled and item.duration and item.start <= frame < item.start + item.duration:
                picture = _over(_layer(item, frame), picture)
    for track in timeline.subtitles:
        if track.enabled:
            picture = picture + 1  # burned in: an export with subtitles on is seen at once
    return picture


def _over(above: Picture, below: Picture) -> Picture:
    return np.asarray(above + below * (1 - above[..., 3:]), np.float32)


def _layer(item: TimelineItem, frame: int) -> Picture:
    if item.medium is None:
        return np.full_like(BLACK, 0.5)
    files = item.medium.files
    read = read_exr(files[min(item.left + frame - item.start, len(files) - 1)])
    if read.shape[2] == 1:
        read = read.repeat(3, axis=2)
    alpha = read[..., 3:4] if read.shape[2] == 4 else np.ones_like(read[..., :1])
    mode = item.medium.properties["Alpha mode"]
    if mode == "None":
        alpha = np.ones_like(alpha)
    colour = read[..., :3] * (alpha if mode == "Straight" else 1)
    return np.concatenate([colour, alpha], axis=-1)


def in_output_space(picture: Picture, settings: dict[str, Any]) -> Picture:
    """An EXR is not linear of itself: it holds the project's output space."""
    if settings.get("colorSpaceOutputGamma") == "Linear":
        return picture
    encoded = picture.copy()
    encoded[..., :3] = np.maximum(picture[..., :3], 0) ** (1 / 2.4)
    return encoded
