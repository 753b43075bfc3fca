"""Poses from the files that Wan-Animate was prepared with: a YOLOv10 person detector, then ViTPose-H whole-body.

Both are ONNX networks of the checkpoint's folder `process_checkpoint`. onnxruntime is imported here alone and only when
a source is opened, on the GPU where its build has CUDA. For one thread.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import blake3
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import EngineError
from understudy.inference.controls.following import BELONGS, candidates, share_in_matte
from understudy.inference.controls.heatmaps import decode_heatmaps
from understudy.inference.controls.person_box import (
    NETWORK_HEIGHT,
    NETWORK_WIDTH,
    Box,
    Detection,
    PersonWindow,
    Picture,
    whole_picture,
)
from understudy.inference.controls.person_detector import DETECTOR_SIDE, detector_input, people_in
from understudy.inference.controls.wholebody import POINTS, Points, no_points
from understudy.inference.networks import IMAGENET_DEVIATION, IMAGENET_MEAN, Network

VERSION = 1
"""Counts changes to what is made of the networks' answers: cached points of another version are not used."""
WEIGHTS_FOLDER = "weights"
"""Where the checkpoint is looked for unless it is said, in HOME."""
CHECKPOINT_FOLDER = "process_checkpoint"
DETECTOR_FILE = "det/yolov10m.onnx"
POSE_FILE = "pose2d/vitpose_h_wholebody.onnx"
FOLDER_MODEL = "end2end.onnx"
"""What a model is called that is a folder, because its weights lie beside it in files of their own."""
REMEDY = f"If it is damaged, take it anew from Wan2.2-Animate's checkpoint, which has {DETECTOR_FILE} and {POSE_FILE}."


@dataclass(frozen=True, slots=True)
class OfficialFiles:
    """Where the two networks lie."""

    detector: Path
    pose: Path

    @classmethod
    def find(cls, weights: Path) -> OfficialFiles | None:
        """Return the files in a checkpoint's folder, or in its `process_checkpoint` itself; None when one is absent."""
        for folder in (weights / CHECKPOINT_FOLDER, weights):
            files = cls(folder / DETECTOR_FILE, folder / POSE_FILE)
            if files.detector.exists() and files.pose.exists():
                return files
        return None

    def digest(self) -> str:
        """Return the BLAKE3 digest of everything that both networks are made of."""
        digest = blake3.blake3()
        for model in (self.detector, self.pose):
            for file in sorted(each for each in model.rglob("*") if each.is_file()) if model.is_dir() else [model]:
                digest.update(f"{file.relative_to(model.parent).as_posix()} {file.stat().st_size}\n".encode())
                digest.update_mmap(file)
        return str(digest.hexdigest())


def official_files_here(weights: Path | None) -> OfficialFiles | None:
    """Return the files if they are there and can be run: onnxruntime is installed. Opens nothing."""
    if weights is None or importlib.util.find_spec("onnxruntime") is None:
        return None
    return OfficialFiles.find(weights)


class VitPose:
    """A source of poses. Opening it reads 2.5 GB."""

    name = "vitpose"
    troubles: tuple[str, ...] = ()

    def __init__(self, files: OfficialFiles) -> None:
        """Raises EngineError for files that are damaged or are other networks."""
        self._detector = _open(files.detector, (3, DETECTOR_SIDE, DETECTOR_SIDE))
        self._pose = _open(files.pose, (3, NETWORK_HEIGHT, NETWORK_WIDTH))
        self.identity = f"vitpose-{VERSION} {files.digest()}"

    def detect(self, picture: Picture, matte: NDArray[np.float32] | None) -> Detection:
        """Return the 133 points of the person in the matte, or without one of the largest; and who else is there.

        Where the detector sees nobody, the network looks into the matte's own box, or over the whole picture: what it
        then says is as sure as its confidences. An empty matte is nobody: confidence 0. Raises EngineError.
        """
        height, width = picture.shape[:2]
        output = self._detector.run([detector_input(picture)])
        try:
            people = people_in(output, height, width)
        except ValueError as problem:
            raise self._detector.unfit(str(problem)) from None
        seen = tuple(person.box for person in people)
        boxes = candidates(seen, matte)
        if matte is not None:
            return Detection(self._best(picture, matte, boxes), seen)
        return Detection(self._points(picture, boxes[0] if boxes else whole_picture(height, width)), seen)

    def close(self) -> None:
        """Give back the memory of both networks: 2.5 GB, before a larger model wants it. Ends this source."""
        del self._detector, self._pose

    def _best(self, picture: Picture, matte: NDArray[np.float32], boxes: Sequence[Box]) -> Points:
        """Return the first pose that lies in the matte, else the one that does most."""
        best, most = no_points(), -1.0
        for box in boxes:
            points = self._points(picture, box)
            share = share_in_matte(points, matte)
            if share > most:
                best, most = points, share
            if share >= BELONGS:
                break
        return best

    def _points(self, picture: Picture, box: Box) -> Points:
        window = PersonWindow.around(box)
        seen = (window.cut(picture).astype(np.float32) / 255 - IMAGENET_MEAN) / IMAGENET_DEVIATION
        heatmaps = self._pose.run([np.ascontiguousarray(seen.transpose(2, 0, 1)[None])])
        if heatmaps.ndim != 4 or heatmaps.shape[:2] != (1, POINTS):
            raise self._pose.unfit(f"its output has shape {heatmaps.shape}, not (1, {POINTS}, y, x)")
        rows, columns = heatmaps.shape[2:]
        points = window.to_picture(decode_heatmaps(heatmaps[0]), columns, rows)
        points[points[:, 2] == 0] = 0
        return points


def _open(model: Path, shape: tuple[int, int, int]) -> Network:
    """Open a network that takes float32 (1, *shape). Raises EngineError."""
    network = Network.open(_model_file(model), REMEDY, on_gpu=True)
    takes = network.takes()[0]
    if len(takes) != 4 or any(isinstance(a, int) and a != b for a, b in zip(takes[1:], shape, strict=True)):
        raise network.unfit(f"it takes {takes}, not (1, {', '.join(map(str, shape))})")
    return network


def _model_file(model: Path) -> Path:
    if not model.is_dir():
        return model
    inside = model / FOLDER_MODEL
    if inside.is_file():
        return inside
    found = sorted(model.glob("*.onnx"))
    if len(found) == 1:
        return found[0]
    raise EngineError(
        f"{model} is a folder of a network, but holds no {FOLDER_MODEL}",
        remedy="Take the whole folder from the checkpoint.",
        facts={"file": str(model)},
    )
