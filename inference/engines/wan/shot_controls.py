"""What drives the model in a shot: poses found or given, then everything that is made from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from understudy.bridge.errors import EngineError, WeightsError
from understudy.bridge.settings import UserSettings
from understudy.inference.controls.conditioning import Controls, make_controls
from understudy.inference.controls.grid import Grid
from understudy.inference.controls.material import FaceSource, Material
from understudy.inference.controls.mediapipe_environment import find_interpreter
from understudy.inference.controls.people import People
from understudy.inference.controls.pose import HostKeypoints, Poses, as_seen, choose_source, poses
from understudy.inference.controls.pose_cache import PoseCache
from understudy.inference.controls.survey import survey
from understudy.inference.controls.vitpose import CHECKPOINT_FOLDER, DETECTOR_FILE
from understudy.inference.controls.wholebody import Points
from understudy.inference.engines.door import Footage, Watcher
from understudy.inference.engines.wan.options import WanOptions
from understudy.inference.weights.catalogue import WAN_ANIMATE
from understudy.inference.weights.finding import find_file, find_weights

POSES_FOLDER = "poses"
DETECTOR = f"{CHECKPOINT_FOLDER}/{DETECTOR_FILE}"
BEHIND_A_CUT_OUT = 0.5
"""Mid grey behind a reference that is cut out: neither dark nor light hair is lost in it."""


def shot_controls(footage: Footage, options: WanOptions, settings: UserSettings, watcher: Watcher) -> Controls:
    """Find the poses, plan the faces, list what is worth knowing before the model runs. Raises EngineError, and
    ComplianceError where nobody is to be replaced in any frame.

    Everything is looked at once, one frame at a time; poses that were found before are not looked for again.
    """
    grid = Grid(columns=options.grid_columns, rows=options.grid_rows)
    matte = footage.matte if footage.mode == "replace" else None
    looked = survey(
        footage.frames, footage.plate, matte, grid, lambda done, total: watcher.step("looking at the shot", done, total)
    )
    driven, reference = _find_poses(footage, options, settings, watcher, looked.cuts)
    keypoints = {frame: driven.of(frame) for frame in footage.frames}
    controls = make_controls(
        Material(
            mode="replace" if footage.mode == "replace" else "animate",
            frames=footage.frames,
            height=footage.height,
            width=footage.width,
            keypoints=keypoints,
            plate=footage.plate,
            matte=matte,
            clean_plate=footage.clean_plate if footage.mode == "replace" else None,
            reference=reference,
            faces=_face_source(footage, keypoints),
            people=_edges(driven),
            plate_scale=footage.plate_scale,
        ),
        grid=grid,
        retarget=options.retarget and reference is not None,
        looked=looked,
    )
    # What refuses the shot comes last: it ends the job here, before the model is loaded, and all else is told by then.
    for finding in sorted((*driven.findings, *controls.findings), key=lambda finding: finding.refuses):
        watcher.found(finding)
    return controls


def _find_poses(
    footage: Footage, options: WanOptions, settings: UserSettings, watcher: Watcher, cuts: tuple[int, ...]
) -> tuple[Poses, NDArray[np.float32] | None]:
    """Return the driver's poses, and the reference's where it can be looked at."""
    source = choose_source(
        options.pose,
        keypoints=footage.keypoints,
        weights=_weights_folder(settings),
        mediapipe=find_interpreter(settings.mediapipe_python, settings.home),
    )
    try:
        if footage.plate is None and not isinstance(source, HostKeypoints):
            raise EngineError("nothing drives the character", remedy="Give --plate, --keypoints, or both.")
        driven = poses(
            source,
            footage.frames,
            footage.plate or _nothing,
            footage.matte,
            rate=footage.rate,
            cuts=cuts,
            cache=PoseCache(settings.home / POSES_FOLDER),
            step=lambda done, total: watcher.step("finding poses", done, total),
        )
        if isinstance(source, HostKeypoints):
            return driven, None
        return driven, source.detect(as_seen(letterboxed(footage)), None).points
    finally:
        source.close()


def _face_source(footage: Footage, keypoints: Mapping[int, Points]) -> FaceSource | None:
    """Return the driver's own pictures to cut faces from, as the official preprocessing does in mode animate."""
    closeup = footage.closeup
    if closeup is None:
        return None
    own = {frame: closeup.points(points) for frame, points in keypoints.items()}
    return FaceSource(closeup.part, closeup.height, closeup.width, own)


def _weights_folder(settings: UserSettings) -> Path | None:
    """Return the folder that has the pose networks, else the model's, which lacks them; None where neither is here."""
    detector = find_file(DETECTOR, WAN_ANIMATE, settings)
    if detector is not None:
        return detector.parents[2]
    try:
        return find_weights(WAN_ANIMATE, settings).folder
    except WeightsError:
        return None


def _edges(driven: Poses) -> People | None:
    """Return everybody's box as plain numbers."""
    if driven.people is None:
        return None
    return {frame: [box.edges() for box in boxes] for frame, boxes in driven.people.items()}


def _nothing(frame: int) -> NDArray[np.float32]:
    raise ValueError(f"frame {frame}: keypoints alone have no pictures")


def reference_image(footage: Footage) -> Image.Image:
    """Return the character's picture as the model's own processors take it: 8-bit RGB, a cut-out over mid grey."""
    return Image.fromarray(as_seen(_over_grey(footage)))


def letterboxed(footage: Footage) -> NDArray[np.float32]:
    """Return the reference (height, width, 3) in the model's size, whole and unstretched, black beside it."""
    picture, height, width = _over_grey(footage), footage.height, footage.width
    scale = min(height / picture.shape[0], width / picture.shape[1])
    size = max(1, math.floor(picture.shape[1] * scale)), max(1, math.floor(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    whole = np.zeros((height, width, 3), np.float32)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    whole[top : top + size[1], left : left + size[0]] = small
    return whole


def _over_grey(footage: Footage) -> NDArray[np.float32]:
    colour, alpha = footage.reference[:, :, :3], footage.reference[:, :, 3:]
    over: NDArray[np.float32] = np.clip(colour * alpha + np.float32(BEHIND_A_CUT_OUT) * (1 - alpha), 0, 1)
    return over
