"""Decoded movie frames as RGB code values, at full precision: our own matrix in float32, as swscale works in 15 bits.

Nothing is clipped: super-whites and the undershoot of limited range stay, so values may leave 0 to 1 a little.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
import cv2
import numpy as np
from numpy.typing import NDArray

# ITU-T H.273 (2021), tables 2 to 4: the numbers that FFmpeg and the files use.
PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    9: "bt2020",
    11: "p3dci",
    12: "p3d65",
}
TRANSFERS = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 13: "srgb"} | {
    14: "bt2020-10", 15: "bt2020-12", 16: "pq", 18: "hlg",
}  # fmt: skip
MATRICES = {0: "rgb", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020"} | {
    10: "bt2020-constant",
}  # fmt: skip
_RED_AND_BLUE_WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020": (0.2627, 0.0593),
}
_PLANAR = {"nv12": "yuv420p", "nv21": "yuv420p", "nv16": "yuv422p", "nv24": "yuv444p", "uyvy422": "yuv422p"} | {
    "yuyv422": "yuv422p", "yvyu422": "yuv422p", "p010le": "yuv420p10le", "p012le": "yuv420p12le",
    "p016le": "yuv420p16le", "p210le": "yuv422p10le", "p216le": "yuv422p16le", "p410le": "yuv444p10le",
    "y210le": "yuv422p10le", "y212le": "yuv422p12le", "xv30le": "yuv444p10le", "v30xle": "yuv444p10le",
    "xv36le": "yuv444p12le", "ayuv": "yuva444p", "vuya": "yuva444p", "vuyx": "yuv444p", "ayuv64le": "yuva444p16le",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColourTags:
    """What the stream says of its colour, in words; None where it says nothing. `range` is `limited` or `full`."""

    primaries: str | None
    transfer: str | None
    matrix: str | None
    range: str | None


def read_tags(frame: av.VideoFrame) -> ColourTags:
    """Return the frame's own tags. An old full-range pixel format (yuvj420p) counts as the tag `full`."""
    ranges = {1: "limited", 2: "full"}
    old = "full" if frame.format.name.startswith("yuvj") else None
    return ColourTags(
        PRIMARIES.get(int(frame.color_primaries)),
        TRANSFERS.get(int(frame.color_trc)),
        MATRICES.get(int(frame.colorspace)),
        ranges.get(int(frame.color_range), old),
    )


def frame_bits(frame: av.VideoFrame) -> int:
    """Return the bits of one code: 8, 10, 12 or 16."""
    return max(component.bits for component in frame.format.components)


def has_alpha(frame: av.VideoFrame) -> bool:
    return any(component.is_alpha for component in frame.format.components)


def rgb_of(frame: av.VideoFrame, tags: ColourTags, *, chroma_is_centred: bool = False) -> NDArray[np.float32]:
    """Return (height, width, 3) float32 RGB code values by `tags`; an untagged frame is limited-range BT.709.

    Subsampled chroma is raised linearly from where it lies: on the left luma column (MPEG-2, H.264, ProRes), or, with
    `chroma_is_centred`, between the columns (JPEG). Raises ValueError for a matrix or a pixel format that is not known.
    """
    if not frame.format.is_rgb and len(frame.format.components) < 3:
        return np.repeat(luma_of(frame, tags)[:, :, None], 3, axis=2)
    planar = _as_planes(frame)
    planes = [_plane(planar, number) for number in range(3)]
    largest = np.float32((1 << frame_bits(planar)) - 1)
    if planar.format.is_rgb:  # FFmpeg's planar RGB lies in the order green, blue, red
        return np.asarray(cv2.merge([planes[2], planes[0], planes[1]]), np.float32) / largest
    luma, blue, red = planes
    raised = [_raise_chroma(plane, luma.shape, centred=chroma_is_centred) for plane in (blue, red)]
    matrix = _yuv_to_rgb(tags, frame_bits(planar))
    return np.asarray(cv2.transform(cv2.merge([luma, *raised]), matrix), np.float32)


