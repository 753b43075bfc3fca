"""What an artist may choose about Wan-Animate-2, read once. No library of tensors is loaded here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from understudy.bridge.engine_description import EngineDescription, SegmentRule
from understudy.bridge.shot import Settings
from understudy.inference.engines.descriptions import DRAFT_AREA_PIXELS, PRO_AREA_PIXELS
from understudy.inference.weights.catalogue import WAN_ANIMATE_2, WAN_ANIMATE_2_DISTILLED, Model

FRAMES_A_LATENT = 4
CARRIED_FRAMES = 1
AREAS = {"pro": PRO_AREA_PIXELS, "draft": DRAFT_AREA_PIXELS}
MODELS = {"base": WAN_ANIMATE_2, "distilled": WAN_ANIMATE_2_DISTILLED}
STEPS = {("base", "pro"): 40, ("base", "draft"): 20, ("distilled", "pro"): 10, ("distilled", "draft"): 10}
GUIDANCE = {"base": 3.0, "distilled": 1.0}
"""Steps of `pro` and guidance are the stock pipeline's own defaults for either model."""


@dataclass(frozen=True, slots=True)
class Wan2Options:
    """The values of a job. Ranges are those of the engine's description: admission has seen to them."""

    model: Model
    preset: str
    steps: int
    guidance: float
    shift: float | None
    """None = what the model's own folder says."""
    segment_frames: int
    loras: str
    plain: bool
    step_cache: float
    float8: bool
    allow_float8: bool
    prompt: str
    negative_prompt: str

    @classmethod
    def of(cls, settings: Settings) -> Wan2Options:
        said: Mapping[str, str] = settings.engine_options
        model, preset = said.get("model", "base"), said.get("preset", "pro")
        longest = int(float(said.get("segment_frames", "81")))
        return cls(
            model=MODELS[model],
            preset=preset,
            steps=int(float(said.get("steps", STEPS[model, preset]))),
            guidance=float(said.get("guidance", GUIDANCE[model])),
            shift=float(said["shift"]) if "shift" in said else None,
            segment_frames=(longest - 1) // FRAMES_A_LATENT * FRAMES_A_LATENT + 1,
            loras=said.get("loras", ""),
            plain=said.get("attention", "exact") == "plain",
            step_cache=float(said.get("step_cache", "0")),
            float8=said.get("float8", "off") == "on",
            allow_float8=said.get("float8", "off") in ("on", "allowed"),
            prompt=settings.prompt,
            negative_prompt=settings.negative_prompt,
        )


def described(description: EngineDescription, settings: Settings) -> EngineDescription:
    """Return the description with the size, the segments and the model of these settings."""
    options = Wan2Options.of(settings)
    rule = SegmentRule(length=options.segment_frames, overlap=CARRIED_FRAMES, step=FRAMES_A_LATENT)
    return msgspec.structs.replace(
        description, area_pixels=AREAS[options.preset], segment=rule, weights=(options.model.name,)
    )
