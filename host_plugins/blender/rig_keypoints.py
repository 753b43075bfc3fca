# SPDX-License-Identifier: GPL-3.0-or-later
"""The bones of an armature, seen through the camera, as keypoints: exact where a detector would guess.

Main thread only. Each frame is evaluated in a copy of the scene that holds the rig and its cameras alone, and is
removed within the step: the artist's own frame does not move. It knows nothing of what hides a bone from the camera.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import bpy
import msgspec
from bpy_extras.object_utils import world_to_camera_view

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange

from .blender_types import Scene, given
from .bone_names import OWN_PROPERTY, POINT_NAMES, BoneEnd, map_bones

FORMAT = "coco-wholebody-133"
LACKING = [0.0, 0.0, 0.0]
NAME = "understudy rig"
Points = list[list[float]]


def write_keypoints(
    scene: Scene, rig: bpy.types.Object | None, frames: FrameRange, path: Path
) -> Generator[int, None, None]:
    """Write the file of docs/keypoints.md; yield how many frames are done, one a step.

    Raises HostError for a rig that is none, has no bone that we know, or is in no scene with a camera.
    """
    if rig is None:
        raise HostError("no rig is chosen", remedy="Choose the armature that drives the character, in the panel.")
    stage, name = _stage_of(scene, rig), rig.name
    places = places_of(rig)
    # A long shot's points as one text would hold Blender: each frame's are made text in its own turn.
    written: dict[str, msgspec.Raw] = {}
    for done, frame in enumerate(frames, start=1):
        written[str(frame)] = msgspec.Raw(msgspec.json.encode(seen_at(stage, name, places, frame)))
        yield done
    width, height = picture_size(bpy.data.scenes[stage])
    content = {"format": FORMAT, "width": width, "height": height, "frames": written}
    path.write_bytes(msgspec.json.encode(content))


def places_of(rig: bpy.types.Object) -> dict[str, BoneEnd]:
    """Return which point is where on the rig. Raises HostError when none is known."""
    bones = given(rig.pose).bones
    own = {bone.name: str(bone[OWN_PROPERTY]) for bone in bones if bone.get(OWN_PROPERTY) is not None}
    places = map_bones([bone.name for bone in bones], own)
    if not places:
        raise HostError(
            f"rig “{rig.name}” has no bone whose name we know",
            remedy=f"Give bones the custom property {OWN_PROPERTY}: left_wrist, face.30 … (docs/hosts/blender.md).",
        )
    return places


def picture_size(scene: Scene) -> tuple[int, int]:
    return scene.render.resolution_x, scene.render.resolution_y


def seen_at(stage: str, rig_name: str, places: dict[str, BoneEnd], frame: int) -> Points:
    """Return 133 points: x, y in pixels of the picture (pixel centres count: the first pixel is 0, 0), confidence."""
    scene = _need_scene(stage).copy()
    scene.name = NAME
    try:
        rig = bpy.data.objects[rig_name]
        _keep_only(scene, rig)
        scene.frame_set(frame)  # a marker may change the camera
        graph = given(scene.view_layers[0].depsgraph)
        camera, posed = given(scene.camera).evaluated_get(graph), rig.evaluated_get(graph)
        return [_seen(scene, camera, posed, places.get(point)) for point in POINT_NAMES]
    finally:
        bpy.data.scenes.remove(scene)


def _seen(scene: Scene, camera: bpy.types.Object, rig: bpy.types.Object, place: BoneEnd | None) -> list[float]:
    if place is None:
        return list(LACKING)
    bone = given(rig.pose).bones[place.bone]
    seen = world_to_camera_view(scene, camera, rig.matrix_world @ bone.head.lerp(bone.tail, place.along))
    if seen.z <= 0.0:
        return list(LACKING)  # behind the camera there is no picture of it
    width, height = picture_size(scene)
    return [seen.x * width - 0.5, (1.0 - seen.y) * height - 0.5, 1.0]


def _keep_only(scene: Scene, rig: bpy.types.Object) -> None:
    """Leave the rig and the cameras; what they are bound to is evaluated with them, the rest of the set is not."""
    cameras = {marker.camera for marker in scene.timeline_markers if marker.camera is not None} | {given(scene.camera)}
    for held in list(scene.collection.objects):
        scene.collection.objects.unlink(held)
    for child in list(scene.collection.children):
        scene.collection.children.unlink(child)
    for needed in {rig, *cameras}:
        scene.collection.objects.link(needed)


def _stage_of(scene: Scene, rig: bpy.types.Object) -> str:
    """Return the name of the scene that the rig plays in: the sequencer's own, else the first with a camera."""
    for candidate in (scene, *bpy.data.scenes):
        if candidate.camera is not None and candidate.objects.get(rig.name) == rig:
            return str(candidate.name)
    raise HostError(f"rig “{rig.name}” is in no scene with a camera", remedy="Add a camera to the scene of the rig.")


def _need_scene(name: str) -> Scene:
    scene = bpy.data.scenes.get(name)
    if scene is None or scene.camera is None:
        raise HostError(f"scene “{name}” has lost its camera, or is gone", remedy="Undo that, and submit again.")
    return scene
