"""Keypoints from an armature: where the camera sees each bone, to a fraction of a pixel, and nothing else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from blender_rig import new_document
from daemon_rig import RunningDaemon, daemon_python
from host_rig import Desk, draw
from mathutils import Vector

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange
from understudy.bridge.host_jobs import HostJobs
from understudy.bridge.main_thread import MainThread
from understudy.host_plugins.blender import compat, rig_keypoints
from understudy.host_plugins.blender.bone_names import POINT_NAMES
from understudy.host_plugins.blender.host import BlenderHost
from understudy.host_plugins.blender.strips import JOB

SIZE = (320, 180)
FRAMES = (1, 3)
READ = """
import sys
from pathlib import Path
from understudy.bridge.frames import FrameRange
from understudy.inference.controls.keypoints import keypoints_size, read_keypoints
path = Path(sys.argv[1])
frames = read_keypoints(path, "rig", FrameRange(1, 3))
print(keypoints_size(path, "rig"), {frame: points.shape for frame, points in frames.items()})
"""


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    """Return a scene with a camera at (0, -10, 1) that looks along +y: 36 mm on a sensor of 36."""
    scene = new_document(tmp_path / "document.blend", *SIZE)
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.location, camera.rotation_euler = (0, -10, 1), (np.pi / 2, 0, 0)
    camera.data.lens, camera.data.sensor_width = 36.0, 36.0
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.frame_start, scene.frame_end = FRAMES
    return scene


def make_rig(scene: Any, bones: dict[str, tuple[Vector, Vector]], name: str = "hero") -> Any:
    rig = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, (head, tail) in bones.items():
        edited = rig.data.edit_bones.new(bone)
        edited.head, edited.tail = head, tail
    bpy.ops.object.mode_set(mode="OBJECT")
    scene.understudy.mode, scene.understudy.driver, scene.understudy.rig = "animate", "RIG", rig
    return rig


def written(scene: Any, rig: Any, path: Path) -> dict[int, np.ndarray[Any, Any]]:
    for _ in rig_keypoints.write_keypoints(scene, rig, FrameRange(*FRAMES), path):
        assert scene.frame_current == 1, "the artist's own frame does not move"
        assert [one.name for one in bpy.data.scenes] == [scene.name]
    content = json.loads(path.read_text())
    assert (content["format"], content["width"], content["height"]) == ("coco-wholebody-133", *SIZE)
    return {int(frame): np.array(points) for frame, points in content["frames"].items()}


def pixel(x: float, z: float, depth: float) -> tuple[float, float]:
    """Return where the pinhole sees it, by hand: at `depth` metres the picture is `depth` metres wide."""
    width, height = SIZE
    return (x / depth + 0.5) * width - 0.5, height / 2 - (z - 1) / depth * width - 0.5


def test_when_a_bone_moves_then_its_point_is_where_a_pinhole_camera_sees_it(scene: Any, tmp_path: Path) -> None:
    rig = make_rig(scene, {"forearm.L": (Vector((1, 0, 2)), Vector((1, 0, 1.5)))})
    for frame, place in ((1, (0, 0, 0)), (3, (2, 4, 0.5))):
        rig.location = place
        rig.keyframe_insert("location", frame=frame)
    scene.frame_set(1)
    points = written(scene, rig, tmp_path / "keypoints.json")
    elbow = POINT_NAMES.index("left_elbow")
    np.testing.assert_allclose(points[1][elbow], (*pixel(1, 2, 10), 1), atol=1e-3)
    np.testing.assert_allclose(points[3][elbow], (*pixel(3, 2.5, 14), 1), atol=1e-3)
    assert sorted(points) == [1, 2, 3]


def test_when_a_pose_bends_a_bone_then_the_evaluated_pose_counts(scene: Any, tmp_path: Path) -> None:
    rig = make_rig(scene, {"toe.R": (Vector((0, 0, 1)), Vector((0, 0, 2)))})
    rig.pose.bones["toe.R"].rotation_mode = "XYZ"
    rig.pose.bones["toe.R"].rotation_euler = (0, 0, np.pi / 2)
    rig.pose.bones["toe.R"].scale = (1, 2, 1)
    points = written(scene, rig, tmp_path / "keypoints.json")
    toe = points[1][POINT_NAMES.index("right_big_toe")]
    np.testing.assert_allclose(toe, (*pixel(-2, 1, 10), 1), atol=1e-3)


def test_when_a_bone_is_behind_the_camera_or_not_there_then_its_confidence_is_0(scene: Any, tmp_path: Path) -> None:
    rig = make_rig(
        scene,
        {
            "hand.L": (Vector((0, -12, 1)), Vector((0, -12, 2))),
            "hand.R": (Vector((0, 0, 1)), Vector((0, 0, 2))),
        },
    )
    points = written(scene, rig, tmp_path / "keypoints.json")[1]
    seen = [POINT_NAMES[number] for number in np.flatnonzero(points[:, 2])]
    assert seen == ["right_wrist", "right_hand.0"]
    assert not points[points[:, 2] == 0].any()


def test_when_the_camera_is_shifted_and_a_marker_changes_it_then_the_points_follow(scene: Any, tmp_path: Path) -> None:
    rig = make_rig(scene, {"foot.L": (Vector((0, 0, 1)), Vector((0, -1, 1)))})
    other = scene.camera.copy()
    other.data = other.data.copy()
    other.data.shift_x = 0.25
    scene.collection.objects.link(other)
    for frame, camera in ((1, scene.camera), (2, other)):
        scene.timeline_markers.new(camera.name, frame=frame).camera = camera
    points = written(scene, rig, tmp_path / "keypoints.json")
    ankle = POINT_NAMES.index("left_ankle")
    np.testing.assert_allclose(points[1][ankle][:2], pixel(0, 1, 10), atol=1e-3)
    np.testing.assert_allclose(points[3][ankle][:2], np.subtract(pixel(0, 1, 10), (0.25 * SIZE[0], 0)), atol=1e-3)


def test_when_the_rig_is_moved_by_a_constraint_then_the_set_is_not_needed_for_it(scene: Any, tmp_path: Path) -> None:
    rig = make_rig(scene, {"shin.L": (Vector((0, 0, 1)), Vector((0, 0, 2)))})
    target = bpy.data.objects.new("target", None)
    target.location = (2, 0, 0)
    scene.collection.objects.link(target)
    rig.constraints.new("COPY_LOCATION").target = target
    points = written(scene, rig, tmp_path / "keypoints.json")
    np.testing.assert_allclose(points[1][POINT_NAMES.index("left_knee")][:2], pixel(2, 1, 10), atol=1e-3)


def test_when_the_rig_is_rigify_s_human_then_every_limb_hand_and_foot_is_known_and_on_its_side(
    scene: Any, tmp_path: Path
) -> None:
    bpy.ops.preferences.addon_enable(module="rigify")
    try:
        bpy.ops.object.armature_human_metarig_add()
    except AttributeError:
        pytest.skip("this module brings no Rigify")
    rig = bpy.context.object
    points = written(scene, rig, tmp_path / "keypoints.json")[1]
    known = {POINT_NAMES[number]: points[number] for number in np.flatnonzero(points[:, 2])}
    for side in ("left", "right"):
        for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "big_toe", "heel", "eye", "ear"):
            assert f"{side}_{part}" in known, part
        assert all(f"{side}_hand.{number}" in known for number in range(21))
    assert known["left_wrist"][0] > SIZE[0] / 2 > known["right_wrist"][0]  # the figure faces the camera
    assert known["left_shoulder"][1] < known["left_hip"][1] < known["left_knee"][1] < known["left_ankle"][1]
    nose, tip = known["nose"], rig.data.bones["nose.001"].tail_local
    assert tip.y == min(bone.tail_local.y for bone in rig.data.bones if bone.name.startswith("nose"))
    np.testing.assert_allclose(nose[:2], pixel(tip.x, tip.z, 10 + tip.y), atol=1e-3)


def test_when_a_bone_has_a_name_of_its_own_then_a_property_says_which_point_it_is(scene: Any, tmp_path: Path) -> None:
    rig = make_rig(scene, {"Nasenspitze": (Vector((0, 0, 1)), Vector((0, 0, 2)))})
    with pytest.raises(HostError, match="no bone whose name we know"):
        written(scene, rig, tmp_path / "keypoints.json")
    rig.pose.bones["Nasenspitze"]["understudy_point"] = "face.30"
    points = written(scene, rig, tmp_path / "keypoints.json")[1]
    assert list(np.flatnonzero(points[:, 2])) == [23 + 30]


def test_when_there_is_no_camera_then_the_rig_is_named_with_what_to_do(scene: Any, tmp_path: Path) -> None:
    rig = make_rig(scene, {"hand.L": (Vector((0, 0, 1)), Vector((0, 0, 2)))})
    scene.camera = None
    with pytest.raises(HostError, match="“hero” is in no scene with a camera") as told:
        list(rig_keypoints.write_keypoints(scene, rig, BlenderHost().select().frames, tmp_path / "k.json"))
    assert "Add a camera" in told.value.remedy


def test_when_the_file_is_written_then_the_daemon_reads_it(scene: Any, tmp_path: Path) -> None:
    rig = make_rig(scene, {"hand.L": (Vector((0, 0, 1)), Vector((0, 0, 2)))})
    written(scene, rig, tmp_path / "keypoints.json")
    done = subprocess.run(
        [daemon_python(), "-c", READ, str(tmp_path / "keypoints.json")], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "(320, 180) {1: (133, 3), 2: (133, 3), 3: (133, 3)}", done.stderr


STANDING = {
    "upper_arm.L": ((0.4, 0, 2.4), (0.6, 0, 1.8)), "upper_arm.R": ((-0.4, 0, 2.4), (-0.6, 0, 1.8)),
    "forearm.L": ((0.6, 0, 1.8), (0.6, 0, 1.2)), "forearm.R": ((-0.6, 0, 1.8), (-0.6, 0, 1.2)),
    "hand.L": ((0.6, 0, 1.2), (0.6, 0, 1.0)), "hand.R": ((-0.6, 0, 1.2), (-0.6, 0, 1.0)),
    "thigh.L": ((0.2, 0, 1.2), (0.2, 0, 0.2)), "thigh.R": ((-0.2, 0, 1.2), (-0.2, 0, 0.2)),
    "shin.L": ((0.2, 0, 0.2), (0.2, 0, -0.8)), "shin.R": ((-0.2, 0, 0.2), (-0.2, 0, -0.8)),
    "foot.L": ((0.2, 0, -0.8), (0.2, -0.3, -0.9)), "foot.R": ((-0.2, 0, -0.8), (-0.2, -0.3, -0.9)),
    "eye.L": ((0.05, -0.2, 2.9), (0.05, -0.3, 2.9)), "eye.R": ((-0.05, -0.2, 2.9), (-0.05, -0.3, 2.9)),
    "ear.L": ((0.15, 0, 2.9), (0.2, 0, 2.9)), "ear.R": ((-0.15, 0, 2.9), (-0.2, 0, 2.9)),
    "nose": ((0, -0.2, 2.9), (0, -0.3, 2.8)),
}  # fmt: skip


def test_when_a_rig_drives_a_character_then_the_beauty_lies_in_the_sequencer_at_the_scene_s_frames(
    scene: Any, tmp_path: Path
) -> None:
    make_rig(scene, {name: (Vector(head), Vector(tail)) for name, (head, tail) in STANDING.items()})
    scene.understudy.reference_file = draw(tmp_path / "drawn").reference
    bpy.ops.wm.save_mainfile()
    daemon = RunningDaemon(tmp_path / "home")
    rig = _Main()
    jobs = HostJobs(rig.host, rig.main, lambda: daemon.connection, tmp_path / "exports")
    desk = Desk(rig, jobs)  # type: ignore[arg-type]
    try:
        job = desk.submit(engine="preview", mode="animate", format=f"{SIZE[0]}x{SIZE[1]}")
        desk.wait(job)
        assert job.notice.stage == "placed", job.notice
    finally:
        jobs.close()
        daemon.stop()
    (strip,) = [one for one in compat.all_strips_of(scene.sequence_editor) if JOB in one]
    assert strip["understudy_layer"] == "beauty"
    assert (strip.elements[0].orig_width, strip.elements[0].orig_height) == SIZE
    assert len(strip.elements) == 3


class _Main:
    def __init__(self) -> None:
        self.main = MainThread()
        self.host = BlenderHost()
