"""A version on a daemon's disk, as a client sees it, and what a folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import OpenEXR

from understudy.bridge.exr_file import file_digest, set_state
from understudy.bridge.frames import FrameRange
from understudy.bridge.messages import AskOutputs, Finished, JobDetail, JobSummary, Outputs
from understudy.bridge.record import Record
from understudy.bridge.shot import Character, JobRequest, OutputFile, Performer, PictureFile, Pictures, Settings, Shot

JOB = "job0take"
STATE = "understudy/state"
LAYERS = ("comp", "patch")


class Version:
    """A version on the daemon's disk, provisional at first, and the little daemon that tells of it."""

    def __init__(self, daemon: Any, folder: Path, *, job_id: str = JOB, layers: tuple[str, ...] = LAYERS) -> None:
        self.daemon, self.job_id, self.layers = daemon, job_id, layers
        self.folder = folder / ".provisional" / "v001"
        self._settled = folder / "v001"
        self.shade = float(len(job_id)) / 16
        for frame in (1001, 1002):
            for layer in layers:
                self._write(layer, frame)
        self.state = "provisional"
        daemon.answers[AskOutputs] = self.outputs

    def _write(self, layer: str, frame: int) -> None:
        path = self.folder / layer / f"{layer}.{frame}.exr"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((4, 6, 3), self.shade + frame / 4096, np.float16)
        header = {"type": OpenEXR.scanlineimage, STATE: "provisional".ljust(16), "understudy/job": self.job_id}
        OpenEXR.File(header, {"RGB": pixels}).write(str(path))

    def files(self, *, frame: int | None = None) -> tuple[OutputFile, ...]:
        found = []
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                layer = path.parent.name if path.suffix == ".exr" else None
                number = int(path.suffixes[0][1:]) if layer else None
                relative = path.relative_to(self.folder).as_posix()
                found.append(
                    OutputFile(
                        path=relative, size=path.stat().st_size, file=file_digest(path), layer=layer, frame=number
                    )
                )
        return tuple(file for file in found if frame is None or file.frame == frame)

    def outputs(self, request: Any = None) -> Outputs:
        return Outputs(
            job_id=self.job_id, version=1, folder=str(self.folder), provisional=self.state == "provisional",
            state=self.state, files=self.files() if request is None or request.files else (),
        )  # fmt: skip

    def settle(self) -> Finished:
        """Do what the daemon's worker does when the gate passed."""
        for path in self.folder.rglob("*.exr"):
            set_state(path, "delivered")
        self.state = "delivered"
        (self.folder / "review.mp4").write_bytes(b"a movie of " + self.job_id.encode())
        manifest = {"job": self.job_id, "files": self.files()}
        (self.folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
        self.folder.rename(self._settled)
        self.folder = self._settled
        return Finished(version=1, folder=str(self.folder), files=self.files())


def detail(state: Any) -> JobDetail:
    still = Pictures(
        files=(PictureFile(file="a" * 64, picture="a" * 64, size=1, typed="hero.png"),), kind="still", typed="hero.png"
    )
    shot = Shot(
        name="s", range=FrameRange(1, 1), rate=None, performers=(Performer(character=Character(pictures=still)),)
    )
    summary = JobSummary(
        job_id=JOB, shot="s", project=None, user="u", engine="preview", mode="replace", state=state, version=1,
        priority=0, created_at="", changed_at="", clearance="uncleared",
    )  # fmt: skip
    job = JobRequest(shot=shot, settings=Settings(), record=Record(ground="self_attested", attestation="a test"))
    return JobDetail(summary=summary, job=job, findings=(), last_event=0)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
