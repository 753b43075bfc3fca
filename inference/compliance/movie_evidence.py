"""What a worker reads back from the movies that it made: the label that people see, the metadata that machines read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from understudy.bridge.errors import UnderstudyError
from understudy.inference.compliance.aigc import AIGC
from understudy.inference.compliance.facts import MovieProof
from understudy.inference.picture.label import LEAST_HEIGHT, Label
from understudy.inference.picture.movies import MovieReader

ALIKE = 0.8
"""A frame shows the label when so much of its letters is there; H.264 at the review's quality leaves 0.93 or more."""


def read_movies(folder: Path, movies: Mapping[str, bool], text: str) -> tuple[MovieProof, ...]:
    """Return what each movie proves. movies: path under the folder, and whether it must show the label `text`."""
    return tuple(_read(folder, name, text if labelled else "") for name, labelled in movies.items())


def _read(folder: Path, name: str, text: str) -> MovieProof:
    try:
        with MovieReader(folder / name) as movie:
            aigc = str(movie.header.attributes.get(f"movie/{AIGC}", ""))
            seconds = float(movie.count / movie.rate)
            if not text:
                return MovieProof(path=name, seconds=seconds, aigc=aigc)
            shown, height = _opening(movie, text)
            return MovieProof(
                path=name,
                seconds=seconds,
                aigc=aigc,
                label=text,
                shown_seconds=float(shown / movie.rate),
                height=height,
            )
    except (UnderstudyError, OSError, ValueError) as problem:
        words = problem.message if isinstance(problem, UnderstudyError) else str(problem)
        return MovieProof(path=name, problem=words.replace(str(folder / name), name), label=text)


def _opening(movie: MovieReader, text: str) -> tuple[int, float]:
    """Return how many frames from the first on show the label, and the least height of its letters in them."""
    label, least, shown = Label.of(text, movie.width, movie.height, movie.pixel_aspect), 1.0, 0
    while shown < movie.count:
        seen = label.measure(np.clip(movie.read(shown)[:, :, :3], 0, 1))
        if seen.alike < ALIKE or seen.height < LEAST_HEIGHT:
            break
        least, shown = min(least, seen.height), shown + 1
    return shown, least if shown else 0.0
