"""Mode replace: the character takes the performer's place in the plate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import EngineError, Finding
from understudy.inference.engines.background import Background
from understudy.inference.engines.cutout import Cutout, cut_out
from understudy.inference.engines.door import Footage, GeneratedFrame, Watcher
from understudy.inference.engines.fitting import Fit, fit, touches_bottom
from understudy.inference.engines.likeness import SAME_COLOURS, SAME_SURFACE, likeness, matched, same_colours
from understudy.inference.engines.motion import Tracker
from understudy.inference.engines.paintover import Paintover
from understudy.inference.engines.puppet import Puppet, draw, light_gain, make_puppet, seen_small, within_reach
from understudy.inference.engines.shot_reader import Pictures, ShotReader
from understudy.inference.engines.smooth import resized
from understudy.inference.engines.survey import Glance, Lights, choose_home, glance, survey_positions
from understudy.inference.engines.warp import places, sample

Array = NDArray[np.float32]

POOR_FIT = 0.6
"""Overlap under which the artist is told that the two figures do not go together."""


class Replacement:
    """One shot, prepared. One thread."""

    def __init__(self, footage: Footage, watcher: Watcher) -> None:
        """Look at a few frames and the reference. Raises EngineError where there is nothing to show or follow."""
        if footage.plate is None or footage.matte is None:
            raise EngineError("mode replace needs a plate and a matte", remedy="Give both, or use mode animate.")
        self._footage = footage
        self._reader = ShotReader(footage)
        self._strength = _strength(footage, "colour"), _strength(footage, "light")
        watcher.step("cutting out the character", 0, 1)
        self._cutout = cut_out(footage.reference, footage.reference_has_alpha)
        for finding in self._cutout.findings:
            watcher.found(finding)
        self._background = Background(self._reader.hidden, footage.frames, self._reader.size, footage.settings.seed)
        self._lost: list[int] = []
        self._fits: dict[int, tuple[Fit, Puppet, float]] = {}
        glances = self._survey(watcher)
        self._lights = Lights(glances)
        home = choose_home(glances, lambda found: self._fitted(found)[0].merit)
        if home is None:
            raise EngineError(
                "the matte shows nobody in the frames that were looked at",
                remedy="Check the matte's channel and polarity (--matte-channel, --matte-invert).",
            )
        home = self._lay_over(home, glances, watcher)
        self._tracker = Tracker(
            self._reader.view,
            footage.frames,
            footage.frames[home.position],
            self._fit,
            same_surface=self._paintover is not None,
            scratch=footage.scratch,
        )

    def told(self) -> list[Finding]:
        """Return what was found since this was last asked: frames whose camera move was lost."""
        lost, self._lost = self._lost, []
        if not lost:
            return []
        return [
            Finding(
                rule="background_found",
                outcome="warn",
                message=f"the camera's move was not found in {len(lost)} frames: the background there is invented",
                remedy="Give a clean plate with --clean-plate.",
                frames=tuple(lost),
            )
        ]

    def _survey(self, watcher: Watcher) -> list[Glance]:
        frames = self._footage.frames
        positions = survey_positions(len(frames))
        glances = []
        for done, position in enumerate(positions):
            watcher.step("looking at the shot", done, len(positions))
            frame = frames[position]
            glances.append(glance(position, *self._reader.small(frame), self._reader.view(frame)))
            if self._footage.clean_plate is None:
                self._background.look_at(position)
        return glances

    def _lay_over(self, home: Glance, glances: list[Glance], watcher: Watcher) -> Glance:
        """Fit the character to the performer; where it is the performer, to the frame that shows the same pose."""
        found, puppet, alike = self._fitted(home)
        self._paintover = None
        if self._colours_agree(home):
            candidates = [(self._fitted(other), other) for other in self._nearest_pose(glances)]
            (found, puppet, alike), home = max(candidates, key=lambda candidate: candidate[0][2])
        if alike > SAME_SURFACE and home.view is not None:
            found = self._settled(found, puppet, home)
            self._paintover = Paintover(*self._reader.pictures(self._footage.frames[home.position])[:2])
        self._fit, self._puppet = found, puppet
        self._fits.clear()
        for finding in _findings(found, self._cutout, home):
            watcher.found(finding)
        return home

    def _settled(self, found: Fit, puppet: Puppet, home: Glance) -> Fit:
        """Match the character to the home frame ever more finely."""
        frame = self._footage.frames[home.position]
        height, width = self._reader.size
        still = np.zeros((height, width, 2), np.float32)
        for factor in (1, 1, 2, 2):
            view = self._reader.view(frame, factor)
            if view is None:
                break
            drawn = draw(puppet, _through(found, still), view.grey.shape[0], view.grey.shape[1], None)
            found = matched(found, view, np.dstack([drawn.colour, drawn.coverage]))
        return found

    def _nearest_pose(self, glances: list[Glance]) -> list[Glance]:
        """Return the surveyed frame that looks most like the character, and ever closer frames on both sides of it."""
        shown = [found for found in glances if found.view is not None]
        best = max(shown, key=lambda found: self._fitted(found)[2])
        step = max(1, len(self._footage.frames) // (2 * len(glances)))
        tried = {found.position: found for found in shown}
        while step >= 1:
            for position in (best.position - step, best.position + step):
                if 0 <= position < len(self._footage.frames) and position not in tried:
                    frame = self._footage.frames[position]
                    tried[position] = glance(position, *self._reader.small(frame), self._reader.view(frame))
            near = [found for found in tried.values() if found.view and abs(found.position - best.position) <= step]
            best = max(near, key=lambda found: self._fitted(found)[2])
            step //= 2
        return [best]

    def _colours_agree(self, home: Glance) -> bool:
        plate, matte = self._reader.small(self._footage.frames[home.position])
        return same_colours(plate, matte, self._cutout.colour, self._cutout.alpha) > SAME_COLOURS

    def _fitted(self, home: Glance) -> tuple[Fit, Puppet, float]:
        view = home.view
        if view is None:
            raise ValueError("a frame that shows nobody has nobody to fit")
        if home.position in self._fits:
            return self._fits[home.position]
        found = fit(self._cutout.alpha, view.matte)
        scene = None if self._footage.reference_has_alpha else _around(self._cutout)
        puppet = make_puppet(self._cutout, found.matrix, view.grey.shape[1], self._footage.width, scene)
        still = np.zeros((*view.grey.shape, 2), np.float32)
        alike = likeness(view, seen_small(puppet, _through(found, still)))
        self._fits[home.position] = found, puppet, alike
        return self._fits[home.position]

    def frame(self, frame: int) -> GeneratedFrame:
        """Make one frame; the same bits whatever was made before."""
        height, width = self._footage.height, self._footage.width
        pictures = self._reader.pictures(frame)
        clean = self._clean(frame, pictures)
        view = self._reader.view(frame)
        if view is None:
            nothing = np.zeros((height, width), np.float32)
            return GeneratedFrame(frame, nothing, character=np.zeros((height, width, 3), np.float32), clean=clean)
        motion = self._tracker.field(frame)
        field = _through(self._fit, motion)
        drawing = draw(self._puppet, field, height, width, self._gain(frame, field))
        if self._paintover is not None:
            drawing = self._paintover.carry_over(drawing, motion, pictures.plate, pictures.matte)
        # The cut-out's colour goes on past its outline, so a gap that is covered has a colour.
        gaps = resized(self._tracker.gaps(frame, motion), height, width)
        coverage = np.maximum(drawing.coverage, gaps) * resized(within_reach(view.matte), height, width)
        if pictures.holdout is not None:
            coverage = coverage * (1.0 - np.clip(pictures.holdout, 0.0, 1.0))
        return GeneratedFrame(frame, coverage, character=drawing.colour, clean=clean)

    def _gain(self, frame: int, field: Array) -> Array | None:
        light = self._lights.at(self._footage.frames.index(frame))
        if light is None or self._paintover is not None:
            return None
        return light_gain(self._puppet, field, light, *self._strength)

    def _clean(self, frame: int, pictures: Pictures) -> Array:
        if self._footage.clean_plate is not None:
            clean = self._footage.clean_plate(frame)
        else:
            clean, found = self._background.clean(frame, pictures.plate, pictures.hidden)
            if not found:
                self._lost.append(frame)
        if pictures.holdout is None:
            return clean
        return clean + (pictures.plate - clean) * np.clip(pictures.holdout, 0.0, 1.0)[..., None]


def _through(found: Fit, field: Array) -> Array:
    """Return the field that goes on from the home frame through the fit's bend."""
    across, down = places(*field.shape[:2])
    return field + sample(found.bend, across + field[..., 0] + found.pad, down + field[..., 1] + found.pad)


def _around(cutout: Cutout) -> Array:
    colours = cutout.backdrop[cutout.alpha < 0.02]
    return colours[:: max(1, len(colours) // 4000)]


def _strength(footage: Footage, name: str) -> float:
    text = footage.settings.engine_options.get(name, "1")
    try:
        return float(np.clip(float(text), 0.0, 1.0))
    except ValueError:
        raise EngineError(f"engine option {name} is a number from 0 to 1, not '{text}'", remedy="Correct it.") from None


def _findings(found: Fit, cutout: Cutout, home: Glance) -> list[Finding]:
    findings = []
    if found.overlap < POOR_FIT:
        findings.append(
            Finding(
                rule="reference_fits",
                outcome="warn",
                message=f"the character's outline overlaps the performer's by {found.overlap:.0%} only",
                remedy="Choose a reference in a similar pose and framing, or check its cut-out.",
            )
        )
    if home.view is not None and touches_bottom(cutout.alpha) and not touches_bottom(home.view.matte):
        findings.append(
            Finding(
                rule="reference_framing",
                outcome="warn",
                message="the reference is cut at its lower edge, but the performer is seen down to the feet",
                remedy="Choose a reference that shows the whole figure.",
            )
        )
    return findings