def luma_of(frame: av.VideoFrame, tags: ColourTags) -> NDArray[np.float32]:
    """Return (height, width) float32 luma with its range undone: what a matte without alpha is made of.

    Raises ValueError for an RGB frame, which has none.
    """
    if frame.format.is_rgb:
        raise ValueError("an RGB frame has no luma plane")
    planar = _as_planes(frame) if len(frame.format.components) >= 3 else frame
    bits = frame_bits(planar)
    black, white = _luma_range(tags, bits)
    return (_plane(planar, 0) - np.float32(black)) / np.float32(white - black)


def alpha_of(frame: av.VideoFrame) -> NDArray[np.float32]:
    """Return (height, width) float32 alpha, always full range. Raises ValueError when the frame has none."""
    if not has_alpha(frame):
        raise ValueError("this frame has no alpha")
    planar = _as_planes(frame)
    number = next(component.plane for component in planar.format.components if component.is_alpha)
    return _plane(planar, number) / np.float32((1 << frame_bits(planar)) - 1)


def _as_planes(frame: av.VideoFrame) -> av.VideoFrame:
    """Return the frame with one plane a component. Packed forms are only rearranged: same codes, same range."""
    kind = frame.format
    planes = {component.plane for component in kind.components}
    if kind.is_planar and len(planes) == len(kind.components) and "f" not in kind.name.removeprefix("gbrap"):
        return frame
    if kind.is_rgb or kind.has_palette:
        alpha = "a" if has_alpha(frame) or kind.has_palette else ""
        name = f"gbr{alpha}p" + ("" if frame_bits(frame) <= 8 else "16le")
    elif kind.name in _PLANAR:
        name = _PLANAR[kind.name]
    else:
        raise ValueError(f"the pixel format {kind.name} is not known")
    span = int(frame.color_range) or (2 if kind.is_rgb else 1)
    return frame.reformat(format=name, src_color_range=span, dst_color_range=span)


