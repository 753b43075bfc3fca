"""Leaving out most of a denoising step where it can be foretold: approximate, off by default, said in the marks.

Confidence-gated Taylor (after arXiv 2508.02240): the first block always runs. A Taylor series through its outputs at
the last fully computed steps foretells it as well; how far that misses the real output tells how far the same series
can be trusted for the last block. Within the threshold the rest of the blocks is foretold, else it is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from understudy.inference.engines.wan.model import Encoded, Moment, OneBlock, Transformer, run_block, run_blocks

WARM_UP_STEPS = 2
"""The first steps decide the composition, and a line needs two points."""
Error = Callable[[Tensor, Tensor], float]
"""How far the second tensor misses the first, relative; on several GPUs of all their tokens together."""


@dataclass(slots=True)
class _History:
    """The two last computed steps of one pass: when, what the first block gave, what the others added to it."""

    steps: list[int] = field(default_factory=list)
    firsts: list[Tensor] = field(default_factory=list)
    rests: list[Tensor] = field(default_factory=list)

    def add(self, step: int, first: Tensor, rest: Tensor) -> None:
        self.steps = [*self.steps[-1:], step]
        self.firsts = [*self.firsts[-1:], first]
        self.rests = [*self.rests[-1:], rest]

    def line(self, points: list[Tensor], step: int) -> Tensor:
        """Return where the straight line through two points is at `step`: the Taylor series of first order."""
        reach = (step - self.steps[1]) / (self.steps[1] - self.steps[0])
        return torch.lerp(points[0], points[1], 1 + reach)


class StepCache:
    """A `Blocks` that foretells. One a pass (with and without guidance each their own); `begin` before each segment."""

    def __init__(self, threshold: float, longest: int, one: OneBlock | None = None, error: Error | None = None) -> None:
        """threshold: the relative error of the first block up to which the rest is foretold; longest: how many steps
        in a row may be. one, error: how a block runs and errors are summed up, where several GPUs share the tokens.
        """
        self._threshold, self._longest = threshold, longest
        self._one, self._error = one or run_block, error or relative_error
        self.begin()

    def begin(self) -> None:
        """Forget the segment before."""
        self._history, self._step, self._foretold = _History(), -1, 0
        self.computed: list[int] = []
        """The steps of this segment that ran whole."""

    def __call__(self, transformer: Transformer, tokens: Tensor, encoded: Encoded, moment: Moment) -> Tensor:
        self._step += 1
        first = self._one(transformer, 0, tokens, encoded, moment)
        if self._can_be_foretold(first):
            self._foretold += 1
            return first + self._history.line(self._history.rests, self._step)
        self._foretold = 0
        self.computed.append(self._step)
        last = run_blocks(transformer, first, encoded, moment, self._one, start=1)
        self._history.add(self._step, first, last - first)
        return last

    def _can_be_foretold(self, first: Tensor) -> bool:
        history = self._history
        if self._step < WARM_UP_STEPS or len(history.steps) < 2 or self._foretold >= self._longest:
            return False
        return self._error(first, history.line(history.firsts, self._step)) <= self._threshold


def relative_error(truth: Tensor, foretold: Tensor) -> float:
    """Return |truth - foretold| / |truth| by their sums of magnitudes."""
    missed, whole = sums(truth, foretold)
    return float(missed / whole.clamp_min(1e-12))


def sums(truth: Tensor, foretold: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums of |truth - foretold| and of |truth|."""
    return (truth - foretold).abs().sum(dtype=torch.float32), truth.abs().sum(dtype=torch.float32)
