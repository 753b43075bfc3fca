"""The engine `wan-animate`: Wan2.2-Animate, segment by segment, from float pictures to float pictures.

    weights    find and verify the model, before anything is written
    prepare    poses, faces, mattes (`wan/shot_controls.py`); then load the model and encode what stays the same
    generate   one segment (`wan/loop.py`), its last pictures kept for the next and for a redo (`wan/carried.py`), its
               frames given out

docs/wan-animate.md tells what is exact, what is approximate and what it costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from understudy.bridge.errors import Finding
from understudy.bridge.settings import UserSettings, load_settings
from understudy.bridge.shot import Settings
from understudy.inference.engines.door import Footage, GeneratedFrame, Watcher
from understudy.inference.engines.roster import describe_for
from understudy.inference.engines.wan.carried import carried_of, refuse_another_take
from understudy.inference.engines.wan.control_reader import ControlReader, pictures_of, signed
from understudy.inference.engines.wan.finishing import Finisher
from understudy.inference.engines.wan.noise import NoiseStream
from understudy.inference.engines.wan.options import WanOptions
from understudy.inference.engines.wan.relighting import loras_of, relighting_finding
from understudy.inference.engines.wan.segmenter import Segmenter
from understudy.inference.engines.wan.shot_controls import shot_controls
from understudy.inference.engines.wan.shot_model import ShotModel
from understudy.inference.engines.wan.spans import span_of
from understudy.inference.segments import Segment, plan_segments
from understudy.inference.weights.catalogue import WAN_ANIMATE
from understudy.inference.weights.opening import digests
from understudy.inference.weights.segmenter_shelf import find_segmenter, segmenter_digest


class WanAnimateEngine:
    """One shot. One thread makes segments, one other reads controls ahead, one finishes frames (door.Engine)."""

    def __init__(self, settings: UserSettings | None = None) -> None:
        self._user = settings or load_settings()
        self._model: ShotModel | None = None
        self._reader: ControlReader | None = None

    def weights(self, settings: Settings, watcher: Watcher) -> Mapping[str, str]:
        """Return the digests of the model, its LoRAs and the segmenter. Raises WeightsError."""
        options = WanOptions.of(settings)
        found = digests(WAN_ANIMATE, self._user, loras_of(options, self._user), watcher.step).digests()
        if options.segmenter:
            found |= segmenter_digest(find_segmenter(options.segmenter, WAN_ANIMATE, self._user), self._user)
        return found

    def prepare(self, footage: Footage, watcher: Watcher) -> None:
        """Look at the shot, load the model. Raises EngineError, WeightsError; JobCancelled and JobParked pass."""
        options = WanOptions.of(footage.settings)
        self._footage, self._options = footage, options
        segmenter = self._segmenter(options)
        self._model = ShotModel(footage, options, self._user)
        self._model.admit(watcher)
        self._segments = plan_segments(footage.frames, describe_for(footage.settings).segment)
        self._spans = [span_of(segment, footage.frames) for segment in self._segments]
        self._controls = shot_controls(footage, options, self._user, watcher)
        relighting = relighting_finding(options, self._user)
        if relighting is not None:
            watcher.found(relighting)
        for words in options.approximations:
            watcher.found(Finding(rule="approximate", outcome="note", message=words))
        loaded = self._model.load(watcher)
        self._reader = ControlReader(self._controls, loaded.parts.transformer.config.motion_encoder_size)
        self._carried = carried_of(footage, loaded.digests)
        self._noise = NoiseStream.of(footage.settings, [loaded.loop.noise_shape(span) for span in self._spans])
        self._finisher = Finisher(footage, self._controls, options, segmenter)

    def generate(self, segment: Segment, watcher: Watcher) -> Iterator[GeneratedFrame]:
        """Make the segment, and return its frames: they are finished as they are taken, on whatever thread.

        What it takes over is read from the job's folder, or made again.
        """
        made = self._run(segment.index, watcher)
        approximate = self._approximate
        span = self._spans[segment.index]
        frames = self._finisher.frames(segment, pictures_of(made[:, :, : span.own]), watcher)
        return (replace(frame, approximate=approximate) for frame in frames)

    def close(self) -> None:
        """End the thread that reads ahead, and let go of the model."""
        if self._reader is not None:
            self._reader.close()
        if self._model is not None:
            self._model.close()

    def _segmenter(self, options: WanOptions) -> Segmenter | None:
        if not options.segmenter:
            return None
        return Segmenter(find_segmenter(options.segmenter, WAN_ANIMATE, self._user))

    def _run(self, index: int, watcher: Watcher) -> Tensor:
        """Return a segment's pictures behind its carried ones, and keep its last."""
        if self._model is None or self._reader is None:
            raise ValueError("an engine is prepared before it generates")
        span = self._spans[index]
        carried = self._before(index, watcher)
        following = self._spans[index + 1] if index + 1 < len(self._spans) else None
        controls = self._reader.read(span, following)
        made = self._model.run(span, len(self._spans), controls, self._noise.segment(index), carried, watcher)
        self._approximate = self._model.approximate
        self._carried.save(index, made[:, :, span.own - self._options.carried_frames : span.own])
        return made

    def _before(self, index: int, watcher: Watcher) -> Tensor | None:
        """Return what segment `index` takes over: from the file, from the plate where nobody was, or made again."""
        span = self._spans[index]
        if not span.carried:
            return None
        kept = self._carried.load(index - 1)
        if kept is not None:
            return kept
        frames = [self._footage.frames[position] for position in span.positions[: span.carried]]
        if self._was_skipped(index - 1):
            return torch.cat([signed(self._controls.background(frame)[None]) for frame in frames], dim=2)
        refuse_another_take(self._footage.earlier, index - 1)
        self._run(index - 1, watcher)
        refuse_another_take(self._footage.earlier, index - 1, self._approximate)
        return self._carried.load(index - 1)

    def _was_skipped(self, index: int) -> bool:
        """Return whether nobody was to be replaced in any frame of a segment: the pipeline delivers the plate there."""
        matte = self._footage.matte
        return (
            self._footage.mode == "replace"
            and matte is not None
            and not any(matte(frame).any() for frame in self._segments[index].frames)
        )


def open_engine() -> WanAnimateEngine:
    """Return a fresh engine for one shot."""
    return WanAnimateEngine()
