"""The smallest host there can be: a document in JSON, a table of clips, and files. It shows what a host must do.

It is a real host of the bridge, only without an application around it: the contract suite runs on it first, so that
a failure in Nuke or Blender is known to be Nuke's or Blender's.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from host_rig import FIRST, FRAMES, NO_HANDLES, Drawn, Picture, read_exr

from understudy.bridge.errors import ErrorReport, HostError
from understudy.bridge.frames import FilePattern, FrameRange, FrameRate, Handles
from understudy.bridge.host import (
    Delivered,
    Exported,
    Footage,
    RememberedJob,
    Selection,
    Step,
    Steps,
    refuse_handles_beyond,
)
from understudy.bridge.main_thread import MainThread

COLOUR = "lin_rec709_scene"


class PaperHost:
    """Implements `bridge.host.Host` over one JSON document."""

    name = "paper"

    def __init__(self, document: Path) -> None:
        self.document = document
        self.refused: set[str] = set()

    def select(self) -> Selection:
        shot = self._read()["shot"]
        head, tail = shot["handles"]
        frames = FrameRange.parse(shot["cut"]).with_handles(Handles(head, tail))
        refuse_handles_beyond(frames, FrameRange(FIRST, FIRST + FRAMES - 1), "the clip")
        return Selection(
            shot=shot["name"], frames=frames, rate=FrameRate.parse(shot["rate"]),
            anchor="plate", plate=shot["plate"], matte=shot["matte"], reference=shot["reference"],
        )  # fmt: skip

    def export(self, selection: Selection, folder: Path) -> Steps[Exported]:
        shot = self._read()["shot"]
        plate = Footage(typed=shot["plate"], colour=COLOUR)
        if not shot["untouched"]:
            written = FilePattern(str(folder / "plate.####.exr"))
            self._change("proxy", False)
            try:
                for done, frame in enumerate(selection.frames, start=1):
                    self._may("render")
                    shutil.copyfile(FilePattern(shot["plate"]).path(frame), written.path(frame))
                    yield Step(done, len(selection.frames))
            finally:
                self._change("proxy", True)
            plate = Footage(typed=written.text, colour=COLOUR, ours=True)
        return Exported(
            footage={
                "plate": plate,
                "matte": Footage(typed=shot["matte"]),
                "reference": Footage(typed=shot["reference"]),
            }
        )

    def place(self, delivered: Delivered) -> Steps[None]:
        self._may("import")
        patch = delivered.layer("patch")
        takes = [
            *self._read()["takes"],
            {
                "job": delivered.job.job_id,
                "version": delivered.job.version,
                "patch": patch.pattern,
                "shown": str(delivered.job.frames.cut),
                "has": str(delivered.job.frames),
            },
        ]
        self._change("takes", takes)
        yield Step(1, 1)

    def withdraw(self, job: RememberedJob, why: ErrorReport | None) -> None:
        self._change("takes", [take for take in self._read()["takes"] if take["job"] != job.job_id])

    def remember(self, job: RememberedJob) -> None:
        kept = {**self._read()["jobs"], job.job_id: msgspec.to_builtins(job)}
        self._change("jobs", kept)

    def forget(self, job: RememberedJob) -> None:
        self._change("jobs", {key: kept for key, kept in self._read()["jobs"].items() if key != job.job_id})

    def remembered(self) -> tuple[RememberedJob, ...]:
        return tuple(msgspec.convert(job, RememberedJob) for job in self._read()["jobs"].values())

    def anchor_here(self, frames: FrameRange) -> str:
        return "plate"

    def default_folder(self, selection: Selection) -> Path:
        return self.document.parent / "understudy" / selection.shot

    def _may(self, call: str) -> None:
        if call in self.refused:
            self.refused.remove(call)
            raise HostError(f"the host refused to {call}", remedy="Try it again.")

    def _read(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.document.read_text())
        return content

    def _change(self, name: str, value: object) -> None:
        self.document.write_text(json.dumps({**self._read(), name: value}))


class PaperRig:
    """Implements `host_rig.HostRig`."""

    renders = True
    edits = True
    renders_by_itself = False
    refusals = ("render", "import")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.main = MainThread()
        self.host = PaperHost(folder / "document.json")

    def make_shot(
        self,
        drawn: Drawn,
        *,
        shot: str,
        rate: FrameRate,
        untouched: bool = True,
        matte: str | None = None,
        handles: Handles = NO_HANDLES,
    ) -> None:
        facts = {
            "name": shot, "cut": f"{FIRST + handles.head}-{FIRST + FRAMES - 1 - handles.tail}", "handles": handles,
            "rate": str(rate), "plate": drawn.plate,
            "matte": matte or drawn.matte, "reference": drawn.reference, "untouched": untouched,
        }  # fmt: skip
        self.host.document.write_text(json.dumps({"shot": facts, "proxy": True, "takes": [], "jobs": {}}))

    def ask_handles(self, handles: Handles) -> None:
        content = json.loads(self.host.document.read_text())
        content["shot"]["handles"] = handles
        self.host.document.write_text(json.dumps(content))

    def placed(self) -> tuple[FrameRange, FrameRange]:
        take = json.loads(self.host.document.read_text())["takes"][-1]
        return FrameRange.parse(take["shown"]), FrameRange.parse(take["has"])

    def refuse_next(self, call: str) -> None:
        self.host.refused.add(call)

    def surroundings(self) -> object:
        content = json.loads(self.host.document.read_text())
        return content["shot"], content["proxy"], content["takes"]

    def picture(self, frame: int) -> Picture:
        content = json.loads(self.host.document.read_text())
        plate = read_exr(FilePattern(content["shot"]["plate"]).path(frame))[..., :3]
        if not content["takes"]:
            return plate
        patch = read_exr(FilePattern(content["takes"][-1]["patch"]).path(frame))
        return np.asarray(patch[..., :3] + plate * (1 - patch[..., 3:]), np.float32)

    def takes(self) -> tuple[int, ...]:
        return tuple(take["version"] for take in json.loads(self.host.document.read_text())["takes"])

    def restart(self) -> None:
        self.main = MainThread()
        self.host = PaperHost(self.host.document)
