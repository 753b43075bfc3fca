"""A version's folder with real layers, which a test spoils in one way and reads back."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from understudy.bridge.errors import Finding
from understudy.inference.compliance.facts import DeliveryFacts
from understudy.inference.compliance.gate import STAGES
from understudy.inference.compliance.marks import marks
from understudy.inference.compliance.read_back import read_back
from understudy.inference.picture.header import Window
from understudy.inference.picture.layers import write_layer
from understudy.inference.picture.review import write_review

TODAY = "2026-11-20"
MATTE = np.zeros((32, 48), np.float16)
MATTE[8:24, 10:30] = 0.5


class Take:
    """A version's folder as an engine would have made it, and what is found in it."""

    def __init__(self, shot: Any, description: Any, say: Any, folder: Path, **order: Any) -> None:
        self.shot, self.description, self.say, self.folder = shot, description, say, folder
        self.order = shot.order(**order)
        self.marks = marks(self.order, description)
        for frame in self.order.job.shot.range:
            self.write(frame)
        self.review(4)

    def layers(self, frame: int) -> dict[str, Any]:
        """Return the three layers of a frame: a grey patch of half coverage over the plate."""
        plate = self.shot.plate_pixels(frame).astype(np.float32)
        alpha = MATTE.astype(np.float32)[:, :, None]
        patch = np.concatenate([0.25 * alpha, 0.5 * alpha, 0.75 * alpha, alpha], axis=2).astype(np.float16)
        comp = (patch[:, :, :3].astype(np.float32) + (1 - alpha) * plate).astype(np.float16)
        return {"comp": comp, "patch": patch, "matte_effective": MATTE}

    def write(self, frame: int, attributes: dict[str, str] | None = None, **changed: Any) -> None:
        for layer, pixels in {**self.layers(frame), **changed}.items():
            window = Window(0, 0, pixels.shape[1], pixels.shape[0])
            channels = "RGBA" if layer == "patch" else "RGB"
            carried = self.marks if attributes is None else attributes
            write_layer(self.path(layer, frame), pixels, channels, data=window, display=window, attributes=carried)

    def path(self, layer: str, frame: int) -> Path:
        return self.folder / layer / f"{layer}.{frame:04}.exr"

    def review(self, count: int, rate: Fraction = Fraction(24)) -> None:
        pictures: Iterator[Any] = (np.full((32, 48, 3), 90, np.uint8) for _ in range(count))
        write_review(self.folder / "review.mp4", pictures, rate, 48, 32)

    def facts(self, **changes: Any) -> DeliveryFacts:
        return read_back(
            self.order, self.folder, lambda done, total: None, description=self.description, today=TODAY, **changes
        )

    def judge(self, **changes: Any) -> dict[str, Finding]:
        facts = self.facts(**changes)
        return {name: self.say(name, facts) for name in STAGES["delivery"]}

    def refusals(self, **changes: Any) -> list[str]:
        return [name for name, finding in self.judge(**changes).items() if finding.refuses]


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])
