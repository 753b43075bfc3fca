"""Where a job computes, and how what is there is used: the placement, the kernels, the frugality."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

import torch

from understudy.inference.engines.wan.acceleration import compile_blocks, quick_convolutions
from understudy.inference.engines.wan.attention import time_kernels, use_kernel
from understudy.inference.engines.wan.float8 import quantise_blocks
from understudy.inference.engines.wan.options import WanOptions
from understudy.inference.weights.memory_plan import MemoryPlan, plan_memory, tokens
from understudy.inference.weights.placement import ON_CPU, Placement, on_gpu

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Machine:
    """One device and how much of it a job may take."""

    placement: Placement
    plan: MemoryPlan | None
    """None on a CPU, where nothing is planned."""

    @property
    def device(self) -> torch.device:
        return torch.device(self.placement.device)

    def words(self) -> str:
        return self.placement.words() if self.plan is None else f"{self.placement.words()}; {self.plan.words()}"


def choose_machine(options: WanOptions, height: int, width: int, budget_bytes: int | None = None) -> Machine:
    """Return the first GPU with a plan that fits its free memory and the budget, else the CPU. Raises WeightsError."""
    if not torch.cuda.is_available():
        return Machine(ON_CPU, None)
    free, _ = torch.cuda.mem_get_info(0)
    allowed = free if budget_bytes is None else min(free, budget_bytes)
    plan = plan_memory(allowed, height, width, allow_float8=options.float8)
    placement = on_gpu(encoders_on_cpu=plan.encoders == "on the CPU", encoders_in_turn=plan.encoders == "in turn")
    # Whole and in bfloat16 they would not fit: `make_ready` takes them there in float8, or one after the other.
    return Machine(replace(placement, blocks_rest=plan.float8 or plan.offloaded), plan)


def make_ready(parts: Any, machine: Machine, options: WanOptions, height: int, width: int) -> None:
    """Have the loaded parts compute as planned: float8, tiles, blocks from CPU memory, compiled blocks, kernels."""
    plan = machine.plan
    if options.float8:
        quantise_blocks(parts.transformer, None if plan is None or plan.offloaded else machine.device)
    if plan is None:
        return
    if not plan.offloaded:
        parts.transformer.to(machine.device)
    if plan.vae_tiled:
        parts.vae.enable_tiling()
    if plan.offloaded:
        _offload(parts.transformer, machine.device)
    quick_convolutions(parts.vae)
    if options.plain:
        return
    taken = time_kernels(parts.transformer, tokens(options.segment_frames, height, width))
    kernel = min(taken, key=lambda name: taken[name])
    _log.info("attention by %s: %s", kernel, taken)
    use_kernel(parts.transformer, kernel)
    if not plan.offloaded:
        compile_blocks(parts.transformer)


def _offload(transformer: Any, device: torch.device) -> None:
    """Let the blocks come from CPU memory two at a time, the next while one computes."""
    transformer.enable_group_offload(
        onload_device=device, offload_device=torch.device("cpu"), offload_type="block_level", num_blocks_per_group=1,
        use_stream=True,
    )  # fmt: skip
