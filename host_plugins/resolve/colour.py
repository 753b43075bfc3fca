"""Resolve's names of colour spaces and the names that OCIO's studio config has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from understudy.host_plugins.resolve.clips import Clip, setting
from understudy.host_plugins.resolve.session import Session

if TYPE_CHECKING:
    from fusionscript import Timeline

LINEAR = "linear"
ACES_SCIENCES = ("acescc", "acescct")
MANAGED = "davinciYRGBColorManaged"
NO_OUTPUT_TRANSFORM = ("", "none", "no output transform")

_SPACES = {
    # A space and its gamma in one name.
    "aces (ap0)": "ACES2065-1",
    "aces2065-1": "ACES2065-1",
    "acescg": "ACEScg",
    "acescc": "ACEScc",
    "acescct": "ACEScct",
    "srgb": "srgb_rec709_scene",
    "srgb (linear)": "lin_rec709_scene",
    "linear rec.709": "lin_rec709_scene",
    "rec.709 linear": "lin_rec709_scene",
    "rec.709 gamma 2.4": "g24_rec709",
    "rec.709 gamma 2.2": "g22_rec709",
    "rec.709 (scene)": "Camera Rec.709",
    "arri logc3": "ARRI LogC3 (EI800)",
    "arri logc4": "ARRI LogC4",
    "davinci wg/intermediate": "DaVinci Intermediate WideGamut",
    "davinci intermediate": "DaVinci Intermediate WideGamut",
    "blackmagic design film gen 5": "BMDFilm WideGamut Gen5",
    "s-gamut3/s-log3": "S-Log3 S-Gamut3",
    "s-gamut3.cine/s-log3": "S-Log3 S-Gamut3.Cine",
    "red wide gamut/log3g10": "Log3G10 REDWideGamutRGB",
    "canon cinema gamut/canon log 2": "CanonLog2 CinemaGamut D55",
    "canon cinema gamut/canon log 3": "CanonLog3 CinemaGamut D55",
    "panasonic v-gamut/v-log": "V-Log V-Gamut",
    "apple log": "Apple Log",
    "dji d-gamut/d-log": "D-Log D-Gamut",
}  # fmt: skip
_LINEAR = {
    "rec.709": "lin_rec709_scene", "srgb": "lin_rec709_scene", "rec.2020": "lin_rec2020_scene",
    "p3-d65": "lin_p3d65_scene", "davinci wg": "Linear DaVinci WideGamut", "aces (ap0)": "ACES2065-1",
    "aces (ap1)": "ACEScg", "arri wide gamut 3": "Linear ARRI Wide Gamut 3",
    "arri wide gamut 4": "Linear ARRI Wide Gamut 4", "adobe rgb": "Linear AdobeRGB",
}  # fmt: skip
_GAMMAS = {"rec.709": {"gamma 2.4": "g24_rec709", "gamma 2.2": "g22_rec709", "srgb": "srgb_rec709_scene"}}
_CANONICAL = {
    "linear rec.709 (srgb)": "lin_rec709_scene", "lin_rec709": "lin_rec709_scene", "lin_srgb": "lin_rec709_scene",
    "utility - linear - rec.709": "lin_rec709_scene", "utility - linear - srgb": "lin_rec709_scene",
    "linear rec.2020": "lin_rec2020_scene", "utility - linear - rec.2020": "lin_rec2020_scene",
    "linear p3-d65": "lin_p3d65_scene", "utility - linear - p3-d65": "lin_p3d65_scene",
    "acescg": "ACEScg", "aces - acescg": "ACEScg", "lin_ap1": "ACEScg", "lin_ap1_scene": "ACEScg",
    "aces2065-1": "ACES2065-1", "aces - aces2065-1": "ACES2065-1", "lin_ap0": "ACES2065-1",
    "lin_ap0_scene": "ACES2065-1",
}  # fmt: skip
"""What the built-in config, ACES 1.x configs and the Color Interop Forum call a space, to the name we compare by."""
SPACE_PROPERTIES = ("Input Color Space", "Input Gamma")
LINEAR_SPACES = frozenset({*_LINEAR.values()})


class Science(NamedTuple):
    """How the project turns light into what a render holds."""

    mode: str
    output: str
    """Resolve's own name, its gamma behind a slash where that is set apart."""
    space: str | None
    """The config's name for it, None where we know none."""

    @property
    def linear(self) -> bool:
        return self.space in LINEAR_SPACES

    @property
    def caution(self) -> str:
        """Return what the artist should know of a render, '' where it is scene-linear."""
        if self.linear:
            return ""
        known = f"sent as {self.space}" if self.space else "a space that has no name here: choose it with `colour`"
        return (
            f"a render of this project is not linear but {self.output or 'unmanaged'} ({self.mode or 'unknown'}), "
            f"{known}; set the output to linear or to ACES without an output transform for the best edges"
        )


def space_of(space: str, gamma: str = "") -> str | None:
    """Return the config's name of a space as Resolve names it, None where there is none."""
    name, curve = space.lower().removesuffix(" - csc").strip(), gamma.lower().strip()
    if curve == LINEAR:
        return _LINEAR.get(name)
    return _GAMMAS.get(name, {}).get(curve) if curve else _SPACES.get(name)


def properties_of(space: str, plate: Clip | None) -> dict[str, str]:
    """Return the clip properties by which Resolve knows a space that our layers are in, {} where we know none.

    plate: the clip whose source frames were sent. A take in its space is told by its own words: they are sure to be
    Resolve's.
    """
    canonical = _CANONICAL.get(space.strip().lower(), space)
    if plate is not None and source_space(plate) == canonical:
        return {name: plate.properties[name] for name in SPACE_PROPERTIES if plate.properties.get(name)}
    name = {"ACES2065-1": "ACES (AP0) Linear", "ACEScg": "ACEScg", "lin_rec709_scene": "Rec.709 Linear"}.get(canonical)
    return {"Input Color Space": name} if name is not None else {}


def unset_space(session: Session, timeline: Timeline, space: str, plate: Clip | None) -> str:
    """Return what the artist has to set where the project manages colour and Resolve's word for a space is not known.

    '' elsewhere. space, plate: as for `properties_of`.
    """
    if properties_of(space, plate) or not setting(session, timeline, "colorScienceMode").startswith(MANAGED):
        return ""
    return f"set the take's Input Color Space to {space or 'that of its plate'} by hand"


def science_of(session: Session, timeline: Timeline) -> Science:
    mode = setting(session, timeline, "colorScienceMode")
    if mode in ACES_SCIENCES:
        transform = setting(session, timeline, "colorAcesODT")
        space = "ACES2065-1" if transform.lower() in NO_OUTPUT_TRANSFORM else space_of(transform)
        return Science(mode, transform or "No Output Transform", space)
    output = setting(session, timeline, "colorSpaceOutput" if mode.startswith(MANAGED) else "colorSpaceTimeline")
    gamma = setting(session, timeline, "colorSpaceOutputGamma")
    apart = setting(session, timeline, "separateColorSpaceAndGamma") in ("1", "True", "true")
    return Science(mode, f"{output}/{gamma}" if apart else output, space_of(output, gamma if apart else ""))


def source_space(clip: Clip) -> str | None:
    """Return the config's name for what the clip says of its medium, None where it says nothing that we know."""
    return _stated(clip.properties)


def _stated(properties: Mapping[str, str]) -> str | None:
    said = space_of(properties.get("Input Color Space", ""), properties.get("Input Gamma", ""))
    return said or space_of(properties.get("IDT", ""))
