"""A small drawn shot for Wan-Animate on a tiny checkpoint, on disk; a job of it done here, and what it left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import OpenEXR
import torch
from numpy.typing import NDArray
from spine_rig import Told

from understudy.bridge.options import JobOptions
from understudy.inference.work_order import WorkerEnd, WorkOrder
from understudy.inference.worker import Reporter, perform

HEIGHT, WIDTH = 96, 64
FIRST = 1001
FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has 23.4 GiB in use")
GONE = torch.AcceleratorError("CUDA error: an illegal memory access was encountered")


def draw_wan_shot(folder: Path, frames: int, scale: int = 1, *, clean_plate: bool = True) -> JobOptions:
    """Write the shot and return the options of a job that replaces its performer.

    scale: pixels a pixel. clean_plate: without one the engine estimates it, which takes a third of a small job's time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(5)
    ground = generator.random((HEIGHT, WIDTH, 3), np.float32) * 0.3 + 0.1
    points: dict[str, list[tuple[float, float, float]]] = {}
    for number in range(frames):
        frame, left = FIRST + number, 14 + 10 * np.sin(number / 5)
        matte = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        matte[24:88, int(left) : int(left) + 24] = 1
        write(folder / f"plate.{frame}.exr", enlarged(np.where(matte > 0, np.float32(0.6), ground), scale))
        write(folder / f"matte.{frame}.exr", enlarged(matte, scale))
        if clean_plate:
            write(folder / f"clean.{frame}.exr", enlarged(ground, scale))
        points[str(frame)] = [(x * scale, y * scale, sure) for x, y, sure in standing(left + 12)]
    reference = np.full((48, 32, 3), 0.2, np.float32)
    reference[8:44, 8:24] = (0.7, 0.2, 0.1)
    write(folder / "reference.exr", reference)
    said = {"format": "coco-wholebody-133", "width": WIDTH * scale, "height": HEIGHT * scale, "frames": points}
    (folder / "keypoints.json").write_bytes(msgspec.json.encode(said))
    return JobOptions(
        plate=str(folder / "plate.####.exr"), matte=str(folder / "matte.####.exr"),
        clean_plate=str(folder / "clean.####.exr") if clean_plate else None,
        reference=str(folder / "reference.exr"), keypoints=str(folder / "keypoints.json"), rate="24",
        frames=f"{FIRST}-{FIRST + frames - 1}", engine="wan-animate", option=["steps=2"], allow_large_matte=True,
        colour="scene_linear", self_attest="a test of the engine", shot="sh010",
    )  # fmt: skip


def enlarged(pixels: np.ndarray, scale: int) -> np.ndarray:
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def standing(across: float) -> list[tuple[float, float, float]]:
    """Return 133 points of somebody who stands at `across`, all sure."""
    body = (
        (0, 30), (2, 28), (-2, 28), (4, 29), (-4, 29), (6, 40), (-6, 40), (8, 50), (-8, 50), (8, 58), (-8, 58),
        (4, 60), (-4, 60), (4, 72), (-4, 72), (4, 84), (-4, 84),
    )  # fmt: skip
    feet = ((5, 86), (3, 86), (4, 85), (-5, 86), (-3, 86), (-4, 85))
    face = tuple((4 * np.sin(n / 68 * 6.28), 30 + 4 * np.cos(n / 68 * 6.28)) for n in range(68))
    hands = tuple((side + 0.1 * n, 58 + 0.2 * n) for side in (8, -8) for n in range(21))
    return [(float(across + x), float(y), 1.0) for x, y in (*body, *feet, *face, *hands)]


def write(path: Path, pixels: np.ndarray) -> None:
    channels = {name: pixels[:, :, at].astype(np.float16) for at, name in enumerate("RGB")}
    with OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels) as file:
        file.write(str(path))


def run(work: WorkOrder) -> tuple[WorkerEnd, Told]:
    """Do a job in this process and return how it ended and what it told."""
    told = Told()
    return perform(work, Reporter(told.append)), told


def layer(folder: Path, name: str, frame: int) -> NDArray[Any]:
    """Return a delivered layer's colour as it is stored, (height, width, 3)."""
    with OpenEXR.File(str(folder / "v001" / name / f"{name}.{frame:04}.exr"), separate_channels=True) as file:
        channels = file.channels()
        return np.dstack([channels[channel].pixels for channel in "RGB"])


def header(folder: Path, name: str, frame: int) -> dict[str, Any]:
    with OpenEXR.File(str(folder / "v001" / name / f"{name}.{frame:04}.exr")) as file:
        return dict(file.header())


def fails(real: Callable[..., Any], problem: Exception, calls: set[int]) -> Callable[..., Any]:
    """Return `real`, which raises `problem` at those of its calls, the first one being 1."""
    made = 0

    def wrapped(*given: Any, **named: Any) -> Any:
        nonlocal made
        made += 1
        if made in calls:
            raise problem
        return real(*given, **named)

    return wrapped
