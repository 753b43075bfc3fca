"""Wan-Animate in one process of several: what `peer.py` runs, and what the worker hands over to it."""

from __future__ import annotations

from torch import Tensor

from understudy.bridge.settings import UserSettings
from understudy.bridge.shot import Settings
from understudy.inference.engines.wan.assembly import loop_over, share_blocks
from understudy.inference.engines.wan.devices import Machine, make_ready
from understudy.inference.engines.wan.loop import Controls, Shot
from understudy.inference.engines.wan.model import Guide
from understudy.inference.engines.wan.options import WanOptions
from understudy.inference.engines.wan.relighting import loras_of
from understudy.inference.engines.wan.size import Size
from understudy.inference.engines.wan.spans import Span
from understudy.inference.engines.wan.split_vae import shared_vae
from understudy.inference.engines.wan.team_words import needed
from understudy.inference.weights.catalogue import WAN_ANIMATE
from understudy.inference.weights.loading import Parts
from understudy.inference.weights.opening import open_model


def shot_sent(shot: Shot) -> list[Tensor | None]:
    return [shot.reference, shot.guide.tokens, None if shot.unguided is None else shot.unguided.tokens]


def inputs_sent(controls: Controls, noise: Tensor, carried: Tensor | None) -> list[Tensor | None]:
    return [controls.pose, controls.faces, controls.background, controls.generate, noise, carried]


class WanShare:
    """A `Share`: the model, loaded, and its part of every segment."""

    def __init__(self, parts: Parts, machine: Machine, options: WanOptions, size: Size) -> None:
        self._parts, self._machine, self._options, self._size = parts, machine, options, size
        self._loop = loop_over(parts, options, size, machine.device)

    def make_ready(self, kernel: str) -> None:
        self._kernel = kernel
        make_ready(self._parts, self._machine, self._options, self._size.height, self._size.width, kernel=kernel)

    def begin(self, shot: list[Tensor | None]) -> None:
        reference, guide, unguided = (None if one is None else one.to(self._machine.device) for one in shot)
        self._shot = Shot(needed(reference), Guide(needed(guide)), None if unguided is None else Guide(unguided))
        self._cache = share_blocks(self._loop, self._parts, self._options, kernel=self._kernel)

    def run(self, span: Span, inputs: list[Tensor | None]) -> None:
        pose, faces, background, generate, noise, carried = inputs
        controls = Controls(needed(pose), needed(faces), background, generate)
        if self._cache is not None:
            self._cache.begin()
        with shared_vae(self._parts.vae, self._machine.plan):
            self._loop.run(self._shot, span, controls, needed(noise), carried, lambda *_: None)


def load_share(settings: Settings, size: Size, machine: Machine, user: UserSettings) -> WanShare:
    """Raises what loading raises."""
    options = WanOptions.of(settings)
    parts = open_model(WAN_ANIMATE, user, machine.placement, loras=loras_of(options, user)).parts
    if not machine.placement.blocks_rest:
        parts.transformer.to(machine.device)
    return WanShare(parts, machine, options, size)
