"""Which colour space a source is in: what the user said, else what the file says, else a stated assumption.

An assumption is a warning that goes into the record and the report, never silent. What is assumed, and why:

movies            sRGB-encoded Rec.709. Untagged and bt709-tagged movies alike: the tag names a camera's curve, but what
                  was graded is the picture that people saw. Taking sRGB hands the model the movie's own codes, as it
                  was trained, keeps a movie and a still comparable, is what Nuke and Blender do with such a file, and
                  has an exact inverse, so review pictures show the source's codes again.
8 to 16 bit       sRGB-encoded Rec.709, for stills and DPX; a log curve is never guessed: a DPX that calls itself
                  logarithmic, and any Cineon file, is refused until its space is named. `Linear` in an integer DPX is
                  not believed: common writers put it there whatever the picture is.
half and float    the config's role scene_linear; Radiance files linear Rec.709, as their format says.
"""

from __future__ import annotations

from understudy.bridge.errors import Finding, PlateError, RequestError
from understudy.bridge.shot import Pictures
from understudy.inference.picture.colour import LINEAR_REC709, SRGB_TEXTURE, ColourConfig
from understudy.inference.picture.header import Header

RULE = "assume_colour"
_VIDEO_PRIMARIES = ("", "bt709", "bt470bg", "smpte170m", "smpte240m")
_VIDEO_TRANSFERS = ("", "bt709", "smpte170m", "smpte240m", "srgb", "gamma28")
_LOG_TRANSFERS = ("printing density", "logarithmic")


def decide_colour(header: Header, pictures: Pictures, config: ColourConfig, role: str) -> tuple[str, Finding | None]:
    """Return the canonical name of the source's space, and what had to be assumed for it.

    header: of the first picture; `role` is the word for messages (`plate`, `reference`). Raises RequestError for a
    declared space that the config lacks, PlateError for a picture whose space cannot be assumed.
    """
    if pictures.colour is not None:
        return config.resolve(pictures.colour), None
    tagged = _tagged(header, config)
    if tagged is not None:
        return tagged, None
    assumed = config.resolve(_assumption(header, pictures))
    what = _what_it_says(header)
    return assumed, Finding(
        rule=RULE,
        outcome="warn",
        message=f"{role} {pictures.typed}: {what}; taken as '{assumed}'",
        remedy="If it is in another space, name it with --colour.",
        files=(pictures.typed,),
        facts={"role": role, "colour": assumed, "config": config.name, "hint": header.colour_hint or ""},
    )


def _tagged(header: Header, config: ColourConfig) -> str | None:
    """Return the space by the file's own tags, where they can be believed and the config knows it."""
    if header.format == "movie":
        return _movie_space(header, config)
    if header.colour_hint is None:
        return None
    try:
        space = config.resolve(header.colour_hint)
    except RequestError:
        return None
    return None if header.format == "dpx" and config.is_linear(space) else space


def _movie_space(header: Header, config: ColourConfig) -> str | None:
    primaries, transfer = (str(header.attributes.get(f"movie/{name}", "")) for name in ("primaries", "transfer"))
    if transfer in _VIDEO_TRANSFERS and primaries in _VIDEO_PRIMARIES:
        return config.resolve(SRGB_TEXTURE) if transfer else None
    if header.colour_hint is None:
        return None
    return config.resolve(header.colour_hint)


def _assumption(header: Header, pictures: Pictures) -> str:
    if header.format == "movie":
        tags = [str(header.attributes.get(f"movie/{name}", "")) for name in ("primaries", "transfer")]
        if tags[0] not in _VIDEO_PRIMARIES or tags[1] not in _VIDEO_TRANSFERS:
            raise _must_be_named(
                pictures, f"its colour tags ({tags[0]} primaries, {tags[1]} transfer) name no known space"
            )
        return SRGB_TEXTURE
    if header.format == "cineon" or str(header.attributes.get("dpx:Transfer", "")).lower() in _LOG_TRANSFERS:
        raise _must_be_named(pictures, "it is a log picture that does not say which curve it has")
    if header.format == "hdr":
        return LINEAR_REC709
    return "scene_linear" if header.pixel_type in ("half", "float") else SRGB_TEXTURE


def _must_be_named(pictures: Pictures, why: str) -> PlateError:
    return PlateError(
        f"{pictures.typed}: {why}, and a guess would shift every value",
        remedy="Name its space with --colour, such as 'ARRI LogC3 (EI800)', 'S-Log3 S-Gamut3.Cine' or 'ADX10'.",
        facts={"file": pictures.typed, "field": "colour"},
    )


def _what_it_says(header: Header) -> str:
    if header.colour_hint is None:
        return "no colour space in the file"
    return f"its tag '{header.colour_hint}' names no space that can be used"
