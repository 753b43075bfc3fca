# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's names of colour spaces, and those that the daemon knows: OpenEXR's colour interop ids. Pure."""

from __future__ import annotations

from understudy.bridge.errors import HostError

SEQUENCER_SPACE = "Linear Rec.709"
"""What plates are rendered in: with it the sequencer's round trip is bit exact in every version."""
RENDERED = "lin_rec709_scene"
"""What renders are in where a file has no working space of its own: before Blender 5.0."""

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
_WORDS = {
    "acescg": "ACEScg",
    "aces - acescg": "ACEScg",
    "aces2065-1": "ACES2065-1",
    "aces - aces2065-1": "ACES2065-1",
    "linear rec.709 (srgb)": SEQUENCER_SPACE,
    "utility - linear - srgb": SEQUENCER_SPACE,
    "utility - linear - rec.709": SEQUENCER_SPACE,
    "utility - linear - rec.2020": "Linear Rec.2020",
    "linear p3-d65": "Linear DCI-P3 D65",
    "utility - linear - p3-d65": "Linear DCI-P3 D65",
}
"""As the ACES configs say it, the studio config that the daemon brings and those of ACES 1."""


def known_to_daemon(working_space: str) -> str:
    """Return the interop id as it stands. Raises HostError for one that the daemon does not know."""
    if working_space not in _BLENDER_NAMES:
        named = working_space or "it has no interop id"
        raise HostError(
            f"this file works in a colour space that the daemon has no name of ({named}): what is rendered is in it",
            remedy=f"Set the file's working space to {SEQUENCER_SPACE} or ACEScg (Scene, Color Management).",
        )
    return working_space


def blender_names(colour: str) -> tuple[str, ...]:
    """Return what Blender may call a layer's space, to be tried in turn: its config may be the studio's own."""
    known = _BLENDER_NAMES.get(colour) or _WORDS.get(colour.strip().lower())
    return (colour,) if known is None else (colour, known)
