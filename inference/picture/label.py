"""The label that everybody can see: words in the corner of a movie's opening, drawn and measured. Pure.

GB 45438-2025 (China) asks for text of at least 5 % of the picture's shortest side at the opening of a video, for at
least 2 s; its own words were read at second hand only. White letters on a darkened field are read on any picture.
OpenCV 5 brings a typeface with Latin, Greek, Cyrillic and Chinese letters; OpenCV 4 has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import RequestError

LEAST_HEIGHT = 0.05
"""Of the shortest side; capitals have it, and Chinese letters are higher."""
LEAST_SECONDS = 2.0
DRAWN_HEIGHT = 0.055
"""What is drawn: a tenth more than the least, so that compression cannot take it below."""
READABLE_PIXELS = 11
"""Under it the strokes of a Chinese letter run into each other, and neither people nor the gate can read them."""
_MARGIN, _PADDING = 0.03, 0.02  # of the shortest side
_FIELD = 0.65
"""How far the field behind the letters is darkened: white becomes 89, far below any letter."""
_LETTER_CODES = 160
_WEIGHT = 500  # of the typeface, 100 to 1000: letters that stay whole in a small copy
_NOT_A_LETTER = "\U0010fffe"
"""A noncharacter of Unicode: what the typeface draws for it, it draws for every letter that it lacks."""

Alpha = NDArray[np.float32]


class Shown(NamedTuple):
    """What a picture shows of a label."""

    height: float
    """Of its letters, in parts of the picture's shortest side."""
    alike: float
    """How many of the label's letter pixels and of the picture's bright ones are the same: 1 = all."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label drawn for pictures of one size."""

    letters: Alpha
    """(rows, columns) 0 to 1, the letters within the field."""
    top: int
    left: int
    shortest: int

    @classmethod
    def of(cls, text: str, width: int, height: int, pixel_aspect: float = 1.0) -> Label:
        """Draw it for the corner at the right below; its height is measured on the picture as people see it.

        Raises RequestError, as `check_label` does, and where it is too long for the picture.
        """
        check_label(text)
        shortest = min(round(width * pixel_aspect), height)
        letters = _drawn(text, _size(max(DRAWN_HEIGHT * shortest, READABLE_PIXELS)), round(_PADDING * shortest))
        margin = round(_MARGIN * shortest)
        top, left = height - margin - letters.shape[0], width - margin - letters.shape[1]
        if left < 0 or top < 0:
            raise RequestError(
                f"the label '{text}' is {letters.shape[1]} pixels long at the height that is asked for, "
                f"and the picture is {width} wide",
                remedy="Say it in fewer words (`label_text`).",
            )
        return cls(letters, top, left, shortest)

    def draw(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return (height, width, 3) uint8 with the label in it."""
        return np.rint(self.draw_codes(picture.astype(np.float32) / np.float32(255)) * 255).astype(np.uint8)

    def draw_codes(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (height, width, 3) codes 0 to 1, display-referred, with the label in it."""
        drawn = codes.copy()
        field = drawn[self._rows, self._columns]
        alpha = self.letters[:, :, None]
        field[:] = field * (1 - _FIELD) * (1 - alpha) + alpha
        return drawn

    def measure(self, codes: NDArray[np.float32]) -> Shown:
        """Return what (height, width, 3) codes 0 to 1 show where the label must be."""
        bright = codes[self._rows, self._columns].min(axis=2) * 255 > _LETTER_CODES
        letters = self.letters > 0.5
        either = np.count_nonzero(bright | letters)
        alike = np.count_nonzero(bright & letters) / either if either else 0.0
        rows = np.flatnonzero(np.count_nonzero(bright, axis=1) > 0)
        height = (rows[-1] - rows[0] + 1) / self.shortest if rows.size else 0.0
        return Shown(float(height), float(alike))

    @property
    def _rows(self) -> slice:
        return slice(self.top, self.top + self.letters.shape[0])

    @property
    def _columns(self) -> slice:
        return slice(self.left, self.left + self.letters.shape[1])


def check_label(text: str) -> None:
    """Raise RequestError for a text that cannot be drawn, naming its letters."""
    if not hasattr(cv2, "FontFace"):
        raise RequestError(
            f"the label '{text}' cannot be drawn: OpenCV {cv2.__version__} has no typeface",
            remedy="Install opencv-python-headless 5 on the machine that runs the jobs, or leave `label_text` empty.",
        )
    nothing = _drawn(_NOT_A_LETTER, 40, 4)
    lacking = [letter for letter in dict.fromkeys(text) if not letter.isspace() and _is(_drawn(letter, 40, 4), nothing)]
    if lacking or not text.strip():
        what = f"there are no letters {', '.join(lacking)} in the typeface" if lacking else "it says nothing"
        raise RequestError(
            f"the label '{text}' cannot be drawn: {what}",
            remedy="Say it in Latin, Greek, Cyrillic or Chinese letters (`label_text`).",
        )


def _is(one: Alpha, other: Alpha) -> bool:
    return not one.any() or (one.shape == other.shape and bool(np.array_equal(one, other)))


def _size(capital: float) -> int:
    """Return the typeface's size at which a capital has at least this height in pixels."""
    size = max(6, int(capital))
    while _ink_height("H", size) < capital:
        size += 1
    return size


def _ink_height(text: str, size: int) -> int:
    rows = np.flatnonzero((_drawn(text, size, 2) > 0.5).any(axis=1))
    return int(rows[-1] - rows[0] + 1) if rows.size else 0


def _drawn(text: str, size: int, padding: int) -> Alpha:
    """Return the letters of a text with so many empty pixels around their ink."""
    canvas = np.zeros((4 * size, (len(text) + 4) * 2 * size), np.uint8)
    cv2.putText(canvas, text, (size, 2 * size), 255, cv2.FontFace("sans"), size, _WEIGHT)
    rows, columns = (np.flatnonzero(canvas.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return np.zeros((1, 1), np.float32)
    ink = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.pad(ink.astype(np.float32) / 255, padding)
