"""The engine that changes nothing: it returns its input. With it the whole path of the picture can be proved.

plate -> crop -> model's colour -> engine -> back -> put back must be the plate again, within the error that
docs/layers.md states. It invents no clean plate and no character: its picture is what it was given, its coverage is
the matte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from understudy.bridge.errors import EngineError
from understudy.bridge.shot import Settings
from understudy.inference.engines.door import Engine, Footage, GeneratedFrame, Watcher
from understudy.inference.segments import Segment


class IdentityEngine:
    """Made for one shot; used from one thread."""

    def __init__(self) -> None:
        self._footage: Footage | None = None

    def weights(self, settings: Settings, watcher: Watcher) -> Mapping[str, str]:
        return {}

    def prepare(self, footage: Footage, watcher: Watcher) -> None:
        """Take the footage. Raises EngineError when it has no pictures to return."""
        if footage.plate is None:
            raise EngineError(
                "the engine 'identity' returns its input, and this job has no plate or driver pictures",
                remedy="Give --plate, or choose another engine.",
            )
        watcher.step("prepare", 1, 1)
        self._footage = footage

    def close(self) -> None:
        """Hold nothing."""

    def generate(self, segment: Segment, watcher: Watcher) -> Iterator[GeneratedFrame]:
        """Yield the plate's own pictures, each with the matte as its coverage (all 1 where there is no matte)."""
        footage = self._footage
        if footage is None or footage.plate is None:
            raise ValueError("prepare() comes before generate()")
        for done, frame in enumerate(segment.frames):
            watcher.step("generate", done, len(segment.frames))
            picture = footage.plate(frame)
            coverage = np.ones(picture.shape[:2], np.float32) if footage.matte is None else footage.matte(frame)
            yield GeneratedFrame(frame=frame, picture=picture, coverage=coverage)


def open_engine() -> Engine:
    """Return a fresh engine."""
    return IdentityEngine()
