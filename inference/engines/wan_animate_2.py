"""The engine `wan-animate-2`: Wan-Animate-2, segment by segment, from float pictures to float pictures.

    weights    find and verify the model, before anything is written
    prepare    load the model, encode prompt, character and the driver's first picture
    generate   one segment (`wan2/loop.py`), its last picture kept for the next (`wan/carried.py`), its frames given out

Mode animate alone: the driver's pictures go in as they are, without skeleton or face. docs/wan-animate-2.md tells what
is exact and what was not tried.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from understudy.bridge.errors import EngineError, Finding
from understudy.bridge.settings import UserSettings, load_settings
from understudy.bridge.shot import Settings
from understudy.inference.engines.door import DENOISING, Footage, GeneratedFrame, Picture, Watcher
from understudy.inference.engines.roster import describe_for
from understudy.inference.engines.wan.carried import carried_of, refuse_another_take
from understudy.inference.engines.wan.control_reader import pictures_of, signed
from understudy.inference.engines.wan.noise import NoiseStream
from understudy.inference.engines.wan.shot_controls import letterboxed
from understudy.inference.engines.wan.spans import Span, span_of
from understudy.inference.engines.wan2.devices import Machine, choose_machine, make_ready
from understudy.inference.engines.wan2.loop import Sampling, SegmentLoop, Shot, read_shot
from understudy.inference.engines.wan2.options import CARRIED_FRAMES, Wan2Options
from understudy.inference.segments import Segment, plan_segments
from understudy.inference.weights.loading import Parts, Scheduler, encoders_awake
from understudy.inference.weights.opening import digests, open_model

NATIVE_RATE = Fraction(24)


class WanAnimate2Engine:
    """One shot. For the worker's own thread."""

    def __init__(self, settings: UserSettings | None = None) -> None:
        self._user = settings or load_settings()

    def weights(self, settings: Settings, watcher: Watcher) -> Mapping[str, str]:
        """Return the model's digest. Raises WeightsError."""
        return digests(Wan2Options.of(settings).model, self._user, told=watcher.step).digests()

    def prepare(self, footage: Footage, watcher: Watcher) -> None:
        """Load the model and encode the shot. Raises EngineError, WeightsError; JobCancelled and JobParked pass."""
        options = Wan2Options.of(footage.settings)
        self._footage, self._driver = footage, _driver_of(footage)
        self._segments = plan_segments(footage.frames, describe_for(footage.settings).segment)
        self._spans = [span_of(segment, footage.frames) for segment in self._segments]
        machine = choose_machine(options, footage.height, footage.width)
        for finding in _findings(footage, options, machine):
            watcher.found(finding)
        opened = open_model(options.model, self._user, machine.placement, told=watcher.step)
        for finding in opened.findings:
            watcher.found(finding)
        make_ready(opened.parts, machine)
        self._loop, self._shot = _encode(opened.parts, machine, footage, options, self._pictures((0,))[0, :, 0])
        self._carried = carried_of(footage, opened.used.digests())
        self._noise = NoiseStream.of(footage.settings, [self._loop.noise_shape(span) for span in self._spans])

    def generate(self, segment: Segment, watcher: Watcher) -> Iterator[GeneratedFrame]:
        """Make the segment, and return its frames. What it takes over is read from the job's folder, or made again."""
        made = self._run(segment.index, watcher)
        pictures = pictures_of(made[:, :, : self._spans[segment.index].own])
        whole = np.ones(pictures.shape[1:3], np.float32)
        return (
            GeneratedFrame(frame, whole, picture=picture)
            for frame, picture in zip(segment.frames, pictures, strict=True)
        )

    def close(self) -> None:
        """Nothing but this object holds the model."""

    def _run(self, index: int, watcher: Watcher) -> Tensor:
        """Return a segment's pictures behind its carried one, and keep its last."""
        span = self._spans[index]
        carried = self._before(span, watcher)
        driver = self._pictures(span.positions)
        try:
            made = self._loop.run(
                self._shot,
                span,
                driver,
                self._noise.segment(index),
                carried,
                lambda done, total: watcher.step(DENOISING, done, total),
            )
        except torch.OutOfMemoryError as problem:
            gc.collect()
            torch.cuda.empty_cache()
            raise EngineError(
                f"the GPU ran out of memory in segment {index + 1} of {len(self._spans)}: {problem}",
                remedy="Finished segments are kept. Retry with `--option segment_frames=49` or "
                "`--option preset=draft`, or free the GPU.",
            ) from problem
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


def _findings(footage: Footage, options: Wan2Options, machine: Machine) -> Iterator[Finding]:
    """Yield what an artist should know before the model runs."""
    yield Finding(rule="computed_on", outcome="note", message=machine.words())
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


def _encode(
    parts: Parts, machine: Machine, footage: Footage, options: Wan2Options, first: Tensor
) -> tuple[SegmentLoop, Shot]:
    """Return the loop over this shot, and the shot encoded; the encoders rest again after it."""
    sampling = Sampling(options.steps, options.guidance)
    size = footage.height, footage.width
    loop = SegmentLoop(parts, _scheduler(parts.scheduler, options), size, sampling, machine.rest)
    character = signed(letterboxed(footage)[None])[0, :, 0]
    words = options.prompt, options.negative_prompt
    with encoders_awake(parts):
        read = read_shot(parts, character, first, words, guided=options.guidance > 1)
    return loop, loop.encode_shot(read, character)


def _scheduler(published: Scheduler, options: Wan2Options) -> Scheduler:
    """Return the model's own scheduler, with the shift that was asked for."""
    if options.shift is None:
        return published
    name = "flow_shift" if "flow_shift" in published.config else "shift"
    return type(published).from_config(published.config, **{name: options.shift})


def open_engine() -> WanAnimate2Engine:
    """Return a fresh engine for one shot."""
    return WanAnimate2Engine()
