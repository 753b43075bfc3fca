"""Scene-linear pictures to codes of a display: an OCIO view, baked where OCIO is too slow to play, its error measured.

Whatever stands in a baked view's place says how far it is from OCIO's own answer (`Viewing.error`), and `exact_codes`
gives that answer for a pixel. Views without a slow operator are OCIO's own. Any thread may call; processors are shared.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import PyOpenColorIO
from numpy.typing import NDArray

from understudy.bridge.errors import RequestError
from understudy.ui.frames.exr import Picture, Pixels

STANDARD = "studio-config-v4.0.0_aces-v2.0_ocio-v2.5"
"""The config of a shot that brings none."""
CUBE_POINTS = 65
_SHAPER = {
    "linSideBreak": [0.0078125] * 3,
    "base": 2.0,
    "logSideSlope": [1 / 17.52] * 3,
    "logSideOffset": [9.72 / 17.52] * 3,
}
"""The ACEScct curve (S-2016-001): light from -0.007 to 222 lies within 0 to 1."""
OVERLAY = (255, 64, 48, 128)
"""Red, green, blue and opacity of a matte of 1 laid over a picture, in codes."""
ERROR_SAMPLES = 8192
MID_GREY = 0.18
"""What a difference of zero is shown as: darker is less than the plate, brighter is more."""
OCIO_PROBLEMS = (PyOpenColorIO.Exception, PyOpenColorIO.ExceptionMissingFile)

Kind = Literal["picture", "data", "signed", "overlay"]
Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is looked at. `exposure` in stops before the view, `gamma` a power after it."""

    space: str
    display: str
    view: str
    exposure: float = 0.0
    gamma: float = 1.0


@dataclass(frozen=True, slots=True)
class BakeError:
    """What baking costs, in codes of 255: over colours from 2^-10 to 2^6 times mid grey, saturated ones among them."""

    largest: float
    most: float
    """What 99 of 100 of them stay within."""


