# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's names of colour spaces, and those that the daemon knows: OpenEXR's colour interop ids. Pure."""

from __future__ import annotations

SEQUENCER_SPACE = "Linear Rec.709"
"""What plates are rendered in: with it the sequencer's round trip is bit exact in every version."""
RENDERED = "lin_rec709_scene"

PLATE_COLOURS = {
    SEQUENCER_SPACE: RENDERED,
    "sRGB": "srgb_rec709_scene",
    "ACEScg": "lin_ap1_scene",
    "ACES2065-1": "lin_ap0_scene",
    "Linear Rec.2020": "lin_rec2020_scene",
    "Linear DCI-P3 D65": "lin_p3d65_scene",
}
"""Spaces that both sides name alike. A plate in any other is rendered: then Blender converts it."""

_BLENDER_NAMES = {interop: name for name, interop in PLATE_COLOURS.items()}
_WORDS = {"acescg": "ACEScg", "aces2065-1": "ACES2065-1", "linear rec.709 (srgb)": SEQUENCER_SPACE}
"""As the ACES studio config says it, which the daemon uses where a plate is converted."""


def blender_name(colour: str) -> str | None:
    """Return Blender's name of a layer's space; None for data, and for what Blender has no name of."""
    return _BLENDER_NAMES.get(colour) or _WORDS.get(colour.strip().lower())
