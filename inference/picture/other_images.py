"""DPX, Cineon, PNG, TIFF, JPEG, WebP and Radiance files through OpenImageIO: code values as floats, no curve undone.

OpenImageIO reports errors as return values, and a JPEG cut short comes back as a grey picture with only an error text:
every call is checked both ways. Any thread may call in; nothing is shared.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO
from numpy.typing import NDArray

from understudy.inference.picture.frame_rates import stated_rate
from understudy.inference.picture.header import Header, Image, Window, damaged

_ICC_NAMES = (  # a word of the profile's description, the space it means
    ("srgb", "srgb_rec709_scene"),
    ("display p3", "srgb_p3d65_scene"),
    ("adobe rgb", "g22_adobergb_scene"),
)
_DPX_TRANSFERS = {
    "ITU-R 709-4": "camera_rec709",
    "Linear": "lin_rec709_scene",
}
_RATES = ("FramesPerSecond", "dpx:FrameRate", "dpx:TemporalFrameRate")
_CODE_BITS = {8: "uint8", 10: "uint10", 12: "uint12", 16: "uint16"}
_LARGEST_CODES = {"uint8": 255, "uint10": 1023, "uint12": 4095, "uint16": 65535}


def other_header(path: str, format_name: str) -> Header:
    """Return the header of a picture of a known format. Raises PlateError."""
    opened = _open(path, format_name)
    try:
        return _header(path, format_name, opened.spec())
    finally:
        opened.close()


def read_other(path: str, format_name: str) -> Image:
    """Return R, G, B[, A] as float32, upright; grey becomes three equal channels. Alpha is as the file holds it."""
    header, planes = read_planes(path, format_name)
    count = planes.shape[2]
    if count >= 3:
        has_alpha = count > 3 and header.channels[3] == "A"
        names = ("R", "G", "B", "A") if has_alpha else ("R", "G", "B")
        return Image(header, names, np.ascontiguousarray(planes[:, :, : len(names)]))
    grey = np.repeat(planes[:, :, :1], 3, axis=2)
    if count == 2 and header.channels[1] == "A":
        return Image(header, ("R", "G", "B", "A"), np.concatenate([grey, planes[:, :, 1:]], axis=2))
    return Image(header, ("R", "G", "B"), grey)


def read_planes(path: str, format_name: str) -> tuple[Header, NDArray[np.float32]]:
    """Return every channel of the file (height, width, channels) float32 in the order of `header.channels`, upright."""
    opened = _open(path, format_name)
    try:
        spec = opened.spec()
        header = _header(path, format_name, spec)
        pixels = opened.read_image(str(spec.format) if str(spec.format) in _LARGEST_CODES else "float")
        problem = opened.geterror()
    finally:
        opened.close()
    if pixels is None or problem:
        raise damaged(path, f"its pixels cannot be read whole ({_one_line(problem)})")
    if format_name == "png":
        _refuse_cut_png(path)
    if format_name == "cineon":
        _refuse_cut_cineon(path, spec)
    return header, _upright(_code_values(pixels, header.pixel_type), spec.get_int_attribute("Orientation", 1))


def _open(path: str, format_name: str) -> OpenImageIO.ImageInput:
    straight = OpenImageIO.ImageSpec()
    # Without it OpenImageIO multiplies PNG and TIFF colours by alpha, which 8 bits cannot undo.
    straight.attribute("oiio:UnassociatedAlpha", 1)
    opened = OpenImageIO.ImageInput.open(path, straight)
    if opened is None:
        raise damaged(path, f"not readable as {format_name.upper()} ({_one_line(OpenImageIO.geterror())})")
    return opened


def _header(path: str, format_name: str, spec: OpenImageIO.ImageSpec) -> Header:
    attributes: dict[str, Any] = {item.name: item.value for item in spec.extra_attribs}
    turned = spec.get_int_attribute("Orientation", 1) >= 5
    # An offset in a PNG or TIFF is where a page or a canvas once was; hosts show the picture from its own corner.
    window = Window(0, 0, *((spec.height, spec.width) if turned else (spec.width, spec.height)))
    aspect = spec.get_float_attribute("PixelAspectRatio", 1.0) or 1.0
    straight = format_name != "tiff" or spec.get_int_attribute("oiio:UnassociatedAlpha", 0) == 1
    return Header(
        path=path,
        format=format_name,
        pixel_type=_pixel_type(spec),
        display=window,
        data=window,
        channels=tuple(spec.channelnames),
        pixel_aspect=1.0 / aspect if turned else aspect,
        attributes=attributes,
        colour_hint=_colour_hint(path, format_name, attributes),
        rate=next((rate for name in _RATES if (rate := stated_rate(attributes.get(name)))), None),
        timecode=str(attributes["dpx:TimeCode"]) if attributes.get("dpx:TimeCode") else None,
        alpha_is_premultiplied=not straight and spec.alpha_channel >= 0,
    )


def _pixel_type(spec: OpenImageIO.ImageSpec) -> str:
    kind = str(spec.format)
    if kind in ("half", "float"):
        return kind
    if kind == "double":
        return "float"
    held = {"uint8": 8, "uint16": 16}.get(kind, 16)
    return _CODE_BITS.get(spec.get_int_attribute("oiio:BitsPerSample", held) or held, kind)


def _code_values(pixels: NDArray[Any], pixel_type: str) -> NDArray[np.float32]:
    """Return code / maximum, rounded once: OpenImageIO's own floats are rounded twice, and 10 bits are 16 to it."""
    if pixels.dtype not in (np.uint8, np.uint16):
        return np.asarray(pixels, np.float32)
    widened = {"uint10": 6, "uint12": 4}.get(pixel_type, 0)
    codes = pixels >> widened if widened else pixels
    values: NDArray[np.float32] = np.divide(codes, np.float32(_LARGEST_CODES[pixel_type]), dtype=np.float32)
    return values


