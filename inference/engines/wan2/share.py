"""Wan-Animate-2 in one process of several: what `wan/peer.py` runs, and what the worker hands over to it."""

from __future__ import annotations

from torch import Tensor

from understudy.bridge.settings import UserSettings
from understudy.bridge.shot import Settings
from understudy.inference.engines.wan.devices import Machine, make_ready
from understudy.inference.engines.wan.size import Size
from understudy.inference.engines.wan.spans import Span
from understudy.inference.engines.wan.split_vae import shared_vae
from understudy.inference.engines.wan.team_words import needed
from understudy.inference.engines.wan2.assembly import loop_over, share_blocks
from understudy.inference.engines.wan2.loop import Shot
from understudy.inference.engines.wan2.model import Guide, use_our_attention
from understudy.inference.engines.wan2.options import Wan2Options
from understudy.inference.weights.loading import Parts
from understudy.inference.weights.lora_shelf import parse_loras
from understudy.inference.weights.opening import open_model


def shot_sent(shot: Shot) -> list[Tensor | None]:
    return [shot.character, *_guide_sent(shot.guide), *_guide_sent(shot.driver), *_guide_sent(shot.unguided)]


def inputs_sent(driver: Tensor, noise: Tensor, carried: Tensor | None) -> list[Tensor | None]:
    return [driver, noise, carried]


class Wan2Share:
    """A `Share`: the model, loaded, and its part of every segment."""

    def __init__(self, parts: Parts, machine: Machine, options: Wan2Options, size: Size) -> None:
        self._parts, self._machine, self._options, self._size = parts, machine, options, size
        self._loop = loop_over(parts, options, size.height, size.width, machine)

    def make_ready(self, kernel: str) -> None:
        self._kernel = kernel
        height, width = self._size.height, self._size.width
        make_ready(self._parts, self._machine, self._options, height, width, kernel=kernel, use=use_our_attention)

    def begin(self, shot: list[Tensor | None]) -> None:
        character, *guides = (None if one is None else one.to(self._machine.device) for one in shot)
        guide, driver, unguided = (_guide_of(*guides[at : at + 2]) for at in (0, 2, 4))
        if guide is None or driver is None:
            raise RuntimeError("a shot has guides for the character and for the driver")
        self._shot = Shot(needed(character), guide, unguided, driver)
        self._cache = share_blocks(self._loop, self._parts, self._options, self._kernel)

    def run(self, span: Span, inputs: list[Tensor | None]) -> None:
        driver, noise, carried = inputs
        if self._cache is not None:
            self._cache.begin()
        with shared_vae(self._parts.vae, self._machine.plan):
            self._loop.run(self._shot, span, needed(driver), needed(noise), carried, lambda *_: None)


def load_share(settings: Settings, size: Size, machine: Machine, user: UserSettings) -> Wan2Share:
    """Raises what loading raises."""
    options = Wan2Options.of(settings)
    parts = open_model(options.model, user, machine.placement, loras=parse_loras(options.loras)).parts
    if not machine.placement.blocks_rest:
        parts.transformer.to(machine.device)
    return Wan2Share(parts, machine, options, size)


def _guide_sent(guide: Guide | None) -> list[Tensor | None]:
    return [None, None] if guide is None else [guide.text, guide.image]


def _guide_of(text: Tensor | None, image: Tensor | None) -> Guide | None:
    return None if text is None or image is None else Guide(text, image)
