"""Strips of known light in a real Blender, and what an export makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from blender_rig import add_images
from host_rig import FIRST, FRAMES, HEIGHT, WIDTH, Picture, write_exr

from understudy.bridge.host import Exported
from understudy.host_plugins.blender.host import BlenderHost


def noise(frame: int, channels: int = 3) -> Picture:
    """Return light from -1 to 5: a display's curve anywhere on the way would show."""
    random = np.random.default_rng(frame).random((HEIGHT, WIDTH, channels), dtype=np.float32) * 6 - 1
    if channels == 4:
        random[..., 3] = np.clip(random[..., 3], 0, 1)
    return np.asarray(random.astype(np.float16), np.float32)


def noise_strip(
    scene: Any, folder: Path, name: str, channel: int, channels: int = 3, seed: int = 0, start: int = FIRST
) -> Any:
    """Add a strip of noise at `start`, make it the active one, and take its matte from a still."""
    folder.mkdir()
    for frame in range(FIRST, FIRST + FRAMES):
        write_exr(folder / f"{name}.{frame:04}.exr", noise(frame + seed, channels))
    strip = add_images(scene, name, str(folder / f"{name}.####.exr"), channel, first=start)
    scene.sequence_editor.active_strip = strip
    matte = folder / "matte.exr"
    write_exr(matte, np.ones((HEIGHT, WIDTH, 3), np.float32))
    scene.understudy.matte_from, scene.understudy.matte_file = "FILE", str(matte)
    return strip


def export(folder: Path) -> Exported:
    """Export what is selected into `folder`, all steps at once."""
    host = BlenderHost()
    folder.mkdir(exist_ok=True)
    steps = host.export(host.select(), folder)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            exported: Exported = end.value
            return exported


def trim(strip: Any, head: int, tail: int) -> None:
    if hasattr(strip, "left_handle"):
        strip.left_handle, strip.right_handle = strip.left_handle + head, strip.right_handle - tail
    else:
        strip.frame_final_start += head
        strip.frame_final_end -= tail


def set_end(strip: Any, end: int) -> None:
    if hasattr(strip, "right_handle"):
        strip.right_handle = end
    else:
        strip.frame_final_end = end
