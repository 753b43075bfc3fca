"""Layers beside the algebra, to judge by: what drove the model, where it stands on the plate or at its own size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.shot import FACE, FACE_BOX, OWN_SIZES, SKELETON
from understudy.inference.engines.door import GeneratedFrame
from understudy.inference.picture.blend import store_half
from understudy.inference.picture.composite import RGB, Layer
from understudy.inference.picture.crop import Kind, put_back
from understudy.inference.picture.header import Window
from understudy.inference.picture.plate import PlateFrame
from understudy.inference.shot_pictures import ShotPictures
from understudy.inference.skeleton_layer import skeleton_layer

EXTRA = (SKELETON, FACE, FACE_BOX)
NOT_SHOWN = '{"box":null,"face":"not shown"}'
"""What the mark `face` says of a frame that never reached the model."""


def extra_layers(pictures: ShotPictures, generated: GeneratedFrame, ground: PlateFrame) -> dict[str, Layer]:
    """Return a frame's extra layers, half: those that the engine gave, the skeleton of a rig, and black for the rest.

    Over the ground's window, but for those of OWN_SIZES. A rig's skeleton gives way to the engine's. Any thread.
    """
    frame = generated.frame
    layers: dict[str, Layer] = {name: (_black(name, ground.data), RGB) for name in EXTRA}
    if pictures.joints is not None:
        layers[SKELETON] = (skeleton_layer(pictures.joints(frame), pictures.crop, frame, ground.data), RGB)
    for name, pixels in (generated.layers or {}).items():
        if name in OWN_SIZES:
            # Seen as the model sees it, exposure and curve undone as for every other picture.
            layers[name] = (store_half(pictures.colour.to_plate(pixels)), RGB)
        else:
            kind: Kind = "matte" if name == FACE_BOX else "picture"
            layers[name] = (put_back(pixels, pictures.crop, frame, ground.data, kind=kind).astype(np.float16), RGB)
    return layers


def own_window(layer: str) -> Window | None:
    """Return the window of a layer that has a size of its own; None for one that lies over the plate."""
    size = OWN_SIZES.get(layer)
    return None if size is None else Window(0, 0, *size)


def _black(layer: str, over: Window) -> NDArray[np.float16]:
    window = own_window(layer) or over
    return np.zeros((window.height, window.width, 3), np.float16)
