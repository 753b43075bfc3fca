"""The review movie: what producers look at, never what is comped. H.264, display-referred, one picture a frame."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from understudy.inference.picture.movie_writer import MovieWriter


def write_review(
    path: str | os.PathLike[str],
    frames: Iterable[NDArray[np.uint8]],
    rate: Fraction,
    width: int,
    height: int,
    metadata: Mapping[str, str] | None = None,
    timecode: str | None = None,
) -> int:
    """Write the movie from display-referred uint8 (height, width, 3) pictures and return how many there were.

    Pictures are taken one at a time, so memory does not grow with the shot. The display, view and look that made them
    belong into `metadata`. The file appears under its name only when it is whole. Raises JobParked when the disk is
    full, JobError when there is no picture, and whatever `frames` raises.
    """
    with MovieWriter(path, rate, width, height, metadata=metadata, timecode=timecode) as movie:
        for picture in frames:
            movie.write(picture)
    return movie.count
