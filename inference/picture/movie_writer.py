"""Write movies through PyAV: H.264 for review, ProRes and DNxHR for delivery, tagged BT.709, the same bytes each time.

A movie that has its name is whole: it is written beside it as `NAME.partial` and renamed when it is closed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import cast

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from understudy.bridge.errors import JobError, JobParked
from understudy.inference.picture.movie_frames import frame_from_codes, rgb_to_yuv_codes

_BT709 = 1  # ITU-T H.273: primaries, transfer and matrix all
_LIMITED, _FULL = 1, 2
_ENCODER_THREADS = 4  # fixed: x264's bytes depend on the number of threads, not on the machine
_LARGEST_ASPECT_TERM = 500  # 4/3 as a float32 becomes 4/3 again; nothing but 1 comes so near to 1 as to be read as it
_OUT_OF_ROOM = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class MovieKind:
    """One way of encoding. `pixel_format` says what the stream holds."""

    codec: str
    container: str
    pixel_format: str
    options: dict[str, str] = field(default_factory=dict)


MOVIE_KINDS = {
    # Constant rate factor 16 shows no block on a paused frame; veryfast costs size, not quality, at that setting. With
    # mbtree, x264's AVX-512 code gave other bytes for the same pictures at some sizes (x264 of FFmpeg 8.1.2, 320x182).
    "h264": MovieKind("libx264", "mp4", "yuv420p", {"preset": "veryfast", "crf": "16", "mbtree": "0"}),
    "prores_4444": MovieKind("prores_ks", "mov", "yuva444p10le", {"profile": "4444", "vendor": "apl0"}),
    "prores_422_hq": MovieKind("prores_ks", "mov", "yuv422p10le", {"profile": "hq", "vendor": "apl0"}),
    "dnxhr_hqx": MovieKind("dnxhd", "mov", "yuv422p10le", {"profile": "dnxhr_hqx"}),
}


class MovieWriter:
    """One movie being written, picture after picture, in constant memory. Belongs to one thread.

    `h264` takes uint8 (height, width, 3), display-referred; the others take float32 code values 0..1 (height, width,
    3), and `prores_4444` (height, width, 4) with alpha. Odd sizes are padded to even ones by repeating the edge, but
    for 4:4:4. `metadata` may hold any names; `timecode` is the first picture's (`;` before the frames: drop frame).
    Leaving the `with` block by an exception removes what was written. Raises JobParked when the disk is full.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        rate: Fraction,
        width: int,
        height: int,
        *,
        kind: str = "h264",
        metadata: Mapping[str, str] | None = None,
        timecode: str | None = None,
        trailer: bytes = b"",
        pixel_aspect: float = 1.0,
    ) -> None:
        """trailer: whole boxes that follow the last one, such as XMP. pixel_aspect: a pixel's width by its height;
        players stretch the pictures by it.
        """
        self.path = Path(path)
        self.partial = self.path.with_name(self.path.name + ".partial")
        self.count = 0
        self._kind = MOVIE_KINDS[kind]
        self._trailer = trailer
        self._shape = (height, width)
        self._tick = 1 / Fraction(rate)
        with _writing(self.path):
            self.partial.touch()  # FFmpeg opens it with the first picture; a missing folder should be told now
            # bitexact leaves the library's name and the clock out of the file.
            options = {"movflags": "+faststart+write_colr+use_metadata_tags", "fflags": "+bitexact"}
            self._container = av.open(str(self.partial), "w", format=self._kind.container, options=options)
        with ExitStack() as unless_ready:
            unless_ready.callback(self.abandon)
            self._stream = self._add_stream(Fraction(rate), pixel_aspect)
            self._container.metadata.update(metadata or {})
            if timecode is not None:
                self._container.metadata["timecode"] = timecode
            unless_ready.pop_all()

    def __enter__(self) -> MovieWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def write(self, pixels: NDArray[np.uint8] | NDArray[np.float32]) -> None:
        """Add one picture. Raises ValueError for another size or type than the movie was opened with."""
        if pixels.shape[:2] != self._shape:
            raise ValueError(f"a picture of {pixels.shape[:2]} in a movie of {self._shape} (height, width)")
        frame = self._frame(pixels)
        frame.pts, frame.time_base = self.count, self._tick
        # ProRes and DNxHR write these into every picture, from the frame alone.
        frame.color_primaries, frame.color_trc = _BT709, _BT709
        frame.colorspace, frame.color_range = _BT709, _LIMITED
        with _writing(self.path):
            self._container.mux(self._stream.encode(frame))
        self.count += 1

    def close(self) -> None:
        """Finish the file and give it its name. Raises JobError when nothing was written."""
        with ExitStack() as unless_named:
            unless_named.callback(self.abandon)
            if self.count == 0:
                raise JobError(f"{self.path}: a movie needs at least one picture", remedy="Check the frame range.")
            with _writing(self.path):
                self._container.mux(self._stream.encode())
                self._container.close()
                with self.partial.open("ab") as file:
                    file.write(self._trailer)
                self.partial.replace(self.path)
            unless_named.pop_all()

    def abandon(self) -> None:
        """Remove what was written; the movie never gets its name."""
        with suppress(av.error.FFmpegError, OSError):  # a full disk fails the trailer too, and the file goes anyway
            self._container.close()
        self.partial.unlink(missing_ok=True)

    def _add_stream(self, rate: Fraction, pixel_aspect: float) -> av.VideoStream:
        added = self._container.add_stream(self._kind.codec, rate=rate, options=dict(self._kind.options))
        stream = cast(av.VideoStream, added)
        coder = stream.codec_context
        height, width = self._even()
        coder.width, coder.height, coder.pix_fmt = width, height, self._kind.pixel_format
        coder.time_base = stream.time_base = self._tick
        coder.thread_count = _ENCODER_THREADS
        coder.flags |= Flags.bitexact
        coder.color_primaries, coder.color_trc = _BT709, _BT709
        coder.colorspace, coder.color_range = _BT709, _LIMITED
        aspect = stated_aspect(pixel_aspect)
        if aspect != 1:
            coder.sample_aspect_ratio = aspect
        return stream

    def _even(self) -> tuple[int, int]:
        if "444" in self._kind.pixel_format:
            return self._shape
        return self._shape[0] + self._shape[0] % 2, self._shape[1] + self._shape[1] % 2

    def _frame(self, pixels: NDArray[np.uint8] | NDArray[np.float32]) -> av.VideoFrame:
        height, width = self._even()
        if (height, width) != self._shape:
            pad = (0, height - self._shape[0], 0, width - self._shape[1])
            pixels = cast(NDArray[np.uint8], cv2.copyMakeBorder(pixels, *pad, cv2.BORDER_REPLICATE))
        if self._kind.pixel_format != "yuv420p":
            floats = cast(NDArray[np.float32], pixels)
            return frame_from_codes(rgb_to_yuv_codes(floats, self._kind.pixel_format), self._kind.pixel_format)
        if pixels.dtype != np.uint8 or pixels.shape[2:] != (3,):
            raise ValueError(f"a review movie takes uint8 (height, width, 3), not {pixels.dtype} {pixels.shape}")
        codes = cast(NDArray[np.uint8], np.ascontiguousarray(pixels))
        return av.VideoFrame.from_ndarray(codes, "rgb24").reformat(
            format="yuv420p",
            src_colorspace=_BT709,
            dst_colorspace=_BT709,
            src_color_range=_FULL,
            dst_color_range=_LIMITED,
            interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
        )


def stated_aspect(pixel_aspect: float) -> Fraction:
    """Return a pixel's width by its height as a movie says it, and as `MovieReader.pixel_aspect` gives it back."""
    return Fraction(pixel_aspect).limit_denominator(_LARGEST_ASPECT_TERM)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn what FFmpeg raises into the job's errors: a full disk parks the job, all else fails it."""
    try:
        yield
    except (av.error.FFmpegError, OSError) as problem:
        if problem.errno in _OUT_OF_ROOM:
            raise JobParked(
                f"{path}: no room left on the disk", remedy="Free room; the job goes on from its last segment."
            ) from problem
        raise JobError(f"{path}: the movie cannot be written ({problem})") from problem
