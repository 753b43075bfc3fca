"""The review movie against bare PyAV with the same encoder settings, and reading a movie against PyAV's own floats.

1280x720, drawn pictures with grain. Both sides of a pair are timed in turn, so that a busy machine slows both.
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from benchmarks.colour_and_layers import times_of
from benchmarks.table import Row, at_least
from understudy.inference.picture.movies import MOVIE_KINDS, MovieReader
from understudy.inference.picture.review import write_review

ROUNDS = 5
FRAMES = 48
WIDTH, HEIGHT = 1280, 720
RATE = Fraction(24)


def pictures() -> list[NDArray[np.uint8]]:
    """Return moving soft shapes under grain: neither a still, which encodes for nothing, nor noise."""
    random = np.random.default_rng(5)
    soft = cv2.resize(random.random((20, 40, 3), dtype=np.float32) * 255, (WIDTH * 2, HEIGHT))
    made = []
    for number in range(FRAMES):
        grain = random.standard_normal((HEIGHT, WIDTH, 1), dtype=np.float32) * 3
        made.append(np.clip(soft[:, number * 6 : number * 6 + WIDTH] + grain, 0, 255).astype(np.uint8))
    return made


def measure(rounds: int = ROUNDS) -> list[Row]:
    """Return the rows for writing the review and for reading a movie."""
    frames = pictures()
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = Path(folder) / "ours.mp4", Path(folder) / "bare.mp4"
        written = times_of(
            lambda: write_review(ours, iter(frames), RATE, WIDTH, HEIGHT), lambda: _write_bare(bare, frames), rounds
        )
        read = times_of(lambda: _read_ours(ours), lambda: _read_bare(ours), rounds)
    note = "1280x720, libx264, the same settings on both sides"
    return [
        _row("write review.mp4", written, 0.90, f"bare PyAV; {note}"),
        _row("read a movie as float32 RGB", read, 0.90, "bare PyAV to gbrpf32; opening and counting included"),
    ]


def _row(name: str, milliseconds: tuple[float, float], goal: float, note: str) -> Row:
    mine, theirs = (FRAMES * 1000 / time for time in milliseconds)
    return at_least(name, mine, theirs, "frames/s", goal, note)


def _write_bare(path: Path, frames: list[NDArray[np.uint8]]) -> None:
    with av.open(str(path), "w", options={"movflags": "+faststart+write_colr+use_metadata_tags"}) as movie:
        stream = movie.add_stream("libx264", rate=RATE, options=dict(MOVIE_KINDS["h264"].options))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_count = 4
        for pixels in frames:
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(
                format="yuv420p",
                src_colorspace=1,
                dst_colorspace=1,
                src_color_range=2,
                dst_color_range=1,
                interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
            )
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode())


def _read_ours(path: Path) -> int:
    with MovieReader(path) as movie:
        return sum(movie.read(index).shape[0] for index in range(movie.count))


def _read_bare(path: Path) -> int:
    with av.open(str(path)) as movie:
        stream = movie.streams.video[0]
        stream.thread_type = "AUTO"
        return sum(_floats(frame).shape[0] for frame in movie.decode(stream))


def _floats(frame: av.VideoFrame) -> NDArray[np.float32]:
    full = frame.reformat(
        format="gbrpf32le",
        src_colorspace=1,
        dst_colorspace=1,
        src_color_range=1,
        dst_color_range=2,
        interpolation=Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND,
    )
    return np.asarray(full.to_ndarray(), np.float32)
