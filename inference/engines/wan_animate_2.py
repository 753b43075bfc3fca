"""The engine `wan-animate-2`: Wan-Animate-2, segment by segment, from float pictures to float pictures.

    weights    find and verify the model, before anything is written
    prepare    load the model, encode prompt, character and the driver's first picture
    generate   one segment (`wan2/loop.py`), its last picture kept for the next (`wan/carried.py`), its frames given out

Mode animate alone: the driver's pictures go in as they are, without skeleton or face. docs/wan-animate-2.md tells what
is exact and what was not tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

import numpy as np
from torch import Tensor

from understudy.bridge.errors import EngineError, Finding
from understudy.bridge.settings import UserSettings, load_settings
from understudy.bridge.shot import Settings
from understudy.inference.engines.door import Footage, GeneratedFrame, Picture, Watcher
from understudy.inference.engines.roster import describe_for
from understudy.inference.engines.wan.carried import carried_of, refuse_another_take
from understudy.inference.engines.wan.computing import approximations_of
from understudy.inference.engines.wan.control_reader import pictures_of, signed
from understudy.inference.engines.wan.noise import NoiseStream
from understudy.inference.engines.wan.spans import Span, span_of
from understudy.inference.engines.wan2.options import CARRIED_FRAMES, Wan2Options
from understudy.inference.engines.wan2.shot_model import ShotModel2
from understudy.inference.segments import Segment, plan_segments
from understudy.inference.weights.lora_shelf import parse_loras
from understudy.inference.weights.opening import digests

NATIVE_RATE = Fraction(24)


class WanAnimate2Engine:
    """One shot. For the worker's own thread."""

    def __init__(self, settings: UserSettings | None = None) -> None:
        self._user = settings or load_settings()
        self._model: ShotModel2 | None = None

    def weights(self, settings: Settings, watcher: Watcher) -> Mapping[str, str]:
        """Return the digests of the model and its LoRAs. Raises WeightsError."""
        options = Wan2Options.of(settings)
        return digests(options.model, self._user, parse_loras(options.loras), watcher.step).digests()

    def prepare(self, footage: Footage, watcher: Watcher) -> None:
        """Load the model and encode the shot. Raises EngineError, WeightsError; JobCancelled and JobParked pass."""
        options = Wan2Options.of(footage.settings)
        self._footage, self._driver = footage, _driver_of(footage)
        self._segments = plan_segments(footage.frames, describe_for(footage.settings).segment)
        self._spans = [span_of(segment, footage.frames) for segment in self._segments]
        self._model = ShotModel2(footage, options, self._user, lambda: self._pictures((0,))[0, :, 0])
        self._model.admit(watcher)
        for finding in _findings(footage, options):
            watcher.found(finding)
        loaded = self._model.load(watcher)
        self._carried = carried_of(footage, loaded.digests)
        self._noise = NoiseStream.of(footage.settings, [loaded.loop.noise_shape(span) for span in self._spans])

    def generate(self, segment: Segment, watcher: Watcher) -> Iterator[GeneratedFrame]:
        """Make the segment, and return its frames. What it takes over is read from the job's folder, or made again."""
        made = self._run(segment.index, watcher)
        approximate = self._approximate
        pictures = pictures_of(made[:, :, : self._spans[segment.index].own])
        whole = np.ones(pictures.shape[1:3], np.float32)
        return (
            GeneratedFrame(frame, whole, picture=picture, approximate=approximate)
            for frame, picture in zip(segment.frames, pictures, strict=True)
        )

    def close(self) -> None:
        """Let go of the model, and of the processes of other GPUs."""
        if self._model is not None:
            self._model.close()

    def _run(self, index: int, watcher: Watcher) -> Tensor:
        """Return a segment's pictures behind its carried one, and keep its last."""
        if self._model is None:
            raise ValueError("an engine is prepared before it generates")
        span = self._spans[index]
        carried = self._before(span, watcher)
        driver = self._pictures(span.positions)
        made = self._model.run(span, len(self._spans), driver, self._noise.segment(index), carried, watcher)
        self._approximate = self._model.approximate
        self._carried.save(index, made[:, :, span.own - CARRIED_FRAMES : span.own])
        return made

    def _before(self, span: Span, watcher: Watcher) -> Tensor | None:
        """Return what a segment takes over: from the file, or made again."""
        if not span.carried:
            return None
        kept = self._carried.load(span.index - 1)
        if kept is None:
            refuse_another_take(self._footage.earlier, span.index - 1)
            self._run(span.index - 1, watcher)
            refuse_another_take(self._footage.earlier, span.index - 1, self._approximate)
            kept = self._carried.load(span.index - 1)
        return kept

    def _pictures(self, positions: tuple[int, ...]) -> Tensor:
        """Return the driver, (1, 3, frames, height, width), -1 to 1; a frame that comes twice is read once."""
        frames = [self._footage.frames[position] for position in positions]
        read = {frame: np.clip(self._driver(frame), 0, 1) for frame in dict.fromkeys(frames)}
        return signed(np.stack([read[frame] for frame in frames]))


def _driver_of(footage: Footage) -> Callable[[int], Picture]:
    if footage.plate is None:
        raise EngineError(
            "the engine 'wan-animate-2' is driven by pictures, and this job has none",
            remedy="Give --plate, or choose the engine 'wan-animate', which keypoints can drive.",
        )
    return footage.plate


def _findings(footage: Footage, options: Wan2Options) -> Iterator[Finding]:
    """Yield what an artist should know before the model runs."""
    for words in approximations_of(options):
        yield Finding(rule="approximate", outcome="note", message=words)
    if footage.rate != NATIVE_RATE:
        yield Finding(
            rule="native_rate",
            outcome="note",
            message=f"the model makes motion at 24 frames a second; this shot has {float(footage.rate):g}, and every "
            "frame is made for one of its own: none is left out or made up",
        )
    if not options.prompt:
        yield Finding(
            rule="prompt",
            outcome="note",
            message="no prompt was given; the model expects a description of the character and the background",
            remedy="Describe what the reference shows: `--prompt`.",
        )


def open_engine() -> WanAnimate2Engine:
    """Return a fresh engine for one shot."""
    return WanAnimate2Engine()
