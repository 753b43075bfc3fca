"""The engine `preview`: previz without weights. The character's picture is puppeted along the tracked performance.

Reading order: `replacement.py` (or `animation.py`) tells the story of a frame; `cutout.py`, `fitting.py`, `motion.py`,
`puppet.py`, `light.py` and `background.py` are its steps. docs/preview.md says how each works and what it cannot do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from understudy.bridge.shot import Settings
from understudy.inference.engines.animation import Animation
from understudy.inference.engines.door import Footage, GeneratedFrame, Watcher
from understudy.inference.engines.replacement import Replacement
from understudy.inference.segments import Segment


class PreviewEngine:
    """One shot, one thread; cv2 spreads its work over its own threads."""

    def weights(self, settings: Settings, watcher: Watcher) -> Mapping[str, str]:
        return {}

    def prepare(self, footage: Footage, watcher: Watcher) -> None:
        """Look at a few frames and at the reference. Raises EngineError when there is nothing to show or to follow."""
        self._shot = (Animation if footage.mode == "animate" else Replacement)(footage, watcher)

    def close(self) -> None:
        """Hold nothing."""

    def generate(self, segment: Segment, watcher: Watcher) -> Iterator[GeneratedFrame]:
        """Yield the segment's frames. Each follows from the shot alone, so any segment gives the same bits alone."""
        for done, frame in enumerate(segment.frames):
            watcher.step("generating", done, len(segment.frames))
            yield self._shot.frame(frame)
        for finding in self._shot.told():
            watcher.found(finding)


def open_engine() -> PreviewEngine:
    """Return a fresh engine for one shot."""
    return PreviewEngine()