class Viewing:
    """One OCIO config and the views made of it."""

    def __init__(self, name: str = STANDARD, archive: Path | None = None) -> None:
        """Open a built-in config by name, or an archive. Raises RequestError where OCIO cannot."""
        try:
            self._config = (
                PyOpenColorIO.Config.CreateFromFile(str(archive))
                if archive is not None
                else PyOpenColorIO.Config.CreateFromBuiltinConfig(name)
            )
        except OCIO_PROBLEMS as problem:
            raise RequestError(
                f"the colour config {name} cannot be opened: {problem}",
                remedy="The viewer goes on with the built-in config; submit with --ocio to keep an archive here.",
            ) from None
        self.name = name
        self._lock = threading.Lock()
        self._baking = threading.Lock()
        """Held for tenths of a second: nothing that the interface's own thread calls takes it."""
        self._exact: dict[tuple[str, str, str], Any] = {}
        self._cubes: dict[tuple[str, str, str], NDArray[np.float32] | None] = {}
        self._errors: dict[tuple[str, str, str], BakeError | None] = {}
        self._processors: dict[tuple[Look, Any], Any] = {}

    def displays(self) -> dict[str, tuple[str, ...]]:
        """Return every display with its views, the config's default first in both."""
        names = [self._config.getDefaultDisplay(), *self._config.getDisplays()]
        return {
            str(name): tuple(
                dict.fromkeys([self._config.getDefaultView(name), *(str(view) for view in self._config.getViews(name))])
            )
            for name in dict.fromkeys(names)
        }

    def space(self, name: str) -> str:
        """Return the space by name, alias, role or interop id; the config's scene_linear for one that it lacks."""
        for wanted in (name, f"ocio:{name}", "scene_linear"):
            found = self._config.getColorSpace(wanted) if wanted else None
            if found is not None:
                return str(found.getName())
        return name

    def knows(self, name: str) -> bool:
        """Say whether the config holds a space of this name: else another one stands in for it, which must be said."""
        return bool(name) and self._config.getColorSpace(name) is not None

    def same_space(self, one: str, other: str) -> bool:
        """Say whether two names mean one space, or the config lacks one of them and nothing can be converted."""
        spaces = [self._config.getColorSpace(name) for name in (one, other)]
        return None in spaces or spaces[0].getName() == spaces[1].getName()

    def convert(self, light: NDArray[np.float32], source: str, target: str) -> None:
        """Bring contiguous (height, width, 3 or 4) pixels into another space in place, as exactly as OCIO can."""
        try:
            processor = self._config.getProcessor(source, target).getOptimizedCPUProcessor(
                PyOpenColorIO.OPTIMIZATION_LOSSLESS
            )
        except OCIO_PROBLEMS as problem:
            raise RequestError(
                f"the plate cannot be brought from '{source}' to '{target}': {problem}",
                remedy="Look at the take without its plate.",
            ) from None
        processor.apply(_described(light, PyOpenColorIO.BIT_DEPTH_F32))

    def error(self, look: Look) -> BakeError | None:
        """Return what the view's baking costs; None for one that is OCIO's own. Bakes it: some tenths of a second."""
        self._cube(look)
        return self._errors[_key(look)]

    def exact_codes(self, values: tuple[float, ...], look: Look) -> tuple[int, ...]:
        """Return the 8-bit codes that OCIO itself gives for one pixel's R, G, B: never the baked view's."""
        light = np.array([[values[:3]]], np.float32) * np.float32(2.0**look.exposure)
        self._exact_processor(look).applyRGB(light)
        with np.errstate(invalid="ignore"):
            codes = np.clip(np.nan_to_num(light[0, 0]), 0, 1) ** (1 / look.gamma)
        return tuple(int(code) for code in np.rint(codes * 255))

    def render(self, picture: Picture, look: Look, kind: Kind = "picture", channel: str = "RGB") -> Codes:
        """Return (height, width, 4) uint8 codes, the last 255. No view for data and for a lone alpha."""
        plain = channel == "RGB" and kind in ("picture", "signed") and len(picture.channels) >= 3
        # OCIO reads three channels as well as four, and a step through the picture: nothing is copied for it.
        pixels = picture.pixels if plain else _four(picture.pixels, picture.channels, channel)
        if kind == "overlay":
            return _overlay(pixels)
        if kind == "data" or channel == "A":
            return _plain_codes(pixels, look)
        if kind == "signed":
            pixels = (pixels.astype(np.float32) + np.float32(MID_GREY)).astype(np.float32)
        made = np.empty((*pixels.shape[:2], 4), np.uint8)
        depth = PyOpenColorIO.BIT_DEPTH_F16 if pixels.dtype == np.float16 else PyOpenColorIO.BIT_DEPTH_F32
        self._processor(look, depth).apply(_described(pixels, depth), _described(made, PyOpenColorIO.BIT_DEPTH_UINT8))
        made[..., 3] = 255
        return made

    def _exact_processor(self, look: Look) -> Any:
        key = _key(look)
        with self._lock:
            if key not in self._exact:
                self._exact[key] = self._view_processor(look).getOptimizedCPUProcessor(
                    PyOpenColorIO.OPTIMIZATION_LOSSLESS
                )
            return self._exact[key]

    def _view_processor(self, look: Look) -> Any:
        try:
            return self._config.getProcessor(PyOpenColorIO.DisplayViewTransform(look.space, look.display, look.view))
        except OCIO_PROBLEMS as problem:
            raise RequestError(
                f"the view '{look.view}' of '{look.display}' cannot be made: {problem}", remedy="Choose another view."
            ) from None

    def _cube(self, look: Look) -> NDArray[np.float32] | None:
        """Return the view over the shaper's grid, (points, points, points, 3); None where OCIO is quick itself."""
        key = _key(look)
        exact = self._exact_processor(look)
        with self._baking:
            if key not in self._cubes:
                slow = any(
                    isinstance(step, PyOpenColorIO.FixedFunctionTransform)
                    for step in self._view_processor(look).createGroupTransform()
                )
                self._cubes[key] = _bake(exact) if slow else None
                self._errors[key] = _error(exact, self._cubes[key])
            return self._cubes[key]

    def _processor(self, look: Look, depth: Any) -> Any:
        cube = self._cube(look)
        key = (look, depth)
        with self._baking:
            if key not in self._processors:
                if len(self._processors) > 32:  # a dragged slider leaves one at each step
                    self._processors.clear()
                self._processors[key] = self._make(look, cube).getOptimizedCPUProcessor(
                    depth, PyOpenColorIO.BIT_DEPTH_UINT8, PyOpenColorIO.OPTIMIZATION_DEFAULT
                )
            return self._processors[key]

    def _make(self, look: Look, cube: NDArray[np.float32] | None) -> Any:
        gain = 2.0**look.exposure
        exposure = PyOpenColorIO.MatrixTransform(matrix=[gain, 0, 0, 0, 0, gain, 0, 0, 0, 0, gain, 0, 0, 0, 0, 1])
        if cube is not None:
            return _raw().getProcessor(PyOpenColorIO.GroupTransform([exposure, *_baked(cube ** (1 / look.gamma))]))
        view = PyOpenColorIO.DisplayViewTransform(look.space, look.display, look.view)
        steps = [exposure, view]
        if look.gamma != 1:
            power = 1 / look.gamma
            steps.append(PyOpenColorIO.ExponentTransform([power, power, power, 1.0]))
        return self._config.getProcessor(PyOpenColorIO.GroupTransform(steps))


