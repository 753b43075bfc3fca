"""Wan-Animate-2, loaded for one shot: what `wan/tried_model.py` tries. One thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from understudy.bridge.settings import UserSettings
from understudy.inference.engines.door import DENOISING, Footage, Watcher
from understudy.inference.engines.wan.control_reader import signed
from understudy.inference.engines.wan.devices import Machine, adapt, make_ready
from understudy.inference.engines.wan.model import Moment
from understudy.inference.engines.wan.shot_controls import letterboxed
from understudy.inference.engines.wan.size import Size
from understudy.inference.engines.wan.spans import Span
from understudy.inference.engines.wan.step_cache import StepCache
from understudy.inference.engines.wan.team import Team
from understudy.inference.engines.wan.tried_model import Kind, TriedModel
from understudy.inference.engines.wan2.assembly import loop_over, share_blocks
from understudy.inference.engines.wan2.loop import SegmentLoop, Shot, read_shot
from understudy.inference.engines.wan2.model import Encoded, use_our_attention
from understudy.inference.engines.wan2.options import Wan2Options
from understudy.inference.engines.wan2.share import inputs_sent, shot_sent
from understudy.inference.weights.loading import Parts, encoders_awake
from understudy.inference.weights.lora_shelf import parse_loras
from understudy.inference.weights.memory_plan import WAN_ANIMATE_2, MemoryPlan
from understudy.inference.weights.opening import open_model


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model where it computes, and the shot as it takes it."""

    parts: Parts
    loop: SegmentLoop
    shot: Shot
    digests: Mapping[str, str]
    cache: StepCache[Encoded, Moment] | None

    @property
    def stage(self) -> str:
        return self.loop.stage

    def spare(self, before: MemoryPlan, machine: Machine) -> None:
        adapt(self.parts, before, machine)
        self.loop.rest = machine.rest


class ShotModel2(TriedModel[Loaded]):
    """Wan-Animate-2 for one shot."""

    _options: Wan2Options

    def __init__(
        self, footage: Footage, options: Wan2Options, settings: UserSettings, first: Callable[[], Tensor]
    ) -> None:
        """first: gives the driver's first picture, (3, height, width), -1 to 1."""
        super().__init__(Kind(options.model, WAN_ANIMATE_2, parse_loras(options.loras)), footage, options, settings)
        self._first = first

    def run(
        self, span: Span, segments: int, driver: Tensor, noise: Tensor, carried: Tensor | None, watcher: Watcher
    ) -> Tensor:
        """Return a segment's pictures as `SegmentLoop.run` does. Raises what `segment` raises."""

        def work(loaded: Loaded) -> Tensor:
            if loaded.cache is not None:
                loaded.cache.begin()
            return loaded.loop.run(
                loaded.shot, span, driver, noise, carried, lambda done, total: watcher.step(DENOISING, done, total)
            )

        return self.segment(span, segments, inputs_sent(driver, noise, carried), work, watcher)

    def _load(self, watcher: Watcher) -> Loaded:
        footage, options, machine = self._footage, self._options, self._machine
        height, width = footage.height, footage.width
        if self._gpus > 1:
            self._team = Team(self._gpus, machine, footage.settings, Size(footage.mode, height, width))
        opened = open_model(options.model, self._settings, machine.placement, loras=self._kind.loras, told=watcher.step)
        for finding in opened.findings:
            watcher.found(finding)
        parts = opened.parts
        loop = loop_over(parts, options, height, width, machine)
        character = signed(letterboxed(footage)[None])[0, :, 0]
        with encoders_awake(parts):
            words = options.prompt, options.negative_prompt
            read = read_shot(parts, character, self._first(), words, guided=options.guidance > 1)
        kernel = make_ready(parts, machine, options, height, width, use=use_our_attention)
        shot, cache = loop.encode_shot(read, character), loop.blocks
        if self._team is not None:
            sent = shot_sent(shot)
            self._team.begin(kernel, sent, lambda done, of: watcher.step("loading the model on every GPU", done, of))
            cache = share_blocks(loop, parts, options, kernel)
        return Loaded(parts, loop, shot, opened.used.digests(), cache if isinstance(cache, StepCache) else None)
