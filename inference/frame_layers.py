"""From what an engine returned to files: put back, three mattes, the layers' algebra, headers, a pool that writes.

The engine runs in the worker's own thread; layers are made, compressed and written on two others, with a few frames in
flight and no more, so that memory stays flat however long the shot.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.bridge.shot import DATA_LAYERS, FACE, OutputFile
from understudy.inference.animate_footage import AnimatePictures
from understudy.inference.beauty_layers import beauty_layers
from understudy.inference.compliance.marks import APPROXIMATE, IN_BETWEEN, in_between_marks, marks
from understudy.inference.controls.matte import matte_effective, matte_used, matte_used_around
from understudy.inference.engines.door import GeneratedFrame, Picture
from understudy.inference.extra_layers import NOT_SHOWN, extra_layers, own_window
from understudy.inference.picture.attributes import kept_attributes, layer_attributes
from understudy.inference.picture.composite import RGB, FrameLayers, Generated, Layer, compose
from understudy.inference.picture.crop import place, put_back, window_of_matte
from understudy.inference.picture.header import Window
from understudy.inference.picture.layers import write_layer, write_parts
from understudy.inference.picture.plate import PlateFrame
from understudy.inference.replace_footage import ReplacePictures
from understudy.inference.shot_pictures import ShotPictures
from understudy.inference.version import MULTIPART, Version

WRITING_THREADS = 2  # zip compression releases the lock; a third thread would only wait for a core
FRAMES_IN_FLIGHT = 3  # one being made on each thread, one that waits for the first of them to be free
GRID_COLUMNS, GRID_ROWS = 10, 20
"""The grid of Wan-Animate's own examples: cells fine enough to keep plate, coarse enough to hide the old silhouette."""

Floats = NDArray[np.float32]


class Announce(Protocol):
    """Tells the daemon of finished frames and of findings."""

    def frame(self, frame: int, files: tuple[OutputFile, ...]) -> None: ...
    def found(self, *findings: Finding) -> None: ...


class _Made(NamedTuple):
    """A frame's layers, and which of the things that people are told of were met in it."""

    layers: dict[str, Layer]
    met: tuple[str, ...] = ()
    origin: Mapping[str, str] = MappingProxyType({})
    """Marks of this frame alone: what the engine said of it, and whose pixels these are where not this version's."""


class Change(NamedTuple):
    """What becomes of a frame's layers before they are written."""

    layers: Callable[[dict[str, Layer], PlateFrame], dict[str, Layer]]
    """Makes others of them, over the same ground. Called on a writing thread."""
    origin: Mapping[str, str]
    """Marks of this frame alone."""


Make = Callable[[PlateFrame], _Made]
"""Makes a frame's layers over what stands behind them. Called on a writing thread."""


