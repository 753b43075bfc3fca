"""The engine `wan-animate`: Wan2.2-Animate, segment by segment, from float pictures to float pictures.

    weights    find and verify the model, before anything is written
    prepare    poses, faces, mattes (`wan/shot_controls.py`); then load the model and encode what stays the same
    generate   one segment (`wan/loop.py`), its last pictures kept for the next and for a redo (`wan/carried.py`), its
               frames given out

docs/wan-animate.md tells what is exact, what is approximate and what it costs.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping

import torch
from blake3 import blake3
from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler, WanAnimatePipeline
from torch import Tensor

from understudy.bridge.errors import EngineError, Finding
from understudy.bridge.settings import UserSettings, load_settings
from understudy.bridge.shot import Settings
from understudy.inference.engines.door import DENOISING, Footage, GeneratedFrame, Watcher, describe_for
from understudy.inference.engines.wan.carried import CarriedPictures
from understudy.inference.engines.wan.control_reader import ControlReader, pictures_of, signed
from understudy.inference.engines.wan.devices import Machine, choose_machine, make_ready
from understudy.inference.engines.wan.finishing import Finisher
from understudy.inference.engines.wan.loop import Sampling, SegmentLoop, Shot
from understudy.inference.engines.wan.noise import NoiseStream
from understudy.inference.engines.wan.options import LONGEST_FORETOLD, WanOptions
from understudy.inference.engines.wan.shot_controls import reference_image, shot_controls
from understudy.inference.engines.wan.spans import span_of
from understudy.inference.engines.wan.step_cache import StepCache
from understudy.inference.segments import Segment, plan_segments
from understudy.inference.weights.catalogue import WAN_ANIMATE
from understudy.inference.weights.loading import Parts, encoders_awake
from understudy.inference.weights.lora_shelf import parse_loras
from understudy.inference.weights.opening import digests, open_model


class WanAnimateEngine:
    """One shot. For the worker's own thread, which alone computes; one other reads controls ahead."""

    def __init__(self, settings: UserSettings | None = None) -> None:
        self._user = settings or load_settings()

    def weights(self, settings: Settings, watcher: Watcher) -> Mapping[str, str]:
        """Return the digests of the model and its LoRAs. Raises WeightsError."""
        loras = parse_loras(WanOptions.of(settings).loras)
        return digests(WAN_ANIMATE, self._user, loras, watcher.step).digests()

    def prepare(self, footage: Footage, watcher: Watcher) -> None:
        """Look at the shot, load the model. Raises EngineError, WeightsError; JobCancelled and JobParked pass."""
        options = WanOptions.of(footage.settings)
        self._footage, self._options = footage, options
        self._segments = plan_segments(footage.frames, describe_for(footage.settings).segment)
        self._spans = [span_of(segment, footage.frames) for segment in self._segments]
        self._controls = shot_controls(footage, options, self._user, watcher)
        for words in options.approximations:
            watcher.found(Finding(rule="approximate", outcome="note", message=words))
        machine = choose_machine(options, footage.height, footage.width)
        watcher.found(Finding(rule="computed_on", outcome="note", message=machine.words()))
        opened = open_model(
            WAN_ANIMATE, self._user, machine.placement, loras=parse_loras(options.loras), told=watcher.step
        )
        for finding in opened.findings:
            watcher.found(finding)
        self._loop, self._shot = _encode(opened.parts, machine, footage, options)
        self._reader = ControlReader(self._controls, opened.parts.transformer.config.motion_encoder_size)
        self._carried = CarriedPictures(footage.carried, _key(footage, opened.used.digests()))
        if footage.earlier is not None:
            for index in footage.earlier.kept:
                self._carried.adopt(index, footage.earlier.carried)
        own_seeds = {own.segment - 1: own.seed for own in footage.settings.segment_seeds}
        shapes = [self._loop.noise_shape(span) for span in self._spans]
        self._noise = NoiseStream(footage.settings.seed, shapes, own_seeds)
        self._finisher = Finisher(footage, self._controls, options)

    def generate(self, segment: Segment, watcher: Watcher) -> Iterator[GeneratedFrame]:
        """Yield the segment's frames. What it takes over is read from the job's folder, or made again."""
        made = self._run(segment.index, watcher)
        span = self._spans[segment.index]
        pictures = pictures_of(made[:, :, : span.own])
        del made
        yield from self._finisher.frames(segment, pictures, watcher)

    def _run(self, index: int, watcher: Watcher) -> Tensor:
        """Return a segment's pictures behind its carried ones, and keep its last."""
        span = self._spans[index]
        carried = self._before(index, watcher)
        following = self._spans[index + 1] if index + 1 < len(self._spans) else None
        controls = self._reader.read(span, following)
        if self._cache is not None:
            self._cache.begin()
        try:
            made = self._loop.run(
                self._shot,
                span,
                controls,
                self._noise.segment(index),
                carried,
                lambda done, total: watcher.step(DENOISING, done, total),
            )
        except torch.OutOfMemoryError as problem:
            gc.collect()
            torch.cuda.empty_cache()
            raise EngineError(
                f"the GPU ran out of memory in segment {index + 1} of {len(self._spans)}: {problem}",
                remedy="Finished segments are kept. Retry with `--option segment_frames=49`, `--option preset=draft` "
                "or `--option float8=on`, or free the GPU.",
            ) from problem
        self._carried.save(index, made[:, :, span.own - self._options.carried_frames : span.own])
        return made

    def _before(self, index: int, watcher: Watcher) -> Tensor | None:
        """Return what segment `index` takes over: from the file, from the plate where nobody was, or made again."""
        span = self._spans[index]
        if not span.carried:
            return None
        kept = self._carried.load(index - 1)
        if kept is not None:
            return kept
        frames = [self._footage.frames[position] for position in span.positions[: span.carried]]
        if self._was_skipped(index - 1):
            return torch.cat([signed(self._controls.background(frame)[None]) for frame in frames], dim=2)
        self._refuse_another_take(index - 1)
        self._run(index - 1, watcher)
        return self._carried.load(index - 1)

    def _refuse_another_take(self, index: int) -> None:
        """Raises EngineError where a kept segment, made again, would end in other pictures than the delivered ones."""
        earlier = self._footage.earlier
        if earlier is not None and index in earlier.kept and not earlier.repeatable:
            raise EngineError(
                f"the pictures that segment {index + 2} goes on from are no longer kept, and segment {index + 1} made "
                "again would end in others: not all of this version was made with the same options in one go",
                remedy=f"Redo from segment {index + 1}, or from the first.",
            )

    def _was_skipped(self, index: int) -> bool:
        """Return whether nobody was to be replaced in any frame of a segment: the pipeline delivers the plate there."""
        matte = self._footage.matte
        return (
            self._footage.mode == "replace"
            and matte is not None
            and not any(matte(frame).any() for frame in self._segments[index].frames)
        )

    @property
    def _cache(self) -> StepCache | None:
        blocks = self._loop.blocks
        return blocks if isinstance(blocks, StepCache) else None


