"""Movies as plates and mattes, through PyAV: exact counts, rational rates, any picture by its number.

What would put pictures in the wrong place is refused when the movie is opened: interlaced and variable-rate movies,
movies cut short, and turned ones (hosts disagree on those).
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.inference.picture.header import Header, Window, damaged
from understudy.inference.picture.movie_frames import (
    ColourTags,
    alpha_of,
    frame_bits,
    has_alpha,
    luma_of,
    read_tags,
    rgb_of,
)
from understudy.inference.picture.movie_index import index_movie

_PROGRESSIVE = (0, 1)  # FFmpeg's AVFieldOrder: unknown, progressive; all others are interlaced
# Playlists, which FFmpeg would also open, lead to other files and hosts; images are no movies; transport streams have
# no table of their pictures, so a cut one passes for whole.
_OPENING = {"format_whitelist": "mov,mp4,matroska,webm,mxf,avi", "protocol_whitelist": "file"}
_MOST_THREADS = 8  # each holds a frame or two; more do not decode one movie quicker
_SQUARE_WITHIN = 1e-3  # encoders that crop write 4095:4096 for square pixels
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709-6, item 3.2


class MovieReader:
    """One movie file. Belongs to one thread: it holds a decoder and where that stands.

    Pictures are counted from 0 in the order they are shown; edit lists are obeyed. Reading on is quick, going back
    costs a seek to the key picture before. Raises PlateError, which names the file, here and in every read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._container, self._stream = _open(self.path)
        with ExitStack() as unless_read:
            unless_read.callback(self._container.close)
            self._index = index_movie(self.path, self._container, self._stream)
            self._places = {time: number for number, time in enumerate(self._index.times)}
            self._frames: Iterator[av.VideoFrame] = iter(())
            self._current: tuple[int, av.VideoFrame] | None = None
            self._seek(0)
            self._first = self._decoded(0)
            self._refuse_turned()
            unless_read.pop_all()

    def __enter__(self) -> MovieReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Reading afterwards is a mistake of the caller's."""
        self._frames = iter(())
        self._current = None
        self._container.close()

    def __len__(self) -> int:
        return self.count

    @property
    def count(self) -> int:
        """Return how many pictures there are, counted, not estimated."""
        return len(self._index.times)

    @property
    def rate(self) -> Fraction:
        """Return pictures a second, proved against the time of every picture."""
        return self._index.rate

    @property
    def width(self) -> int:
        return self._first.width

    @property
    def height(self) -> int:
        return self._first.height

    @property
    def bits(self) -> int:
        """Return the bits of one code: 8, 10, 12 or 16."""
        return frame_bits(self._first)

    @property
    def has_alpha(self) -> bool:
        return has_alpha(self._first)

    @property
    def tags(self) -> ColourTags:
        """Return the colour tags as the stream carries them; None where it says nothing."""
        return read_tags(self._first)

    @property
    def pixel_aspect(self) -> float:
        aspect = float(self._stream.sample_aspect_ratio or 1)
        return 1.0 if abs(aspect - 1.0) < _SQUARE_WITHIN or aspect <= 0 else aspect

    @property
    def timecode(self) -> str | None:
        """Return the start timecode, `01:00:00:00`, or `01:00:00;00` for drop frame; None when the movie has none."""
        holders = [self._stream.metadata, *(stream.metadata for stream in self._container.streams)]
        return next(
            (str(held["timecode"]) for held in [*holders, self._container.metadata] if "timecode" in held), None
        )

    @property
    def colour_hint(self) -> str | None:
        """Return the space that the tags name, for `ColourConfig.resolve`; None for an untagged movie."""
        return _HINTS.get((self.tags.primaries, self.tags.transfer))

    @property
    def header(self) -> Header:
        """Return what the movie says of itself in the words of a still: one display window, which is all data."""
        window = Window(0, 0, self.width, self.height)
        channels = ("R", "G", "B", "A") if self.has_alpha else ("R", "G", "B")
        metadata = {f"movie/{name}": value for name, value in self._container.metadata.items()}
        tags = {
            f"movie/{name}": getattr(self.tags, name) or "" for name in ("primaries", "transfer", "matrix", "range")
        }
        return Header(
            path=self.path,
            format="movie",
            pixel_type=f"uint{self.bits}",
            display=window,
            data=window,
            channels=channels,
            pixel_aspect=self.pixel_aspect,
            attributes={**metadata, **tags},
            colour_hint=self.colour_hint,
            rate=self.rate,
            timecode=self.timecode,
        )

    def read(self, index: int) -> NDArray[np.float32]:
        """Return picture `index` as (height, width, 3) float32 RGB code values: 0 black, 1 white, super-white above."""
        frame = self._decoded(index)
        try:
            return rgb_of(frame, self.tags, chroma_is_centred=self._stream.codec_context.name == "mjpeg")
        except ValueError as problem:
            raise self._damaged(index, str(problem)) from None

    def read_alpha(self, index: int) -> NDArray[np.float32]:
        """Return the alpha of picture `index` as (height, width) float32. Raises PlateError when the movie has none."""
        if not self.has_alpha:
            raise PlateError(
                f"{self.path}: the movie has no alpha", remedy="Give ProRes 4444 with alpha.", facts={"file": self.path}
            )
        return alpha_of(self._decoded(index))

    def read_matte(self, index: int, *, channel: str | None = None, invert: bool = False) -> NDArray[np.float32]:
        """Return the matte in picture `index` as (height, width) float32 from 0 to 1, as `images.read_matte` would.

        Alpha if there is one that is not all 1, else luma; `channel` is R, G, B, A or Y. Values are clipped to 0..1:
        what compression rings below black is no matte.
        """
        matte = np.clip(self._matte(index, channel), 0.0, 1.0)
        return np.float32(1) - matte if invert else matte

    def _matte(self, index: int, channel: str | None) -> NDArray[np.float32]:
        wanted = (channel or "").lower()[:1]
        if wanted not in ("", "r", "g", "b", "a", "y"):
            raise PlateError(
                f"{self.path}: no channel '{channel}'; the channels in it: {', '.join(self.header.channels)}",
                remedy="Name one of these with --matte-channel.",
                facts={"file": self.path},
            )
        if wanted == "a" or (not wanted and self.has_alpha):
            alpha = self.read_alpha(index)
            if wanted or not bool(np.all(alpha == 1)):
                return alpha
        if wanted in ("r", "g", "b"):
            return np.ascontiguousarray(self.read(index)[:, :, "rgb".index(wanted)])
        frame = self._decoded(index)
        return self.read(index) @ _LUMINANCE if frame.format.is_rgb else luma_of(frame, self.tags)

    def _decoded(self, index: int) -> av.VideoFrame:
        """Return the decoded frame of picture `index`, seeking only where decoding on would be longer."""
        if not 0 <= index < self.count:
            raise PlateError(
                f"{self.path}: no picture {index}; the movie has {self.count}, counted from 0",
                remedy="Check --frames and --first.",
                facts={"file": self.path},
            )
        standing = -1 if self._current is None else self._current[0]
        before = bisect_right(self._index.keys, index)
        key = self._index.keys[before - 1] if before else 0
        if standing > index or key > standing + 1:
            self._seek(key)
        while self._current is None or self._current[0] < index:
            self._step(index)
        if self._current[0] != index:
            raise self._damaged(index, "it cannot be decoded")
        return self._current[1]

    def _step(self, wanted: int) -> None:
        try:
            frame = next(self._frames)
        except StopIteration:
            raise self._damaged(wanted, "it cannot be decoded") from None
        except (av.error.FFmpegError, OSError) as problem:
            raise self._damaged(wanted, str(problem.strerror)) from problem
        place = None if frame.pts is None else self._places.get(frame.pts)
        if place is None:
            return
        if frame.is_corrupt and place >= wanted:
            raise self._damaged(place, "its data is damaged")
        if frame.interlaced_frame:
            raise _interlaced(self.path)
        if (frame.width, frame.height) != (self._stream.codec_context.width, self._stream.codec_context.height):
            raise self._damaged(place, f"it has another size, {frame.width}x{frame.height}")
        self._current = (place, frame)

    def _seek(self, key: int) -> None:
        """Stand before picture `key` or earlier: a demuxer may land late, so the first frame is checked."""
        for number in [*(found for found in reversed(self._index.keys) if found <= key), -1]:
            time = self._index.times[max(number, 0)] if number >= 0 else min(0, self._index.times[0])
            try:
                self._container.seek(time, stream=self._stream, backward=True)
                self._frames = iter(self._container.decode(self._stream))
                self._current = None
                self._step(0)
            except PlateError:
                if number < 0:
                    raise
                continue
            if self._current is not None and self._current[0] <= key:
                return

    def _refuse_turned(self) -> None:
        if self._first.rotation % 360:
            raise PlateError(
                f"{self.path}: the movie is marked to be turned by {self._first.rotation % 360} degrees, "
                "which applications treat differently",
                remedy="Export it upright, with the turn in its pixels.",
                facts={"file": self.path},
            )

    def _damaged(self, index: int, what: str) -> PlateError:
        return damaged(self.path, f"picture {index} (counted from 0): {what}", "Copy or export the movie again.")


