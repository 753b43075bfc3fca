"""Lends the stand-in to the contract suite: a project, a clip with frames to spare at both ends, and its matte."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from host_rig import FIRST, FRAMES, NO_HANDLES, Drawn, Picture
from resolve_stand_in.application import Project, Resolve
from resolve_stand_in.pictures import composite
from resolve_stand_in.pool import MediaPoolItem, bracketed
from resolve_stand_in.timelines import Timeline, TimelineItem
from resolve_stand_in.world import Switches

from understudy.bridge.frames import FilePattern, FrameRange, FrameRate, Handles
from understudy.bridge.host import Exported, Steps
from understudy.bridge.main_thread import MainThread
from understudy.bridge.options import JobOptions
from understudy.host_plugins.resolve.choices import Choices
from understudy.host_plugins.resolve.host import ResolveHost
from understudy.host_plugins.resolve.importing import VERSION

SAID = {FrameRate(24000, 1001): "23.976", FrameRate(30000, 1001): "29.97 DF", FrameRate(25): "25", FrameRate(24): "24"}
RATE = FrameRate(24000, 1001)
HEAD, TAIL = 1, 2
SOURCE_FIRST = 201
"""The medium's own numbers are not the timeline's: whoever takes one for the other is found out."""
POLL_SECONDS = 0.002
ATTEMPTS = {"ImportMedia": 3, "AppendToTimeline": 2}
"""What is tried in more than one way is refused only when every way is."""


class ResolveRig:
    """Implements `host_rig.HostRig`."""

    renders = True
    edits = True
    renders_by_itself = True
    refusals = (
        "OpenPage", "SaveAsNewRenderPreset", "SetCurrentRenderFormatAndCodec", "SetCurrentRenderMode",
        "SetRenderSettings", "AddRenderJob", "StartRendering", "AddSubFolder", "SetCurrentFolder", "ImportMedia",
        "SetCurrentTimeline", "AddTrack", "AppendToTimeline",
    )  # fmt: skip

    def __init__(self, folder: Path, switches: Switches | None = None) -> None:
        self.folder = folder
        self.resolve = Resolve(switches)
        self.main = MainThread()
        self.host = self._host(Choices())

    def _host(self, choices: Choices) -> ResolveHost:
        return ResolveHost(self.resolve, choices, poll_seconds=POLL_SECONDS)  # type: ignore[arg-type]

    @property
    def timeline(self) -> Timeline:
        timeline = self.resolve.project.current
        assert timeline is not None
        return timeline

    @property
    def clip(self) -> TimelineItem:
        return self.timeline.tracks[0].items[0]

    def make_shot(
        self, drawn: Drawn, *, shot: str, rate: FrameRate, untouched: bool = True, matte: str | None = None,
        start: int = FIRST, handles: Handles = NO_HANDLES,
    ) -> None:  # fmt: skip
        """start: the timeline frame of the first drawn one."""
        project = self.resolve.manager.project = Project(self.resolve.world, "Show")
        project.settings["timelineFrameRate"] = SAID[rate]
        timeline = Timeline(self.resolve.world, project, "Reel 1", start - 16)
        project.timelines.append(timeline)
        project.current = timeline
        item = TimelineItem(self.resolve.world, self._medium(drawn, project), shot, start, FRAMES, HEAD)
        item.trim(*handles)
        timeline.put(1, item)
        timeline.playhead = item.start
        matte = matte or drawn.matte
        if not untouched:
            item.compositions = 1
            self._put_matte(matte, project, timeline, start)
        self.host.choices = Choices(
            options=JobOptions(reference=drawn.reference, matte=matte if untouched else None, handles=str(handles)),
            matte_from="file" if untouched else "track",
        )

    def ask_handles(self, handles: Handles) -> None:
        choose(self, handles=str(handles))

    def placed(self) -> tuple[FrameRange, FrameRange]:
        item = next(i for track in reversed(self.timeline.tracks) for i in track.items if _is_take(i))
        shown = FrameRange(item.start, item.start + (item.duration or 0) - 1)
        return shown, FrameRange(shown.first - item.left, shown.last + item.right)

    def _medium(self, drawn: Drawn, project: Project) -> MediaPoolItem:
        folder = self.folder / "Größe 50% [final] $shot"
        if not folder.exists():
            folder.mkdir(parents=True)
            for number in range(HEAD + FRAMES + TAIL):
                frame = min(max(FIRST + number - HEAD, FIRST), FIRST + FRAMES - 1)
                source = FilePattern(drawn.plate).path(frame)
                shutil.copyfile(source, folder / f"plate.{SOURCE_FIRST + number:04}.exr")
        files = sorted(folder.glob("plate.*.exr"))
        said = {"Input Color Space": "Rec.709", "Input Gamma": "Linear"}
        medium = MediaPoolItem(
            self.resolve.world, project, files, bracketed(files), project.settings["timelineFrameRate"], **said
        )
        project.pool.root.clips.append(medium)
        return medium

    def _put_matte(self, matte: str, project: Project, timeline: Timeline, start: int) -> None:
        """On a track that is off, as an artist keeps it: the export must turn it on, alone, and off again."""
        files = [FilePattern(matte).path(frame) for frame in range(FIRST, FIRST + FRAMES)]
        medium = MediaPoolItem(self.resolve.world, project, files, bracketed(files), "24")
        timeline.put(2, TimelineItem(self.resolve.world, medium, "roto", start, FRAMES))
        timeline.tracks[1].enabled = False

    def refuse_next(self, call: str) -> None:
        self.resolve.world.fail_next(call, ATTEMPTS.get(call, 1))

    def surroundings(self) -> object:
        return self.resolve.snapshot()

    def picture(self, frame: int) -> Picture:
        return np.asarray(composite(self.timeline, frame)[..., :3], np.float32)

    def takes(self) -> tuple[int, ...]:
        items = [item for track in self.timeline.tracks for item in track.items if _is_take(item)]
        versions = [int(item.medium.third_party[VERSION]) for item in items if item.medium is not None]
        return tuple(sorted(versions))  # two jobs at once may be placed in either order

    def restart(self) -> None:
        choices = self.host.choices
        self.resolve = self.resolve.restarted()
        self.main = MainThread()
        self.host = self._host(choices)


def _is_take(item: TimelineItem) -> bool:
    return item.medium is not None and VERSION in item.medium.third_party


MakeRig = Callable[..., ResolveRig]


def ended(steps: Steps[Exported]) -> Exported:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def exported(rig: ResolveRig, folder: Path) -> Exported:
    folder.mkdir(exist_ok=True)
    return ended(rig.host.export(rig.host.select(), folder))


def change(rig: ResolveRig, **choices: object) -> None:
    rig.host.choices = msgspec.structs.replace(rig.host.choices, **choices)


def choose(rig: ResolveRig, **options: object) -> None:
    change(rig, options=msgspec.structs.replace(rig.host.choices.options, **options))
