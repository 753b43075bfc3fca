"""What a redo keeps of the version before: the pixels of other segments, and what a dissolve leads into."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from understudy.bridge.errors import EngineError, Finding
from understudy.bridge.shot import Redo
from understudy.inference.cadence import Cadence
from understudy.inference.compliance.marks import APPROXIMATE, PIXELS_FROM, PIXELS_SETTINGS
from understudy.inference.frame_layers import Change
from understudy.inference.picture.composite import Layer
from understudy.inference.picture.dissolve import dissolve
from understudy.inference.picture.plate import PlateFrame
from understudy.inference.reuse import Twin, TwinFrame
from understudy.inference.segments import Segment, kept_segments
from understudy.inference.version import Version


class Redoing:
    """One redo: which frames are kept, and how those that lead into kept ones end. For the worker's own thread."""

    def __init__(self, redo: Redo, version: Version, segments: Sequence[Segment], cadence: Cadence) -> None:
        """Raises EngineError for an order that does not say where the version before lies."""
        earlier = version.order.earlier
        if earlier is None:
            raise EngineError(
                "the work order does not say where the version before lies",
                remedy="Have the daemon write the order again.",
            )
        self._redo, self._own, self._layers = redo, version.order, version.layers
        self._twin = Twin(earlier.folder)
        self._overlap = version.description.segment.overlap
        self._segments = segments
        self._delivered = tuple(cadence.delivered(segment) for segment in segments)
        kept = kept_segments(redo, len(segments))
        self.kept = tuple(frame for index in sorted(kept) for frame in self._delivered[index])
        """The frames whose pixels are the version's before."""

    @property
    def again(self) -> Segment:
        """The segment that was asked for."""
        return self._segments[self._redo.segment - 1]

    @property
    def seams(self) -> tuple[tuple[int, int], ...]:
        """The last frame before and the first one after each seam between made and kept pictures; none in a cascade."""
        if not self._redo.alone:
            return ()
        pairs = [pair for pair in pairwise(self._segments) if self.again in pair]
        return tuple((self._delivered[a.index][-1], self._delivered[b.index][0]) for a, b in pairs)

    @property
    def dissolved(self) -> tuple[int, ...]:
        """The frames that lead over into the version before: those that the next segment took over from it, and the
        in-betweens among and behind them.
        """
        if not self._redo.dissolve or not self._overlap:
            return ()
        first = self.again.frames[-self._overlap :][0]
        return tuple(frame for frame in self._delivered[self.again.index] if frame >= first)

    def findings(self) -> tuple[Finding, ...]:
        """Return what the report says of where the pixels are from."""
        found = []
        if self.kept:
            said = f"{len(self.kept)} frames carry the pixels of the version before; papers, headers and gates are new"
            found.append(Finding(rule="pixels_kept", outcome="note", message=said, frames=self.kept))
        if self._redo.segment > 1 and self._redo.unrepeatable:
            said = f"the segments before, made again, would not be those that were delivered: {self._redo.unrepeatable}"
            found.append(Finding(rule="not_repeatable", outcome="note", message=said))
        if self.dissolved:
            said = "these frames dissolve into the version before, in linear light"
            found.append(Finding(rule="dissolved", outcome="note", message=said, frames=self.dissolved))
        return tuple(found)

    def before(self, frame: int) -> TwinFrame:
        """Return a frame as the version before has it. Raises EngineError where its files are not whole any more."""
        found = self._twin.frame(frame, self._layers)
        if found is None:
            raise EngineError(
                f"frame {frame} of version {self._redo.version} of job {self._redo.job_id} is no longer there as it "
                "was delivered, so it cannot be kept",
                remedy="Put the version's files back as they were delivered, or submit the job again.",
                facts={"frame": str(frame), "job": self._redo.job_id},
            )
        return found

    def origin(self, found: TwinFrame) -> dict[str, str]:
        """Return the marks of a kept frame: which version made its pixels, with which settings."""
        own = {PIXELS_FROM: f"job {self._redo.job_id} version {self._redo.version}", PIXELS_SETTINGS: found.settings}
        return own | found.origin

    def change(self, frame: int, kind: str) -> Change | None:
        """Return what becomes of a frame that was made again; None for one that stands as it is made.

        kind: the class of what stands behind the layers.
        """
        last = self.dissolved
        if frame not in last:
            return None
        weight = (last.index(frame) + 1) / (len(last) + 1)
        before = self.before(frame)
        second = before.layers
        said = (
            f"job {self._own.job_id} version {self._own.version}, dissolved by {weight:.3g} into job "
            f"{self._redo.job_id} version {self._redo.version}"
        )

        def dissolved(layers: dict[str, Layer], ground: PlateFrame) -> dict[str, Layer]:
            return dissolve(layers, second, weight, ground.pixels, kind)

        kept = {name: value for name, value in before.origin.items() if name == APPROXIMATE}
        return Change(dissolved, {PIXELS_FROM: said, **kept})
