"""What drove the model in a frame, as the layers that show it: the skeleton, the face and where that was cut from."""

from __future__ import annotations

import numpy as np

from understudy.bridge.shot import FACE, FACE_BOX, SKELETON
from understudy.inference.controls.conditioning import Controls
from understudy.inference.engines.door import Picture

CODES = np.float32(255)


def driving_layers(controls: Controls, frame: int, *, face: bool) -> dict[str, Picture]:
    """Return (height, width, 3) by layer. face: with the face, (512, 512, 3), and in mode replace its box."""
    layers: dict[str, Picture] = {SKELETON: controls.skeleton(frame).astype(np.float32) / CODES}
    if face:
        layers[FACE] = controls.face(frame)
    if face and controls.material.mode == "replace":
        layers[FACE_BOX] = np.repeat(controls.face_box(frame)[..., None], 3, axis=2)
    return layers
