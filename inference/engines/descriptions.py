"""What every engine here says of itself. Data only: reading this file loads no picture library."""

from __future__ import annotations

from understudy.bridge.engine_description import EngineDescription, SegmentRule

ANY_AREA_PIXELS = 2**31 - 1
"""No steady crop reaches it, so the engine works at the plate's own scale."""
PRO_AREA_PIXELS = 1280 * 720
"""What the model was trained at."""
DRAFT_AREA_PIXELS = 832 * 480
STD_RATE = "15"
"""Pictures a second of the preset `std`, as hosted services count their standard tier."""
STD_IS_NOT_FINAL = "made with the preset std: 15 pictures a second at most, the frames between them {between}"
PREVIEW_AREA_PIXELS = 1280 * 720
"""A previz picture: two cores make more than eight of this size a second."""

REPLACE_LAYERS = ("comp", "patch", "character", "clean", "matte", "matte_effective", "matte_used", "difference")

IDENTITY = EngineDescription(
    name="identity",
    version="1",
    label="Identity: returns the plate, proves the picture path",
    modes=("replace",),
    required_inputs={"replace": ("plate", "matte", "reference")},
    optional_inputs={"replace": ("clean_plate", "holdout")},
    layers={"replace": ("comp", "patch", "matte", "matte_effective", "matte_used", "difference")},
    size_multiple=1,
    area_pixels=ANY_AREA_PIXELS,
    segment=SegmentRule(length=32),
    memory_bytes=512 * 1024**2,
    previz=True,
    limits=("makes no character: the picture that comes back is the plate",),
)

PREVIEW = EngineDescription(
    name="preview",
    version="1",
    label="Preview: the character's picture, puppeted along the performance",
    modes=("replace", "animate"),
    required_inputs={"replace": ("plate", "matte", "reference"), "animate": ("reference",)},
    optional_inputs={
        "replace": ("clean_plate", "holdout", "keypoints"),
        "animate": ("plate", "matte", "clean_plate", "holdout", "keypoints"),
    },
    layers={"replace": REPLACE_LAYERS, "animate": ("beauty", "character", "matte")},
    size_multiple=2,
    area_pixels=PREVIEW_AREA_PIXELS,
    segment=SegmentRule(length=24),
    memory_bytes=1536 * 1024**2,
    previz=True,
    options={
        "light": "how much of the performer's light the character takes on, 0 to 1 (1)",
        "colour": "how far the character's colour moves towards the plate's light, 0 to 1 (1)",
    },
    limits=(
        "a flat picture is bent: the character never turns to show a side that the reference does not show",
        "no lip movement, no expression, no new fingers; a hand that crosses the body bends what lies under it",
        "no cast shadow and no reflection of the character",
        "background that no frame shows is invented from its surroundings",
    ),
    error=0.002,
)

COMPUTING_OPTIONS = {
    "attention": "exact: compiled and by the quickest kernel here; plain: nothing compiled",
    "step_cache": "relative error up to which a step is foretold instead of computed; 0 is off, approximate",
    "float8": "on: the blocks in float8, half the memory, approximate; allowed: where the GPU lacks room",
}
"""What both Wan engines read about how they compute."""
COMPUTING_RANGES = {"step_cache": (0.0, 1.0)}
COMPUTING_COSTLY = ("attention", "step_cache", "float8")
COMPUTING_CHOICES = {"attention": ("exact", "plain"), "float8": ("off", "allowed", "on")}

