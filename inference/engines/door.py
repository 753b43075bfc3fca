"""The one door to every engine: what it is given, what it gives back. `roster.py` says which engines there are.

An engine never sees a file, a colour space or the plate's geometry: the pipeline hands it square-pixel pictures of one
size in the model's encoding (see picture/tone.py) and puts back what it returns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.bridge.shot import Settings
from understudy.inference.segments import Segment

Picture = NDArray[np.float32]

Joints = Callable[[int], NDArray[np.float32]]
"""Frame to (133, 3): x, y in pixels of the picture, where the centre of the first pixel is 0, 0; confidence 0 to 1."""


@dataclass(frozen=True, slots=True)
class EarlierVersion:
    """The delivered version that a redo keeps segments of."""

    carried: Path
    """What its engine left in `Footage.carried`; may be gone."""
    kept: frozenset[int]
    """Indices of the segments that are kept, and never asked of the engine."""
    repeatable: bool
    """Whether those, made again with today's settings, would be the ones that were delivered."""
    unrepeatable: str = ""
    """Why not."""


process_is_spent = threading.Event()
"""Set by an engine whose accelerator is lost to this process: no other job may run in it. Never cleared."""


@dataclass(frozen=True, slots=True)
class Closeup:
    """The driver's pictures at their own size, for what is looked at closely: a face, before all is fitted together."""

    height: int
    width: int
    """Of the whole, in square pixels."""
    part: Callable[[int, tuple[int, int, int, int]], Picture]
    """Frame and box (left, right, top, bottom, whole pixels) to the pictures' own pixels there, in the model's
    encoding; squeezed pixels stay squeezed."""
    points: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    """Points (n, 3) of the footage's picture to where they lie in these."""


@dataclass(frozen=True, slots=True)
class Footage:
    """A shot as an engine sees it. Every reader takes a frame number of `frames` and may be called in any order.

    `frames` are those that get a picture, `rate` is theirs: all frames of the shot, or fewer where the engine's
    description names a rate and the shot is faster (inference/cadence.py).
    Pictures are (height, width, 3) float32 in the model's encoding, Rec.709 primaries, 0 to 1 for displayable values
    (highlights of the plate may reach up to 1.0 by the tone curve; nothing is clipped below 0). Mattes are
    (height, width) float32, 0 to 1. Readers decode and resample each time: keep small things, not pictures.
    `reference` is (height, width, 4) float32, straight (not premultiplied) RGBA in the same encoding, at its own size.
    In mode animate without a plate, `plate` gives the driver's pictures if there are any, else it is None.
    """

    mode: str
    frames: tuple[int, ...]
    height: int
    width: int
    rate: Fraction
    settings: Settings
    reference: Picture
    reference_has_alpha: bool
    plate: Callable[[int], Picture] | None
    matte: Callable[[int], Picture] | None
    clean_plate: Callable[[int], Picture] | None
    holdout: Callable[[int], Picture] | None
    keypoints: Joints | None
    scratch: Path
    """A folder of this job that survives a crash of the worker: what `prepare` leaves here may be used again."""
    carried: Path = Path()
    """A folder that stays as long as the version: what a redo of a segment needs of the one before it. Small files."""
    earlier: EarlierVersion | None = None
    """For a redo, the version before."""
    plate_scale: float | None = None
    """Engine pixels a pixel of the plate, across or down, whichever is fewer; None where no plate is recast."""
    closeup: Closeup | None = None
    """Mode animate, where the driver has pictures."""


@dataclass(frozen=True, slots=True)
class GeneratedFrame:
    """What an engine made of one frame, at the footage's size, in the model's encoding.

    Either `picture` (opaque, background included) or `character` and `clean` (then the pipeline composes them in linear
    light); `coverage` always. `character` is straight colour, not premultiplied: only its pixels under coverage count.
    """

    frame: int
    coverage: Picture
    picture: Picture | None = None
    character: Picture | None = None
    clean: Picture | None = None
    layers: dict[str, Picture] | None = None
    """Extra layers that the engine's description names, such as `skeleton`; (height, width, 3), data. Those of
    `bridge.shot.OWN_SIZES` are pictures of that size in the model's encoding, and lie over nothing."""
    said: Mapping[str, str] = field(default_factory=dict)
    """Marks of this frame alone, by their name without `understudy/`; of those in marks.FRAME_MARKS."""
    approximate: str = ""
    """How it was made with less than the settings say, where that changed its numbers: `float8 weights`."""


DENOISING = "denoising"
"""The stage of an engine that is told while it generates: a segment of it takes minutes."""


class Watcher(Protocol):
    """How an engine tells where it stands and learns that it should stop."""

    def step(self, stage: str, done: int, total: int) -> None:
        """Report progress. Raises JobCancelled or JobParked when the job was cancelled or paused: let it pass."""
        ...

    def found(self, finding: Finding) -> None:
        """List something the artist should know. Raises ComplianceError for a finding that refuses: let it pass."""
        ...


class Engine(Protocol):
    """One engine, made for one shot."""

    def weights(self, settings: Settings, watcher: Watcher) -> Mapping[str, str]:
        """Return the digest of everything that will be loaded, by name: verified, before anything is written.

        Raises WeightsError. An engine without weights returns nothing.
        """
        ...

    def prepare(self, footage: Footage, watcher: Watcher) -> None:
        """Look at the whole shot once. Deterministic; may be repeated after a crash."""
        ...

    def generate(self, segment: Segment, watcher: Watcher) -> Iterator[GeneratedFrame]:
        """Return the segment's own frames in order. The same segment gives the same bits, whatever ran before it,
        unless the description's segment rule has an overlap.

        An engine on a GPU makes the segment before it returns, and leaves to the iterator what needs the processor
        alone: another thread takes the frames while the next segment is made.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds: files, threads, processes. Called once however the job ends, even unprepared."""
        ...
