"""RESULT against a still of the character: the colours of what is covered, frame by frame."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from understudy.bridge.errors import PlateError
from understudy.inference.evaluation.appearance import (
    Palette,
    chroma_distance,
    lightness_distance,
    mean_colour_difference,
    palette_of,
)
from understudy.inference.evaluation.opening import Opened, Pair
from understudy.inference.evaluation.rows import AppearanceRow
from understudy.inference.picture.colour import LINEAR_REC709
from understudy.inference.picture.tone import decode

HALF = 0.5
"""Coverage above which a pixel is the character's; fainter ones show the background's colour too."""

Step = Callable[[int, int], None]


class AgainstReference:
    """RESULT against a still of the character."""

    def __init__(self, opened: Opened) -> None:
        assert opened.reference is not None  # noqa: S101 - the caller has looked
        self._opened = opened
        held = opened.reference.pixels
        lab = opened.lab(decode(np.ascontiguousarray(held[:, :, :3])), LINEAR_REC709)
        found = palette_of(lab.reshape(-1, 3), held[:, :, 3].reshape(-1))
        if found is None:
            raise PlateError(
                f"the reference {opened.asked.against} is transparent everywhere",
                remedy="Give the image that the take was made with.",
            )
        self._reference: Palette = found

    def rows(self, step: Step) -> tuple[AppearanceRow, ...]:
        rows = []
        for pair in self._opened.pairs():
            rows.append(self._row(pair))
            step(len(rows), len(self._opened.frames))
        if not any(row.coverage_pixels for row in rows):
            raise PlateError(
                f"the matte {self._opened.matte_typed} covers nothing in any frame: there is nothing to compare",
                remedy="Check the matte, its channel and its polarity (--matte-channel, --matte-invert).",
            )
        return tuple(rows)

    def _row(self, pair: Pair) -> AppearanceRow:
        assert pair.matte is not None  # noqa: S101 - `Opened` refuses a reference without one
        covered = (pair.matte > HALF) & pair.result.finite
        lost = int(np.count_nonzero(~pair.result.finite))
        row = AppearanceRow(frame=pair.frame, coverage_pixels=int(np.count_nonzero(covered)), not_finite_pixels=lost)
        if not row.coverage_pixels:
            return row
        chosen = np.ascontiguousarray(pair.result.linear[covered][None])
        lab = self._opened.lab(chosen, self._opened.space)[0]
        found = palette_of(lab, pair.matte[covered])
        assert found is not None  # noqa: S101 - every weight is above a half
        return msgspec.structs.replace(
            row,
            colour=mean_colour_difference(found, self._reference),
            lightness_distance=lightness_distance(found, self._reference),
            chroma_distance=chroma_distance(found, self._reference),
        )
