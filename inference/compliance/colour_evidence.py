"""How each role's colour space was found: declared, told by the file, or assumed. Unknown names become values here."""

from __future__ import annotations

from contextlib import closing

from understudy.bridge.errors import PlateError, RequestError, UnderstudyError
from understudy.bridge.shot import Plate
from understudy.inference.compliance.facts import ColourReading
from understudy.inference.picture.colour import ColourConfig
from understudy.inference.picture.plate import PlateReader
from understudy.inference.work_order import WorkOrder


def read_colours(order: WorkOrder) -> dict[str, ColourReading]:
    """Return the colour of plate, clean plate and reference by role; a role whose file is damaged is left out.

    A reference without a stated space goes by its embedded profile, else as sRGB texture: that is its contract and no
    assumption.
    """
    shot = order.job.shot
    stated = {role: pictures.colour for role, pictures in shot.roles().items()}
    try:
        config = ColourConfig.of_job(order.job, order.blobs)
    except RequestError as problem:
        brought = "colour_archive" if shot.colour_archive else "plate" if shot.plate else "reference"
        return {brought: _unknown(None, problem)}
    found: dict[str, ColourReading] = {}
    if shot.colour_archive is not None:
        found["colour_archive"] = _read_archive(config)
    for role, plate in (("plate", shot.plate), ("clean_plate", shot.clean_plate)):
        reading = _read_plate(order, role, plate, config) if plate is not None else None
        if reading is not None:
            found[role] = reading
    for role in (role for role in stated if role.startswith("reference")):
        declared = stated[role]
        if declared is not None:
            found[role] = _resolve(config, declared)
    return found


def _read_plate(order: WorkOrder, role: str, plate: Plate, config: ColourConfig) -> ColourReading | None:
    declared = plate.pictures.colour
    if declared is not None:
        return _resolve(config, declared)
    try:
        with closing(PlateReader(plate, order.blobs, order.job.shot.range, config, role)) as reader:
            config.check_reach(reader.space)
            assumed = "; ".join(finding.message for finding in reader.findings)
            return ColourReading(space=reader.space, assumed=assumed)
    except RequestError as problem:
        return _unknown(declared, problem)
    except PlateError as problem:
        # A picture that must be told its space is a matter of colour; any other fault is told by its frames' readings.
        return _unknown(declared, problem) if problem.facts.get("field") == "colour" else None


def _read_archive(config: ColourConfig) -> ColourReading:
    """Say in which space the studio's own config comps, and what it lacks that is taken from the built-in one."""
    try:
        config.check_view()
        return ColourReading(space=config.scene_linear, assumed=config.borrowed())
    except RequestError as problem:
        return _unknown(None, problem)


def _resolve(config: ColourConfig, declared: str) -> ColourReading:
    try:
        config.check_reach(declared)
        return ColourReading(declared=declared, space=config.resolve(declared))
    except RequestError as problem:
        return _unknown(declared, problem)


def _unknown(declared: str | None, problem: UnderstudyError) -> ColourReading:
    return ColourReading(declared=declared, problem=problem.message, remedy=problem.remedy)