def _plane(frame: av.VideoFrame, number: int) -> NDArray[np.float32]:
    plane = frame.planes[number]
    wide = frame_bits(frame) > 8
    kind = np.dtype(np.uint16).newbyteorder(">" if frame.format.is_big_endian else "<") if wide else np.dtype(np.uint8)
    rows: NDArray[np.generic] = np.frombuffer(memoryview(plane), kind)
    rows = rows.reshape(plane.height, plane.line_size // kind.itemsize)
    return rows[:, : plane.width].astype(np.float32)


def _luma_range(tags: ColourTags, bits: int) -> tuple[float, float]:
    """Return the codes of black and white (ITU-R BT.709-6 item 4.6: 16 and 235, times 2 to the bits over 8)."""
    if tags.range == "full":
        return 0.0, float((1 << bits) - 1)
    return 16.0 * 2 ** (bits - 8), 235.0 * 2 ** (bits - 8)


def _yuv_to_rgb(tags: ColourTags, bits: int) -> NDArray[np.float32]:
    """Return the 3 x 4 matrix from codes (Y, Cb, Cr, 1) to R, G, B (ITU-R BT.709-6 items 3.2, 3.3; H.273, 8.3)."""
    name = tags.matrix or "bt709"
    if name not in _RED_AND_BLUE_WEIGHTS:
        raise ValueError(f"the colour matrix {name} is not known")
    red, blue = _RED_AND_BLUE_WEIGHTS[name]
    green = 1.0 - red - blue
    black, white = _luma_range(tags, bits)
    span = float((1 << bits) - 1) if tags.range == "full" else 224.0 * 2 ** (bits - 8)
    by_luma = 1.0 / (white - black)
    to_red, to_blue = 2.0 * (1.0 - red) / span, 2.0 * (1.0 - blue) / span
    turn = np.array(
        [
            [by_luma, 0.0, to_red],
            [by_luma, -to_blue * blue / green, -to_red * red / green],
            [by_luma, to_blue, 0.0],
        ]
    )
    zero = np.array([black, float(1 << (bits - 1)), float(1 << (bits - 1))])
    return np.concatenate([turn, -(turn @ zero)[:, None]], axis=1).astype(np.float32)


def _raise_chroma(plane: NDArray[np.float32], shape: tuple[int, ...], *, centred: bool) -> NDArray[np.float32]:
    while plane.shape[0] < shape[0]:
        plane = _double(plane, centred=True)
    while plane.shape[1] < shape[1]:
        # The transposed views keep the memory in rows: only which index is which changes.
        plane = _double(plane.T, centred=centred).T
    return np.ascontiguousarray(plane[: shape[0], : shape[1]])


def _double(plane: NDArray[np.float32], *, centred: bool) -> NDArray[np.float32]:
    """Return twice the rows: new rows lie at -1/4 and +1/4 of an old one when centred, else at 0 and 1/2."""
    rows, columns = plane.shape
    doubled = np.empty((2 * rows, columns), np.float32, order="C" if plane.flags.c_contiguous else "F")
    if centred:
        quarter = plane * np.float32(0.25)
        doubled[0::2] = doubled[1::2] = plane - quarter
        doubled[2::2] += quarter[:-1]
        doubled[1:-1:2] += quarter[1:]
        doubled[0] += quarter[0]
        doubled[-1] += quarter[-1]
    else:
        doubled[0::2] = plane
        doubled[1:-1:2] = (plane[:-1] + plane[1:]) * np.float32(0.5)
        doubled[-1] = plane[-1]
    return doubled


def rgb_to_yuv_codes(pixels: NDArray[np.float32], pixel_format: str) -> list[NDArray[np.uint16]]:
    """Return 10-bit limited-range BT.709 planes Y, Cb, Cr[, A] of (height, width, 3 or 4) float32 code values.

    4:2:2 chroma is taken on the left luma column by the filter 1 2 1, where `rgb_of` looks for it. Codes stay off 0 to
    3 and 1020 to 1023, which SDI keeps for timing (SMPTE ST 274).
    """
    if pixels.dtype != np.float32 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise ValueError(f"a delivery movie takes float32 (height, width, 3 or 4), not {pixels.dtype} {pixels.shape}")
    back = np.linalg.inv(_yuv_to_rgb(_LIMITED_BT709, 10)[:, :3].astype(np.float64))
    zero = np.array([[64.0], [512.0], [512.0]])
    matrix = np.concatenate([back, zero], axis=1).astype(np.float32)
    colour = np.nan_to_num(pixels[:, :, :3], nan=0.0, posinf=1.0, neginf=0.0)
    planes = list(cv2.split(cv2.transform(np.ascontiguousarray(colour), matrix)))
    if "422" in pixel_format:
        planes[1:3] = [_halve_columns(np.asarray(plane, np.float32)) for plane in planes[1:3]]
    codes = [np.rint(np.clip(plane, 4, 1019)).astype(np.uint16) for plane in planes]
    if "yuva" in pixel_format:
        alpha = pixels[:, :, 3] if pixels.shape[2] == 4 else np.ones(pixels.shape[:2], np.float32)
        codes.append(np.rint(np.clip(np.nan_to_num(alpha, nan=0.0), 0, 1) * 1023).astype(np.uint16))
    return codes


def frame_from_codes(planes: list[NDArray[np.uint16]], pixel_format: str) -> av.VideoFrame:
    """Return a planar 16-bit-wide frame that holds `planes`."""
    frame = av.VideoFrame(planes[0].shape[1], planes[0].shape[0], pixel_format)
    for plane, codes in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size // 2), "<u2")
        rows[:, : plane.width] = codes
        plane.update(rows.tobytes())
    return frame


_LIMITED_BT709 = ColourTags("bt709", "bt709", "bt709", "limited")


def _halve_columns(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.concatenate([plane[:, :1], plane, plane[:, -1:]], axis=1)
    left, middle, right = padded[:, 0:-2:2], padded[:, 1:-1:2], padded[:, 2::2]
    halved: NDArray[np.float32] = (left + right) * np.float32(0.25) + middle * np.float32(0.5)
    return halved
