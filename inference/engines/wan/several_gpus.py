"""One segment on several GPUs: each has all weights and a part of the tokens, and of the picture's columns in the VAE.

Self-attention is split by heads (Ulysses, arXiv 2309.14509: one exchange before it, one after), all else by tokens.
The face adapters read, for each token, the face of its own latent frame, so a GPU whose part begins or ends within a
frame fills that frame up with nothing and cuts it off again. Exact: the same sums, in another order.
Every process runs the same loop with the same inputs, and every process has the whole result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.distributed as distributed
from torch import Tensor
from torch.distributed._functional_collectives import all_to_all_single
from torch.nn import functional

from understudy.inference.engines.wan.attention import PYTORCH, shape_of_heads, use_kernel
from understudy.inference.engines.wan.exchange import gathered, share_of, shares
from understudy.inference.engines.wan.model import Blocks, Encoded, Moment, Transformer, run_blocks
from understudy.inference.engines.wan.step_cache import sums


@dataclass(frozen=True, slots=True)
class Part:
    """Which tokens, of how many, this process has; and how many latent frames those touch."""

    first: int
    end: int
    a_frame: int

    @property
    def frames(self) -> slice:
        return slice(self.first // self.a_frame, -(-self.end // self.a_frame))

    @property
    def before(self) -> int:
        """Tokens of its first frame that belong to the process before."""
        return self.first % self.a_frame

    @property
    def after(self) -> int:
        return -self.end % self.a_frame


class SharedHeads:
    """The exchange around self-attention: one all-to-all before it, one after. Of the default group."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self.counts: list[int] = []
        """How many tokens each process has; set before a step."""

    def heads(self, tokens: Tensor) -> Tensor:
        _, own, heads, width = tokens.shape
        by_process = tokens.view(own, self._processes, heads // self._processes, width).transpose(0, 1)
        given = by_process.reshape(self._processes * own, heads // self._processes, width)
        return _exchanged(given, self.counts, [own] * self._processes).unsqueeze(0)

    def tokens(self, heads: Tensor) -> Tensor:
        own = self.counts[distributed.get_rank()]
        taken = _exchanged(heads[0].contiguous(), [own] * self._processes, self.counts)
        by_token = taken.view(self._processes, own, *heads.shape[2:]).transpose(0, 1)
        return by_token.flatten(1, 2).unsqueeze(0)


def _exchanged(given: Tensor, taken: list[int], sent: list[int]) -> Tensor:
    """Return rows from every process, `taken` from each, for `sent` rows to each. Can be traced by the compiler."""
    everyone = distributed.group.WORLD
    if everyone is None:
        raise RuntimeError("no process group: start the processes with torchrun")
    return all_to_all_single(given, taken, sent, everyone)


class SharedTokens:
    """Shares out the tokens of a pass over the processes of the default group, each of which makes one."""

    def __init__(self, transformer: Transformer) -> None:
        """Raises ValueError when the heads cannot be shared out."""
        self._rank, self._processes = distributed.get_rank(), distributed.get_world_size()
        heads, _ = shape_of_heads(transformer.config)
        if heads % self._processes:
            raise ValueError(f"{heads} attention heads cannot be shared by {self._processes} GPUs")
        self.exchange = SharedHeads(self._processes)

    def own(self, tokens: Tensor, positions: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return this process' tokens of (1, tokens, width) and where they stand; the next step is over these."""
        first, end = share_of(tokens.shape[1], self._rank, self._processes)
        self.exchange.counts = shares(tokens.shape[1], self._processes)
        cosines, sines = (axis[:, first:end] for axis in positions)
        return tokens[:, first:end], (cosines, sines)

    def whole(self, own: Tensor) -> Tensor:
        """Return the tokens of all processes."""
        return gathered(own, self.exchange.counts, 1)

    def error(self, truth: Tensor, foretold: Tensor) -> float:
        """Return the relative error over the tokens of all processes: each comes to the same decision."""
        both = torch.stack(sums(truth, foretold))
        distributed.all_reduce(both)
        return float(both[0] / both[1].clamp_min(1e-12))


class SplitBlocks(SharedTokens):
    """A `Blocks` that runs its part of the tokens here and gathers the parts of the others."""

    def __init__(self, transformer: Transformer, kernel: str = PYTORCH) -> None:
        """Every process of the default group makes one. kernel: of attention.KERNELS. Raises ValueError when the heads
        cannot be shared out.
        """
        super().__init__(transformer)
        use_kernel(transformer, kernel, self.exchange)
        self._blocks: Blocks = partial(run_blocks, one=self.one)

    def inside(self, blocks: Blocks) -> SplitBlocks:
        """Let `blocks` decide, on each process' share, which blocks run; it must take `one` and `error` from here."""
        self._blocks = blocks
        return self

    def __call__(self, transformer: Transformer, tokens: Tensor, encoded: Encoded, moment: Moment) -> Tensor:
        share, positions = self.own(tokens, encoded.positions)
        return self.whole(self._blocks(transformer, share, replace(encoded, positions=positions), moment))

    def one(self, transformer: Transformer, number: int, share: Tensor, mine: Encoded, moment: Moment) -> Tensor:
        """Run one block on this process' share of the tokens, in step with the other processes."""
        share = transformer.blocks[number](share, mine.guide.tokens, moment.modulation, mine.positions)
        every = transformer.config.inject_face_latents_blocks
        if number % every:
            return share
        part = self._part(mine)
        whole_frames = functional.pad(share, (0, 0, part.before, part.after))
        adapted: Tensor = transformer.face_adapter[number // every](whole_frames, mine.faces.tokens[:, part.frames])
        return adapted[:, part.before : whole_frames.shape[1] - part.after] + share

    def _part(self, encoded: Encoded) -> Part:
        frames, rows, columns = encoded.grid
        first, end = share_of(frames * rows * columns, self._rank, self._processes)
        return Part(first, end, rows * columns)
