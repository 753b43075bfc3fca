"""One frame's layers dissolved into another take's, in linear light, with the layers' algebra kept. Pure; any thread.

With w from 0 (the first take) to 1 (the second), a premultiplied layer or a matte is (1 - w) a + w b of what is stored,
rounded once. Over is linear in a premultiplied front, so the dissolved patch over the plate is the dissolve of both
comps; `comp` and `difference` are made of it as docs/layers.md says, and `clean` of character and comp; where the
dissolved effective matte is 0 the plate's own bits stand. What is equal in both takes keeps its bits.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from understudy.bridge.shot import FACE, FACE_BOX, SKELETON
from understudy.inference.picture.blend import Blend, Store, Stored, over, store_float, store_half
from understudy.inference.picture.composite import RGB, Layer, stored_plate
from understudy.inference.picture.half_floats import to_float

_FIRST_STANDS = (SKELETON, FACE, FACE_BOX)
"""What drove the model, to judge by: half of each would be neither."""
HARDLY = 0.02
"""A clean plate that shows by less than this is not told from the comp: what is divided by it is rounding."""
_WIDEST = ("matte_used",)
"""Where anything may have been painted: neither take's effective matte reaches beyond it."""


def dissolve(
    first: Mapping[str, Layer], second: Mapping[str, Layer], weight: float, plate: Stored, kind: str
) -> dict[str, Layer]:
    """Return the layers of a frame between two takes of it; both have the same layers over the same window.

    weight: of the second take, 0 to 1. plate: (height, width, 3 or 4) over that window, linear; kind: its class, as
    `compose` takes it.
    """
    store: Store = store_float if kind == "float" else store_half
    layers = {name: (_between(name, pixels, second[name][0], weight), names) for name, (pixels, names) in first.items()}
    if "patch" in layers and "comp" in layers:
        comp, difference = _over_plate(layers["patch"][0], stored_plate(plate, kind), store)
        layers |= {"comp": (comp, first["comp"][1]), "difference": (difference, RGB)}
    if {"character", "clean", "comp", "matte_effective"} <= set(layers):
        mixed, names = layers["clean"]
        behind = _behind(layers["character"][0], layers["comp"][0], mixed, store)
        changes = to_float(layers["matte_effective"][0])[:, :, :1] > 0
        layers["clean"] = (np.where(changes, behind, stored_plate(plate, kind)), names)
    return {name: layers[name] for name in first}


def _between(name: str, first: Stored, second: Stored, weight: float) -> Stored:
    if name in _FIRST_STANDS:
        return first
    if name in _WIDEST:
        widest: Stored = np.maximum(first, second)
        return widest
    one = to_float(first)
    with np.errstate(invalid="ignore"):  # what is not finite is the plate's, and is put back
        mixed = one + (to_float(second) - one) * np.float32(weight)
    return store_half(mixed) if first.dtype == np.float16 else store_float(mixed)


def _behind(character: Stored, comp: Stored, mixed: Stored, store: Store) -> Stored:
    """Return the clean plate before which the dissolved character is the dissolved comp: of both takes', each by how
    much of it shows. Where hardly anything does, their mixture."""
    front, whole = to_float(character), to_float(comp)
    rest = 1 - front[:, :, 3:]
    behind = to_float(mixed).copy()
    with np.errstate(invalid="ignore"):  # a plate that is not finite is put back by the caller
        own = (whole[:, :, :3] - front[:, :, :3]) / np.maximum(rest, np.float32(HARDLY))
    behind[:, :, :3] = np.where(rest >= HARDLY, own, behind[:, :, :3])
    return store(behind)


def _over_plate(patch: Stored, stored: Stored, store: Store) -> tuple[Stored, Stored]:
    """Return comp and difference of a stored patch, whose alpha is the effective matte, over the stored plate."""
    front = to_float(patch)
    blend = Blend.of(stored, front[:, :, 3], store)
    merged = store(over(front if stored.shape[2] == 4 else front[:, :, :3], blend))
    comp: Stored = np.where(blend.mask[:, :, None], merged, stored)
    apart = store((to_float(merged) - blend.plate)[:, :, :3])
    return comp, np.where(blend.mask[:, :, None], apart, np.zeros_like(apart))
