"""What the model is shown of the set while it makes the character: the conditioning background of mode replace. Pure.

Wan-Animate is trained on the plate with the conditioning matte blacked out. A clean plate, where there is one, shows in
that hole what would else be invented.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]


def conditioning_background(plate: Picture, used: Picture, clean_plate: Picture | None = None) -> Picture:
    """Return (height, width, 3) float32, 0 to 1: `plate` where `used` is 0, else `clean_plate`, else black.

    plate, clean_plate: the model's encoding; what lies outside 0 to 1 is clipped, as the model's range ends there.
    used: (height, width), 0 or 1, as `matte_used` makes it. Outside the hole it is always the plate: a clean plate of
    another light or grain must not tell the model that the set has changed. Raises ValueError where sizes differ.
    """
    shapes = {picture.shape[:2] for picture in (plate, used, clean_plate) if picture is not None}
    if len(shapes) != 1:
        raise ValueError(f"plate, matte and clean plate are of one size, not {sorted(shapes)}")
    inside = np.float32(0) if clean_plate is None else clean_plate
    shown = np.where(used[:, :, None] > 0, inside, plate)
    return np.clip(shown, 0, 1, out=shown)
