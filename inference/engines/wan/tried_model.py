"""A model that is tried: what becomes of a try that runs out of memory or loses its GPU, whatever model it is.

Out of memory is ours to solve: what was tried is tried again under the next plan that takes less, the artist is told,
and the job's folder remembers it. A GPU that is lost is lost to this process alone: the job is set aside, the process
ends, and a fresh one goes on. One thread.
"""

from __future__ import annotations

import gc
import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import msgspec
import torch
from torch import Tensor

from understudy.bridge.errors import EngineError, Finding, JobParked
from understudy.bridge.gpu_settings import parse_gpu_memory
from understudy.bridge.settings import UserSettings
from understudy.inference.engines.door import Footage, Watcher, process_is_spent
from understudy.inference.engines.wan.computing import Computing, foretold_passes, smaller
from understudy.inference.engines.wan.devices import Machine, choose_machine
from understudy.inference.engines.wan.lessons import read_lessons, write_lessons
from understudy.inference.engines.wan.spans import Span
from understudy.inference.engines.wan.split_vae import shared_vae
from understudy.inference.engines.wan.team import Team, TeamError, gpus_of_the_slot
from understudy.inference.engines.wan.trouble import Trouble, first_line, trouble_in
from understudy.inference.weights.catalogue import Model
from understudy.inference.weights.loading import Parts
from understudy.inference.weights.lora_shelf import Named
from understudy.inference.weights.memory_plan import (
    Estimates,
    MemoryPlan,
    approximations,
    both_of,
    of_a_job,
    stages,
    step_down,
)
from understudy.inference.weights.opening import bytes_of_loras

LOSSES_ALLOWED = 2
"""So often in a row one segment may lose its GPU and is tried again: then the segment is at fault, not the card."""
STEPPED_DOWN = "memory_step_down"
KEPT = "Finished frames are kept."

Made = TypeVar("Made")


class Loaded(Protocol):
    """A model where it computes."""

    @property
    def parts(self) -> Parts: ...
    @property
    def stage(self) -> str:
        """Return what it is at, by the names of memory_plan.stages."""

    def spare(self, before: MemoryPlan, machine: Machine) -> None:
        """Take less, as the machine's plan says; it was loaded under `before`."""


AnyLoaded = TypeVar("AnyLoaded", bound=Loaded)


@dataclass(frozen=True, slots=True)
class Kind:
    """Which model is tried, with what laid over it, and what it is thought to take."""

    model: Model
    estimates: Estimates
    loras: tuple[Named, ...]


