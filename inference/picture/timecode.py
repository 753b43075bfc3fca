"""SMPTE timecode: what stands in headers and burn-ins. Pure. Source: SMPTE ST 12-1:2014, section 7."""

from __future__ import annotations

import re
from fractions import Fraction

_TIMECODE = re.compile(r"^\s*(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})\s*$")


def later_timecode(start: str, frames: int, rate: Fraction) -> str | None:
    """Return the timecode `frames` pictures after `start` (before it when negative), in the style of `start`.

    A `;` (or `.` or `,`) before the frames means drop frame: numbers, never pictures, are left out, two a minute at
    30000/1001 and four at 60000/1001, but none in every tenth minute. Wraps at midnight. None when `start` is no
    timecode of that rate.
    """
    found = _TIMECODE.match(start)
    nominal = round(rate)
    if found is None or nominal < 1:
        return None
    hours, minutes, seconds, frame = (int(found.group(place)) for place in (1, 2, 3, 5))
    drop = found.group(4) != ":"
    dropped = nominal // 15 if drop else 0
    if drop and (nominal % 30 or rate.denominator == 1):
        return None
    if minutes > 59 or seconds > 59 or frame >= nominal or hours > 23:
        return None
    whole_minutes = hours * 60 + minutes
    count = (whole_minutes * 60 + seconds) * nominal + frame
    count -= dropped * (whole_minutes - whole_minutes // 10)
    return _spell(count + frames, nominal, dropped, found.group(4))


def _spell(count: int, nominal: int, dropped: int, separator: str) -> str:
    ten_minutes = nominal * 600 - 9 * dropped
    count %= 144 * ten_minutes
    tens, rest = divmod(count, ten_minutes)
    whole_minute = nominal * 60
    # Within ten minutes the first keeps all its numbers; each of the nine others starts `dropped` numbers late.
    skipped = 0 if rest < whole_minute else 1 + (rest - whole_minute) // (whole_minute - dropped)
    number = tens * nominal * 600 + rest + dropped * skipped
    seconds, frame = divmod(number, nominal)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{separator}{frame:02}"
