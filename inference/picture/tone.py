"""The picture that a model sees: scene-linear light to codes from 0 to 1 and back, without loss in float32.

The curve, for x in scene-linear Rec.709 after exposure, mirrored for negative light:

    x <= TOE              SLOPE * x                                        (IEC 61966-2-1, the sRGB curve)
    TOE < x <= KNEE       1.055 * x ** (1 / 2.4) - 0.055                   (the same)
    KNEE < x              CODE_KNEE + GAIN * ln(1 + (x - KNEE) / WIDTH)    (one logarithm, code 1 at x = TOP)

SLOPE and TOE are those for which the sRGB curve has no step and no kink (OCIO's and ACES' monitor curve; the rounded
12.92 and 0.0031308 of the standard miss each other by 1e-8). GAIN and WIDTH follow from KNEE and TOP: the slope at the
knee is that of the curve below it. So a picture for displays reaches the model as the codes it came with up to 0.906
(display white at 0.93), and all light up to TOP, 7 stops above diffuse white, has a code below 1. Above TOP the
logarithm goes on (65504 is 1.07): nothing is clipped, and an engine that clips at 1 loses only what is beyond TOP.

Nothing here knows a file or a plate; `ModelColour` joins the curve with OCIO and the exposure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.inference.picture.colour import LINEAR_REC709, ColourConfig

Float = NDArray[np.float32]

POWER = 2.4
OFFSET = 0.055
CODE_TOE = OFFSET / (POWER - 1)
SLOPE = ((POWER - 1) / OFFSET) ** (POWER - 1) * ((1 + OFFSET) / POWER) ** POWER
TOE = CODE_TOE / SLOPE
KNEE = 0.8
"""Diffuse white surfaces lie below, lamps, sun glints and fire above."""
TOP = 128.0
"""Scene-linear light, after exposure, at code 1."""
LIMIT = 2.0**24
"""Light and codes beyond are held here: more than the largest half after the largest exposure, and no overflow."""
CODE_KNEE = (1 + OFFSET) * KNEE ** (1 / POWER) - OFFSET
_SLOPE_AT_KNEE = (1 + OFFSET) / POWER * KNEE ** (1 / POWER - 1)

_SIGN_BIT = np.uint32(0x80000000)
_Work = Callable[[Float, Float, Float, Float], Float]

BLOCK_VALUES = 1 << 16
"""Values worked on at a time: source, result and two scratch rows of 256 KiB stay in the core's own cache."""


def _gain() -> float:
    """Return the GAIN for which TOP has code 1, with WIDTH = GAIN / slope at the knee: run to its end."""
    gain = 0.01
    for _ in range(200):
        gain = (1 - CODE_KNEE) / math.log1p((TOP - KNEE) * _SLOPE_AT_KNEE / gain)
    return gain


GAIN = _gain()
WIDTH = GAIN / _SLOPE_AT_KNEE
CODE_LIMIT = CODE_KNEE + GAIN * math.log1p((LIMIT - KNEE) / WIDTH)


def encode(linear: NDArray[np.floating], out: Float | None = None) -> Float:
    """Return the codes of scene-linear Rec.709 light, any shape. Odd, monotonic; NaN stays NaN, infinity becomes LIMIT.

    out: a contiguous float32 array for the result, which may be `linear` itself.
    A stateless function, safe on any thread; it keeps the interpreter's lock only between blocks.
    """
    return _in_blocks(linear, _encode_block, out)


def decode(codes: NDArray[np.floating], out: Float | None = None) -> Float:
    """Return the scene-linear Rec.709 light of `codes`, any shape: `encode` undone.

    The round trip is within 3e-5 relative for 1e-6 <= x <= TOP, and within 1e-12 absolutely below that.
    """
    return _in_blocks(codes, _decode_block, out)


def _in_blocks(values: NDArray[np.floating], work: _Work, out: Float | None) -> Float:
    source: Float = np.ascontiguousarray(values, dtype=np.float32)
    result = np.empty_like(source) if out is None else out
    flat, target = source.reshape(-1), result.reshape(-1)
    scratch = np.empty((3, min(BLOCK_VALUES, flat.size)), dtype=np.float32)
    for start in range(0, flat.size, BLOCK_VALUES):
        block = flat[start : start + BLOCK_VALUES]
        light, code, line = scratch[:, : block.size]
        magnitudes = work(block, light, code, line)
        _with_sign_of(magnitudes, block, line, target[start : start + BLOCK_VALUES])
    return result


def _encode_block(linear: Float, light: Float, code: Float, line: Float) -> Float:
    np.clip(np.abs(linear, out=light), 0, LIMIT, out=light)
    np.clip(light, TOE, KNEE, out=code)
    _power(code, 1 / POWER)
    code *= 1 + OFFSET
    code -= OFFSET
    # The power is concave and the line its tangent at the toe: the smaller of the two is the curve, without a mask.
    np.minimum(code, np.multiply(light, SLOPE, out=line), out=code)
    if not light.max() <= KNEE:
        np.clip(light, KNEE, LIMIT, out=light)
        light -= KNEE
        light *= 1 / WIDTH
        light += 1
        np.log(light, out=light)
        light *= GAIN
        code += light
    return code


