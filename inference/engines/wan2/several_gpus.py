"""One segment of Wan-Animate-2 on several GPUs: `wan/several_gpus.py` without face adapters, with a driver.

The reference pass is shared out as the steps are. Between the exchanges a process has all tokens for some heads, so
each keeps the driver's keys and values of its own heads alone: with four GPUs a quarter of them lies on each. Exact:
the same sums, in another order.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from understudy.inference.engines.wan.attention import PYTORCH
from understudy.inference.engines.wan.model import Moment
from understudy.inference.engines.wan.several_gpus import SharedTokens
from understudy.inference.engines.wan2.model import Blocks, Encoded, Transformer, run_blocks, use_our_attention


class SplitBlocks(SharedTokens):
    """A `Blocks` that runs its part of the tokens here and gathers the parts of the others; `Shares` for the driver."""

    def __init__(self, transformer: Transformer, kernel: str = PYTORCH) -> None:
        """Every process of the default group makes one. kernel: of wan.attention.KERNELS. Raises ValueError when the
        heads cannot be shared out.
        """
        super().__init__(transformer)
        use_our_attention(transformer, kernel, self.exchange)
        self._blocks: Blocks = run_blocks

    def inside(self, blocks: Blocks) -> SplitBlocks:
        """Let `blocks` decide, on each process' share, which blocks run; it must take `error` from here."""
        self._blocks = blocks
        return self

    def __call__(self, transformer: Transformer, tokens: Tensor, encoded: Encoded, moment: Moment) -> Tensor:
        share, positions = self.own(tokens, encoded.positions)
        return self.whole(self._blocks(transformer, share, replace(encoded, positions=positions), moment))
