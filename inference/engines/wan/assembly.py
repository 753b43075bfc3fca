"""From loaded parts to a loop over segments: the same in the worker and in the processes of its other GPUs."""

from __future__ import annotations

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler, WanAnimatePipeline

from understudy.inference.engines.wan.loop import Sampling, SegmentLoop
from understudy.inference.engines.wan.model import Encoded, Moment, run_block
from understudy.inference.engines.wan.options import LONGEST_FORETOLD, WanOptions
from understudy.inference.engines.wan.several_gpus import SplitBlocks
from understudy.inference.engines.wan.size import Size
from understudy.inference.engines.wan.step_cache import StepCache
from understudy.inference.weights.loading import Parts


def loop_over(parts: Parts, options: WanOptions, size: Size, device: torch.device) -> SegmentLoop:
    """Return a loop that has this process alone make each segment."""
    return SegmentLoop(
        pipeline_of(parts, options),
        "replace" if size.mode == "replace" else "animate",
        (size.height, size.width),
        Sampling(options.steps, options.guidance),
        device,
        StepCache(options.step_cache, LONGEST_FORETOLD, run_block) if options.step_cache > 0 else None,
    )


def share_blocks(
    loop: SegmentLoop, parts: Parts, options: WanOptions, kernel: str
) -> StepCache[Encoded, Moment] | None:
    """Have the loop run its part of every segment; return the step cache within it. In every process of the group."""
    split = SplitBlocks(parts.transformer, kernel)
    loop.blocks = split
    if options.step_cache <= 0:
        return None
    cache = StepCache(options.step_cache, LONGEST_FORETOLD, split.one, split.error)
    split.inside(cache)
    return cache


def pipeline_of(parts: Parts, options: WanOptions) -> WanAnimatePipeline:
    return WanAnimatePipeline(
        tokenizer=parts.tokenizer,
        text_encoder=parts.text_encoder,
        vae=parts.vae,
        scheduler=_scheduler(parts, options),
        image_processor=parts.image_processor,
        image_encoder=parts.image_encoder,
        transformer=parts.transformer,
    )


def _scheduler(parts: Parts, options: WanOptions) -> UniPCMultistepScheduler | FlowMatchEulerDiscreteScheduler:
    if options.scheduler == "euler":
        return FlowMatchEulerDiscreteScheduler(shift=options.shift)
    if isinstance(parts.scheduler, UniPCMultistepScheduler):
        return UniPCMultistepScheduler.from_config(parts.scheduler.config, flow_shift=options.shift)
    return UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=options.shift
    )
