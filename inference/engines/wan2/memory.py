"""How a segment of Wan-Animate-2 fits into a GPU's free memory: the least frugal way that does. Pure.

1. everything on the GPU in bfloat16, the reference's keys and values too
2. the reference in CPU memory: each block fetches its own at every step; the same picture
3. encoders and transformer in turn as well: the transformer is copied there and back once a job; the same picture

The VAE is never what takes most: denoising does. The estimates are those of Wan-Animate's plan
(`weights/memory_plan.py`) where the parts are the same; the rest follows from shapes. None was measured on this model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from understudy.bridge.errors import WeightsError
from understudy.inference.weights.memory_plan import GIB, OFFICIAL, Estimates, tokens

BLOCKS, WIDTH, BYTES = 40, 5120, 2
"""Of the published transformer, in bfloat16."""
ESTIMATES = replace(OFFICIAL, transformer=int(30.9 * GIB))
"""shapes: 16.4 B parameters in bfloat16, 0.2 B of them in float32"""
PICTURES_OF_THE_DRIVER = 3
"""Channels of the one thing that drives a segment, kept in float32; twice, with what is taken over."""

Encoders = Literal["beside", "in turn"]


@dataclass(frozen=True, slots=True)
class Plan:
    encoders: Encoders = "beside"
    reference_rests: bool = False
    """Keys and values lie in CPU memory between the steps."""
    peak_bytes: int = 0

    def words(self) -> str:
        """Return the plan as it stands in a report."""
        said = [
            (self.encoders != "beside", f"encoders {self.encoders}"),
            (self.reference_rests, "the reference in CPU memory"),
        ]
        frugal = [words for true, words in said if true]
        return f"{', '.join(frugal) or 'everything on the GPU'}; at most {self.peak_bytes / GIB:.1f} GiB"


def plan(free_bytes: int, frames: int, height: int, width: int, estimates: Estimates = ESTIMATES) -> Plan:
    """Return the first plan that fits. frames: of the longest segment. Raises WeightsError where none does."""
    usable = int(free_bytes * (1 - estimates.fragmented)) - estimates.reserve
    ways = (Plan(), Plan(reference_rests=True), Plan("in turn", reference_rests=True))
    tried = [replace(way, peak_bytes=peak_bytes(way, frames, height, width, estimates)) for way in ways]
    for way in tried:
        if way.peak_bytes <= usable:
            return way
    least = tried[-1].peak_bytes + estimates.reserve
    raise WeightsError(
        f"{width} x {height} needs {least / GIB:.1f} GiB even at its most frugal; "
        f"the GPU has {free_bytes / GIB:.1f} GiB free",
        remedy="Take `--option preset=draft` or `--option segment_frames=49`, close what else uses the GPU, or take a "
        "larger one.",
    )


def peak_bytes(way: Plan, frames: int, height: int, width: int, estimates: Estimates = ESTIMATES) -> int:
    """Return what the hungriest stage of a segment takes on the GPU."""
    stays = estimates.transformer + estimates.vae
    encoders = estimates.text_encoder + estimates.image_encoder + estimates.encoders_at_work
    reading = encoders + (stays if way.encoders == "beside" else estimates.vae)
    inputs = 2 * 4 * PICTURES_OF_THE_DRIVER * frames * height * width
    coding = stays + inputs + estimates.a_pixel_of_the_vae * height * width
    reference = reference_bytes(frames, height, width)
    held = reference // BLOCKS if way.reference_rests else reference
    denoising = stays + estimates.a_token * tokens(frames, height, width) + held
    return max(reading, coding, denoising)


def reference_bytes(frames: int, height: int, width: int) -> int:
    """Return what keys and values of the driver's segment take in all blocks; it has no latent frame of a character."""
    latent_frames = (frames - 1) // 4 + 1
    own = tokens(frames, height, width) * latent_frames // (latent_frames + 1)
    return 2 * BLOCKS * own * WIDTH * BYTES
