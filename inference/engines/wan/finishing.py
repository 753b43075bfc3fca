"""From the model's opaque pictures to what the pipeline takes: colour held, character told apart, grain matched.

A segment at a time and from that segment alone, so that a segment made again is the same to the bit. What is carried
over to the next segment is the model's own picture, before any of this. A frame takes a core for most of a second at
1280 x 720, and the GPU needs far less for its share with step caching or on four GPUs: several are finished at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.inference.ahead import map_ahead
from understudy.inference.controls.conditioning import Controls
from understudy.inference.engines.door import Footage, GeneratedFrame, Watcher
from understudy.inference.engines.wan.colour_hold import Held, beyond_limits, held, measure_drift
from understudy.inference.engines.wan.coverage import Covered, cover, known_behind
from understudy.inference.engines.wan.evidence import GeneratedPicture
from understudy.inference.engines.wan.matching import Match, Untouched, matched, measure_match, nothing, record
from understudy.inference.engines.wan.options import WanOptions
from understudy.inference.engines.wan.segmenter import Segmenter
from understudy.inference.segments import Segment

Picture = NDArray[np.float32]
Pictures = NDArray[np.float32]
"""(frames, height, width, 3), 0 to 1, the model's encoding."""

MEASURED_FRAMES = 7
"""Of a segment, evenly spaced: drift, grain and sharpness change slowly."""
UNSURE = 0.5
FINISHERS = min(8, os.cpu_count() or 1)
"""Threads, and frames that are worked on side by side: about 60 MB each at 1280 x 720."""


class Finisher:
    """One shot; one thread at a time takes its frames, several of its own make them."""

    def __init__(
        self, footage: Footage, controls: Controls, options: WanOptions, segmenter: Segmenter | None = None
    ) -> None:
        self._footage, self._controls, self._options, self._segmenter = footage, controls, options, segmenter

    def frames(self, segment: Segment, pictures: Pictures, watcher: Watcher) -> Iterator[GeneratedFrame]:
        """Yield the frames of a segment, in order; tell what someone should look at. `pictures` is changed."""
        made = _Segment(self._footage, self._controls, self._options, self._segmenter, segment.frames, pictures)
        if self._footage.mode == "replace":
            made.hold(watcher)
            made.measure()
        unsure = []
        pool = ThreadPoolExecutor(FINISHERS, thread_name_prefix="finishing")
        try:
            covered = cover(len(pictures), made.read, pool, FINISHERS)
            for confidence, frame in map_ahead(pool, made.frame, enumerate(covered), FINISHERS):
                if confidence < UNSURE and frame.coverage.any():
                    unsure.append(frame.frame)
                yield frame
        finally:
            pool.shutdown(cancel_futures=True)
        if self._footage.mode == "replace" and self._options.match:
            watcher.found(_matched(segment, made.match))
        if unsure:
            watcher.found(_unsure(unsure))


class _Segment:
    def __init__(
        self,
        footage: Footage,
        controls: Controls,
        options: WanOptions,
        segmenter: Segmenter | None,
        frames: Sequence[int],
        pictures: Pictures,
    ) -> None:
        self._footage, self._controls, self._options, self._segmenter = footage, controls, options, segmenter
        self._frames, self._pictures = frames, pictures
        self.match = nothing()

    def hold(self, watcher: Watcher) -> None:
        """Undo the segment's drift of colour, as much of it as was asked for."""
        if self._options.colour_hold == "off":
            return
        drift = measure_drift([Held(*parts) for parts in self._measured()])
        for position, picture in enumerate(self._pictures):
            self._pictures[position] = held(picture, drift, self._options.colour_hold)
        if beyond_limits(drift):
            watcher.found(_drifted(self._frames))

    def read(self, position: int) -> GeneratedPicture:
        """Return a frame with what it was made from, as `cover` asks for it."""
        frame, picture = self._frames[position], self._pictures[position]
        points = self._controls.keypoints(frame)
        person = self._segmenter.seen(picture) if self._segmenter is not None else None
        if self._footage.mode == "animate":
            whole = np.ones(picture.shape[:2], np.float32)
            return GeneratedPicture(picture, picture, whole, keypoints=points, seen=person)
        seen = self._controls.pictures(frame)
        if seen.background is None or seen.matte_used is None or self._footage.matte is None:
            raise ValueError("mode replace has a background and a matte")
        clean = self._footage.clean_plate
        return GeneratedPicture(
            picture,
            seen.background,
            seen.matte_used,
            behind=known_behind(clean(frame)) if clean is not None else None,
            keypoints=points,
            performer=self._footage.matte(frame),
            seen=person,
        )

    def frame(self, told_apart: tuple[int, Covered]) -> tuple[float, GeneratedFrame]:
        """Return how sure a frame's coverage is, and the frame. Any thread, once `measure` was called."""
        position, covered = told_apart
        frame, picture, character = self._frames[position], self._pictures[position], covered.character
        if self._options.match and self._footage.mode == "replace":
            seed = self._footage.settings.seed
            picture, character = (
                matched(pixels, covered.coverage, self.match, frame, seed) for pixels in (picture, character)
            )
        skeleton = self._controls.skeleton(frame).astype(np.float32) / np.float32(255)
        layers = {"skeleton": skeleton}
        made = GeneratedFrame(frame, covered.coverage, picture=picture, character=character, layers=layers)
        return covered.confidence, made

    def measure(self) -> None:
        """Learn the plate's grain and sharpness, as far as they are to be matched."""
        if self._options.match:
            self.match = measure_match([Untouched(*parts) for parts in self._measured()])

    def _measured(self) -> Iterator[tuple[Picture, Picture, Picture]]:
        """Yield the plate, the generated picture and the matte of a few frames."""
        plate = self._footage.plate
        count = len(self._frames)
        for position in np.unique(np.linspace(0, count - 1, min(MEASURED_FRAMES, count)).round().astype(int)):
            frame = self._frames[position]
            if plate is not None:
                yield plate(frame), self._pictures[position], self._controls.matte_used(frame)


def _drifted(frames: Sequence[int]) -> Finding:
    return Finding(
        rule="colour_held",
        outcome="warn",
        message=f"the model's colour is further off the plate's than is undone, in frames {frames[0]} to {frames[-1]}",
        remedy="Look at the seam before it; another seed, or 5 carried frames, may hold it better.",
        frames=(frames[0],),
    )


def _matched(segment: Segment, match: Match) -> Finding:
    said = ", ".join(f"{name.removeprefix('matched_')} {value}" for name, value in record(match).items())
    return Finding(
        rule="matched_to_the_plate", outcome="note", message=f"segment {segment.index + 1}: {said}", facts=record(match)
    )


def _unsure(frames: Sequence[int]) -> Finding:
    return Finding(
        rule="coverage_is_sure",
        outcome="warn",
        message=f"in {len(frames)} frames it is not sure what is character and what is background",
        remedy="`patch` over the plate is right all the same. Give a clean plate for a better `character` and `matte`.",
        frames=tuple(frames),
    )