# (primaries, transfer) as tagged, and the space of the studio config that they mean.
_HINTS: dict[tuple[str | None, str | None], str] = {
    ("bt709", "srgb"): "srgb_rec709_scene",
    ("bt709", "linear"): "lin_rec709_scene",
    ("bt709", "gamma22"): "g22_rec709_scene",
    ("bt709", "bt709"): "g24_rec709",
    ("bt2020", "linear"): "lin_rec2020_scene",
    ("bt2020", "pq"): "pq_rec2020_display",
    ("bt2020", "hlg"): "hlg_rec2020_display",
    ("p3d65", "srgb"): "srgb_p3d65_scene",
    ("p3d65", "pq"): "pq_p3d65_display",
}


def _open(path: str) -> tuple[av.container.InputContainer, av.VideoStream]:
    if not Path(path).is_file():
        raise damaged(path, "cannot be opened", "Check that the file is there and readable.")
    try:
        container = av.open(str(Path(path).absolute()), options=_OPENING, metadata_errors="replace")
    except (av.error.FFmpegError, OSError) as problem:
        raise damaged(
            path,
            f"not readable as MOV, MP4, MXF, Matroska or AVI ({problem.strerror or problem})",
            "Copy or export the movie again: one cut short has lost the table at its end. Other kinds: export as MOV.",
        ) from problem
    pictures = [stream for stream in container.streams.video if stream.codec_context is not None]
    stream = next((found for found in pictures if "attached_pic" not in str(found.disposition)), None)
    if stream is None:
        container.close()
        raise damaged(path, "the file has no moving pictures", "Give a movie, or the frames of a sequence.")
    if stream.codec_context.field_order not in _PROGRESSIVE:
        container.close()
        raise _interlaced(path)
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = min(os.cpu_count() or 1, _MOST_THREADS)
    # Otherwise a decoder conceals damage by pixels of the picture before.
    stream.codec_context.options = {"err_detect": "explode"}
    return container, stream


def _interlaced(path: str) -> PlateError:
    return PlateError(
        f"{path}: the movie is interlaced", remedy="De-interlace it to whole frames first.", facts={"file": path}
    )
