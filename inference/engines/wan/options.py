"""What an artist may choose about Wan-Animate, read once. No library of tensors is loaded here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from understudy.bridge.engine_description import Between, EngineDescription, SegmentRule
from understudy.bridge.shot import Settings
from understudy.inference.engines.descriptions import (
    DRAFT_AREA_PIXELS,
    PRO_AREA_PIXELS,
    STD_IS_NOT_FINAL,
    STD_RATE,
)

FRAMES_A_LATENT = 4
DEFAULT_PROMPT = "视频中的人在做动作"
"""The sentence that the model was trained with ("the person in the video is moving"); its makers advise no other."""
Hold = Literal["off", "gentle", "full"]
STEPS = {"pro": 20, "std": 20, "draft": 8}
AREAS = {"pro": PRO_AREA_PIXELS, "std": PRO_AREA_PIXELS, "draft": DRAFT_AREA_PIXELS}
LONGEST_FORETOLD = 4


@dataclass(frozen=True, slots=True)
class WanOptions:
    """The values of a job. Ranges are those of the engine's description: admission has seen to them."""

    preset: str
    between: Between
    """What stands in the frames that the preset `std` makes no picture for."""
    steps: int
    guidance: float
    shift: float
    scheduler: str
    segment_frames: int
    carried_frames: int
    grid_columns: int
    grid_rows: int
    pose: str
    retarget: bool
    loras: str
    segmenter: str
    """The name of a network that tells people from ground; empty = none."""
    plain: bool
    step_cache: float
    float8: bool
    allow_float8: bool
    """Where the GPU has no room otherwise; `float8` asks for it either way."""
    colour_hold: Hold
    match: bool
    prompt: str
    negative_prompt: str

    @classmethod
    def of(cls, settings: Settings) -> WanOptions:
        said: Mapping[str, str] = settings.engine_options
        preset = said.get("preset", "pro")
        longest = int(float(said.get("segment_frames", "77")))
        return cls(
            preset=preset,
            between="interpolated" if said.get("between") == "interpolated" else "held",
            steps=int(float(said.get("steps", STEPS[preset]))),
            guidance=float(said.get("guidance", "1")),
            shift=float(said.get("shift", "5")),
            scheduler=said.get("scheduler", "unipc"),
            segment_frames=(longest - 1) // FRAMES_A_LATENT * FRAMES_A_LATENT + 1,
            carried_frames=int(said.get("carried_frames", "1")),
            grid_columns=int(float(said.get("grid_columns", "10"))),
            grid_rows=int(float(said.get("grid_rows", "20"))),
            pose=said.get("pose", "auto"),
            retarget=said.get("retarget", "on") == "on" and settings.mode == "animate",
            loras=said.get("loras", ""),
            segmenter=said.get("segmenter", ""),
            plain=said.get("attention", "exact") == "plain",
            step_cache=float(said.get("step_cache", "0")),
            float8=said.get("float8", "off") == "on",
            allow_float8=said.get("float8", "off") in ("on", "allowed"),
            colour_hold=_hold(said.get("colour_hold", "gentle")),
            match=said.get("match", "on") == "on",
            prompt=settings.prompt or DEFAULT_PROMPT,
            negative_prompt=settings.negative_prompt,
        )

    @property
    def foretells(self) -> bool:
        """Say whether a step cache is to be used; with guidance a step has two passes, which it cannot tell apart."""
        return self.step_cache > 0 and self.guidance <= 1

    @property
    def approximations(self) -> tuple[str, ...]:
        """Return what was asked for that changes the picture: it stands in the report."""
        said = []
        if self.step_cache > 0:
            said.append(f"steps are foretold up to a relative error of {self.step_cache:g}")
        if self.float8:
            said.append("the transformer's blocks are float8")
        return tuple(said)


def _hold(said: str) -> Hold:
    return "off" if said == "off" else "full" if said == "full" else "gentle"


def described(description: EngineDescription, settings: Settings) -> EngineDescription:
    """Return the description with the size, the segments and the rate of these settings."""
    options = WanOptions.of(settings)
    rule = SegmentRule(length=options.segment_frames, overlap=options.carried_frames, step=FRAMES_A_LATENT)
    described = msgspec.structs.replace(description, area_pixels=AREAS[options.preset], segment=rule)
    if options.preset != "std":
        return described
    return msgspec.structs.replace(
        described,
        rate=STD_RATE,
        between=options.between,
        not_final=STD_IS_NOT_FINAL.format(between=options.between),
    )
