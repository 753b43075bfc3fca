"""How a matte becomes the model's conditioning matte: dilated, its box filled cell by cell. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from understudy.inference.controls.matte import DILATIONS, KERNEL_PIXELS, Matte, matte_used


@dataclass(frozen=True, slots=True)
class Grid:
    """The official defaults: a 7 x 7 kernel three times, and one cell, which is the whole box.

    More cells keep more of the plate and tell the model more of the old silhouette; 0 x 0 fills nothing.
    """

    kernel_pixels: int = KERNEL_PIXELS
    dilations: int = DILATIONS
    columns: int = 1
    rows: int = 1

    def used(self, matte: Matte) -> Matte:
        """Return `matte_used` of a matte (height, width) float32: 0 or 1."""
        return matte_used(
            matte, kernel_pixels=self.kernel_pixels, dilations=self.dilations, columns=self.columns, rows=self.rows
        )

    def is_finer_than(self, width: int, height: int) -> bool:
        """Return whether a dilated matte of this size is too small for the cells to be a pixel each.

        The official code measures from the first pixel to the last, and stops there on an empty step.
        """
        return bool(self.columns and self.rows) and (width - 1 < self.columns or height - 1 < self.rows)
