"""What was measured, as it is written: one row a frame, a summary, the seams. Codes are the review's, from 0 to 1."""

from __future__ import annotations

from typing import Literal

import msgspec

from understudy.bridge.errors import Finding

SCHEMA = 1
INFINITE: Literal["inf"] = "inf"
"""JSON has no infinity; every language's own reading of numbers knows this word."""

Number = float | None
"""None = not measured in this frame: docs/evaluate.md says when."""
Unbounded = float | Literal["inf"] | None
"""Decibels, or a ratio: infinite where two pictures are identical, or where a plate stands still."""
Levels = tuple[float, float, float]
"""The mean red, green and blue code."""


class PictureRow(msgspec.Struct, frozen=True, kw_only=True):
    """One frame against the plate's. *Inside* is where the matte is above a half; the whole picture without a matte."""

    frame: int
    ssim: Number = None
    psnr: Unbounded = None
    ssim_inside: Number = None
    psnr_inside: Unbounded = None
    psnr_outside: Unbounded = None
    """Where the matte is 0."""
    lpips: Number = None
    level: Levels | None = None
    plate_level: Levels | None = None
    change: Number = None
    """Mean absolute difference to the frame before, inside in either."""
    plate_change: Number = None
    step: Number = None
    """How far the level moved since the frame before, less how far the plate's did: the greatest of the channels."""
    flicker: Number = None
    """How far the level is from the mean of the two frames beside it: the greatest of the channels."""
    plate_flicker: Number = None
    colour_inside: Number = None
    """CIEDE2000 to the plate, just inside the matte's soft edge; `colour_outside` just outside."""
    colour_outside: Number = None
    colour_step: Number = None
    """CIEDE2000 across the edge: the colours just inside against those just outside, place by place."""
    plate_colour_step: Number = None
    gradient_inside: Number = None
    """Codes a pixel."""
    gradient_edge: Number = None
    gradient_outside: Number = None
    plate_gradient_inside: Number = None
    plate_gradient_edge: Number = None
    plate_gradient_outside: Number = None
    matte_pixels: int | None = None
    not_finite_pixels: int = 0
    is_seam: bool = False
    """A segment begins with this frame."""
    stands_out: bool = False
    """It jumps from the frame before by more than the shot's other frames do, the plate's own change taken off."""


class AppearanceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One frame's covered pixels against the reference's."""

    frame: int
    colour: Number = None
    """CIEDE2000 between the mean colours."""
    lightness_distance: Number = None
    """Earth mover's distance of the lightness histograms, in L*."""
    chroma_distance: Number = None
    """Hellinger distance of the a*, b* histograms: 0 the same, 1 nothing in common."""
    coverage_pixels: int = 0
    not_finite_pixels: int = 0


Rows = tuple[PictureRow, ...] | tuple[AppearanceRow, ...]


class Statistic(msgspec.Struct, frozen=True, kw_only=True):
    """One measure over the shot."""

    mean: Unbounded
    """Over the frames where it is finite; `inf` where it is infinite in all."""
    worst: Unbounded
    worst_frame: int
    frames: int
    """In how many frames it could be measured."""
    infinite_frames: int = 0


class Seam(msgspec.Struct, frozen=True, kw_only=True):
    """The jump into the first frame of a segment, beside what the plate does there and what the shot does elsewhere."""

    frame: int
    jump: Number
    """`change` of that frame."""
    plate_jump: Number
    ratio: Unbounded
    """jump over plate_jump."""
    usual_ratio: Unbounded
    """The median of the same ratio over the frames that are no seam."""
    step: Number
    stands_out: bool


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found, in the order in which the JSON file has it. The same files give the same one."""

    schema: int = SCHEMA
    kind: Literal["plate", "reference"]
    result: str
    against: str
    matte: str
    software: str
    colour_config: str
    view: str
    """The display and view whose codes SSIM, PSNR and everything over time are measured in."""
    size: tuple[int, int]
    first_frame: int
    last_frame: int
    frames: int
    missing_frames: dict[str, tuple[int, ...]]
    """By role: frames that another role has and this one lacks."""
    band_pixels: int
    segments_from: str
    seams: tuple[Seam, ...]
    summary: dict[str, Statistic]
    video_distance: Number
    """FVD, where its network was given."""
    networks: dict[str, str]
    """Name to BLAKE3 digest of the network file."""
    findings: tuple[Finding, ...]
    rows: Rows
