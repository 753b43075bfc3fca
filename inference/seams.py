"""How far the picture jumps where pictures that were made again meet kept ones, measured on the files as they lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.inference.picture.half_floats import to_float
from understudy.inference.picture.header import Image
from understudy.inference.picture.images import read_image
from understudy.inference.picture.layers import fit_window
from understudy.inference.shot_pictures import ShotPictures
from understudy.inference.version import Version

Floats = NDArray[np.float32]
RULE = "seam"


def seam_finding(pictures: ShotPictures, version: Version, before: int, after: int) -> Finding:
    """Return how much the finished picture changes from frame `before` to `after`, beside the plate's own change.

    Both are the mean absolute difference of linear R, G, B, weighted by the effective matte (the larger of both frames)
    where there is one, over the whole picture else. In mode animate there is no plate to hold it against.
    """
    jump = _change(_layer(version, pictures, version.picture_layer, before, 3),
                   _layer(version, pictures, version.picture_layer, after, 3),
                   _weight(version, pictures, before, after))  # fmt: skip
    facts = {"jump": f"{jump:.5g}", "before": str(before), "after": str(after)}
    words = f"from frame {before} to {after}, across a seam, the picture changes by {jump:.4g}"
    if "comp" in version.layers:
        plate = _change(_ground(pictures, before), _ground(pictures, after), _weight(version, pictures, before, after))
        words += f"; the plate itself changes by {plate:.4g} over the same two frames"
        facts["plate"] = f"{plate:.5g}"
        if plate > 0:
            words += f", so {jump / plate:.2f} times as much"
            facts["times"] = f"{jump / plate:.3f}"
    return Finding(rule=RULE, outcome="note", message=words, frames=(before, after), facts=facts)


def _change(one: Floats, other: Floats, weight: Floats) -> float:
    """Return the weighted mean of |one - other|; pixels that are not finite in either count for nothing."""
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(one - other).mean(axis=2, dtype=np.float64)
    told = np.isfinite(apart) & (weight > 0)
    total = float(weight[told].sum(dtype=np.float64))
    return float((apart[told] * weight[told]).sum() / total) if total > 0 else 0.0


def _weight(version: Version, pictures: ShotPictures, before: int, after: int) -> Floats:
    if "matte_effective" not in version.layers:
        return np.ones((pictures.size[1], pictures.size[0]), np.float32)
    mattes = (_layer(version, pictures, "matte_effective", frame, 1)[:, :, 0] for frame in (before, after))
    larger: Floats = np.maximum(*mattes)
    return larger


def _layer(version: Version, pictures: ShotPictures, layer: str, frame: int, channels: int) -> Floats:
    image: Image = read_image(version.path(layer, frame))
    return to_float(fit_window(image.pixels[:, :, :channels], image.header.data, pictures.canvas.display))


def _ground(pictures: ShotPictures, frame: int) -> Floats:
    ground = pictures.ground(frame)
    return to_float(fit_window(ground.pixels[:, :, :3], ground.data, pictures.canvas.display))