WAN_ANIMATE = EngineDescription(
    name="wan-animate",
    version="1",
    label="Wan2.2-Animate 14B: the character performs, or takes the performer's place",
    modes=("replace", "animate"),
    required_inputs={"replace": ("plate", "matte", "reference"), "animate": ("reference",)},
    optional_inputs={
        "replace": ("clean_plate", "holdout", "keypoints"),
        "animate": ("plate", "matte", "clean_plate", "holdout", "keypoints"),
    },
    layers={
        "replace": (
            "comp",
            "patch",
            "character",
            "clean",
            "matte",
            "matte_effective",
            "matte_used",
            "skeleton",
            "face",
            "face_box",
            "difference",
        ),
        "animate": ("beauty", "character", "matte", "skeleton"),
    },
    size_multiple=16,
    area_pixels=PRO_AREA_PIXELS,
    segment=SegmentRule(length=77, overlap=1, step=4),
    memory_bytes=24 * 1024**3,
    gpu=True,
    weights=("wan2.2-animate-14b",),
    reads_prompt=True,
    options={
        "preset": "pro: 1280 x 720 pixels' area and 20 steps; std: the same at 15 pictures a second, never a final; "
        "draft: 832 x 480 and 8 steps, to judge motion",
        "between": "preset std: what the frames between its pictures show, the one before held, or interpolated",
        "steps": "denoising steps a segment (20, draft 8)",
        "guidance": "1 is off; above it every step costs twice, for expression (1)",
        "shift": "how much of the denoising is spent on the coarse picture (5)",
        "scheduler": "how noise is taken away: unipc or euler",
        "segment_frames": "pictures a segment at most, 4n + 1 (77)",
        "carried_frames": "pictures that a segment takes over from the one before, 1 or 5",
        "grid_columns": "cells across the matte's box that the model may paint; more keep more plate (10)",
        "grid_rows": "cells down it (20)",
        "pose": "where poses come from: auto, vitpose, mediapipe or keypoints",
        "retarget": "mode animate: put the motion on the character's own proportions",
        "face_layer": "the layer face, what the model is shown of the performer's face: auto is mode replace alone",
        "relighting": "mode replace: the scene's light on the character by the relighting LoRA: on, off or its weight; "
        "auto is on where it is here",
        "loras": "LoRAs by name and weight, such as step4:1",
        "segmenter": "a network beside the models, by name, that helps to tell the character from the ground",
        "colour_hold": "how much of the colour's drift is undone, measured outside the matte: gentle, off or full",
        "match": "grain, sharpness and black level of the character brought to the plate's: on or off",
        **COMPUTING_OPTIONS,
    },
    ranges={
        "steps": (1, 100),
        "guidance": (1, 20),
        "shift": (0.1, 20),
        "segment_frames": (9, 121),
        "grid_columns": (1, 64),
        "grid_rows": (1, 64),
        "relighting": (0, 2),
        **COMPUTING_RANGES,
    },
    whole=("steps", "segment_frames", "grid_columns", "grid_rows"),
    choices={
        "preset": ("pro", "std", "draft"),
        "between": ("held", "interpolated"),
        "scheduler": ("unipc", "euler"),
        "carried_frames": ("1", "5"),
        "pose": ("auto", "vitpose", "mediapipe", "keypoints"),
        "retarget": ("on", "off"),
        "face_layer": ("auto", "on", "off"),
        "relighting": ("auto", "on", "off"),
        "colour_hold": ("gentle", "off", "full"),
        "match": ("on", "off"),
        **COMPUTING_CHOICES,
    },
    costly=("preset", "steps", "guidance", "segment_frames", "pose", "relighting", "segmenter", *COMPUTING_COSTLY),
    only_in={"relighting": "replace"},
    short_for={"relighting": ("loras", "relighting")},
    limits=(
        "one performer a shot",
        "the coverage of the character is made from its pictures, not by the model",
    ),
    error=0.002,
)

WAN_ANIMATE_2 = EngineDescription(
    name="wan-animate-2",
    version="1",
    label="Wan-Animate-2 14B: the character performs what the driver's pictures show; 24 frames a second",
    modes=("animate",),
    required_inputs={"animate": ("plate", "reference")},
    optional_inputs={"animate": ("matte", "clean_plate", "holdout")},
    layers={"animate": ("beauty", "character", "matte")},
    size_multiple=16,
    area_pixels=PRO_AREA_PIXELS,
    segment=SegmentRule(length=81, overlap=1, step=4),
    memory_bytes=48 * 1024**3,
    gpu=True,
    weights=("wan2.2-animate-2-14b",),
    reads_prompt=True,
    options={
        "model": "base: 40 steps with guidance; distilled: 10 steps without, an eighth of the passes",
        "preset": "pro: 1280 x 720 pixels' area; draft: 832 x 480, base with 20 steps, to judge motion",
        "steps": "denoising steps a segment (base 40, draft 20; distilled 10)",
        "guidance": "1 is off; above it every step costs twice (base 3, distilled 1)",
        "shift": "how much of the denoising is spent on the coarse picture (what the model's folder says)",
        "segment_frames": "pictures a segment at most, 4n + 1 (81)",
        "loras": "LoRAs by name and weight, such as style:0.8",
        **COMPUTING_OPTIONS,
    },
    ranges={
        "steps": (1, 100),
        "guidance": (1, 20),
        "shift": (0.1, 20),
        "segment_frames": (9, 121),
        **COMPUTING_RANGES,
    },
    whole=("steps", "segment_frames"),
    costly=("model", "preset", "steps", "guidance", "segment_frames", *COMPUTING_COSTLY),
    choices={"model": ("base", "distilled"), "preset": ("pro", "draft"), **COMPUTING_CHOICES},
    limits=(
        "one performer a shot; keypoints cannot drive it",
        "made for 24 frames a second: at another rate every frame is made for one of its own, none left out or made up",
        "the coverage of the character is the whole picture: the model makes the background too",
    ),
)

DESCRIPTIONS = (IDENTITY, PREVIEW, WAN_ANIMATE, WAN_ANIMATE_2)
