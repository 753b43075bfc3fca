"""Nuke's frame rate, a decimal number, as the fraction that was meant."""

from __future__ import annotations

import math
from fractions import Fraction

import nuke

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRate

NTSC_TOLERANCE = 0.006
"""23.98 and 23.976 both mean 24000/1001; 24 differs from it by 0.024."""


def exact_rate(decimal: float) -> FrameRate:
    """Return 24000/1001 for 23.976 and its kin (SMPTE's NTSC family); any other number as it is written."""
    if not math.isfinite(decimal) or decimal <= 0:
        raise HostError(f"the script runs at {decimal} frames a second", remedy="Set fps in the project settings.")
    nominal = math.ceil(decimal)
    ntsc = Fraction(nominal * 1000, 1001)
    if decimal != nominal and abs(decimal - ntsc) < NTSC_TOLERANCE:
        return FrameRate.from_fraction(ntsc)
    return FrameRate.from_fraction(Fraction(decimal).limit_denominator(1000))


def script_rate() -> FrameRate:
    """Read the knob: Root.fps() is a whole number."""
    return exact_rate(float(nuke.root()["fps"].value()))
