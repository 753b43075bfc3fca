"""The model, loaded for one shot, and what becomes of a try that runs out of memory or loses its GPU.

Out of memory is ours to solve: what was tried is tried again under the next plan that takes less, the artist is told,
and the job's folder remembers it. A GPU that is lost is lost to this process alone: the job is set aside, the process
ends, and a fresh one goes on. One thread.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec
import torch
from torch import Tensor

from understudy.bridge.errors import EngineError, Finding, JobParked
from understudy.bridge.gpu_settings import parse_gpu_memory
from understudy.bridge.settings import UserSettings
from understudy.inference.engines.door import DENOISING, Footage, Watcher, process_is_spent
from understudy.inference.engines.wan.assembly import Size, loop_over, share_blocks, shared_vae
from understudy.inference.engines.wan.devices import Machine, adapt, choose_machine, make_ready, smaller
from understudy.inference.engines.wan.lessons import read_lessons, write_lessons
from understudy.inference.engines.wan.loop import Controls, SegmentLoop, Shot
from understudy.inference.engines.wan.options import WanOptions
from understudy.inference.engines.wan.shot_controls import reference_image
from understudy.inference.engines.wan.spans import Span
from understudy.inference.engines.wan.step_cache import StepCache
from understudy.inference.engines.wan.team import Team, TeamError, gpus_of_the_slot
from understudy.inference.engines.wan.trouble import Trouble, first_line, trouble_in
from understudy.inference.weights.catalogue import WAN_ANIMATE
from understudy.inference.weights.loading import Parts, encoders_awake
from understudy.inference.weights.lora_shelf import parse_loras
from understudy.inference.weights.memory_plan import approximations, both_of, stages, step_down
from understudy.inference.weights.opening import open_model

LOSSES_ALLOWED = 2
"""So often in a row one segment may lose its GPU and is tried again: then the segment is at fault, not the card."""
STEPPED_DOWN = "memory_step_down"
KEPT = "Finished frames are kept."

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model where it computes, and the shot's words and reference as it takes them."""

    parts: Parts
    loop: SegmentLoop
    shot: Shot
    digests: Mapping[str, str]
    cache: StepCache | None


class ShotModel:
    """Makes segments of one shot, once it is loaded. Close it in the end, also where loading failed."""

    def __init__(self, footage: Footage, options: WanOptions, settings: UserSettings) -> None:
        self._footage, self._options, self._settings = footage, options, settings
        self._lessons = read_lessons(footage.scratch)
        self._loaded: Loaded | None = None
        self._team: Team | None = None
        self._gpus = 1

    def admit(self, watcher: Watcher) -> None:
        """Measure what is free and plan for it: before anything else is done, and again before the model is loaded.

        Raises WeightsError for what can never fit; JobParked where the GPU is full of others' work, or lost.
        """
        self._machine = self._attempt(self._choose, "before the job began", watcher)

    def load(self, watcher: Watcher) -> Loaded:
        """Load. Raises what `admit` raises, and EngineError where no way fits after all."""
        self.admit(watcher)
        for finding in self._lessons.findings:
            watcher.found(finding)
        watcher.found(Finding(rule="computed_on", outcome="note", message=self._machine.words()))
        self._loaded = loaded = self._attempt(lambda: self._load(watcher), "while the model was loaded", watcher)
        return loaded

    def run(
        self, span: Span, segments: int, controls: Controls, noise: Tensor, carried: Tensor | None, watcher: Watcher
    ) -> Tensor:
        """Return a segment's pictures as `SegmentLoop.run` does, however many tries that takes.

        Raises EngineError where no way is left that takes less memory, JobParked where the GPU is lost.
        """
        loaded = self._loaded
        if loaded is None:
            raise ValueError("a model is loaded before it runs")

        def alone() -> Tensor:
            if loaded.cache is not None:
                loaded.cache.begin()
            return loaded.loop.run(
                loaded.shot, span, controls, noise, carried, lambda done, total: watcher.step(DENOISING, done, total)
            )

        def together(team: Team) -> Tensor:
            with shared_vae(loaded.parts, self._machine):
                return team.run(span, controls, noise, carried, alone)

        where = f"in segment {span.index + 1} of {segments}"
        made = self._attempt(lambda: alone() if self._team is None else together(self._team), where, watcher)
        if self._lessons.losses:
            self._learn(losses=0)
        return made

    @property
    def approximate(self) -> str:
        """What changes the numbers of what is made now, and is not in the settings; empty where nothing does."""
        footage, plan = self._footage, self._machine.plan
        return ", ".join(approximations(plan, footage.height, footage.width, float8=self._options.float8))

    def close(self) -> None:
        """Let go of the model, and end the processes of the other GPUs."""
        self._loaded = None
        if self._team is not None:
            self._team.close()

    def _attempt(self, work: Callable[[], Made], where: str, watcher: Watcher) -> Made:
        """Do `work` until it is done or there is nothing left to try."""
        while True:
            try:
                return work()
            except RuntimeError as problem:
                trouble, said = trouble_in(problem), first_line(problem)
                if isinstance(problem, TeamError):
                    trouble = problem.trouble
                if trouble is None and not isinstance(problem, TeamError):
                    raise
            # Only out here is the error gone, and with it the tensors that its frames held.
            self._meet(trouble, said, where, watcher)

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
        stage = "prompt and reference" if self._loaded is None else self._loaded.loop.stage
        self._spare(stage, said, where, watcher)

    def _spare(self, stage: str, said: str, where: str, watcher: Watcher) -> None:
        """Take the next plan under which `stage` takes less. Raises EngineError where there is none."""
        before, options = self._machine.plan, self._options
        height, width = self._footage.height, self._footage.width
        after = step_down(before, stage, height, width, allow_float8=options.allow_float8)
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
            adapt(self._loaded.parts, before, self._machine)

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
        footage, known = self._footage, self._lessons.plan
        budget = parse_gpu_memory(self._settings.gpu_memory)
        machine = choose_machine(self._options, footage.height, footage.width, budget, self._gpus)
        if known is None:
            return machine
        plan = both_of(machine.plan, known)
        return replace(machine, plan=replace(plan, stages=stages(plan, footage.height, footage.width)))

    def _load(self, watcher: Watcher) -> Loaded:
        footage, options, machine = self._footage, self._options, self._machine
        size = Size(footage.mode, footage.height, footage.width)
        if self._gpus > 1:
            self._team = Team(self._gpus, machine, footage.settings, size)
        opened = open_model(
            WAN_ANIMATE, self._settings, machine.placement, loras=parse_loras(options.loras), told=watcher.step
        )
        for finding in opened.findings:
            watcher.found(finding)
        parts = opened.parts
        loop = loop_over(parts, options, size, machine.device)
        with encoders_awake(parts):
            looked = loop.look(reference_image(footage), options.prompt, options.negative_prompt)
        kernel = make_ready(parts, machine, options, footage.height, footage.width)
        shot, cache = loop.guide(looked), loop.blocks
        if self._team is not None:
            self._team.begin(kernel, shot, lambda done, of: watcher.step("loading the model on every GPU", done, of))
            cache = share_blocks(loop, parts, options, kernel)
        return Loaded(parts, loop, shot, opened.used.digests(), cache if isinstance(cache, StepCache) else None)