class TriedModel(ABC, Generic[AnyLoaded]):
    """Makes segments of one shot, once it is loaded. Close it in the end, also where loading failed."""

    _machine: Machine
    """What the next try computes on."""

    def __init__(self, kind: Kind, footage: Footage, options: Computing, settings: UserSettings) -> None:
        self._kind, self._footage, self._options, self._settings = kind, footage, options, settings
        self._lessons = read_lessons(footage.scratch)
        self._estimates = kind.estimates
        self._loaded: AnyLoaded | None = None
        """Once it is there it is made to take less; before, it is loaded again."""
        self._team: Team | None = None
        """Once there is one, another try is for fresh processes."""
        self._gpus = 1

    @abstractmethod
    def _load(self, watcher: Watcher) -> AnyLoaded:
        """Load the model onto `_machine`, and start `_team` where there are several `_gpus`."""

    def admit(self, watcher: Watcher) -> None:
        """Measure what is free and plan for it: before anything else is done, and again before the model is loaded.

        Raises WeightsError for what can never fit; JobParked where the GPU is full of others' work, or lost.
        """
        self._machine = self._attempt(self._choose, "before the job began", watcher)

    def load(self, watcher: Watcher) -> AnyLoaded:
        """Load; say what earlier tries taught, and what this one computes on.

        Raises what `admit` raises, and EngineError where no way fits after all.
        """
        self.admit(watcher)
        for finding in self._lessons.findings:
            watcher.found(finding)
        watcher.found(Finding(rule="computed_on", outcome="note", message=self._machine.words()))
        self._loaded = loaded = self._attempt(lambda: self._load(watcher), "while the model was loaded", watcher)
        return loaded

    def segment(
        self,
        span: Span,
        segments: int,
        inputs: Sequence[Tensor | None],
        work: Callable[[AnyLoaded], Tensor],
        watcher: Watcher,
    ) -> Tensor:
        """Return what `work` makes of a segment with the model, however many tries that takes.

        inputs: what the processes of other GPUs need for their share of it.
        Raises EngineError where no way is left that takes less memory, JobParked where the GPU is lost.
        """
        loaded = self._loaded
        if loaded is None:
            raise ValueError("a model is loaded before it runs")

        def tried() -> Tensor:
            if self._team is None:
                return work(loaded)
            with shared_vae(loaded.parts.vae, self._machine.plan):
                return self._team.run(span, inputs, lambda: work(loaded))

        made = self._attempt(tried, f"in segment {span.index + 1} of {segments}", watcher)
        if self._lessons.losses:  # they are counted in a row
            self._learn(losses=0)
        return made

    def close(self) -> None:
        """Let go of the model, end the processes of the other GPUs, and give back the memory of this one.

        Closed by an error, a cancel too, its frames still hold the model and what it computed: they let go as well.
        """
        self._loaded = None
        if self._team is not None:
            self._team.close()
        traceback.clear_frames(sys.exc_info()[2])
        gc.collect()
        if torch.cuda.is_available() and not process_is_spent.is_set():
            torch.cuda.empty_cache()

    @property
    def approximate(self) -> str:
        """What changes the numbers of what is made now, and is not in the settings; empty where nothing does."""
        footage, plan = self._footage, self._machine.plan
        return ", ".join(approximations(plan, footage.height, footage.width, float8=self._options.float8))

    def _attempt(self, work: Callable[[], Made], where: str, watcher: Watcher) -> Made:
        """Do `work` until it is done or there is nothing left to try."""
        met: tuple[Trouble | None, str] | None = None
        while True:
            try:
                # Only here is the error gone, and with it the tensors that its frames held. To make the model take less
                # can want more memory than there is as well: then the way after that is tried.
                if met is not None:
                    self._meet(*met, where, watcher)
                return work()
            except RuntimeError as problem:
                trouble, said = trouble_in(problem), first_line(problem)
                if isinstance(problem, TeamError):
                    trouble = problem.trouble
                if trouble is None and not isinstance(problem, TeamError):
                    raise
                met = trouble, said

    def _meet(self, trouble: Trouble | None, said: str, where: str, watcher: Watcher) -> None:
        """Make another try possible. Raises what the job ends with where none is."""
        if self._team is not None:
            process_is_spent.set()  # those that shared the segment no longer agree on where they are
        if trouble is None:
            raise EngineError(f"{said} {where}", remedy=f"{KEPT} `understudy retry` goes on from there.")
        if trouble == "lost":
            raise self._lost(said, where)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        stage = "prompt and reference" if self._loaded is None else self._loaded.stage
        self._spare(stage, said, where, watcher)

    def _spare(self, stage: str, said: str, where: str, watcher: Watcher) -> None:
        """Take the next plan under which `stage` takes less. Raises EngineError where there is none."""
        before, options = self._machine.plan, self._options
        height, width = self._footage.height, self._footage.width
        after = step_down(before, stage, height, width, allow_float8=options.allow_float8, estimates=self._estimates)
        if after is None:
            raise EngineError(
                f"the GPU ran out of memory {where} ({stage}) even at its most frugal: {said}",
                remedy=f"{KEPT} Free the GPU and `understudy retry`. {smaller(options)}",
                facts={"plan": before.words()},
            )
        finding = Finding(
            rule=STEPPED_DOWN,
            outcome="warn",
            message=f"the GPU ran out of memory {where} ({stage}): made again and from there on with {after.words()}",
            remedy="Nothing to do. Other work on this GPU, or a smaller `gpu_memory` than it has, makes jobs slower.",
            facts={"error": said, "before": before.words(), "after": after.words()},
        )
        self._learn(plan=after, findings=(*self._lessons.findings, finding))
        watcher.found(finding)
        self._machine = replace(self._machine, plan=after)
        if self._team is not None:
            raise JobParked(finding.message, remedy=f"{KEPT} The job goes on by itself in fresh processes.")
        if self._loaded is not None:
            self._loaded.spare(before, self._machine)

    def _lost(self, said: str, where: str) -> JobParked | EngineError:
        """Return how the job ends; this process is of no more use either way."""
        process_is_spent.set()
        losses = self._lessons.losses + 1
        self._learn(losses=losses)
        facts = {"error": said, "losses": str(losses)}
        if losses > LOSSES_ALLOWED:
            return EngineError(
                f"the GPU was lost {losses} times {where}: {said}",
                remedy=f"{KEPT} `nvidia-smi -q` and the kernel's log (`dmesg | grep -i xid`) tell what is wrong with "
                "the card; `understudy retry` goes on from there.",
                facts=facts,
            )
        return JobParked(
            f"the GPU was lost {where}: {said}",
            remedy=f"{KEPT} The job goes on by itself in a fresh process. Where that fails too, look at `nvidia-smi`; "
            "a card that has dropped out comes back with the machine's next start.",
            facts=facts,
        )

    def _learn(self, **news: object) -> None:
        self._lessons = msgspec.structs.replace(self._lessons, **news)
        write_lessons(self._footage.scratch, self._lessons)

    def _choose(self) -> Machine:
        self._gpus = gpus_of_the_slot(self._settings.gpus, self._settings.gpus_per_slot)
        footage, known, options = self._footage, self._lessons.plan, self._options
        laid_on = bytes_of_loras(self._kind.model, self._settings, self._kind.loras)
        self._estimates = estimates = of_a_job(
            self._kind.estimates, lora_bytes=laid_on, foretold_passes=foretold_passes(options), gpus=self._gpus
        )
        budget = parse_gpu_memory(self._settings.gpu_memory)
        machine = choose_machine(options, footage.height, footage.width, budget, self._gpus, estimates)
        if known is None:
            return machine
        plan = both_of(machine.plan, known)
        return replace(machine, plan=replace(plan, stages=stages(plan, footage.height, footage.width, estimates)))
