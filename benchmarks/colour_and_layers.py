"""Reading and writing a layer against the bare OpenEXR call, colour against bare OCIO plus the half conversion.

A UHD half plate with film-like grain, one thread. Both sides of a pair are timed in turn, so that a busy machine slows
both, and compared by the median of their faster halves.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenEXR
import PyOpenColorIO
from numpy.typing import NDArray

from benchmarks.table import Row, at_least, at_most
from understudy.inference.picture.colour import LINEAR_REC709, ColourConfig
from understudy.inference.picture.colour_configs import STANDARD
from understudy.inference.picture.half_floats import to_half
from understudy.inference.picture.header import Window
from understudy.inference.picture.images import read_image
from understudy.inference.picture.layers import write_layer
from understudy.inference.picture.tone import ModelColour

ROUNDS = 7
SIZE = Window(0, 0, 3840, 2160)
RGBA = ("R", "G", "B", "A")
HEADER = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}


def picture() -> NDArray[np.float16]:
    """Return (2160, 3840, 4) half: soft shapes under photon-like grain, some highlights, alpha 1."""
    random = np.random.default_rng(17)
    soft = cv2.resize(random.random((27, 48, 3), dtype=np.float32) ** 3 * 2, (SIZE.width, SIZE.height))
    grain = random.standard_normal(soft.shape, dtype=np.float32) * np.sqrt(np.maximum(soft, 1e-4)) * np.float32(0.01)
    opaque = np.ones((*soft.shape[:2], 1), np.float32)
    return np.concatenate([np.asarray(soft) + grain, opaque], axis=2).astype(np.float16)


def times_of(ours: Callable[[], Any], bare: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Return the milliseconds of ours and of the bare call."""
    pairs = [(_seconds(ours), _seconds(bare)) for _ in range(rounds + 1)][1:]
    mine, theirs = (statistics.median(sorted(times)[: (len(times) + 1) // 2]) for times in zip(*pairs, strict=True))
    return mine * 1000, theirs * 1000


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(rounds: int = ROUNDS) -> list[Row]:
    """Return the rows for write, read, and colour there and back."""
    plate = picture()
    with tempfile.TemporaryDirectory() as folder:
        return [*_layer_rows(plate, Path(folder), rounds), *_colour_rows(plate, rounds)]


def _layer_rows(plate: NDArray[np.float16], folder: Path, rounds: int) -> list[Row]:
    ours, bare = folder / "ours.exr", folder / "bare.exr"

    def write_bare() -> None:
        OpenEXR.File(dict(HEADER), {"RGBA": plate}, num_threads=0).write(str(bare))

    def read_bare() -> Any:
        return OpenEXR.File(str(bare)).parts[0].channels["RGBA"].pixels

    written = times_of(lambda: write_layer(ours, plate, RGBA, data=SIZE, display=SIZE), write_bare, rounds)
    read = times_of(lambda: read_image(ours), read_bare, rounds)
    note = "UHD half RGBA, zip, one thread; a ratio of speeds"
    return [
        _speed("write a layer, its BLAKE3 included", written, 0.90, note),
        _speed("read a layer", read, 0.90, note),
    ]


def _colour_rows(plate: NDArray[np.float16], rounds: int) -> list[Row]:
    config = ColourConfig.open(STANDARD)
    colour = ModelColour(config, "ACEScg", 0.0)
    built_in = PyOpenColorIO.Config.CreateFromBuiltinConfig(STANDARD)
    lossless = PyOpenColorIO.OPTIMIZATION_LOSSLESS
    there = built_in.getProcessor("ACEScg", "srgb_tx").getOptimizedCPUProcessor(lossless)
    back = built_in.getProcessor("srgb_tx", "ACEScg").getOptimizedCPUProcessor(lossless)

    def bare() -> Any:
        pixels = plate.astype(np.float32)
        there.applyRGBA(pixels)
        back.applyRGBA(pixels)
        return pixels.astype(np.float16)

    def ours() -> Any:
        return to_half(colour.to_plate(colour.to_model(plate)))

    matrix = built_in.getProcessor("ACEScg", LINEAR_REC709).getOptimizedCPUProcessor(lossless)

    def bare_matrix() -> Any:
        pixels = plate.astype(np.float32)
        matrix.applyRGBA(pixels)
        return pixels

    straight = times_of(lambda: config.convert(plate, "ACEScg", LINEAR_REC709), bare_matrix, rounds)
    round_trip = times_of(ours, bare, rounds)
    return [
        at_most("a matrix conversion", *straight, "ms", 1.15, "limit: bare OCIO LOSSLESS + numpy half to float"),
        at_most(
            "half plate to the model's codes and back",
            *round_trip, "ms", 1.15, "limit: bare OCIO to sRGB and back, LOSSLESS, + numpy half to float and back",
        ),
    ]  # fmt: skip


def _speed(name: str, times: tuple[float, float], goal: float, note: str) -> Row:
    megabytes = SIZE.width * SIZE.height * 8 / 1e6
    return at_least(name, megabytes / times[0], megabytes / times[1], "GB/s", goal, f"bare OpenEXR call; {note}")