def _key(look: Look) -> tuple[str, str, str]:
    return look.space, look.display, look.view


def _raw() -> Any:
    # A config of its own each time: a config's processor cache takes two cubes of one size for the same.
    return PyOpenColorIO.Config.CreateRaw()


def _shaper() -> Any:
    return PyOpenColorIO.LogCameraTransform(**_SHAPER)


def _baked(cube: NDArray[np.float32]) -> tuple[Any, Any]:
    table = PyOpenColorIO.Lut3DTransform(CUBE_POINTS)
    table.setInterpolation(PyOpenColorIO.INTERP_TETRAHEDRAL)
    table.setData(np.ascontiguousarray(cube, np.float32).reshape(-1))
    return _shaper(), table


def _bake(exact: Any) -> NDArray[np.float32]:
    steps = np.linspace(0, 1, CUBE_POINTS, dtype=np.float32)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3).copy()
    unshape = _raw().getProcessor(_shaper(), PyOpenColorIO.TRANSFORM_DIR_INVERSE)
    unshape.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS).applyRGB(grid)
    exact.applyRGB(grid)
    return np.clip(grid, 0, 1)


def _error(exact: Any, cube: NDArray[np.float32] | None) -> BakeError | None:
    if cube is None:
        return None
    random = np.random.default_rng(0)
    light = (MID_GREY * 2.0 ** random.uniform(-10, 6, (ERROR_SAMPLES, 1))).astype(np.float32)
    colours = light * random.uniform(0, 1, (ERROR_SAMPLES, 3)).astype(np.float32)
    shown = colours.copy()
    baked = _raw().getProcessor(PyOpenColorIO.GroupTransform(list(_baked(cube))))
    baked.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_DEFAULT).applyRGB(shown)
    exact.applyRGB(colours)
    apart = np.abs(np.clip(shown, 0, 1) - np.clip(colours, 0, 1)).max(axis=1) * 255
    return BakeError(round(float(apart.max()), 1), round(float(np.quantile(apart, 0.99)), 1))


def _four(pixels: Pixels, names: tuple[str, ...], channel: str) -> Pixels:
    """Return (height, width, 4), contiguous: the picture, or one channel of it three times. A missing alpha is 1."""
    made = np.ones((*pixels.shape[:2], 4), pixels.dtype)
    if channel in names:
        made[..., :3] = pixels[..., names.index(channel), None]
    elif channel == "RGB":
        made[..., :3] = pixels[..., :3] if len(names) >= 3 else pixels[..., :1]
    return made


def _plain_codes(pixels: Pixels, look: Look) -> Codes:
    with np.errstate(invalid="ignore", over="ignore"):
        light = np.nan_to_num(pixels.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0) * np.float32(
            2.0**look.exposure
        )
        codes = np.clip(light, 0, 1)
        if look.gamma != 1:
            codes **= np.float32(1 / look.gamma)
        made: Codes = np.rint(codes * 255).astype(np.uint8)
    made[..., 3] = 255
    return made


def _overlay(matte: Pixels) -> Codes:
    """Return the overlay's colour premultiplied by the matte and its own opacity, (height, width, 4)."""
    cover = np.clip(np.nan_to_num(matte[..., :1].astype(np.float32)), 0, 1) * np.float32(OVERLAY[3] / 255)
    made: Codes = np.rint(cover * np.array([*OVERLAY[:3], 255], np.float32)).astype(np.uint8)
    return made


def _described(pixels: NDArray[Any], depth: Any) -> Any:
    height, width, channels = pixels.shape
    return PyOpenColorIO.PackedImageDesc(
        pixels, width, height, channels, depth, pixels.itemsize, pixels.strides[1], pixels.strides[0]
    )
