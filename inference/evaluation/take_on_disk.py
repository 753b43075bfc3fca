"""A delivered take as RESULT: its layers' files, what its manifest says of colour, and where its segments begin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from understudy.bridge.errors import Finding, PlateError, RequestError
from understudy.bridge.frames import FrameRate
from understudy.bridge.shot import Settings
from understudy.bridge.take_segments import seams_of
from understudy.inference.cadence import Cadence
from understudy.inference.compliance.manifest import MANIFEST_NAME, Manifest, read_manifest
from understudy.inference.engines.roster import describe_for
from understudy.inference.evaluation.over_time import planned_starts

COLOUR_CONFIG, ENGINE, ENGINE_VERSION, SETTINGS = (
    f"understudy/{name}" for name in ("colour_config", "engine", "engine_version", "settings")
)
WORKING_SPACE = "understudy/working_space"
MOST_FRAMES = 1_000_000
"""Eleven hours at 24 a second."""


class Starts(NamedTuple):
    """First frames of segments, and in words where that is known from."""

    frames: tuple[int, ...]
    source: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class TakeOnDisk:
    """A folder with a manifest. `folder` is as it was typed."""

    folder: Path
    manifest: Manifest

    @property
    def picture_layer(self) -> str:
        """Return the layer that holds the finished picture: `comp`, or `beauty` in mode animate."""
        return "comp" if any(file.layer == "comp" for file in self.manifest.files) else "beauty"

    @property
    def frames(self) -> tuple[int, ...]:
        return tuple(every_frame(*self.manifest.frames, str(self.folder)))

    @property
    def colour_config(self) -> str:
        """Return the built-in config's name, or the studio's own file's name and digest."""
        return self.manifest.marks.get(COLOUR_CONFIG, "")

    def files(self, layer: str) -> dict[int, Path]:
        """Return the layer's files that lie on disk, by frame. Raises PlateError for one outside of the folder."""
        listed = {
            file.frame: file.path for file in self.manifest.files if file.layer == layer and file.frame is not None
        }
        if not listed:
            held = ", ".join(sorted({file.layer for file in self.manifest.files if file.layer is not None}))
            raise RequestError(
                f"the take {self.folder} has no layer {layer}; its layers: {held}",
                remedy="Name one of these, or the matte's own files with --matte.",
            )
        inside = self.folder.resolve()
        for path in listed.values():
            if not (self.folder / path).resolve().is_relative_to(inside):
                raise PlateError(
                    f"{self.folder / MANIFEST_NAME} names {path}, which lies outside of the take",
                    remedy="This manifest was changed. Fetch the take again.",
                    facts={"file": path},
                )
        found = {frame: self.folder / path for frame, path in sorted(listed.items())}
        return {frame: path for frame, path in found.items() if path.is_file()}

    def segment_starts(self) -> Starts:
        """Return where segments begin: as the manifest lists them, else by its engine, its settings and its frames."""
        marks = self.manifest.marks
        name, version = marks.get(ENGINE, ""), marks.get(ENGINE_VERSION, "")
        if self.manifest.segments:
            return Starts(seams_of(self.manifest.segments), f"the take's manifest: {name} {version}")
        try:
            description = describe_for(msgspec.json.decode(marks.get(SETTINGS, ""), type=Settings))
            rate = FrameRate.parse(self.manifest.rate).fraction if description.rate is not None else None
        except RequestError:
            return _unknown(f"the engine '{name}' of this take is not here")
        except (msgspec.MsgspecError, ValueError, KeyError) as problem:
            return _unknown(f"the settings of this take cannot be read ({problem})")
        if description.version != version:
            return _unknown(f"the take was made by {name} {version}, here is {name} {description.version}")
        cadence = Cadence.of(self.frames, rate, description)
        return Starts(planned_starts(cadence, description.segment), f"the take's manifest: {name} {version}")


def every_frame(first: int, last: int, typed: str) -> range:
    """Return the frames from `first` to `last`. Raises RequestError for more than any shot has: a stray number."""
    if last - first >= MOST_FRAMES:
        raise RequestError(
            f"{typed} has frames from {first} to {last}, more than a shot has",
            remedy="One of the numbers is a stray file's: remove it, or say with --frames which are meant.",
        )
    return range(first, last + 1)


def read_take(folder: Path) -> TakeOnDisk:
    """Read the manifest in `folder`. Raises RequestError for a folder that is no take."""
    try:
        manifest = read_manifest((folder / MANIFEST_NAME).read_bytes())
    except (OSError, msgspec.MsgspecError) as problem:
        why = f"it has no {MANIFEST_NAME}" if isinstance(problem, FileNotFoundError) else f"{MANIFEST_NAME}: {problem}"
        raise RequestError(
            f"{folder} is no take: {why}",
            remedy=f"Name a delivered take's folder, or the files themselves: {folder / 'name.####.exr'}.",
        ) from None
    return TakeOnDisk(folder, manifest)


def _unknown(why: str) -> Starts:
    found = Finding(
        rule="segments_unknown", outcome="warn", message=f"{why}: where its segments begin is not known",
        remedy="Say it: --segment-length and --overlap.",
    )  # fmt: skip
    return Starts((), "not known", (found,))
