"""Where a job computes, and how what is there is used: the placement, the kernels, the frugality."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from understudy.bridge.errors import JobParked, WeightsError
from understudy.bridge.gpu_settings import MemoryBudget
from understudy.inference.engines.wan.acceleration import (
    as_written,
    compile_blocks,
    quick_convolutions,
    repeatable_convolutions,
)
from understudy.inference.engines.wan.attention import PYTORCH, time_kernels, use_kernel
from understudy.inference.engines.wan.computing import Computing, smaller
from understudy.inference.engines.wan.float8 import quantise_blocks
from understudy.inference.engines.wan.offload import offload_blocks
from understudy.inference.run_meter import GpuPeak, tell_gpu
from understudy.inference.weights.memory_plan import GIB, OFFICIAL, Estimates, MemoryPlan, plan_memory, tokens
from understudy.inference.weights.placement import ON_CPU, Placement, on_gpu

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GpuMemory:
    """Bytes of one card: what the driver counts as free now, and all that it has."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Machine:
    """What one process computes on, and how it spares memory there. A CPU spares nothing until it must."""

    device: torch.device
    plan: MemoryPlan

    @property
    def placement(self) -> Placement:
        plan = self.plan
        if self.device.type == "cpu":
            return replace(ON_CPU, blocks_rest=plan.offloaded or plan.float8)
        placed = on_gpu(
            self.device.index,
            encoders_on_cpu=plan.encoders == "on the CPU",
            encoders_in_turn=plan.encoders == "in turn",
        )
        # Whole and in bfloat16 they would not fit: `adapt` takes them there in float8, or one after the other.
        return replace(placed, blocks_rest=plan.offloaded or plan.float8)

    @property
    def rest(self) -> torch.device:
        """Return where what the blocks keep of a driver lies between the steps."""
        return torch.device("cpu") if self.plan.reference_rests else self.device

    def words(self) -> str:
        return f"{self.placement.words()}; {self.plan.words()}" if self.plan.stages else self.placement.words()


def choose_machine(
    options: Computing,
    height: int,
    width: int,
    budget: MemoryBudget | None = None,
    gpus: int = 1,
    estimates: Estimates = OFFICIAL,
) -> Machine:
    """Return the first GPU with a plan that fits what is free on each of `gpus`, else the CPU.

    Raises WeightsError where none can fit, JobParked where others hold what it needs.
    """
    if not torch.cuda.is_available():
        return Machine(torch.device("cpu"), MemoryPlan(segment_frames=options.segment_frames, float8=options.float8))
    gc.collect()
    torch.cuda.empty_cache()  # what the job before left in this warm process
    memory = [GpuMemory(*torch.cuda.mem_get_info(index)) for index in range(gpus)]
    for index, card in enumerate(memory):
        keep_within(budget, index, card.total)
    plan = admit(memory, budget, options, height, width, estimates)
    measure_memory(gpus)
    return Machine(torch.device("cuda:0"), plan)


def measure_memory(gpus: int) -> None:
    """Begin to count anew what this process holds of its cards, and leave word how to ask for the most of it.

    What the allocator reserved, not what tensors filled: that is what others cannot have.
    """
    for index in range(gpus):
        torch.cuda.reset_peak_memory_stats(index)
    name = torch.cuda.get_device_name(0)
    device = name if gpus == 1 else f"{gpus} x {name}"
    tell_gpu(GpuPeak(device, lambda: max(torch.cuda.max_memory_reserved(index) for index in range(gpus))))


def keep_within(budget: MemoryBudget | None, index: int, total: int) -> None:
    """Have the allocator of this process refuse what is beyond the budget, as a full card would."""
    share = 1.0 if budget is None else budget.bytes_of(total) / total
    torch.cuda.set_per_process_memory_fraction(share, index)


def admit(
    memory: list[GpuMemory],
    budget: MemoryBudget | None,
    options: Computing,
    height: int,
    width: int,
    estimates: Estimates = OFFICIAL,
) -> MemoryPlan:
    """Return the plan for the card with the least room: each holds the whole model. Pure.

    Raises WeightsError for what does not even fit an idle card within the budget, JobParked for what would.
    """
    # What a plan sets aside for CUDA's context lies outside of what the budget counts.
    allowed = [
        card.total if budget is None else min(card.total, budget.bytes_of(card.total) + estimates.reserve)
        for card in memory
    ]
    free = min(min(card.free, most) for card, most in zip(memory, allowed, strict=True))
    try:
        return _planned(free, options, height, width, estimates)
    except WeightsError as short:
        try:
            _planned(min(allowed), options, height, width, estimates)
        except WeightsError as never:
            most = min(card.total if budget is None else budget.bytes_of(card.total) for card in memory)
            cap = "" if budget is None else f" (`gpu_memory` allows {most / GIB:.1f} GiB)"
            raise WeightsError(f"{never.message}{cap}", remedy=smaller(options), facts=never.facts) from None
        raise JobParked(
            f"{short.message}: others hold the rest",
            remedy="Nothing to do: the job goes on when there is room. `nvidia-smi` tells who holds it.",
            facts=short.facts,
        ) from None


def _planned(free: int, options: Computing, height: int, width: int, estimates: Estimates) -> MemoryPlan:
    return plan_memory(
        free,
        height,
        width,
        allow_float8=options.allow_float8,
        float8=options.float8,
        segment_frames=options.segment_frames,
        estimates=estimates,
    )


def make_ready(
    parts: Any,
    machine: Machine,
    options: Computing,
    height: int,
    width: int,
    kernel: str | None = None,
    use: Callable[[Any, str], None] = use_kernel,
) -> str:
    """Have the loaded parts compute as planned: float8, tiles, blocks from CPU memory, compiled blocks, kernels.

    Returns the name of the kernel that attends: the one that is given, else the quickest here. use: has the transformer
    attend by a kernel.
    """
    adapt(parts, MemoryPlan(), machine)
    if machine.device.type == "cpu":
        return PYTORCH
    if options.plain:
        repeatable_convolutions()
        return PYTORCH
    quick_convolutions(parts.vae)
    if kernel is None:
        taken = time_kernels(parts.transformer, tokens(options.segment_frames, height, width))
        kernel = min(taken, key=lambda name: taken[name])
        _log.info("attention by %s: %s", kernel, taken)
    use(parts.transformer, kernel)
    if not machine.plan.offloaded:
        compile_blocks(parts.transformer)
    return kernel


def adapt(parts: Any, before: MemoryPlan, machine: Machine) -> None:
    """Have parts that are loaded under `before` spare what the machine's plan spares more."""
    plan = machine.plan
    if plan.vae_tiled and not before.vae_tiled:
        parts.vae.enable_tiling()
    if plan.float8 and not before.float8:
        as_written(parts.transformer)
        quantise_blocks(parts.transformer, None if plan.offloaded else machine.device)
        if not plan.offloaded:
            parts.transformer.to(machine.device)
    if plan.offloaded and not before.offloaded:
        as_written(parts.transformer)
        offload_blocks(parts.transformer, machine.device)
