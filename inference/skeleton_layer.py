"""The skeleton as a layer: where a rig's keypoints stand on the plate, to be judged beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.skeleton import draw_skeleton
from understudy.inference.picture.crop_path import CropPath
from understudy.inference.picture.header import Window


def skeleton_layer(joints: NDArray[np.float32], crop: CropPath, frame: int, data: Window) -> NDArray[np.float16]:
    """Return (data.height, data.width, 3) half, 0 to 1, drawn at the plate's own size and not scaled up.

    joints: (133, 3) in the engine's picture, where the centre of the first pixel is 0, 0.
    """
    matrix = crop.transform(frame)
    placed = joints.copy()
    inverse = np.linalg.inv(matrix[:, :2])
    placed[:, :2] = (joints[:, :2] + 0.5 - matrix[:, 2]) @ inverse.T - 0.5 - (data.x, data.y)
    return (draw_skeleton(placed, data.height, data.width) / 255).astype(np.float16)
