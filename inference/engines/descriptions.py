"""What every engine here says of itself. Data only: reading this file loads no picture library."""

from __future__ import annotations

from understudy.bridge.engine_description import EngineDescription, SegmentRule

ANY_AREA_PIXELS = 2**31 - 1
"""No steady crop reaches it, so the engine works at the plate's own scale."""
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

DESCRIPTIONS = (IDENTITY, PREVIEW)