def _upright(pixels: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """Turn the stored picture upright by its EXIF orientation (TIFF 6.0, tag 274: 1 to 8)."""
    if orientation in (5, 6, 7, 8):
        pixels = np.transpose(pixels, (1, 0, 2))
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _colour_hint(path: str, format_name: str, attributes: dict[str, Any]) -> str | None:
    """Return what the file itself says. OpenImageIO's own `oiio:ColorSpace` is often its guess, so it is not asked."""
    described = str(attributes.get("ICCProfile:profile_description", ""))
    chunks = _png_chunks(path) if format_name == "png" else set()
    if "ICCProfile" in attributes or b"iCCP" in chunks:
        for word, name in _ICC_NAMES:
            if word in described.lower():
                return name
        return f"ICC profile {described}".strip()
    if b"sRGB" in chunks or attributes.get("Exif:ColorSpace") == 1:  # EXIF 2.3, tag 0xA001: 1 is sRGB
        return "srgb_rec709_scene"
    return _DPX_TRANSFERS.get(str(attributes.get("dpx:Transfer", "")))


def _refuse_cut_png(path: str) -> None:
    if b"IEND" not in _png_chunks(path):
        raise damaged(path, "the PNG ends before its last chunk")


def _refuse_cut_cineon(path: str, spec: OpenImageIO.ImageSpec) -> None:
    """Raises PlateError for a file that is shorter than its pixels: OpenImageIO hands out stray memory for the rest."""
    bits = spec.get_int_attribute("oiio:BitsPerSample", 10)
    with Path(path).open("rb") as stream:
        head = stream.read(8)
        size = stream.seek(0, 2)
    offset = int.from_bytes(head[4:], "big" if head[:4] == b"\x80\x2a\x5f\xd7" else "little")
    if size < offset + spec.width * spec.height * spec.nchannels * bits // 8:
        raise damaged(path, "the file ends before its last row")


def _png_chunks(path: str) -> set[bytes]:
    """Return the names of the chunks that lie whole in the file (PNG specification, section 5.3)."""
    names: set[bytes] = set()
    size = Path(path).stat().st_size
    with Path(path).open("rb") as stream:
        at = 8
        while at + 12 <= size:
            stream.seek(at)
            head = stream.read(8)
            at += 12 + int.from_bytes(head[:4], "big")
            if at <= size:
                names.add(head[4:])
    return names


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200] or "no reason given"
