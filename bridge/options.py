"""What an artist can say about a job: one declaration for the command line, the panel and the hosts.

Every field's description is the help text that people read.
"""

from __future__ import annotations

from typing import Annotated, get_args

import msgspec

from understudy.bridge.errors import RequestError
from understudy.bridge.words import Mode, State


def _said(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options as typed; `gather.gather_job` turns them into a JobRequest and the files that go with it."""

    plate: Annotated[str | None, _said("The shot's pictures: plate.####.exr, a movie or one still.")] = None
    matte: Annotated[str | None, _said("Your roto: matte.####.exr, white = replace here.")] = None
    reference: Annotated[str | None, _said("The image of the character who comes in.")] = None
    clean_plate: Annotated[str | None, _said("The background without the performer; always wins.")] = None
    holdout: Annotated[str | None, _said("A soft matte of what passes in front; the plate is kept there.")] = None
    keypoints: Annotated[str | None, _said("133 COCO-WholeBody points a frame from a rig, as JSON.")] = None
    frames: Annotated[str | None, _said("The frames, both ends inclusive: 56-163, or 12 for one.")] = None
    first: Annotated[int, _said("The frame number of a movie's first picture.")] = 0
    rate: Annotated[str | None, _said("Frames per second: 24, 25, 24000/1001. Default: what the file says.")] = None
    handles: Annotated[
        int | str, _said("Frames that lie outside the cut: 8 at each end, 8:12 head and tail; layers cover them.")
    ] = 0
    view: Annotated[str | None, _said("Which view of a stereo plate: left, right.")] = None
    layer: Annotated[str | None, _said("Which layer of a plate with many.")] = None
    shot: Annotated[str | None, _said("The shot's name. Default: the plate's.")] = None
    project: Annotated[str | None, _said("The show; the daemon's template then decides where versions go.")] = None
    series: Annotated[str, _said("Without a project: takes of one series are numbered together.")] = ""
    mode: Annotated[Mode, _said("replace a performer, or animate a character image as --plate drives it.")] = "replace"
    format: Annotated[str | None, _said("animate: the picture's size, 1920x1080. Default: backdrop, reference.")] = None
    engine: Annotated[str, _said("Which engine makes the picture.")] = "preview"
    colour: Annotated[str | None, _said("The plate's colour space: a name, alias or role of the config.")] = None
    reference_colour: Annotated[str | None, _said("The reference's colour space. Default: its ICC, else sRGB.")] = None
    clean_plate_colour: Annotated[str | None, _said("The clean plate's colour space. Default: the plate's.")] = None
    ocio: Annotated[
        str | None, _said("The OCIO config: a path, ocio://NAME, or none. Default: what OCIO names, else built in.")
    ] = None
    matte_channel: Annotated[str | None, _said("Which channel of the matte to read.")] = None
    matte_invert: Annotated[bool, _said("The matte is black where the performer is.")] = False
    allow_large_matte: Annotated[bool, _said("Yes, the matte covers more than 60 % of the picture.")] = False
    window: Annotated[str, _said("plate keeps overscan; display makes layers as large as the display window.")] = (
        "plate"
    )
    exposure: Annotated[float | None, _said("Stops to the engine and back. Default: measured in the matte.")] = None
    movies: Annotated[
        str | None, _said("Movies of layers: comp:prores_422_hq,patch:prores_4444:straight (or :premultiplied).")
    ] = None
    multipart: Annotated[
        bool, _said("One multi-part EXR a frame as well: rgba (the comp), patch, character, matte.")
    ] = False
    option: Annotated[list[str], _said("What only this engine knows: --option steps=12; as often as needed.")] = []
    prompt: Annotated[str, _said("A short description for engines that read one.")] = ""
    negative_prompt: Annotated[str, _said("What should not be seen; engines read it with guidance alone.")] = ""
    seed: Annotated[int, _said("The same seed makes the same picture.")] = 0
    record: Annotated[str | None, _said("The papers: a record as JSON or TOML.")] = None
    self_attest: Annotated[str | None, _said("No record: who says so and why. Every file is marked uncleared.")] = None
    priority: Annotated[int, _said("-100 to 100; higher runs first.")] = 0


def parse_states(said: list[str]) -> tuple[State, ...]:
    """Return the states that were typed. Raises RequestError naming what is none."""
    unknown = [word for word in said if word not in get_args(State)]
    if unknown:
        raise RequestError(
            f"{', '.join(unknown)}: not a state of a job", remedy=f"States are: {', '.join(get_args(State))}."
        )
    return msgspec.convert(said, tuple[State, ...])
