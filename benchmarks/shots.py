"""The shots that whole jobs are measured on: the real footage where a tester names it, else a drawn one."""

from __future__ import annotations

import os
from pathlib import Path

from understudy.bridge.gather import Gathered, gather_job
from understudy.bridge.options import JobOptions
from understudy.inference.drawn_shot import draw_shot

FOOTAGE_VARIABLE = "UNDERSTUDY_TEST_PLATES"
ATTESTED = "a measurement of speed"
WIDTH, HEIGHT, FRAMES = 1280, 720, 108


def full_shot(folder: Path) -> tuple[JobOptions, str]:
    """Return 108 frames of 1280x720 and what they are; a drawn shot is drawn into `folder`."""
    plates = os.environ.get(FOOTAGE_VARIABLE)
    if not plates:
        return drawn_options(folder, FRAMES, WIDTH, HEIGHT), f"drawn, {WIDTH}x{HEIGHT}"
    market = Path(plates) / "market"
    options = JobOptions(
        plate=str(market / "plate.mp4"), matte=str(market / "matte" / "matte.####.png"), frames="56-163",
        reference=str(market / "reference.jpeg"), engine="preview", self_attest=ATTESTED,
    )  # fmt: skip
    return options, f"real footage, {WIDTH}x{HEIGHT}"


def drawn_options(folder: Path, frames: int, width: int, height: int) -> JobOptions:
    """Draw a shot into `folder` and return the options that recast it, without its keypoints."""
    shot = draw_shot(folder, frames=frames, width=width, height=height)
    return JobOptions(
        plate=shot.plate, matte=shot.matte, reference=shot.reference, clean_plate=shot.clean_plate, engine="preview",
        self_attest=ATTESTED,
    )  # fmt: skip


def gathered(options: JobOptions, **changed: object) -> Gathered:
    """Return the job of `options` with some of them changed."""
    return gather_job(JobOptions(**{**_fields(options), **changed}))  # type: ignore[arg-type]


def _fields(options: JobOptions) -> dict[str, object]:
    return {name: getattr(options, name) for name in JobOptions.__struct_fields__}
