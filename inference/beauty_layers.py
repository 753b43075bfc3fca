"""The layers of mode animate: the character in its format, over the backdrop or over what the engine made behind it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.inference.animate_footage import AnimatePictures
from understudy.inference.engines.door import GeneratedFrame, Picture
from understudy.inference.picture.composite import FrameLayers, Generated, compose_beauty
from understudy.inference.picture.crop import put_back
from understudy.inference.picture.plate import PlateFrame

Floats = NDArray[np.float32]


def beauty_layers(pictures: AnimatePictures, generated: GeneratedFrame, ground: PlateFrame) -> FrameLayers:
    """Return `beauty`, `character` and `matte` over the canvas. `ground` stands behind them. Any thread.

    Over a backdrop the character's colour is what the engine says it is, or its picture, and nothing of the background
    that the engine made is seen; where the character covers nothing, the backdrop's stored bits stand.
    """
    canvas, crop, frame = pictures.canvas, pictures.crop, generated.frame
    coverage = put_back(generated.coverage, crop, frame, canvas.display, kind="matte")
    in_front = pictures.in_front(frame)
    if in_front is not None:
        coverage = coverage * (1 - np.clip(in_front, 0, 1))

    def back(codes: Picture | None) -> Floats | None:
        return None if codes is None else put_back(pictures.colour.to_plate(codes), crop, frame, canvas.display)

    picture, character, clean = back(generated.picture), back(generated.character), back(generated.clean)
    if pictures.backdrop is not None:
        picture, character = None, picture if character is None else character
        clean = np.asarray(ground.pixels, np.float32)
    return compose_beauty(Generated(canvas.display, coverage, picture, character, clean), kind=canvas.kind)
