"""Wan-Animate, loaded for one shot: what `tried_model.py` tries. One thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from understudy.bridge.settings import UserSettings
from understudy.inference.engines.door import DENOISING, Footage, Watcher
from understudy.inference.engines.wan.assembly import loop_over, share_blocks
from understudy.inference.engines.wan.devices import Machine, adapt, make_ready
from understudy.inference.engines.wan.loop import Controls, SegmentLoop, Shot
from understudy.inference.engines.wan.model import Encoded, Moment
from understudy.inference.engines.wan.options import WanOptions
from understudy.inference.engines.wan.relighting import loras_of
from understudy.inference.engines.wan.share import inputs_sent, shot_sent
from understudy.inference.engines.wan.shot_controls import reference_image
from understudy.inference.engines.wan.size import Size
from understudy.inference.engines.wan.spans import Span
from understudy.inference.engines.wan.step_cache import StepCache
from understudy.inference.engines.wan.team import Team
from understudy.inference.engines.wan.tried_model import Kind, TriedModel
from understudy.inference.weights.catalogue import WAN_ANIMATE
from understudy.inference.weights.loading import Parts, encoders_awake
from understudy.inference.weights.memory_plan import OFFICIAL, MemoryPlan
from understudy.inference.weights.opening import open_model


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model where it computes, and the shot's words and reference as it takes them."""

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


class ShotModel(TriedModel[Loaded]):
    """Wan-Animate for one shot."""

    _options: WanOptions

    def __init__(self, footage: Footage, options: WanOptions, settings: UserSettings) -> None:
        super().__init__(Kind(WAN_ANIMATE, OFFICIAL, loras_of(options, settings)), footage, options, settings)

    def run(
        self, span: Span, segments: int, controls: Controls, noise: Tensor, carried: Tensor | None, watcher: Watcher
    ) -> Tensor:
        """Return a segment's pictures as `SegmentLoop.run` does. Raises what `segment` raises."""

        def work(loaded: Loaded) -> Tensor:
            if loaded.cache is not None:
                loaded.cache.begin()
            return loaded.loop.run(
                loaded.shot, span, controls, noise, carried, lambda done, total: watcher.step(DENOISING, done, total)
            )

        return self.segment(span, segments, inputs_sent(controls, noise, carried), work, watcher)

    def _load(self, watcher: Watcher) -> Loaded:
        footage, options, machine = self._footage, self._options, self._machine
        size = Size(footage.mode, footage.height, footage.width)
        if self._gpus > 1:
            self._team = Team(self._gpus, machine, footage.settings, size)
        opened = open_model(WAN_ANIMATE, self._settings, machine.placement, loras=self._kind.loras, told=watcher.step)
        for finding in opened.findings:
            watcher.found(finding)
        parts = opened.parts
        loop = loop_over(parts, options, size, machine.device)
        with encoders_awake(parts):
            looked = loop.look(reference_image(footage), options.prompt, options.negative_prompt)
        kernel = make_ready(parts, machine, options, footage.height, footage.width)
        shot, cache = loop.guide(looked), loop.blocks
        if self._team is not None:
            self._team.begin(
                kernel, shot_sent(shot), lambda done, of: watcher.step("loading the model on every GPU", done, of)
            )
            cache = share_blocks(loop, parts, options, kernel)
        return Loaded(parts, loop, shot, opened.used.digests(), cache if isinstance(cache, StepCache) else None)