def _encode(parts: Parts, machine: Machine, footage: Footage, options: WanOptions) -> tuple[SegmentLoop, Shot]:
    """Return the loop over this shot, and the shot's text and reference encoded; the encoders rest again after it."""
    pipeline = WanAnimatePipeline(
        tokenizer=parts.tokenizer,
        text_encoder=parts.text_encoder,
        vae=parts.vae,
        scheduler=_scheduler(parts, options),
        image_processor=parts.image_processor,
        image_encoder=parts.image_encoder,
        transformer=parts.transformer,
    )
    loop = SegmentLoop(
        pipeline,
        "replace" if footage.mode == "replace" else "animate",
        (footage.height, footage.width),
        Sampling(options.steps, options.guidance),
        machine.device,
        StepCache(options.step_cache, LONGEST_FORETOLD) if options.step_cache > 0 and options.guidance <= 1 else None,
    )
    with encoders_awake(parts):
        shot = loop.encode_shot(reference_image(footage), options.prompt, options.negative_prompt)
    make_ready(parts, machine, options, footage.height, footage.width)
    return loop, shot


def _scheduler(parts: Parts, options: WanOptions) -> UniPCMultistepScheduler | FlowMatchEulerDiscreteScheduler:
    if options.scheduler == "euler":
        return FlowMatchEulerDiscreteScheduler(shift=options.shift)
    if isinstance(parts.scheduler, UniPCMultistepScheduler):
        return UniPCMultistepScheduler.from_config(parts.scheduler.config, flow_shift=options.shift)
    return UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=options.shift
    )


def _key(footage: Footage, used: Mapping[str, str]) -> str:
    """Return what decides a job's pictures besides its inputs, which a job's folder has once."""
    said = (footage.settings, sorted(used.items()), footage.frames, footage.height, footage.width)
    return blake3(repr(said).encode()).hexdigest()[:16]


def open_engine() -> WanAnimateEngine:
    """Return a fresh engine for one shot."""
    return WanAnimateEngine()
