"""Colour by name: one OCIO config, its spaces, conversions without loss, and views for people to look at.

A shot's config is the host's own where it sends one; else the built-in one named in colour_configs.py. Conversions run
in float32 with OCIO's LOSSLESS processors, because a round trip is promised; views for review are display.py's.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PyOpenColorIO
from numpy.typing import NDArray

from understudy.bridge.errors import RequestError
from understudy.bridge.shot import JobRequest
from understudy.inference.picture import interchange
from understudy.inference.picture.colour_configs import (
    OCIO_PROBLEMS,
    STANDARD,
    OpenedConfig,
    built_in_config,
    nearest,
    open_archive,
    open_built_in,
    open_config,
)
from understudy.inference.picture.display import ReviewView, display_processor, is_slow, to_bytes
from understudy.inference.picture.half_floats import to_float

Float = NDArray[np.float32]

LINEAR_REC709 = "lin_rec709_scene"
SRGB_TEXTURE = "srgb_rec709_scene"
_LINEAR_IDS = ("lin_ap1_scene", "lin_ap0_scene", "lin_rec709_scene", "lin_rec2020_scene", "lin_p3d65_scene")
_DISPLAY_ENCODINGS = ("sdr-video", "hdr-video", "edr-video")
_UNTONED_VIEWS = ("Un-tone-mapped", "Standard", "Video (colorimetric)", "sRGB", "Rec.709", "None")
_REVIEW_DISPLAYS = ("Rec.1886 Rec.709 - Display", "Rec.1886", "Rec.709", "sRGB - Display", "sRGB")


class ColourConfig:
    """One OCIO config. Any thread may call any method: processors are shared, pictures are not."""

    def __init__(self, name: str, opened: OpenedConfig) -> None:
        self.name = name
        config = self._config = opened.config
        self._archive = opened.archive
        self._standard = built_in_config(STANDARD)
        self._viewing = config if list(config.getDisplays()) else self._standard
        self._lock = threading.Lock()
        self._processors: dict[tuple[str, ...], Any] = {}
        if not config.hasRole("scene_linear"):
            raise RequestError(
                f"the colour config {name} has no role scene_linear",
                remedy="Add the role to the config: it says in which space pictures are comped. Nobody can guess it; "
                "--ocio none takes the built-in config.",
                facts={"config": name},
            )

    @classmethod
    def open(cls, name: str) -> ColourConfig:
        """Open a built-in config by name, or a config.ocio or .ocioz archive by path. Raises RequestError."""
        return cls(name, open_config(name))

    @classmethod
    def of_job(cls, job: JobRequest, blobs: Mapping[str, str]) -> ColourConfig:
        """Open what a job names: its own archive out of the vault, or a built-in config. Raises RequestError.

        Never a path of this machine: a job may come from another, and would learn which files there are.
        """
        name, own = job.settings.colour_config, job.shot.colour_archive
        if own is None or own.pictures.files[0].file != name or name not in blobs:
            return cls(name, OpenedConfig(open_built_in(name)))
        typed = own.pictures.typed
        return cls(typed, open_archive(Path(blobs[name]), typed, name, job.settings.colour_context))

    @property
    def scene_linear(self) -> str:
        """Return the canonical name of the space in which this config comps."""
        return str(self._config.getColorSpace("scene_linear").getName())

    def resolve(self, name: str) -> str:
        """Return the canonical name of a space by its name, alias, role or interop id, regardless of case.

        A name that only the standard config knows is meant too (`lin_rec709_scene` in a show's config that lacks it):
        OCIO joins the two through their interchange spaces. Raises RequestError with the nearest names for an unknown
        space, and for one that is data and has no colour.
        """
        space = _find(self._config, name) or _find(self._standard, name)
        if space is None:
            known = [str(entry) for entry in self._config.getColorSpaceNames()]
            near = ", ".join(f"'{entry}'" for entry in nearest(name, known))
            raise RequestError(
                f"there is no colour space '{name}' in {self.name}",
                remedy=f"Did you mean {near}? Names, aliases and roles of the config all count.",
                facts={"colour": name, "config": self.name},
            )
        if space.isData():
            raise RequestError(
                f"'{name}' is a data space of {self.name}: it has no colour",
                remedy="Name the space that the picture was made in, such as ACEScg or sRGB - Texture.",
                facts={"colour": name, "config": self.name},
            )
        return str(space.getName())

    def is_display_referred(self, space: str) -> bool:
        """Say whether codes of `space` are made for a display: by its encoding, or because code 1 is diffuse white."""
        held = _find(self._config, space) or _find(self._standard, space)
        if held is not None and held.getEncoding():
            return str(held.getEncoding()) in _DISPLAY_ENCODINGS
        light = self.convert(np.array([[[1, 1, 1], [0.5, 0.5, 0.5]]], np.float32), space, LINEAR_REC709)
        return bool(abs(light[0, 0, 1] - 1) < 0.1 and light[0, 1, 1] < 0.4)

    def is_linear(self, space: str) -> bool:
        """Say whether `space` is proportional to scene light, so that layers may be merged in it."""
        held = _find(self._config, space)
        config, held = (self._config, held) if held else (self._standard, _find(self._standard, space))
        if held is None:
            return False
        if held.getEncoding():
            return str(held.getEncoding()) == "scene-linear"
        return bool(config.isColorSpaceLinear(held.getName(), PyOpenColorIO.REFERENCE_SPACE_SCENE))

    def interop_id(self, space: str) -> str | None:
        """Return the Color Interop Forum's id of a scene-linear space (`lin_ap1_scene`), for EXR headers, or None."""
        name = self.resolve(space)
        for identifier in _LINEAR_IDS:
            found = _find(self._config, identifier) or _find(self._standard, identifier)
            if found is not None and str(found.getName()) == name:
                return identifier
        return None

    def check_reach(self, space: str) -> None:
        """Make every conversion that a picture of `space` needs. Raises RequestError for one that cannot be made."""
        self.processor(space, LINEAR_REC709)
        self.processor(space, self.scene_linear)
        for target in (self.scene_linear, space) if self.is_linear(space) else (self.scene_linear,):
            self.processor(LINEAR_REC709, target)

    def check_view(self) -> None:
        """Make the view of a review of scene light. Raises RequestError, such as for a look whose LUT is not there."""
        view = self.review_view(self.scene_linear)
        self.display(np.zeros((1, 1, 3), np.float32), self.scene_linear, view.display, view.view)

    def borrowed(self) -> str:
        """Say what this config lacks and from where it is taken; nothing where it has all. Raises RequestError.

        What we need is linear Rec.709 and sRGB-encoded Rec.709 (references, the model's picture), and a display.
        """
        needed = {"linear Rec.709": LINEAR_REC709, "sRGB-encoded Rec.709": SRGB_TEXTURE}
        lacks = [words for words, space in needed.items() if _find(self._config, self.resolve(space)) is None]
        lacks += ["display"] if self._viewing is not self._config else []
        if not lacks:
            return ""
        self.check_reach(self.scene_linear)
        try:
            way = interchange.way_between(self._config, self._standard, self.scene_linear, LINEAR_REC709)
        except OCIO_PROBLEMS:
            way = "the space that OpenColorIO recognises"
        return f"the colour config {self.name} has no {', no '.join(lacks)}: taken from {STANDARD} through {way}"

    def convert(self, pixels: NDArray[Any], source: str, target: str, *, give_up: bool = False) -> Float:
        """Return `pixels` (height, width, 3 or 4), half or float32, of `source` as new float32 pixels of `target`.

        Alpha is carried untouched, colour is taken as it is: nothing is divided or multiplied by alpha. Names as
        `resolve` takes them. With `give_up` the caller needs `pixels` no more: float32 ones are worked on in place.
        Raises RequestError.
        """
        processor = self.processor(source, target)
        if processor is None:
            return pixels if give_up and _is_plain(pixels) else to_float(pixels)
        return _apply(processor, pixels, give_up=give_up)

    def processor(self, source: str, target: str) -> Any:
        """Return OCIO's own LOSSLESS processor of a conversion, or None where there is nothing to do."""
        start, end = self.resolve(source), self.resolve(target)
        key = ("space", start, end)
        with self._lock:
            if key not in self._processors:
                self._processors[key] = self._make_processor(start, end)
            return self._processors[key]

    def display(self, pixels: NDArray[Any], space: str, display: str, view: str) -> NDArray[np.uint8]:
        """Return (height, width, 3) 8-bit codes of `pixels` (height, width, 3 or 4) of `space` as a view shows them.

        Raises RequestError for an unknown display or view. The error of baked views stands in display.py.
        """
        return to_bytes(self._viewed(pixels, space, display, view))

    def display_codes(self, pixels: NDArray[Any], space: str, display: str, view: str) -> Float:
        """Return float32 codes (height, width, 3) of `pixels` as a view shows them, for movies of more than 8 bits.

        Not clipped. Raises RequestError for an unknown display or view.
        """
        return self._viewed(np.ascontiguousarray(pixels[:, :, :3]), space, display, view)

    def _viewed(self, pixels: NDArray[Any], space: str, display: str, view: str) -> Float:
        source = self.resolve(space)
        if _find(self._viewing, source) is None:
            linear = self.scene_linear if self._viewing is self._config else LINEAR_REC709
            pixels, source = self.convert(pixels, source, linear), self.resolve(linear)
        key = ("view", source, display, view)
        with self._lock:
            if key not in self._processors:
                self._processors[key] = self._make_view(source, display, view)
            processor = self._processors[key]
        return _apply(processor, pixels)

    def review_view(self, source: str) -> ReviewView:
        """Return the view in which a review of a plate of the space `source` should be watched.

        Pictures made for a display come out as the codes they came in: of the config's views without a tone curve, the
        one nearest to the source's own encoding. Scene-referred and HDR ones are seen through the default view of a
        Rec.709 display, which is what review.mp4 is tagged as.
        """
        start = self.resolve(source)
        displays = [str(name) for name in self._viewing.getDisplays()]
        if self.is_display_referred(start) and not self._is_hdr(start):
            found = [self._untoned(start, display, view) for display, view in self._untoned_views(displays)]
            best = min(
                (entry for entry in found if entry is not None), key=lambda entry: entry.error or 0, default=None
            )
            if best is not None and (best.error or 0) < 0.1:
                return best
        display = next((name for name in _REVIEW_DISPLAYS if name in displays), self._viewing.getDefaultDisplay())
        return ReviewView(str(display), str(self._viewing.getDefaultView(display)))

    def _is_hdr(self, space: str) -> bool:
        held = _find(self._config, space) or _find(self._standard, space)
        return held is not None and str(held.getEncoding()) in _DISPLAY_ENCODINGS[1:]

    def _untoned_views(self, displays: list[str]) -> list[tuple[str, str]]:
        return [(name, view) for name in displays for view in self._viewing.getViews(name) if view in _UNTONED_VIEWS]

    def _untoned(self, source: str, display: str, view: str) -> ReviewView | None:
        """Return the view and the most that it changes codes of `source`; None for one with a tone curve."""
        if _find(self._viewing, source) is None:
            return None
        exact = self._viewing.getProcessor(PyOpenColorIO.DisplayViewTransform(source, display, view))
        if is_slow(exact):
            return None
        steps = np.linspace(0, 1, 9, dtype=np.float32)
        codes = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        shown = _apply(exact.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS), codes)
        return ReviewView(display, view, round(float(np.abs(shown - codes).max()), 6))

    def _make_view(self, source: str, display: str, view: str) -> Any:
        try:
            return display_processor(self._viewing, source, display, view)
        except OCIO_PROBLEMS as problem:
            known = ", ".join(f"'{name}'" for name in self._viewing.getDisplays())
            raise RequestError(
                f"the view '{view}' of display '{display}' cannot be made with {self.name}: {self._in_words(problem)}",
                remedy=f"Displays of this config: {known}.",
                facts={"display": display, "view": view},
            ) from None

    def _make_processor(self, start: str, end: str) -> Any:
        own = (_find(self._config, start) is not None, _find(self._config, end) is not None)
        try:
            if own == (True, True):
                made = self._config.getProcessor(start, end)
            elif own == (True, False):
                made = interchange.from_config(self._config, start, self._standard, end)
            elif own == (False, True):
                made = interchange.to_config(self._standard, start, self._config, end)
            else:
                made = self._standard.getProcessor(start, end)
        except OCIO_PROBLEMS as problem:
            raise RequestError(
                f"{self.name} cannot convert '{start}' to '{end}': {self._in_words(problem)}",
                remedy="Give the config its interchange role (aces_interchange), or name a space that it holds."
                if own != (True, True)
                else "Check the space with ociocheck: its LUTs must lie beneath the config's folder.",
                facts={"colour": start, "target": end, "config": self.name},
            ) from None
        return None if made.isNoOp() else made.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS)

    def _in_words(self, problem: Exception) -> str:
        """Return what OCIO says on one line, LUTs by their names in the archive."""
        words = " ".join(str(problem).split())[:400]
        return words.replace(f"{self._archive.root}/", "") if self._archive is not None else words


def _find(config: Any, name: str) -> Any:
    """Return the space by name, alias, role or interop id (an alias, with or without `ocio:` before it), else None."""
    return config.getColorSpace(name) or config.getColorSpace(f"ocio:{name}")


def _apply(processor: Any, pixels: NDArray[Any], *, give_up: bool = False) -> Float:
    """Return converted pixels of the same shape. OCIO is 10 times quicker on RGBA than on RGB, packing included."""
    if pixels.shape[-1] == 4:
        four = pixels if give_up and _is_plain(pixels) else to_float(pixels)
        processor.applyRGBA(four)
        return four
    colour = pixels if _is_plain(pixels) else to_float(pixels)
    packed = cv2.cvtColor(colour, cv2.COLOR_RGB2RGBA)
    processor.applyRGBA(packed)
    # Into memory that is there already where it may be: fresh pages cost more than the conversion.
    target = colour if give_up or colour is not pixels else None
    return np.asarray(cv2.cvtColor(packed, cv2.COLOR_RGBA2RGB, dst=target), np.float32)


def _is_plain(pixels: NDArray[Any]) -> bool:
    return pixels.dtype == np.float32 and pixels.flags.c_contiguous and pixels.flags.writeable
