"""The node classes that the stand-in has: their knobs, with Nuke's names and defaults, and their pipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from nuke_stand_in import knobs as kinds

Make = Callable[[], kinds.Knob]


def _enum(name: str, *entries: str) -> Make:
    return partial(kinds.Enumeration_Knob, name, name, list(entries))


def _knob(kind: type[kinds.Knob], name: str, value: Any = None) -> Make:
    return partial(kind, name, name, value)


NUKE_CURVES = ("default", "linear", "sRGB", "rec709", "Cineon", "Gamma1.8", "Gamma2.2", "AlexaV3LogC")
OCIO_NAMES = (
    "default", "scene_linear", "ACES/ACEScg", "ACES/ACES2065-1", "Utility/Linear Rec.709 (sRGB)\tlin_rec709",
    "Utility/sRGB Encoded Rec.709 (sRGB)", "Input/ARRI/ARRI LogC4",
)  # fmt: skip
FAMILIES = {
    "ACEScg": "ACES", "ACES2065-1": "ACES", "Linear Rec.709 (sRGB)": "Utility",
    "sRGB Encoded Rec.709 (sRGB)": "Utility", "ARRI LogC4": "Input/ARRI",
}  # fmt: skip
_ENDS = ("hold", "loop", "bounce", "black")

KNOBS: Mapping[str, tuple[Make, ...]] = {
    "": (
        _knob(kinds.EvalString_Knob, "label"), _knob(kinds.Int_Knob, "tile_color"),
        _knob(kinds.Boolean_Knob, "disable"),
        _knob(kinds.Int_Knob, "note_font_size", 11), _knob(kinds.Boolean_Knob, "hide_input"),
    ),
    "Root": (
        _knob(kinds.Int_Knob, "first_frame", 1), _knob(kinds.Int_Knob, "last_frame", 100),
        _knob(kinds.Double_Knob, "fps", 24.0), _knob(kinds.Boolean_Knob, "proxy"),
        _enum("colorManagement", "Nuke", "OCIO"), _enum("OCIO_config", "fn-nuke_cg-config", "aces_1.2", "custom"),
        _knob(kinds.File_Knob, "customOCIOConfigPath"), _enum("workingSpaceLUT", *NUKE_CURVES[1:], *OCIO_NAMES[1:]),
        _enum("int8Lut", "sRGB", *NUKE_CURVES[1:], *OCIO_NAMES[1:]),
        _enum("logLut", "Cineon", *NUKE_CURVES[1:], *OCIO_NAMES[1:]),
        _enum("floatLut", "linear", *NUKE_CURVES[1:], *OCIO_NAMES[1:]),
    ),
    "Group": (_knob(kinds.Boolean_Knob, "disable_group_view"),),
    "Input": (_knob(kinds.Int_Knob, "number"),),
    "Output": (),
    "Dot": (),
    "NoOp": (),
    "Grade": (_knob(kinds.Array_Knob, "multiply", 1.0),),
    "Switch": (_knob(kinds.Int_Knob, "which"),),
    "Crop": (
        _knob(kinds.BBox_Knob, "box", [0.0, 0.0, 640.0, 480.0]), _knob(kinds.Boolean_Knob, "crop", True),
        _knob(kinds.Boolean_Knob, "reformat"),
    ),
    "Copy": (_knob(kinds.Channel_Knob, "from0", "rgba.alpha"), _knob(kinds.Channel_Knob, "to0", "rgba.alpha")),
    "Merge2": (_enum("operation", "over", "plus", "mask"), _enum("bbox", "union", "intersection", "A", "B"),
        _enum("metainput", "B", "A", "All")),
    "BackdropNode": (
        _knob(kinds.Double_Knob, "bdwidth", 100.0), _knob(kinds.Double_Knob, "bdheight", 100.0),
        _knob(kinds.Int_Knob, "z_order"),
    ),
    "Read": (
        _knob(kinds.File_Knob, "file"), _knob(kinds.File_Knob, "proxy"),
        _knob(kinds.Int_Knob, "first", 1), _knob(kinds.Int_Knob, "last", 1), _knob(kinds.Int_Knob, "origfirst", 1),
        _knob(kinds.Int_Knob, "origlast", 1), _enum("before", *_ENDS), _enum("after", *_ENDS),
        _enum("frame_mode", "expression", "start at", "offset"), _knob(kinds.EvalString_Knob, "frame"),
        _enum("on_error", "error", "black", "checkerboard", "nearest frame"),
        _enum("colorspace", *NUKE_CURVES), _knob(kinds.Boolean_Knob, "raw"),
        _knob(kinds.Boolean_Knob, "premultiplied"), _knob(kinds.Boolean_Knob, "auto_alpha"),
        _knob(kinds.Knob, "format"), _enum("localizationPolicy", "from auto-localize path", "on", "off"),
    ),
    "Write": (
        _knob(kinds.File_Knob, "file"), _knob(kinds.File_Knob, "proxy"),
        _enum("file_type", " ", "exr", "jpeg", "png", "mov"), _knob(kinds.ChannelMask_Knob, "channels"),
        _knob(kinds.Boolean_Knob, "raw"), _enum("colorspace", *NUKE_CURVES),
        _enum("transformType", "colorspace", "display"), _knob(kinds.Boolean_Knob, "create_directories"),
        _knob(kinds.Boolean_Knob, "use_limit"), _knob(kinds.Array_Knob, "first", 1.0),
        _knob(kinds.Array_Knob, "last", 1.0), _knob(kinds.Boolean_Knob, "reading"),
    ),
}  # fmt: skip

EXR_KNOBS: tuple[Make, ...] = (
    _enum("datatype", "16 bit half", "32 bit float"),
    _enum("compression", "none", "Zip (1 scanline)", "Zip (16 scanlines)", "PIZ Wavelet (32 scanlines)", "RLE", "DWAA"),
    _enum(
        "metadata", "default metadata", "no metadata", "default metadata and exr/*", "all metadata except input/*",
        "all metadata",
    ),
    _enum("interleave", "channels, layers and views", "channels and layers", "channels"),
    _knob(kinds.Boolean_Knob, "autocrop"),
    _knob(kinds.Boolean_Knob, "write_ACES_compliant_EXR"),
)  # fmt: skip
"""They appear on a Write once its file type is exr."""

INPUTS = {"Read": 0, "Input": 0, "BackdropNode": 0, "Merge2": 100, "Switch": 100, "Copy": 2, "Root": 0}
"""How many pipes may be connected; one where nothing is said."""
