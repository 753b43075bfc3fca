"""From loaded parts to a loop over segments: the same in the worker and in the processes of its other GPUs."""

from __future__ import annotations

from understudy.inference.engines.wan.devices import Machine
from understudy.inference.engines.wan.model import Moment
from understudy.inference.engines.wan.options import LONGEST_FORETOLD
from understudy.inference.engines.wan.step_cache import StepCache
from understudy.inference.engines.wan2.loop import Sampling, SegmentLoop
from understudy.inference.engines.wan2.model import Encoded, run_block
from understudy.inference.engines.wan2.options import Wan2Options
from understudy.inference.engines.wan2.several_gpus import SplitBlocks
from understudy.inference.weights.loading import Parts, Scheduler


def loop_over(parts: Parts, options: Wan2Options, height: int, width: int, machine: Machine) -> SegmentLoop:
    """Return a loop that has this process alone make each segment."""
    return SegmentLoop(
        parts,
        _scheduler(parts.scheduler, options),
        (height, width),
        Sampling(options.steps, options.guidance),
        machine.rest,
        StepCache(options.step_cache, LONGEST_FORETOLD, run_block) if options.step_cache > 0 else None,
    )


def share_blocks(
    loop: SegmentLoop, parts: Parts, options: Wan2Options, kernel: str
) -> StepCache[Encoded, Moment] | None:
    """Have the loop run its part of every segment; return the step cache within it. In every process of the group."""
    split = SplitBlocks(parts.transformer, kernel)
    loop.blocks = loop.shares = split
    if options.step_cache <= 0:
        return None
    cache = StepCache(options.step_cache, LONGEST_FORETOLD, run_block, split.error)
    split.inside(cache)
    return cache


def _scheduler(published: Scheduler, options: Wan2Options) -> Scheduler:
    """Return the model's own scheduler, with the shift that was asked for."""
    if options.shift is None:
        return published
    name = "flow_shift" if "flow_shift" in published.config else "shift"
    return type(published).from_config(published.config, **{name: options.shift})