class LayerMaker:
    """Makes and writes every layer of a frame. Use as a context: leaving it waits for what is in flight.

    `add` and `add_made` are for one thread. Frames are announced in the order in which they were added, each as soon as
    it and all before it are on disk, from whichever thread wrote the last of them.
    """

    def __init__(self, pictures: ShotPictures, version: Version, announce: Announce) -> None:
        self._pictures = pictures
        self._version = version
        self._announce = announce
        self._settings = pictures.order.job.settings
        self._conditioned = bool(version.description.weights)
        self._marks = marks(pictures.order, version.description, weights=version.weights)
        said = self._settings.engine_options
        self._grid = tuple(
            int(float(said.get(name, usual)))
            for name, usual in (("grid_columns", GRID_COLUMNS), ("grid_rows", GRID_ROWS))
        )
        self._pool = ThreadPoolExecutor(WRITING_THREADS, thread_name_prefix="layers")
        self._in_flight: deque[Future[None]] = deque()
        self._lock = threading.Lock()
        self._added: deque[int] = deque()
        self._written: dict[int, tuple[OutputFile, ...]] = {}
        self._silent = False
        self.done = 0
        self._met: dict[str, list[int]] = {"repaired": [], "passed": [], "clipped": []}

    def __enter__(self) -> LayerMaker:
        return self

    def __exit__(self, *problem: object) -> None:
        """Wait for the frames in flight, so that none is half made when the job goes on elsewhere."""
        try:
            if problem[0] is None:
                self._wait_for_all_but(0)
            else:
                self._silent = True
                wait(self._in_flight)
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._tell_what_was_met()

    def add(self, generated: GeneratedFrame, change: Change | None = None) -> None:
        """Have the frame's layers made, changed and written; waits while too many frames are in flight."""
        own = {APPROXIMATE: generated.approximate} if generated.approximate else {}

        def make(ground: PlateFrame) -> _Made:
            made = self._layers(generated, ground)
            if change is None:
                return made._replace(origin={**made.origin, **own})
            origin = {**made.origin, **change.origin, **own}
            return made._replace(layers=change.layers(made.layers, ground), origin=origin)

        self._submit(generated.frame, make)

    def add_made(self, frame: int, layers: dict[str, Layer], origin: Mapping[str, str]) -> None:
        """Have layers whose pixels stand written under this job's own headers, with `origin` among them."""
        self._submit(frame, lambda ground: _Made(layers, origin=origin))

    def _submit(self, frame: int, make: Make) -> None:
        self._wait_for_all_but(FRAMES_IN_FLIGHT - 1)
        ground = self._pictures.ground(frame)  # here and not on the thread: it is still decoded for the engine
        self._added.append(frame)
        self._in_flight.append(self._pool.submit(self._make, frame, ground, make))

    def _wait_for_all_but(self, count: int) -> None:
        while len(self._in_flight) > count:
            self._in_flight.popleft().result()

    def _make(self, frame: int, ground: PlateFrame, make: Make) -> None:
        """Make, write and announce one frame. On a writing thread."""
        made = make(ground)
        files = self._write(frame, ground, made)
        with self._lock:
            for what in made.met:
                self._met[what].append(frame)
            self._written[frame] = files
            while self._added and self._added[0] in self._written:
                first = self._added.popleft()
                self.done += 1
                if not self._silent:
                    self._announce.frame(first, self._written.pop(first))

    def _layers(self, generated: GeneratedFrame, ground: PlateFrame) -> _Made:
        pictures = self._pictures
        if isinstance(pictures, AnimatePictures):
            made = beauty_layers(pictures, generated, ground)
        else:
            assert isinstance(pictures, ReplacePictures)  # noqa: S101 - a third mode comes with its own layers
            made = self._over_plate(pictures, generated, ground)
        layers = {**extra_layers(pictures, generated, ground), **made.layers}
        met = tuple(what for what in self._met if getattr(made, what))
        said = {f"understudy/{name}": value for name, value in generated.said.items()}
        return _Made({name: layers[name] for name in self._version.layers}, met, said)

    def _over_plate(self, pictures: ReplacePictures, generated: GeneratedFrame, plate: PlateFrame) -> FrameLayers:
        used, effective = self._mattes(pictures, generated)
        display = pictures.plate.display
        over_plate: Floats = place(effective, display, plate.data)  # type: ignore[assignment]
        made = compose(
            plate.pixels, plate.data, self._put_back(generated, over_plate, plate.data), over_plate,
            kind=pictures.plate.kind,
        )  # fmt: skip
        made.layers["matte_used"] = (_three(place(used, display, plate.data)), RGB)
        return made

    def _mattes(self, pictures: ReplacePictures, generated: GeneratedFrame) -> tuple[Floats, Floats]:
        """Return matte_used and matte_effective over the display window; nothing reaches past the crop."""
        frame = generated.frame
        grow, feather = self._settings.matte_grow_pixels, self._settings.matte_feather_pixels
        matte = pictures.matte.frame(frame)
        holdout = pictures.holdout.frame(frame) if pictures.holdout is not None else None
        coverage = put_back(generated.coverage, pictures.crop, frame, kind="matte")
        used = (
            matte_used(matte, columns=self._grid[0], rows=self._grid[1])
            if self._conditioned
            else matte_used_around(matte, grow, feather, coverage)
        )
        _keep_inside(used, pictures.crop.window(frame), pictures.plate.display)
        return used, matte_effective(matte, coverage, holdout, grow, feather, used)

    def _put_back(self, generated: GeneratedFrame, effective: Floats, data: Window) -> Generated:
        """Return the engine's pictures in the plate's own light and pixels, as much as the effective matte needs."""
        crop, colour = self._pictures.crop, self._pictures.colour
        window = window_of_matte(effective, data) or Window(data.x, data.y, 1, 1)

        def back(codes: Picture | None) -> Floats | None:
            return None if codes is None else put_back(colour.to_plate(codes), crop, generated.frame, window)

        return Generated(
            window=window,
            coverage=put_back(generated.coverage, crop, generated.frame, window, kind="matte"),
            picture=back(generated.picture),
            character=back(generated.character),
            clean=back(generated.clean),
        )

    def _attributes(self, frame: int, ground: PlateFrame, layer: str, origin: Mapping[str, str]) -> dict[str, object]:
        """Return the header of one layer's frame: what is kept of the plate, this layer's colour, and our marks."""
        pictures = self._pictures
        return layer_attributes(
            kept_attributes(ground.attributes),
            rate=pictures.rate,
            timecode=ground.timecode,
            interop_id="data" if layer in DATA_LAYERS else pictures.canvas.interop_id,
            ours={
                **self._marks,
                **in_between_marks(pictures.cadence, frame),
                **origin,
                "understudy/layer": layer,
                "understudy/crop": pictures.crop.header(frame),
                "understudy/working_space": pictures.canvas.space,
                "understudy/exposure_stops": f"{pictures.colour.exposure_stops:+.2f}",
            },
        )

    def _write(self, frame: int, ground: PlateFrame, made: _Made) -> tuple[OutputFile, ...]:
        version, canvas, layers = self._version, self._pictures.canvas, made.layers

        def place(folder: str) -> dict[str, Any]:
            own = own_window(folder)
            return {
                "data": own or ground.data,
                "display": own or canvas.display,
                "pixel_aspect": canvas.pixel_aspect if own is None else 1.0,
                "attributes": self._attributes(frame, ground, folder, made.origin),
            }

        written = {
            name: write_layer(version.path(name, frame), pixels, channels, **place(name))
            for name, (pixels, channels) in layers.items()
        }
        if version.parts:
            parts = {part: layers[layer] for part, layer in version.parts.items()}
            written[MULTIPART] = write_parts(version.path(MULTIPART, frame), parts, **place(MULTIPART))
        return tuple(
            OutputFile(
                path=file.path.relative_to(version.folder).as_posix(),
                size=file.size,
                file=file.digest,
                layer=name,
                frame=frame,
                in_between=made.origin.get(IN_BETWEEN, self._pictures.cadence.word(frame)),
            )
            for name, file in written.items()
        )

    def _tell_what_was_met(self) -> None:
        """List, by frame, plate values and generated values that are no ordinary numbers."""
        said = {
            "repaired": "plate values inside the matte were not finite and were made anew from their neighbours",
            "passed": "plate values outside the matte are not finite and stand as they were",
            "clipped": "generated values beyond the largest half were held at it",
        }
        for what, frames in self._met.items():
            if frames:
                self._announce.found(
                    Finding(rule=f"values_{what}", outcome="note", message=said[what], frames=tuple(sorted(frames)))
                )


def plate_as_it_is(pictures: ShotPictures, frame: int) -> GeneratedFrame:
    """Return the frame in which nobody is recast: its matte is empty, so the plate is delivered."""
    crop = pictures.crop
    nothing = np.zeros((crop.model_height, crop.model_width), np.float32)
    black = np.zeros((*nothing.shape, 3), np.float32)
    said = {"face": NOT_SHOWN} if FACE in pictures.description.layers[pictures.order.job.settings.mode] else {}
    return GeneratedFrame(frame=frame, coverage=nothing, character=black, clean=black, said=said)


def _keep_inside(used: Floats, crop: Window, display: Window) -> None:
    """Clear what lies outside the crop: nothing was generated there."""
    top, left = max(0, crop.y - display.y), max(0, crop.x - display.x)
    bottom, right = max(0, crop.y - display.y + crop.height), max(0, crop.x - display.x + crop.width)
    used[:top], used[bottom:], used[:, :left], used[:, right:] = 0, 0, 0, 0


def _three(matte: NDArray[np.generic]) -> NDArray[np.float16]:
    """Return a matte as R, G, B with equal values: Blender cannot read A alone."""
    return np.repeat(matte.astype(np.float16)[:, :, None], 3, axis=2)
