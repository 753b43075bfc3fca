"""A driver's motion on another body: directions stay, lengths are the reference's, feet stay on the ground."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.inference.controls.proportions import LIMBS, limb_lengths, with_neck
from understudy.inference.controls.retarget import Retarget, plan_retarget
from understudy.inference.controls.skeleton import BODY

Points = NDArray[np.float32]
Body = dict[str, float]

PLAIN: Body = {
    "shoulder": 40, "upper_arm": 70, "forearm": 60, "torso": 120, "hips": 25, "thigh": 100, "shin": 95, "neck": 50,
    "eye": 14, "ear": 16, "foot": 30,
}  # fmt: skip
ANKLES = (15, 16)


def stand(body: Body, at: tuple[float, float] = (400, 500), **turns: float) -> Points:
    """Return the 133 points of a body whose neck is over `at`, 300 pixels up; turns are degrees from hanging down."""
    points = np.ones((133, 3), np.float64)
    middle = np.array(at) - (0, 300)

    def down(start: NDArray[np.float64], length: float, name: str, by: float = 0) -> NDArray[np.float64]:
        angle = np.deg2rad(turns.get(name, by))
        return start + length * np.array([np.sin(angle), np.cos(angle)])

    for side, (left, sign) in enumerate(((0, 1), (1, -1))):
        shoulder = middle + np.array((sign * body["shoulder"], 0))
        hip = middle + np.array((sign * body["hips"], np.sqrt(body["torso"] ** 2 - body["hips"] ** 2)))
        elbow = down(shoulder, body["upper_arm"], f"arm{side}", 20 * sign)
        wrist = down(elbow, body["forearm"], f"fore{side}", 10 * sign)
        knee = down(hip, body["thigh"], f"thigh{side}")
        ankle = down(knee, body["shin"], f"shin{side}")
        for index, place in zip((5, 7, 9, 11, 13, 15), (shoulder, elbow, wrist, hip, knee, ankle), strict=True):
            points[index + left, :2] = place
        points[17 + 3 * left : 20 + 3 * left, :2] = ankle + np.array((sign * body["foot"], 0))
        points[91 + 21 * left : 112 + 21 * left, :2] = wrist + np.stack([np.zeros(21), np.arange(21)], axis=1)
    nose = middle - (0, body["neck"])
    points[0, :2] = nose
    for left, sign in ((0, 1), (1, -1)):
        points[1 + left, :2] = eye = nose + np.array((sign * body["eye"] * 0.6, -body["eye"] * 0.8))
        points[3 + left, :2] = eye + np.array((sign * body["ear"], 0))
    points[23:91, :2] = nose + np.stack([np.cos(np.arange(68)) * 20, np.sin(np.arange(68)) * 25], axis=1)
    return points.astype(np.float32)


bodies = st.fixed_dictionaries(
    {name: st.floats(length * 0.8, length * 1.35) for name, length in PLAIN.items() if name != "hips"}
).map(lambda body: {**body, "hips": body["torso"] * 0.2, "foot": min(body["foot"], 0.45 * body["shin"])})
angles = st.floats(-80, 80)
poses = st.fixed_dictionaries(
    {name + side: angles for name in ("arm", "fore", "thigh", "shin") for side in "01"}
    | {"at": st.tuples(st.floats(200, 900), st.floats(400, 600))}
)


def shot(body: Body, motion: list[dict[str, object]]) -> dict[int, Points]:
    """Return a shot that starts upright."""
    return {1: stand(body)} | {2 + n: stand(body, **pose) for n, pose in enumerate(motion)}  # type: ignore[arg-type]


def planned(reference: Points, keypoints: dict[int, Points]) -> Retarget:
    found = plan_retarget(reference, keypoints)
    assert found is not None
    return found


def without(points: Points, *which: int) -> Points:
    gone = points.copy()
    gone[list(which), 2] = 0.1
    return gone


@pytest.mark.parametrize("sure", [0.0, 0.49])
def test_when_the_reference_shows_nobody_then_nothing_is_retargeted(sure: float) -> None:
    nobody = stand(PLAIN)
    nobody[:, 2] = sure
    assert plan_retarget(nobody, shot(PLAIN, [])) is None


def test_when_the_driver_shows_nobody_then_nothing_is_retargeted() -> None:
    assert plan_retarget(stand(PLAIN), {1: np.zeros((133, 3), np.float32)}) is None
    assert plan_retarget(stand(PLAIN), {}) is None


def test_when_every_point_lies_on_one_spot_then_nothing_is_retargeted() -> None:
    spot = np.ones((133, 3), np.float32)
    assert plan_retarget(spot, {1: spot}) is None
    assert plan_retarget(stand(PLAIN), {1: spot}) is None


@settings(deadline=None, max_examples=60)
@given(bodies, st.lists(poses, max_size=6))
def test_when_the_proportions_are_the_same_then_the_motion_stays_as_it_is(
    body: Body, motion: list[dict[str, object]]
) -> None:
    keypoints = shot(body, motion)
    found = planned(keypoints[1], keypoints)
    for frame, points in keypoints.items():
        assert np.abs(found.keypoints(points, frame) - points).max() < 0.01


@settings(deadline=None, max_examples=60)
@given(bodies, st.lists(poses, max_size=4), st.floats(0.4, 2.5), st.floats(-300, 300), st.floats(-300, 300))
def test_when_the_reference_is_framed_otherwise_then_the_whole_motion_is(
    body: Body, motion: list[dict[str, object]], scale: float, across: float, down: float
) -> None:
    def framed(points: Points) -> Points:
        moved = points.copy()
        moved[:, :2] = points[:, :2] * scale + (across, down)
        return moved

    keypoints = shot(body, motion)
    found = planned(framed(keypoints[1]), keypoints)
    for frame, points in keypoints.items():
        assert np.abs(found.keypoints(points, frame) - framed(points)).max() < 0.02


@settings(deadline=None, max_examples=60)
@given(bodies, bodies, st.lists(poses, max_size=5))
def test_every_limb_is_as_much_longer_as_the_references_is_and_keeps_its_direction(
    body: Body, other: Body, motion: list[dict[str, object]]
) -> None:
    keypoints, reference = shot(body, motion), stand(other, (300, 420))
    found = planned(reference, keypoints)
    for frame, points in keypoints.items():
        moved = found.keypoints(points, frame)
        ratios = limb_lengths(moved) / limb_lengths(points)
        assert np.allclose(ratios, limb_lengths(reference) / limb_lengths(keypoints[1]), rtol=2e-3)
        for start, end in ((5, 7), (7, 9), (6, 8), (11, 13), (13, 15), (14, 16)):
            old, new = (p[end, :2] - p[start, :2] for p in (points, moved))
            across = float(old[0] * new[1] - old[1] * new[0])
            assert abs(across) < 1e-3 * float(np.hypot(*old) * np.hypot(*new)) + 1e-2


@settings(deadline=None, max_examples=60)
@given(bodies, bodies, st.lists(poses, max_size=5))
def test_the_lower_ankle_is_above_the_references_ground_as_the_drivers_is_above_its_own(
    body: Body, other: Body, motion: list[dict[str, object]]
) -> None:
    keypoints, reference = shot(body, motion), stand(other, (300, 420))
    found = planned(reference, keypoints)
    assert found.basis == "legs"
    ground, own = (float(points[list(ANKLES), 1].max()) for points in (reference, keypoints[1]))
    for frame, points in keypoints.items():
        high = own - float(points[list(ANKLES), 1].max())
        moved = found.keypoints(points, frame)
        assert float(moved[list(ANKLES), 1].max()) == pytest.approx(ground - found.scale * high, abs=0.02)


def test_when_a_driver_crouches_then_the_feet_of_longer_legs_stay_on_the_ground() -> None:
    upright, crouched = stand(PLAIN), stand(PLAIN, (400, 560), thigh0=60, shin0=-60, thigh1=60, shin1=-60)
    crouched[:, 1] += upright[15, 1] - crouched[15, 1]
    long_legs = PLAIN | {"thigh": 160, "shin": 150}
    reference = stand(long_legs)
    found = planned(reference, {1: upright, 2: crouched})
    assert found.keypoints(crouched, 2)[list(ANKLES), 1] == pytest.approx(reference[list(ANKLES), 1], abs=0.01)


def test_when_planted_feet_walk_over_then_they_stay_planted_on_longer_legs() -> None:
    step = np.deg2rad(20)
    frames = {}
    for number, angle in enumerate(np.linspace(step, -step, 5), start=1):
        points = stand(PLAIN, thigh0=np.rad2deg(angle), shin0=np.rad2deg(angle), thigh1=np.rad2deg(angle),
                       shin1=np.rad2deg(angle))  # fmt: skip
        points[:, :2] += np.array([425.0, 500.0]) - points[15, :2]  # the left foot is where it was
        frames[number] = points
    found = planned(stand(PLAIN | {"thigh": 200, "shin": 190}), frames)
    feet = np.array([found.keypoints(points, frame)[15, :2] for frame, points in frames.items()])
    assert np.ptp(feet, axis=0).max() < 0.1
    assert found.scale == pytest.approx(2, rel=1e-3)


def test_when_an_arm_points_at_the_camera_for_a_while_then_it_is_not_taken_for_short() -> None:
    motion = {n: stand(PLAIN) for n in range(1, 21)}
    for n in range(1, 10):
        for elbow, wrist, shoulder in ((7, 9, 5), (8, 10, 6)):
            motion[n][elbow, :2] = motion[n][shoulder, :2] + (0, 30)
            motion[n][wrist, :2] = motion[n][elbow, :2] + (0, 25)
    found = planned(stand(PLAIN), motion)
    assert found.ratios == pytest.approx([1] * len(LIMBS), rel=1e-3)


def test_when_the_driver_walks_towards_the_camera_then_its_limbs_do_not_count_as_longer() -> None:
    near = {n: stand(PLAIN) for n in range(1, 11)}
    for n, points in near.items():
        points[:, :2] = (points[:, :2] - (400, 100)) * (1 + 0.1 * n) + (400, 100)
    found = planned(near[1], near)
    assert found.ratios == pytest.approx([1] * len(LIMBS), rel=1e-3)
    assert np.abs(found.keypoints(near[10], 10) - near[10]).max() < 0.05


def test_when_the_legs_of_the_reference_are_out_of_frame_then_the_torso_is_the_basis_and_it_is_said() -> None:
    big = {name: 2 * length for name, length in PLAIN.items()}
    reference = without(stand(big), 13, 14, 15, 16, *range(17, 23))
    found = planned(reference, shot(PLAIN, []))
    assert found.basis == "torso"
    assert found.scale == pytest.approx(2, rel=1e-3)
    assert limb_lengths(found.keypoints(stand(PLAIN), 1)) == pytest.approx(limb_lengths(stand(big)), rel=1e-3)
    moved = found.keypoints(stand(PLAIN), 1)
    assert moved[[11, 12], :2].mean(axis=0) == pytest.approx(reference[[11, 12], :2].mean(axis=0), abs=0.01)
    warned = found.findings[1]
    assert warned.outcome == "warn"
    assert "thigh, shin, foot cannot be measured on the reference" in warned.message
    assert warned.remedy


def test_when_the_legs_have_no_length_then_the_torso_is_the_basis() -> None:
    folded = stand(PLAIN)
    folded[[13, 14, 15, 16], :2] = folded[[11, 12, 11, 12], :2]
    found = planned(stand(PLAIN), {1: folded})
    assert found.basis == "torso"
    assert np.isfinite(found.keypoints(folded, 1)).all()


def test_when_the_reference_shows_legs_and_no_shoulders_then_the_legs_stand_where_its_legs_stand() -> None:
    reference = without(stand(PLAIN | {"thigh": 150}, (300, 420)), *range(11))
    found = planned(reference, shot(PLAIN, []))
    moved = found.keypoints(stand(PLAIN), 1)
    assert moved[list(ANKLES), 1] == pytest.approx(reference[list(ANKLES), 1], abs=0.01)
    assert moved[[11, 12], 0].mean() == pytest.approx(reference[[11, 12], 0].mean(), abs=0.01)


def test_when_the_forearms_of_the_reference_are_not_seen_then_they_are_as_much_longer_as_the_upper_arms() -> None:
    reference = without(stand(PLAIN | {"upper_arm": 105, "eye": 28, "neck": 100}), 9, 10, 1, 2, 3, 4)
    found = planned(reference, shot(PLAIN, []))
    assert found.ratios[LIMBS.index("forearm")] == pytest.approx(1.5, rel=1e-3)
    assert found.ratios[LIMBS.index("ear")] == pytest.approx(2, rel=1e-3)


def test_when_the_driver_does_not_show_its_legs_either_then_nothing_is_lacking() -> None:
    legs = (13, 14, 15, 16, *range(17, 23))
    found = planned(without(stand(PLAIN), *legs), {1: without(stand(PLAIN), *legs)})
    assert [finding.rule for finding in found.findings] == ["retarget"]


def test_when_only_head_and_shoulders_are_shown_then_they_are_laid_over_those_of_the_reference() -> None:
    reference = without(stand(PLAIN | {"shoulder": 80}), *range(7, 23))
    found = planned(reference, shot(PLAIN, []))
    assert found.basis == "shoulders"
    moved = found.keypoints(stand(PLAIN), 1)
    assert moved[[5, 6]] == pytest.approx(reference[[5, 6]], abs=0.01)


def test_when_the_ankles_are_lost_for_a_few_frames_then_nothing_jumps() -> None:
    crouch = {"thigh0": 70, "shin0": -40, "thigh1": 70, "shin1": -40}
    keypoints = {1: stand(PLAIN)} | {n: stand(PLAIN, (400 + 5 * n, 500), **crouch) for n in range(2, 9)}
    whole = planned(stand(PLAIN | {"thigh": 150, "shin": 120}), keypoints)
    lossy = {n: without(points, *ANKLES) if n in (4, 5) else points for n, points in keypoints.items()}
    found = planned(stand(PLAIN | {"thigh": 150, "shin": 120}), lossy)
    for n, points in lossy.items():
        assert found.keypoints(points, n)[:, :2] == pytest.approx(whole.keypoints(keypoints[n], n)[:, :2], abs=0.05)


def test_when_an_elbow_is_not_there_then_the_wrist_goes_with_the_shoulder_and_the_gap_stays_one() -> None:
    points = stand(PLAIN)
    points[7] = 0
    found = planned(stand(PLAIN | {"upper_arm": 140, "forearm": 90}), {1: points, 2: stand(PLAIN)})
    moved = found.keypoints(points, 1)
    assert not moved[7].any()
    way, was = moved[9, :2] - moved[5, :2], points[9, :2] - points[5, :2]
    assert way == pytest.approx(was * 1.5, rel=1e-3)


def test_when_nobody_is_in_a_frame_then_its_points_stay_as_they_are() -> None:
    nobody = np.zeros((133, 3), np.float32)
    found = planned(stand(PLAIN | {"thigh": 150}), {1: stand(PLAIN), 2: nobody})
    assert not found.keypoints(nobody, 2).any()


def test_when_a_limb_comes_out_beyond_reason_then_it_is_scaled_as_the_body_and_named() -> None:
    reference = stand(PLAIN | {"upper_arm": 700})
    found = planned(reference, shot(PLAIN, []))
    assert found.ratios[LIMBS.index("upper_arm")] == found.scale
    assert "upper arm came out beyond reason" in found.findings[1].message


def test_hands_face_and_feet_go_with_their_limbs_and_keep_their_confidence() -> None:
    points = stand(PLAIN)
    points[91:112, 2] = 0.7
    found = planned(stand(PLAIN | {"forearm": 90, "eye": 28, "ear": 32}), {1: points})
    moved = found.keypoints(points, 1)
    assert (moved[:, 2] == points[:, 2]).all()
    assert moved[91:112, :2] - moved[9, :2] == pytest.approx((points[91:112, :2] - points[9, :2]) * 1.5, abs=0.01)
    assert moved[23:91, :2] - moved[0, :2] == pytest.approx((points[23:91, :2] - points[0, :2]) * 2, abs=0.01)


def test_the_neck_is_as_sure_as_the_less_sure_shoulder() -> None:
    points = stand(PLAIN)
    points[5, 2] = 0.2
    assert with_neck(points)[133, 2] == np.float32(0.2)


def test_when_both_stand_upright_then_every_point_is_within_a_pixel_of_where_the_official_code_puts_it() -> None:
    driver = stand(PLAIN, (500, 450))
    reference = stand(
        PLAIN | {"thigh": 140, "shin": 120, "upper_arm": 55, "forearm": 80, "torso": 100, "neck": 60}, (640, 430)
    )
    moved = planned(reference, {1: driver}).keypoints(driver, 1)
    official = (  # what came out of `get_retarget_pose` for these two in a picture of 1280 x 720
        (639.6, 68.9), (639.6, 128.8), (599.6, 128.8), (580.8, 180.4), (566.9, 259.1), (679.5, 128.8), (698.3, 180.4),
        (712.2, 259.1), (618.8, 226.5), (618.8, 366.3), (618.8, 486.1), (660.4, 226.5), (660.4, 366.3), (660.4, 486.1),
        (631.2, 57.7), (647.9, 57.7), (615.2, 57.7), (663.9, 57.7), (690.3, 486.1), (588.8, 486.1),
    )  # fmt: skip
    ours = np.array([(moved[first, :2] + moved[second, :2]) / 2 for first, second in BODY])
    assert np.abs(ours - official).max() < 1
