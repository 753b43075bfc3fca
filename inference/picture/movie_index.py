"""Count a movie's pictures and prove its rate by one pass over its packets; nothing is decoded.

Two things are refused here by name: a file that was cut short, and pictures that do not come at one constant rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.inference.picture.frame_rates import COMMON_RATES, named_rate
from understudy.inference.picture.header import damaged


@dataclass(frozen=True, slots=True)
class MovieIndex:
    """Every picture in the order it is shown: `times` are presentation times in ticks of `time_base`."""

    times: tuple[int, ...]
    keys: tuple[int, ...]
    """Pictures from which decoding can start, ascending; counted in shown order."""
    rate: Fraction
    time_base: Fraction


def index_movie(path: str, container: av.container.InputContainer, stream: av.VideoStream) -> MovieIndex:
    """Read every packet of the stream. Raises PlateError when pictures are missing or their rate varies."""
    times, keys, packets, broken = [], [], 0, False
    # AVI has one time a picture, that of decoding; with reordered pictures FFmpeg makes the other up.
    guessed = container.format.name == "avi" and stream.codec_context.has_b_frames
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            packets += 1
            broken = broken or packet.is_corrupt
            if packet.pts is None or guessed:
                raise PlateError(
                    f"{path}: its pictures do not say when they are shown",
                    remedy="Export it as MOV or MP4.",
                    facts={"file": path},
                )
            if packet.is_discard:
                continue
            times.append(packet.pts)
            if packet.is_keyframe:
                keys.append(packet.pts)
    except (av.error.FFmpegError, OSError) as problem:
        raise damaged(path, f"the movie cannot be read after picture {len(times)} ({problem.strerror})") from problem
    times.sort()
    time_base = Fraction(stream.time_base or 0)
    if not times or not time_base:
        raise damaged(path, "the movie has no picture")
    _refuse_cut(path, stream, times, packets, broken)
    rate = _constant_rate(path, np.asarray(times, np.int64), time_base, stream)
    places = {time: number for number, time in enumerate(times)}
    return MovieIndex(tuple(times), tuple(sorted(places[time] for time in keys)), rate, time_base)


def _refuse_cut(
    path: str,
    stream: av.VideoStream,
    times: list[int],
    packets: int,
    broken: bool,
) -> None:
    """Compare what is there with what the container promises: its table of samples, or the stream's duration."""
    rate = stream.average_rate or stream.guessed_rate
    promised = stream.frames or (_pictures_in(stream.metadata.get("DURATION", ""), rate) if rate else 0)
    if packets >= promised and not broken:
        return
    first = len(times) - 1 if broken else len(times)
    if rate and stream.time_base:
        step = 1 / (rate * stream.time_base)
        shown = [round((time - times[0]) / step) for time in times]
        first = next((number for number, place in enumerate(shown) if place != number), first)
    of = f" of {promised}" if promised > 0 else ""
    raise damaged(
        path,
        f"the movie is cut short: picture {first}{of} (counted from 0) is the first that is missing",
        "Copy or export the movie again.",
    )


def _pictures_in(duration: str, rate: Fraction) -> int:
    """Return how many pictures Matroska's own figure for the stream means (`00:00:02.500000000`); 0 without one."""
    try:
        hours, minutes, seconds = duration.split(":")
        return round((int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)) * rate)
    except ValueError:
        return 0


def _constant_rate(path: str, times: NDArray[np.int64], time_base: Fraction, stream: av.VideoStream) -> Fraction:
    stated = [rate for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate) if rate]
    if len(times) == 1:
        if stated:
            return named_rate(stated[0])
        raise damaged(path, "the movie has one picture and states no rate", "Export it with a rate.")
    lasts = int(times[-1] - times[0]) * time_base
    mean = Fraction(len(times) - 1) / lasts if lasts else Fraction(0)
    candidates = [*(named_rate(rate) for rate in stated), *stated]
    candidates += sorted(COMMON_RATES, key=lambda rate: abs(rate - mean))[:3]
    for rate in candidates:
        if _fits(times, time_base, rate):
            return rate
    raise PlateError(
        f"{path}: its pictures do not come at one constant rate (about {float(mean):.3f} a second)",
        remedy="Conform it to a constant rate first, so that frame numbers mean the same everywhere.",
        facts={"file": path},
    )


def _fits(times: NDArray[np.int64], time_base: Fraction, rate: Fraction) -> bool:
    """Say whether every time is where `rate` puts it, to the rounding of the container's ticks."""
    step = float(1 / (rate * time_base))
    expected = np.arange(len(times)) * step
    return bool(np.max(np.abs(times - times[0] - expected)) <= min(1.0, 0.49 * step))
