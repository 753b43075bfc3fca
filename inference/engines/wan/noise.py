"""The noise that segments start from: one stream a shot, so that any segment can be made again alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from understudy.bridge.shot import Settings

Shape = Sequence[int]


class NoiseStream:
    """Draws on the CPU, segment after segment, as the stock pipeline draws with a CPU generator of the same seed.

    The same numbers come out on every machine and whatever was made before: the draws of the segments before are made
    and thrown away. A segment with a seed of its own leaves the stream of the others as it is. For one thread.
    """

    def __init__(self, seed: int, shapes: Sequence[Shape], own_seeds: Mapping[int, int] | None = None) -> None:
        """shapes: of every segment's latents in order, (1, 16, latent frames + 1, height, width)."""
        self._seed = seed
        self._shapes = [tuple(shape) for shape in shapes]
        self._own_seeds = dict(own_seeds or {})
        self._rewind()

    @classmethod
    def of(cls, settings: Settings, shapes: Sequence[Shape]) -> NoiseStream:
        """Return the stream of a job, whose settings may name segments (counted from 1) with seeds of their own."""
        return cls(settings.seed, shapes, {own.segment - 1: own.seed for own in settings.segment_seeds})

    def segment(self, index: int) -> Tensor:
        """Return the float32 noise of a segment, on the CPU."""
        if index in self._own_seeds:
            return _drawn(torch.Generator().manual_seed(self._own_seeds[index]), self._shapes[index])
        if index < self._next:
            self._rewind()
        while self._next < index:
            _drawn(self._generator, self._shapes[self._next])
            self._next += 1
        self._next += 1
        return _drawn(self._generator, self._shapes[index])

    def _rewind(self) -> None:
        self._generator, self._next = torch.Generator().manual_seed(self._seed), 0


def _drawn(generator: torch.Generator, shape: Shape) -> Tensor:
    return torch.randn(tuple(shape), generator=generator, dtype=torch.float32)
