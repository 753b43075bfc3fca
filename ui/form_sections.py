"""Which fields of a job stand together in the form, and in which order."""

from __future__ import annotations

SECTIONS: dict[str, tuple[str, ...]] = {
    "inputs": ("plate", "matte", "reference", "clean_plate", "holdout", "keypoints"),
    "shot": ("frames", "handles", "rate", "first", "shot", "project", "format"),
    "papers": ("record", "self_attest"),
    "engine": ("mode", "engine", "seed", "prompt", "negative_prompt"),
    "more": (
        "colour", "reference_colour", "clean_plate_colour", "ocio", "exposure", "matte_channel", "matte_invert",
        "allow_large_matte", "view", "layer", "window", "movies", "multipart", "series", "priority",
    ),
}  # fmt: skip
