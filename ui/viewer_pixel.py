"""The pixel under the cursor in words: stored values of the whole frame, never of what was reduced for the window."""

from __future__ import annotations

from understudy.ui import look_words
from understudy.ui.frames.reader import Reader
from understudy.ui.frames.wishes import Wanted
from understudy.ui.viewer_words import pixel_words


def told_pixel(reader: Reader, wanted: Wanted, layer: str, at: tuple[int, int]) -> str:
    """Return what is to be said of the pixel `at`; that it is being read, while it is.

    Of a difference both pictures' values are told, and the first minus the second.
    """
    found = reader.values(wanted.path, *at)
    other = reader.values(wanted.minus, *at) if wanted.minus is not None else None
    if found is None or (wanted.minus is not None and other is None):
        return look_words.READING.format(layer=layer, x=at[0], y=at[1])
    channels, values = found
    space = "data" if wanted.kind == "data" else f"scene-linear {wanted.look.space}"
    words = pixel_words(layer, at, channels, values, space)
    if other is not None and other[1] is not None and values is not None:
        apart = (f"{one - two:.9g}" for one, two in zip(values[:3], other[1][:3], strict=False))
        return f"{words}   minus {' '.join(f'{value:.9g}' for value in other[1][:3])} = {' '.join(apart)}"
    if values is not None and len(values) >= 3 and wanted.kind == "picture":
        words += "   view {} {} {}".format(*reader.viewing.exact_codes(values, wanted.look))
    return words
