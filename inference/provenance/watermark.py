"""An invisible mark in a review picture: spread spectrum in the DCT of its luma. Pure: arrays in, arrays out.

For display-referred pictures alone. A layer is graded, keyed and scaled by whoever comps it, and is never marked.
The mark follows the picture's local contrast, so that it hides where there is texture and is weak where there is none;
of each bit only as much is added as the picture does not say already (Malvar and Florencio, Improved Spread Spectrum,
IEEE Transactions on Signal Processing 51, 2003).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.provenance.watermark_code import encode
from understudy.inference.provenance.watermark_pattern import PLANE_HEIGHT, PLANE_WIDTH, Pattern, Plane

ALGORITHM = "org.understudy.watermark.1"
PER_CONTRAST = 0.7
FLOOR_CODES, CAP_CODES = 0.3, 2.5
"""So much of local contrast, in 8-bit codes, is the mark's own standard deviation, within these bounds."""
PER_TONE, DARKEST_CODES = 0.04, 0.2
"""And never more than this much of the tone around it, and this in black. All chosen by measuring and by looking at
what came of it: docs/watermark.md."""
MOST_RMS_CODES = 1.5
"""44.6 dB below full range at most, whatever the picture: at 1.7 and above, smooth skin began to look mottled."""
GAINS = (0.6, 1.6)
"""The least and the most of a bit that is added, where 1 is what a picture that says nothing gets."""
PILOT_GAIN = 1.5
"""Of the pilot, against a bit that the picture says nothing of: it is read alone, and before all else."""
_SURROUND = (9, 9)
"""Of the plane: a 57th of a picture's width."""
_STEPS, _MIDDLE = 8, 128
"""The correction is carried to the picture's size as 8-bit numbers: eighths of a code, 128 for nothing."""
_ROWS = 120
"""So many at a time: what they need stays in the processor's cache, and no memory is asked of the system for it."""

Picture = NDArray[np.uint8]


def luma_plane(luma: NDArray[np.uint8]) -> Plane:
    """Return luma of any size as the plane: (288, 512) float32, codes 0 to 255."""
    height, width = luma.shape
    if width % 2 == height % 2 == 0 and width > 2 * PLANE_WIDTH and height > 2 * PLANE_HEIGHT:
        # Halves first: OpenCV has them four times as quick as the same by one odd factor.
        luma = np.asarray(cv2.resize(luma, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(luma, (PLANE_WIDTH, PLANE_HEIGHT), interpolation=cv2.INTER_AREA), np.float32)


def evened(plane: Plane) -> tuple[Plane, Plane]:
    """Return what stands out of its surround in parts of how strong the mark may be there, and that strength, in codes.

    Texture hides a mark and darkness shows it: a code is a greater part of a dark tone than of a light one.
    """
    mean = cv2.blur(plane, _SURROUND, borderType=cv2.BORDER_REFLECT)
    detail = plane - mean
    power = cv2.blur(detail * detail, _SURROUND, borderType=cv2.BORDER_REFLECT)
    contrast = np.sqrt(np.maximum(power, 0))  # OpenCV's running sums end a little below 0 beside a strong edge
    most = np.minimum(mean * PER_TONE + DARKEST_CODES, CAP_CODES)
    room = np.minimum(np.maximum(contrast * PER_CONTRAST, FLOOR_CODES), most)
    return detail / room, room


class Marker:
    """Puts one content id into pictures. Any thread; the same picture always becomes the same."""

    def __init__(self, key: bytes, content_id: int) -> None:
        self._pattern = Pattern.of_key(key)
        self._word = encode(content_id)

    def mark(self, picture: Picture) -> Picture:
        """Return (height, width, 3) uint8 RGB, display-referred, with the mark in it."""
        plane = luma_plane(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8))
        even, room = evened(plane)
        correction = room * np.asarray(cv2.idct(self._spectrum(even)), np.float32)
        rms = float(np.sqrt(np.mean(correction * correction)))
        return _added(picture, correction * np.float32(min(1.0, MOST_RMS_CODES / rms)))

    def _spectrum(self, even: Plane) -> Plane:
        """Return what is to be added to the DCT of the evened picture."""
        pattern = self._pattern
        says = pattern.project(np.asarray(cv2.dct(even), np.float32)) / pattern.counts * self._word
        scale = np.sqrt(PLANE_WIDTH * PLANE_HEIGHT / (pattern.places.size + pattern.pilot_places.size))
        gains = np.clip(1 - says / scale, *GAINS) * self._word * scale
        spectrum = np.zeros((PLANE_HEIGHT, PLANE_WIDTH), np.float32)
        flat = spectrum.ravel()
        flat[pattern.places] = pattern.signs * gains[pattern.bits].astype(np.float32)
        flat[pattern.pilot_places] = pattern.pilot_signs * np.float32(scale * PILOT_GAIN)
        return spectrum


def _added(picture: Picture, correction: Plane) -> Picture:
    """Return the picture with a correction of the plane's size added to its three channels alike."""
    height, width = picture.shape[:2]
    steps = np.clip(np.rint(correction * _STEPS) + _MIDDLE, 0, 255).astype(np.uint8)
    whole = cv2.resize(steps, (width, height), interpolation=cv2.INTER_LINEAR)
    marked = np.empty_like(picture)
    for top in range(0, height, _ROWS):
        rows = slice(top, top + _ROWS)
        grey = cv2.cvtColor(whole[rows], cv2.COLOR_GRAY2RGB)
        cv2.addWeighted(picture[rows], 1, grey, 1 / _STEPS, -_MIDDLE / _STEPS, dst=marked[rows])
    return marked
