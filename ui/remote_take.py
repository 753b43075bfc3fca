"""A take, or the inputs of one, that the panel looks at through the daemon. Made by the interface's thread.

`joined` is called by the watch's thread, each second: it asks the daemon once for what only a header says, and else
nothing. What the daemon tells of a job comes in by `update`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.messages import JobDetail, Outputs
from understudy.bridge.shot import Pictures, Shot
from understudy.ui import look_words as words
from understudy.ui.frames.remote import Door, FrameFile, RemoteFrame
from understudy.ui.viewer_take import KNOWN_LAYERS, PLATE, TakeFiles, read_take

_HEADER = ("colour_config", "working_space", "not_final")


class RemoteTake:
    """One job's pictures behind a door."""

    def __init__(self, door: Door, outputs: Outputs, detail: JobDetail, *, inputs_only: bool = False) -> None:
        """inputs_only: the take lies here, and only its plate comes from the daemon where nothing here reads it."""
        self.door, self.inputs_only = door, inputs_only
        self._lock = threading.Lock()
        self._now = (outputs, detail)
        self._joined: tuple[tuple[Outputs, JobDetail], TakeFiles] | None = None
        self._said: dict[str, str] = {}

    def update(self, outputs: Outputs, detail: JobDetail) -> None:
        """Take in how the job stands now: frames landed, or its state changed."""
        with self._lock:
            if self._now != (outputs, detail):
                self._now = (outputs, detail)

    def joined(self, here: TakeFiles) -> TakeFiles:
        """Return what there is to look at: `here` with the plate, or the whole take as the daemon tells it."""
        with self._lock:
            now = self._now
        if self.inputs_only:
            return self._with_plate(here, now[1])
        if self._joined is None or self._joined[0] is not now:
            take = self._take(*now)
            if take.problem:
                return replace(take, named=here.named)  # asked again with the next look
            self._joined = (now, take)
        return replace(self._joined[1], named=here.named)

    def _with_plate(self, here: TakeFiles, detail: JobDetail) -> TakeFiles:
        """Return a take of this machine with the plate's frames that cannot be read here; of those that can, the files
        here go first.
        """
        read_here = here.layers.get(PLATE, {})
        plate = {**self._plate(detail), **read_here}
        if not here.layers.keys() - {PLATE} or len(plate) == len(read_here):
            return here
        layers = {**here.layers, PLATE: dict(sorted(plate.items()))}
        note = here.plate_note if read_here else words.PLATE_THROUGH_DAEMON
        return replace(here, layers={PLATE: layers.pop(PLATE), **layers}, plate_note=note)

    def _take(self, outputs: Outputs, detail: JobDetail) -> TakeFiles:
        shot = detail.job.shot
        name = Path(outputs.job_id, f"v{outputs.version:03}")  # lies nowhere: takes are told apart by it
        bare = read_take(name, rate=shot.rate, expected=shot.range, findings=detail.findings, segments=outputs.segments)
        layers = self._layers(outputs)
        plate = self._plate(detail)
        take = replace(
            bare, layers={PLATE: plate, **layers} if plate and layers else layers, state=outputs.state,
            version=outputs.version, job=outputs.job_id,
        )  # fmt: skip
        said, problem = self._header(take)
        return replace(
            take, colour_config=said.get("colour_config", ""), working_space=said.get("working_space", ""),
            why_not_final=said.get("not_final", ""), problem=problem,
        )  # fmt: skip

    def _layers(self, outputs: Outputs) -> dict[str, Mapping[int, FrameFile]]:
        found: dict[str, dict[int, FrameFile]] = {}
        for file in outputs.files:
            if file.layer is not None and file.frame is not None and file.path.endswith(".exr"):
                frame = RemoteFrame(self.door, outputs.job_id, file.layer, file.frame, file.file)
                found.setdefault(file.layer, {})[file.frame] = frame
        order = {name: index for index, name in enumerate(KNOWN_LAYERS)}
        names = sorted(found, key=lambda name: (order.get(name, len(order)), name))
        return {name: dict(sorted(found[name].items())) for name in names}

    def _plate(self, detail: JobDetail) -> dict[int, FrameFile]:
        shot = detail.job.shot
        if shot.plate is None:
            return {}
        frames = _frames(shot.plate.pictures, shot)
        job_id = detail.summary.job_id
        return {frame: RemoteFrame(self.door, job_id, PLATE, frame, stamp) for frame, stamp in frames.items()}

    def _header(self, take: TakeFiles) -> tuple[dict[str, str], str]:
        """Return what the first frame of the finished picture says of the take, asked once."""
        files = take.layers.get(take.picture_layer, {})
        first = next(iter(files.values()), None)
        if self._said or not isinstance(first, RemoteFrame):
            return self._said, ""
        try:
            picture = first.picture()
        except UnderstudyError as problem:
            return {}, f"{problem.message}. {problem.remedy}"
        marks = picture.marks if picture is not None else {}
        self._said = {name: marks.get(name, "") for name in _HEADER}
        return self._said, ""


def _frames(pictures: Pictures, shot: Shot) -> dict[int, str]:
    """Return the frames that an input has within the shot, each with the digest of its file."""
    if pictures.kind != "sequence":
        return dict.fromkeys(shot.range, pictures.files[0].file)
    held = {file.frame: file.file for file in pictures.files if file.frame is not None}
    return {frame: held[frame] for frame in shot.range if frame in held}
