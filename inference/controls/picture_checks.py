"""Checks before a run: what pictures and mattes say. Each returns one finding or None. Pure."""

from __future__ import annotations

from understudy.bridge.errors import Finding
from understudy.inference.controls.preflight_facts import PreflightFacts, share

COARSE = 0.5
"""Model pixels a plate pixel, each way: below, two pixels of the plate and more become one."""
SMALLEST_SIDE_PIXELS = 200
"""The model's authors name 200 pixels as the least for the shorter side."""


def no_matte(shot: PreflightFacts) -> Finding | None:
    survey, empty = shot.survey, shot.survey.empty
    if not empty:
        return None
    everywhere = len(empty) == len(survey.frames)
    return Finding(
        rule="matte_shows_somebody",
        outcome="refuse" if everywhere else "warn",
        message=f"nothing in the matte is above one half in {share(empty, survey.frames)}: "
        + ("there is nobody to replace" if everywhere else "the plate stays as it is there"),
        remedy="Check the matte's channel and polarity (--matte-channel, --matte-invert), or paint it there.",
        frames=empty,
    )


def cut_inside(shot: PreflightFacts) -> Finding | None:
    cuts = shot.survey.cuts
    if not cuts:
        return None
    return Finding(
        rule="one_shot",
        outcome="warn",
        message=f"the picture cuts to another shot {'once' if len(cuts) == 1 else f'{len(cuts)} times'}; "
        "what is made before a cut is carried over it",
        remedy="Recast each shot by itself; the frames named are the first of a new one.",
        frames=cuts,
    )


def more_than_one_person(shot: PreflightFacts) -> Finding | None:
    people = shot.people or {}
    crowded = tuple(frame for frame in shot.survey.frames if people.get(frame, 0) > 1)
    if not crowded:
        return None
    return Finding(
        rule="one_person_in_the_matte",
        outcome="warn",
        message=f"up to {max(people[frame] for frame in crowded)} people are in the matte in "
        f"{share(crowded, shot.survey.frames)}; one character comes in for all of them",
        remedy="Paint the matte around the one who is replaced; another performer is a job of its own.",
        frames=crowded,
    )


def small_picture(shot: PreflightFacts) -> Finding | None:
    if min(shot.height, shot.width) > SMALLEST_SIDE_PIXELS:
        return None
    return Finding(
        rule="picture_is_large_enough",
        outcome="warn",
        message=f"the model's picture is {shot.width}x{shot.height}; it expects sides above {SMALLEST_SIDE_PIXELS}",
        remedy="Ask for a larger area, or recast from a larger plate.",
    )


def coarse_picture(shot: PreflightFacts) -> Finding | None:
    scale = shot.plate_scale
    if scale is None or scale >= 1:
        return None
    plate = f"{round(shot.width / scale)}x{round(shot.height / scale)}"
    return Finding(
        rule="picture_scale",
        outcome="note" if scale >= COARSE else "warn",
        message=f"the model makes {shot.width}x{shot.height} pixels for {plate} of the plate: {scale:.0%} each way",
        remedy="A larger area makes more of them and takes longer; a tighter matte makes the crop smaller.",
        facts={"model pixels a plate pixel": f"{scale:.3f}"},
    )


def matte_under_the_grid(shot: PreflightFacts) -> Finding | None:
    grid, survey = shot.grid, shot.survey
    narrow = survey.at(
        [n for n, box in enumerate(survey.used) if box and grid.is_finer_than(box[2] - box[0], box[3] - box[1])]
    )
    if not narrow:
        return None
    return Finding(
        rule="matte_holds_the_grid",
        outcome="note",
        message=f"the matte is smaller than its {grid.columns} x {grid.rows} cells in {share(narrow, survey.frames)}: "
        "cells of one pixel are used there",
        remedy="Use fewer cells, or check the matte there.",
        frames=narrow,
    )
