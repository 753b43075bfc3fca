"""Leaving out most of a denoising step where it can be foretold: approximate, off by default, said in the marks.

Confidence-gated Taylor (after arXiv 2508.02240): the first block always runs. A Taylor series through its outputs at
the last fully computed steps foretells it as well; how far that misses the real output tells how far the same series
can be trusted for the last block. Within the threshold the rest of the blocks is foretold, else it is computed.
With guidance a step has two passes; each is foretold from its own past.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import torch
from torch import Tensor

Transformer: TypeAlias = Any
"""Of either model: it has a list of `blocks`."""


class Guided(Protocol):
    """What does not change over the steps of a segment, as a model's blocks take it."""

    @property
    def guide(self) -> object:
        """Return one object for all steps of a pass, and another for the other pass."""


Encoded = TypeVar("Encoded", bound=Guided)
Moment = TypeVar("Moment")
WARM_UP_STEPS = 2
"""The first steps decide the composition, and a line needs two points."""
Error = Callable[[Tensor, Tensor], float]
"""How far the second tensor misses the first, relative; on several GPUs of all their tokens together."""


@dataclass(slots=True)
class _Pass:
    """One pass so far, and its two last computed steps: when, what the first block gave, what the others added."""

    step: int = -1
    foretold: int = 0
    """Steps in a row."""
    steps: list[int] = field(default_factory=list)
    firsts: list[Tensor] = field(default_factory=list)
    rests: list[Tensor] = field(default_factory=list)

    def add(self, first: Tensor, rest: Tensor) -> None:
        self.foretold = 0
        self.steps = [*self.steps[-1:], self.step]
        self.firsts = [*self.firsts[-1:], first]
        self.rests = [*self.rests[-1:], rest]

    def line(self, points: list[Tensor]) -> Tensor:
        """Return where the straight line through two points is by now: the Taylor series of first order."""
        reach = (self.step - self.steps[1]) / (self.steps[1] - self.steps[0])
        return torch.lerp(points[0], points[1], 1 + reach)


class StepCache(Generic[Encoded, Moment]):
    """A model's `Blocks` that foretells. `begin` before each segment."""

    def __init__(
        self,
        threshold: float,
        longest: int,
        one: Callable[[Transformer, int, Tensor, Encoded, Moment], Tensor],
        error: Error | None = None,
    ) -> None:
        """threshold: the relative error of the first block up to which the rest is foretold; longest: how many steps
        in a row may be. one: runs the block of a number. error: sums up, where several GPUs share the tokens.
        """
        self._threshold, self._longest = threshold, longest
        self._one, self._error = one, error or relative_error
        self.begin()

    def begin(self) -> None:
        """Forget the segment before."""
        self._passes: dict[int, _Pass] = {}
        self.computed: list[int] = []
        """The steps of this segment that ran whole; with guidance, of both passes in turn."""

    def __call__(self, transformer: Transformer, tokens: Tensor, encoded: Encoded, moment: Moment) -> Tensor:
        so_far = self._passes.setdefault(id(encoded.guide), _Pass())
        so_far.step += 1
        first = self._one(transformer, 0, tokens, encoded, moment)
        if self._can_be_foretold(so_far, first):
            so_far.foretold += 1
            return first + so_far.line(so_far.rests)
        self.computed.append(so_far.step)
        last = first
        for number in range(1, len(transformer.blocks)):
            last = self._one(transformer, number, last, encoded, moment)
        so_far.add(first, last - first)
        return last

    def _can_be_foretold(self, so_far: _Pass, first: Tensor) -> bool:
        if so_far.step < WARM_UP_STEPS or len(so_far.steps) < 2 or so_far.foretold >= self._longest:
            return False
        return self._error(first, so_far.line(so_far.firsts)) <= self._threshold


def relative_error(truth: Tensor, foretold: Tensor) -> float:
    """Return |truth - foretold| / |truth| by their sums of magnitudes."""
    missed, whole = sums(truth, foretold)
    return float(missed / whole.clamp_min(1e-12))


def sums(truth: Tensor, foretold: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums of |truth - foretold| and of |truth|."""
    return (truth - foretold).abs().sum(dtype=torch.float32), truth.abs().sum(dtype=torch.float32)
