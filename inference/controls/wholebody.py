"""The 133 COCO-WholeBody points: which index is what. Counted from 0; left and right are the person's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

POINTS = 133
BODY = slice(0, 17)
"""Nose; eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, each left before right."""
FEET = slice(17, 23)
"""Left big toe, small toe, heel; the same of the right."""
FACE = slice(23, 91)
"""The 68 points of the 300-W annotation, in its order: chin line, brows, nose, eyes, mouth."""
LEFT_HAND = slice(91, 112)
RIGHT_HAND = slice(112, 133)
"""Wrist, then thumb to little finger, four points each, from the palm outwards."""

NOSE, LEFT_WRIST, RIGHT_WRIST = 0, 9, 10

Points = NDArray[np.float32]
"""(133, 3): x, y in pixels of the picture, where the centre of the first pixel is 0, 0; confidence 0 to 1."""


def no_points() -> Points:
    """Return 133 points of which nothing is known."""
    return np.zeros((POINTS, 3), np.float32)