def _decode_block(codes: Float, code: Float, light: Float, line: Float) -> Float:
    np.clip(np.abs(codes, out=code), 0, CODE_LIMIT, out=code)
    np.clip(code, CODE_TOE, CODE_KNEE, out=light)
    light += OFFSET
    light *= 1 / (1 + OFFSET)
    _power(light, POWER)
    if not code.min() >= CODE_TOE:
        in_toe = code < CODE_TOE
        light *= ~in_toe
        np.multiply(code, 1 / SLOPE, out=line)
        line *= in_toe
        light += line
    if not code.max() <= CODE_KNEE:
        np.clip(code, CODE_KNEE, CODE_LIMIT, out=code)
        code -= CODE_KNEE
        code *= 1 / GAIN
        np.exp(code, out=code)
        code -= 1
        code *= WIDTH
        light += code
    return light


def _power(values: Float, exponent: float) -> None:
    """Raise positive values in place: numpy's float32 log and exp together are twice as quick as its power."""
    np.log(values, out=values)
    values *= exponent
    np.exp(values, out=values)


def _with_sign_of(magnitudes: Float, signed: Float, scratch: Float, out: Float) -> None:
    """Copy signs as bits, 5 times quicker than np.copysign. `out` may be `signed`."""
    bits = scratch.view(np.uint32)
    np.bitwise_and(signed.view(np.uint32), _SIGN_BIT, out=bits)
    np.bitwise_or(magnitudes.view(np.uint32), bits, out=out.view(np.uint32))


MIDDLE_GREY = 0.18
"""Where the exposure puts the subject: the log-average of its luminance, an 18 % grey card's."""
EXPOSURE_LIMIT_STOPS = 6.0
"""A measurement beyond this is a wrong matte or a wrong colour space, not light."""
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709-6, item 3.2
_DARKEST = 2.0**-12
_TRIMMED_PER_CENT = 10
_SAMPLED_PIXELS = 1 << 16


class ModelColour:
    """From a plate's space to what the model sees, and back. Any thread may call in.

    Plate space -> scene-linear Rec.709 (OCIO, LOSSLESS) -> times 2 ** exposure_stops -> `encode`; back the same way.
    """

    def __init__(self, config: ColourConfig, plate_space: str, exposure_stops: float = 0.0) -> None:
        self.config = config
        self.plate_space = config.resolve(plate_space)
        self.exposure_stops = exposure_stops
        self._gain = np.float32(2.0**exposure_stops)

    def to_linear(self, pixels: NDArray[Any]) -> Float:
        """Return scene-linear Rec.709 light (before exposure) of plate pixels (height, width, 3 or 4)."""
        return self.config.convert(pixels, self.plate_space, LINEAR_REC709)

    def to_model(self, pixels: NDArray[Any]) -> Float:
        """Return model codes of plate pixels (height, width, 3 or 4), half or float32; alpha stays as it is."""
        linear = self.to_linear(pixels)
        alpha = _take_alpha(linear)
        if self._gain != 1:
            linear *= self._gain
        return _give_alpha(encode(linear, out=linear), alpha)

    def to_plate(self, codes: NDArray[Any]) -> Float:
        """Return float32 pixels of the plate's space for model codes (height, width, 3 or 4); alpha stays as it is."""
        linear = decode(codes)
        if self._gain != 1:
            linear *= 1 / self._gain
        _give_alpha(linear, _take_alpha(codes))
        return self.config.convert(linear, LINEAR_REC709, self.plate_space, give_up=True)


def measure_exposure(samples: Iterable[tuple[NDArray[Any], NDArray[np.float32]]], *, display_referred: bool) -> float:
    """Return the stops that bring the subject to MIDDLE_GREY, in hundredths, within +-EXPOSURE_LIMIT_STOPS.

    samples: of some frames, the plate as scene-linear Rec.709 (height, width, 3 or 4) (`ModelColour.to_linear`) and its
    matte (height, width). Of a frame, the log2 of luminance where the matte is over one half, weighted by it, without
    the darkest and brightest tenth (grain, glints, a roto's slips); of the shot, the median. A picture made for a
    display is exposed already: 0. So is one without a subject.
    """
    if display_referred:
        return 0.0
    measured = [level for level in (_log_luminance(light, matte) for light, matte in samples) if level is not None]
    if not measured:
        return 0.0
    stops = math.log2(MIDDLE_GREY) - float(np.median(measured))
    return round(min(max(stops, -EXPOSURE_LIMIT_STOPS), EXPOSURE_LIMIT_STOPS), 2) + 0.0


def _log_luminance(light: NDArray[Any], matte: NDArray[np.float32]) -> float | None:
    rows, columns = np.nonzero(matte > 0.5)
    if rows.size == 0:
        return None
    step = -(-rows.size // _SAMPLED_PIXELS)
    rows, columns = rows[::step], columns[::step]
    luminance = light[rows, columns, :3].astype(np.float32) @ _LUMINANCE
    # Exact black is a void (beyond a data window, beneath an alpha of 0), never a lit surface.
    lit = np.isfinite(luminance) & (luminance > 0)
    if not lit.any():
        return None
    levels = np.log2(np.clip(luminance[lit], _DARKEST, LIMIT))
    weights = matte[rows, columns][lit]
    low, high = np.percentile(levels, [_TRIMMED_PER_CENT, 100 - _TRIMMED_PER_CENT])
    inside = (levels >= low) & (levels <= high)
    return float(np.average(levels[inside], weights=weights[inside]))


def _take_alpha(pixels: NDArray[Any]) -> NDArray[Any] | None:
    return pixels[:, :, 3].copy() if pixels.shape[-1] == 4 else None


def _give_alpha(pixels: Float, alpha: NDArray[Any] | None) -> Float:
    """Put alpha back: the curve runs over all four channels, which is quicker than picking three of them out."""
    if alpha is not None:
        pixels[:, :, 3] = alpha
    return pixels
