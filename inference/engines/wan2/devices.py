"""Where a job of Wan-Animate-2 computes: the first GPU with a plan that fits it, else the CPU."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from understudy.inference.engines.wan.acceleration import quick_convolutions
from understudy.inference.engines.wan2.memory import Plan, plan
from understudy.inference.engines.wan2.options import Wan2Options
from understudy.inference.weights.loading import Parts
from understudy.inference.weights.placement import ON_CPU, Placement, on_gpu


@dataclass(frozen=True, slots=True)
class Machine:
    """One device and how much of it a job may take."""

    placement: Placement
    plan: Plan | None
    """None on a CPU, where nothing is planned."""

    @property
    def rest(self) -> torch.device:
        """Return where the reference's keys and values lie between the steps."""
        return torch.device("cpu" if self.plan is not None and self.plan.reference_rests else self.placement.device)

    def words(self) -> str:
        return self.placement.words() if self.plan is None else f"{self.placement.words()}; {self.plan.words()}"


def choose_machine(options: Wan2Options, height: int, width: int) -> Machine:
    """Raises WeightsError where the GPU's free memory is too small for any plan."""
    if not torch.cuda.is_available():
        return Machine(ON_CPU, None)
    free, _ = torch.cuda.mem_get_info(0)
    chosen = plan(free, options.segment_frames, height, width)
    return Machine(on_gpu(encoders_in_turn=chosen.encoders == "in turn"), chosen)


def make_ready(parts: Parts, machine: Machine) -> None:
    """Have the loaded parts compute as planned."""
    if machine.plan is not None:
        quick_convolutions(parts.vae)
