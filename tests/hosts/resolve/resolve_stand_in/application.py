"""The application, its project and its Deliver page. Jobs run over several polls and write real EXR files."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from host_rig import HEIGHT, WIDTH, write_exr
from resolve_stand_in.pictures import composite, in_output_space
from resolve_stand_in.pool import MediaPool
from resolve_stand_in.timelines import Timeline
from resolve_stand_in.world import Switches, Thing, World

PAGES = ("media", "cut", "edit", "fusion", "color", "fairlight", "deliver")
RENDER_KEYS = {
    "SelectAllFrames", "MarkIn", "MarkOut", "TargetDir", "CustomName", "UniqueFilenameStyle", "ExportVideo",
    "ExportAudio", "FormatWidth", "FormatHeight", "FrameRate", "PixelAspectRatio", "VideoQuality", "ExportAlpha",
    "AlphaMode",
}  # fmt: skip
DEFAULTS = {"SelectAllFrames": True, "ExportVideo": False, "ExportAudio": True, "CustomName": "mix"}
"""What the artist rendered last: sound alone. It stays wherever we state nothing."""


class RenderJob:
    def __init__(self, project: Project) -> None:
        self.settings = dict(project.render_settings)
        self.timeline = project.current
        self.format, self.codec, self.mode = project.format, project.codec, project.mode
        self.written = 0
        self.error = ""

    @property
    def frames(self) -> list[int]:
        if self.settings.get("SelectAllFrames") or not self.settings["ExportVideo"]:
            return []
        return list(range(self.settings["MarkIn"], self.settings["MarkOut"] + 1))


class Project(Thing):
    def __init__(self, world: World, name: str) -> None:
        super().__init__(world)
        self.name = name
        self.settings: dict[str, str] = {
            "timelineFrameRate": "24", "timelineResolutionWidth": str(WIDTH), "timelineResolutionHeight": str(HEIGHT),
            "colorScienceMode": "davinciYRGBColorManagedv2", "colorSpaceOutput": "Rec.709",
            "colorSpaceOutputGamma": "Linear", "separateColorSpaceAndGamma": "1",
        }  # fmt: skip
        self.timelines: list[Timeline] = []
        self.current: Timeline | None = None
        self.pool = MediaPool(world, self)
        self.render_settings: dict[str, Any] = dict(DEFAULTS)
        self.format, self.codec, self.mode = "mov", "H264", 0
        self.presets: dict[str, tuple[Any, ...]] = {}
        self.jobs: dict[str, RenderJob] = {}
        self.running: RenderJob | None = None
        self.polls = 0

    def GetName(self) -> str:
        return self.name

    def GetMediaPool(self) -> MediaPool:
        return self.pool

    def GetTimelineCount(self) -> int:
        return len(self.timelines)

    def GetTimelineByIndex(self, idx: int) -> Timeline:
        assert idx >= 1, "timelines count from 1"
        return self.timelines[idx - 1]

    def GetCurrentTimeline(self) -> Timeline | None:
        return self.current

    def SetCurrentTimeline(self, timeline: Timeline) -> bool:
        self.current = timeline
        return True

    def GetSetting(self, settingName: str) -> str:
        return self.settings.get(settingName, "")

    def GetRenderCodecs(self, renderFormat: str) -> dict[str, str]:
        return dict(self.world.switches.codecs) if renderFormat == "exr" else {"H.264": "H264"}

    def GetCurrentRenderFormatAndCodec(self) -> dict[str, str]:
        return {"format": self.format, "codec": self.codec}

    def SetCurrentRenderFormatAndCodec(self, format: str, codec: str) -> bool:
        if codec not in self.GetRenderCodecs(format).values():
            return False
        self.format, self.codec = format, codec
        return True

    def GetCurrentRenderMode(self) -> int:
        return self.mode

    def SetCurrentRenderMode(self, renderMode: int) -> bool:
        self.mode = renderMode
        return True

    def SaveAsNewRenderPreset(self, presetName: str) -> bool:
        if presetName in self.presets:
            return False
        self.presets[presetName] = (dict(self.render_settings), self.format, self.codec, self.mode)
        return True

    def LoadRenderPreset(self, presetName: str) -> bool:
        if presetName not in self.presets:
            return False
        settings, self.format, self.codec, self.mode = self.presets[presetName]
        self.render_settings = dict(settings)
        return True

    def DeleteRenderPreset(self, presetName: str) -> bool:
        return self.presets.pop(presetName, None) is not None

    def SetRenderSettings(self, settings: dict[str, Any]) -> bool:
        unknown = set(settings) - RENDER_KEYS
        if unknown and self.world.switches.unknown_settings_refused:
            return False
        if "AlphaMode" in settings and not settings.get("ExportAlpha"):
            return False
        self.render_settings.update({key: value for key, value in settings.items() if key in RENDER_KEYS})
        return True

    def AddRenderJob(self) -> str:
        job = RenderJob(self)
        if not Path(job.settings.get("TargetDir", "/nowhere")).is_dir() or self.current is None:
            return ""
        name = f"render-{self.world.number()}"
        self.jobs[name] = job
        return name

    def DeleteRenderJob(self, jobId: str) -> bool:
        return self.jobs.pop(jobId, None) is not None

    def StartRendering(self, jobIds: list[str], isInteractiveMode: bool = False) -> bool:
        assert not isInteractiveMode, "would open windows that block the script"
        assert self.world.page == "deliver", "a render starts on the Deliver page"
        (name,) = jobIds
        if name not in self.jobs or self.running is not None:
            return False
        self.running, self.polls = self.jobs[name], 0
        return True

    def StopRendering(self) -> None:
        self.running = None

    def IsRenderingInProgress(self) -> bool:
        if self.running is None:
            return False
        self.polls += 1
        if self.polls <= self.world.switches.polls_before_start:
            return False
        job = self.running
        todo = job.frames[job.written : job.written + self.world.switches.frames_a_poll]
        if not todo or job.error:
            self.running = None
            return False
        for frame in todo:
            self._write(job, frame)
        return True

    def GetRenderJobStatus(self, jobId: str) -> dict[str, Any]:
        job = self.jobs.get(jobId)
        if job is None:
            return {}
        done = 100 if job.written == len(job.frames) and job is not self.running else 0
        said = self.world.switches.language if done == 100 else "Ready"
        return {"JobStatus": said, "CompletionPercentage": done, **({"Error": job.error} if job.error else {})}

    def _write(self, job: RenderJob, frame: int) -> None:
        assert job.timeline is not None
        assert (job.format, job.mode) == ("exr", 1), "anything else is cut up and renamed"
        first = self.world.switches.first_number
        number = frame if first is None else first + frame - job.frames[0]
        folder = Path(job.settings["TargetDir"]) / ("Clip 1" if self.world.switches.sub_folder else "")
        folder.mkdir(exist_ok=True)
        picture = in_output_space(composite(job.timeline, frame), self.settings)
        if not job.settings.get("ExportAlpha"):
            picture = picture[..., :3]
        write_exr(folder / f"{job.settings['CustomName']}{number:08}.exr", picture)
        job.written += 1


class ProjectManager(Thing):
    def __init__(self, world: World, project: Project) -> None:
        super().__init__(world)
        self.project: Project | None = project

    def GetCurrentProject(self) -> Project | None:
        return self.project

    def SaveProject(self) -> bool:
        raise AssertionError("would hang for ever on an untitled project")


class Resolve(Thing):
    EXPORT_OTIO = "export otio"
    EXPORT_NONE = "export none"

    def __init__(self, switches: Switches | None = None) -> None:
        super().__init__(World(switches or Switches()))
        self.manager = ProjectManager(self.world, Project(self.world, "Show"))

    @property
    def project(self) -> Project:
        assert self.manager.project is not None
        return self.manager.project

    def GetProductName(self) -> str:
        return self.world.switches.product

    def GetVersion(self) -> list[Any]:
        return [*self.world.switches.version, 0, 7, ""]

    def GetProjectManager(self) -> ProjectManager:
        return self.manager

    def GetCurrentPage(self) -> str:
        return self.world.page

    def OpenPage(self, pageName: str) -> bool:
        assert pageName in PAGES
        if self.world.page != pageName and self.world.switches.marks_lost_on_page:
            for timeline in self.project.timelines:
                timeline.marks = {}
        self.world.page = pageName
        return True

    def snapshot(self) -> object:
        """Everything of the artist's: what an export or a refused placing must leave as it was."""
        project = self.project
        return {
            "page": self.world.page, "current": project.current and project.current.identity,
            "render": (dict(project.render_settings), project.format, project.codec, project.mode),
            "presets": sorted(project.presets), "queue": sorted(project.jobs),
            "bins": [(folder.name, [clip.identity for clip in folder.clips]) for folder in project.pool._all()],
            "open bin": project.pool.current.name,
            "timelines": [_of_timeline(timeline) for timeline in project.timelines],
        }  # fmt: skip

    def restarted(self) -> Resolve:
        """Return the application as it comes up again with the saved project; every handle of before is dead."""
        again = copy.deepcopy(self)
        again.world.calls.clear()
        self.world.closed = True
        return again


def _of_timeline(timeline: Timeline) -> object:
    tracks = [
        (track.name, track.enabled, track.locked, [(i.identity, i.start, i.duration, i.enabled) for i in track.items])
        for track in [*timeline.tracks, *timeline.subtitles]
    ]
    theirs = {frame: m for frame, m in timeline.markers.items() if not m["customData"].startswith("understudy ")}
    return timeline.identity, tracks, copy.deepcopy(timeline.marks), timeline.playhead, theirs
