"""The media pool: bins and clips. All clip properties are text, '' where unknown."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from host_rig import HEIGHT, WIDTH
from resolve_stand_in.world import Thing, World

SETTABLE = ("FPS", "Alpha mode", "Clip Name", "Input Color Space", "Input Gamma")
MANAGED = "davinciYRGBColorManagedv2"


class MediaPoolItem(Thing):
    def __init__(self, world: World, project: Any, files: list[Path], path: str, rate: str, **said: str) -> None:
        super().__init__(world)
        self.project = project
        self.files = files
        self.identity = f"medium-{world.number()}"
        self.third_party: dict[str, str] = {}
        length = said.pop("Frames", str(len(files)))
        self.properties = {
            "File Path": path, "File Name": Path(path).name, "Clip Name": Path(path).name, "Type": "Video",
            "FPS": rate, "Frames": length, "Start": "0", "End": str(int(length) - 1), "Alpha mode": "None",
            "Input Color Space": world.switches.default_space, "Input Gamma": "", "Usage": "0",
            "Resolution": f"{WIDTH}x{HEIGHT}", **said,
        }  # fmt: skip

    def GetName(self) -> str:
        return self.properties["Clip Name"]

    def GetUniqueId(self) -> str:
        return self.identity

    def GetClipProperty(self, propertyName: str | None = None) -> Any:
        return dict(self.properties) if propertyName is None else self.properties.get(propertyName, "")

    def SetClipProperty(self, propertyName: str, propertyValue: Any) -> bool:
        managed = self.project.settings.get("colorScienceMode") == MANAGED
        if propertyName in self.world.switches.refused_properties:
            return False
        if propertyName not in SETTABLE or (propertyName.startswith("Input ") and not managed):
            return False
        self.properties[propertyName] = str(propertyValue)
        return True

    def GetThirdPartyMetadata(self, metadataType: str | None = None) -> Any:
        return dict(self.third_party) if metadataType is None else self.third_party.get(metadataType, "")

    def SetThirdPartyMetadata(self, metadataType: str, metadataValue: str) -> bool:
        assert isinstance(metadataValue, str), "only text is kept"
        self.third_party[metadataType] = metadataValue
        return True


class Folder(Thing):
    def __init__(self, world: World, name: str) -> None:
        super().__init__(world)
        self.name = name
        self.clips: list[MediaPoolItem] = []
        self.folders: list[Folder] = []

    def GetName(self) -> str:
        return self.name

    def GetClipList(self) -> list[MediaPoolItem]:
        return list(self.clips)

    def GetSubFolderList(self) -> list[Folder]:
        return list(self.folders)


class MediaPool(Thing):
    def __init__(self, world: World, project: Any) -> None:
        super().__init__(world)
        self.project = project
        self.root = Folder(world, "Master")
        self.current = self.root

    def GetRootFolder(self) -> Folder:
        return self.root

    def GetCurrentFolder(self) -> Folder:
        return self.current

    def SetCurrentFolder(self, folder: Folder) -> bool:
        self.current = folder
        return True

    def AddSubFolder(self, folder: Folder, name: str) -> Folder:
        made = Folder(self.world, name)
        folder.folders.append(made)
        self.current = made  # a new bin becomes the open one
        return made

    def DeleteFolders(self, subfolders: list[Folder]) -> bool:
        for folder in self._all():
            folder.folders = [one for one in folder.folders if one not in subfolders]
        if self.current in subfolders:
            self.current = self.root
        return True

    def DeleteClips(self, clips: list[MediaPoolItem]) -> bool:
        for folder in self._all():
            folder.clips = [clip for clip in folder.clips if clip not in clips]
        for clip in clips:
            clip.dead = True
        return True

    def ImportMedia(self, items: list[Any]) -> list[MediaPoolItem]:
        assert isinstance(items, list), "a bare dict or text is not a list"
        made = [clip for item in items for clip in self._import(item)]
        self.current.clips.extend(made)
        return made

    def AppendToTimeline(self, clipInfo: list[dict[str, Any]]) -> list[Any]:
        assert isinstance(clipInfo, list), "a bare dict would freeze Resolve"
        timeline = self.project.current
        return [item for info in clipInfo for item in timeline.append(info)] if timeline is not None else []

    def _all(self) -> list[Folder]:
        found, waiting = [], [self.root]
        while waiting:
            folder = waiting.pop()
            found.append(folder)
            waiting += folder.folders
        return found

    def _import(self, item: Any) -> list[MediaPoolItem]:
        rate = self.project.settings["timelineFrameRate"]
        if isinstance(item, str):
            path = Path(item)
            if path.is_dir():
                files = sorted(path.glob("*.exr"))
                return [MediaPoolItem(self.world, self.project, files, bracketed(files), rate)] if files else []
            if not path.is_file():
                return []
            length = str(self.world.switches.movie_frames)
            return [MediaPoolItem(self.world, self.project, [path], item, rate, Frames=length)]
        pattern = self._printf(item["FilePath"])
        if pattern is None:
            return []
        numbers = range(item["StartIndex"], item["EndIndex"] + 1)
        files = [Path(pattern % number) for number in numbers]
        folder = files[0].parent
        if not {file.name for file in files} <= set(os.listdir(folder) if folder.is_dir() else ()):  # noqa: PTH208 - fast
            return []
        if self.world.switches.show_individual_frames:
            return [MediaPoolItem(self.world, self.project, [file], str(file), rate) for file in files]
        shown = bracketed(files)
        return [MediaPoolItem(self.world, self.project, files, shown, rate)]

    def _printf(self, path: str) -> str | None:
        """Return the pattern as Python reads it, None where this Resolve cannot."""
        fields = re.findall(r"%0\d+d", path)
        rest = re.sub(r"%0\d+d", "", path)
        if len(fields) != 1:
            return None
        rule = self.world.switches.percent_in_paths
        if "%" not in rest:
            return path
        if rule == "raw" and "%%" not in rest:
            return re.sub(r"%(?!0\d+d)", "%%", path)
        return path if rule == "doubled" and "%" not in rest.replace("%%", "") else None


def bracketed(files: list[Path]) -> str:
    """Return how Resolve names a sequence: plate.[0201-0204].exr."""
    first, last = (re.findall(r"\d+", file.name)[-1] for file in (files[0], files[-1]))
    start = files[0].name.rfind(first)
    return str(files[0].with_name(f"{files[0].name[:start]}[{first}-{last}]{files[0].name[start + len(first) :]}"))
