"""The steps of `preview` one by one, each on a picture whose answer is known."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.preview_quality import Silent, preview
from understudy.bridge.errors import EngineError
from understudy.bridge.shot import Settings
from understudy.inference.engines.background import Background
from understudy.inference.engines.camera import Look, move_between
from understudy.inference.engines.contours import outline_of, paired
from understudy.inference.engines.cutout import cut_out
from understudy.inference.engines.door import Footage
from understudy.inference.engines.light import Light, gains, measure_light, shade, swell
from understudy.inference.engines.patches import fill_from_surroundings
from understudy.inference.engines.poses import Pose, PoseStore
from understudy.inference.engines.preview import PreviewEngine
from understudy.inference.engines.silhouette import overlap, place, signed_distance
from understudy.inference.engines.smooth import spread
from understudy.inference.engines.survey import Glance, Lights, survey_positions
from understudy.inference.engines.warp import PlateFitter, chain, enlarge, local_area, places, unfolded

Array = NDArray[np.float32]


def figure(height: int, width: int, *, raised: float = 0.0, across: float = 0.0, scale: float = 1.0) -> Array:
    """Return the silhouette of a standing figure whose right arm is turned up by `raised` degrees."""
    picture = np.zeros((height * 4, width * 4), np.uint8)
    unit = height * 4 * scale / 100
    foot = np.array([width * 2 + across * 4, height * 4 * 0.95])

    def limb(points: list[tuple[float, float]], thick: float) -> None:
        path = np.array([foot + unit * np.array([x, -y]) for x, y in points], np.int32)
        cv2.polylines(picture, [path], False, 255, max(1, int(thick * unit)))

    limb([(-7, 0), (-3, 38)], 7)
    limb([(7, 0), (3, 38)], 7)
    limb([(0, 40), (0, 62)], 16)
    limb([(-8, 64), (-17, 40)], 5)
    turn = np.radians(-70 + raised)
    limb([(8, 64), (8 + 26 * np.cos(turn), 64 + 26 * np.sin(turn))], 5)
    cv2.circle(picture, tuple(int(v) for v in foot + unit * np.array([0, -78])), int(8 * unit), 255, -1)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0


def textured(height: int, width: int, seed: int, sigma: float = 1.5) -> Array:
    random = np.random.default_rng(seed)
    picture = cv2.GaussianBlur(random.random((height, width, 3)).astype(np.float32), (0, 0), sigma)
    return (picture - picture.min()) / np.ptp(picture)


# ---- cutting out


@pytest.mark.parametrize("background", ["plain", "gradient", "busy but out of focus"])
def test_when_the_reference_has_no_alpha_then_the_figure_is_found(background: str) -> None:
    cover = figure(300, 400, scale=0.9)
    behind = np.full((300, 400, 3), (0.7, 0.75, 0.8), np.float32)
    if background == "gradient":
        behind = behind * np.linspace(0.5, 1.2, 400, dtype=np.float32)[None, :, None]
    if background == "busy but out of focus":
        behind = textured(300, 400, 3, 12.0)
    body = np.array([0.35, 0.18, 0.12], np.float32) * (0.6 + 0.8 * textured(300, 400, 4, 1.0))
    picture = behind + (body - behind) * cover[..., None]
    cutout = cut_out(np.dstack([picture, np.ones((300, 400), np.float32)]), False)
    assert overlap(cutout.alpha, cover) > 0.8
    assert cutout.findings[0].outcome == "note"


def test_when_nothing_stands_out_then_an_oval_is_used_and_said() -> None:
    plain = np.full((120, 160, 4), 0.5, np.float32)
    cutout = cut_out(plain, False)
    assert cutout.findings[0].outcome == "warn"
    assert 0.05 < float(cutout.alpha.mean()) < 0.6


def test_when_the_reference_has_alpha_then_it_is_kept_and_its_edge_shows_no_background() -> None:
    across, down = places(200, 200)
    cover = np.clip((60.0 - np.hypot(across - 100, down - 100)) / 5.0, 0.0, 1.0)
    picture = np.dstack([0.2 + 0.8 * (1 - cover), np.full((200, 200), 0.3), np.full((200, 200), 0.2), cover])
    cutout = cut_out(picture.astype(np.float32), True)
    assert np.array_equal(cutout.alpha, cover)
    edge = (cover > 0.05) & (cover < 0.95)
    assert float(cutout.colour[..., 0][edge].max()) < 0.35


def test_when_the_reference_holds_values_that_are_not_finite_then_it_is_still_cut_out() -> None:
    picture = np.dstack([textured(100, 100, 1), figure(100, 100)]).astype(np.float32)
    picture[40:42, 50:52, :3] = np.nan
    assert np.isfinite(cut_out(picture, True).colour).all()


# ---- laying over


@given(st.floats(-30, 30), st.floats(0.55, 1.0))
@settings(max_examples=6, deadline=None)
def test_when_the_same_figure_is_elsewhere_and_smaller_then_it_is_placed_over_it(across: float, scale: float) -> None:
    target = figure(180, 320, across=across, scale=scale)
    found = place(figure(240, 200), target)
    assert found.overlap > 0.8


def test_when_an_arm_is_raised_then_its_tip_is_paired_with_the_tip() -> None:
    still, waving = figure(180, 320), figure(180, 320, raised=80.0)
    size = float(np.sqrt(still.sum()))
    mine, theirs = outline_of(waving, size), outline_of(still, size)
    assert mine is not None
    assert theirs is not None
    partners = paired(mine, theirs, size)
    tip = int(np.argmax(mine.points[:, 0]))
    other = theirs.points[int(np.argmax(theirs.points[:, 0]))]
    assert np.linalg.norm(partners[tip] - other) < 8


def test_when_a_disc_is_measured_then_the_distance_is_its_radius() -> None:
    across, down = places(101, 101)
    disc = np.clip(30.5 - np.hypot(across - 50, down - 50), 0, 1).astype(np.float32)
    distance = signed_distance(disc)
    assert distance[50, 50] == pytest.approx(30, abs=1.0)
    assert distance[50, 95] == pytest.approx(-15, abs=1.0)


# ---- warps


@given(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2), st.floats(-5, 5), st.floats(0, 3))
@settings(max_examples=25, deadline=None)
def test_when_landmarks_move_by_an_affine_map_then_a_plate_of_any_stiffness_gives_it_back(
    stretch: float, shear: float, shift: float, stiffness: float
) -> None:
    points = np.random.default_rng(2).uniform(0, 60, (20, 2))
    moved = points @ np.array([[stretch, shear], [-shear, stretch]]) + shift
    plate = PlateFitter(points, 40.0).fit(moved, stiffness)
    places_ = np.array([[10.0, 20.0], [55.0, 5.0]])
    assert plate.at(places_) == pytest.approx(
        places_ @ np.array([[stretch, shear], [-shear, stretch]]) + shift, abs=1e-4
    )


def test_when_two_shifts_are_chained_then_they_add() -> None:
    field = np.full((20, 30, 2), 1.5, np.float32)
    assert np.allclose(chain(field, field), 3.0)


def test_when_a_field_folds_then_it_is_smoothed_until_it_does_not() -> None:
    field = np.zeros((60, 60, 2), np.float32)
    field[:, 30:, 0] = -12.0
    assert float(local_area(field).min()) < 0
    assert float(local_area(unfolded(field)).min()) > 0
    assert enlarge(field, 120, 120).shape == (120, 120, 2)


def test_when_little_is_known_then_it_is_spread_over_the_rest_and_kept_where_it_was() -> None:
    known = np.zeros((40, 50), np.float32)
    known[10, 10] = known[30, 45] = 1.0
    values = np.zeros((40, 50), np.float32)
    values[10, 10], values[30, 45] = 1.0, 3.0
    spread_out = spread(values, known)
    assert spread_out[10, 10] == pytest.approx(1.0, abs=1e-5)
    assert 1.0 <= float(spread_out.min()) <= float(spread_out.max()) <= 3.0 + 1e-5


# ---- light


def test_when_a_silhouette_is_round_then_it_swells_into_a_ball() -> None:
    across, down = (part - 50 for part in places(101, 101))
    inside = np.hypot(across, down) < 40
    normal = swell(inside.astype(np.float32))
    true = np.dstack([across, down, np.sqrt(np.maximum(0, 40.0**2 - across**2 - down**2))]) / 40.0
    core = np.hypot(across, down) < 36
    assert float((normal * true).sum(axis=-1)[core].min()) > 0.97


def test_when_a_body_is_flat_then_no_light_is_imagined() -> None:
    cover = figure(150, 150)
    assert np.linalg.norm(measure_light(np.full((150, 150, 3), 0.4, np.float32), cover, None).key) < 0.05


def test_when_both_lights_are_one_then_nothing_changes() -> None:
    light = Light(np.array([0.5, -0.4, 0.3]), 0.2, np.array([1.1, 1.0, 0.9]))
    cover = figure(90, 90)
    assert gains(light, light, 1.0) == pytest.approx(1.0)
    assert np.allclose(shade(swell(cover), cover, light, light, 0.0), 1.0)


def test_when_the_light_changes_over_the_shot_then_it_glides() -> None:
    dark, bright = (Light(np.zeros(3), mean, np.ones(3)) for mean in (0.1, 0.4))
    lights = Lights([Glance(0, 1, None, dark), Glance(10, 1, None, dark), Glance(20, 1, None, bright)])
    means = [found.mean for found in map(lights.at, range(25)) if found is not None]
    assert means == sorted(means)
    assert max(b / a for a, b in pairwise(means)) < 1.12


@given(st.integers(1, 2000))
def test_when_a_shot_has_any_length_then_its_ends_are_surveyed(count: int) -> None:
    positions = survey_positions(count)
    assert positions[0] == 0
    assert positions[-1] == count - 1
    assert len(positions) <= 7


# ---- background


def look(picture: Array) -> Look:
    grey = cv2.cvtColor((picture * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)
    return Look(np.asarray(grey, np.uint8), np.zeros(picture.shape[:2], bool))


def test_when_the_camera_pans_then_its_move_is_found() -> None:
    wall = textured(200, 400, 8, 2.0)
    move = move_between(look(wall[10:170, 20:300]), look(wall[16:176, 33:313]))
    assert move.found
    assert move.matrix[0, 2] == pytest.approx(-13, abs=0.3)
    assert move.matrix[1, 2] == pytest.approx(-6, abs=0.3)


def test_when_the_picture_has_no_corners_then_the_camera_is_taken_as_still_and_that_is_said() -> None:
    move = move_between(look(np.full((90, 160, 3), 0.5, np.float32)), look(np.full((90, 160, 3), 0.5, np.float32)))
    assert not move.found
    assert np.array_equal(move.matrix, np.eye(3))


@pytest.mark.parametrize("speed", [0.0, 1.0, 7.0])
def test_when_the_camera_moves_then_the_hole_is_filled_from_frames_that_show_it(speed: float) -> None:
    wall = textured(180, 900, 9, 2.5)

    def truth(frame: int) -> Array:
        return wall[:, int(speed * frame) : int(speed * frame) + 320]

    def read(frame: int) -> tuple[Array, Array]:
        hidden = np.zeros((180, 320), np.float32)
        left = 200 - (3 if speed == 0 else -1) * frame
        hidden[50:170, left : left + 40] = 1.0
        return np.where(hidden[..., None] > 0, np.float32(0.9), truth(frame)), hidden

    frames = tuple(range(50))
    background = Background(read, frames, (180, 320), 0)
    for position in survey_positions(len(frames)):
        background.look_at(position)
    assert background.near == (speed * 49 < 0.08 * 320)
    for frame in (0, 30):
        plate, hidden = read(frame)
        clean, found = background.clean(frame, plate, hidden)
        assert found
        assert float(np.abs(clean - truth(frame))[hidden > 0].mean()) < 0.03
        far = cv2.dilate(hidden, np.ones((25, 25), np.uint8)) == 0
        assert np.array_equal(clean[far], plate[far])


def test_when_a_panning_camera_is_lost_then_it_is_said_and_the_hole_is_filled_all_the_same() -> None:
    wall = textured(180, 900, 9, 2.5)
    hidden = np.zeros((180, 320), np.float32)
    hidden[50:170, 200:240] = 1.0
    background = Background(
        lambda frame: (wall[:, 7 * frame : 7 * frame + 320], hidden), tuple(range(50)), (180, 320), 0
    )
    for position in survey_positions(50):
        background.look_at(position)
    elsewhere = textured(180, 320, 77, 2.5)
    clean, found = background.clean(30, np.where(hidden[..., None] > 0, np.float32(0.9), elsewhere), hidden)
    assert not found
    assert float(clean[hidden > 0].mean()) < 0.75


def test_when_no_frame_shows_the_background_then_a_pattern_goes_on() -> None:
    stripes = np.repeat((np.arange(160) // 8 % 2)[None, :, None], 90, axis=0).astype(np.float32)
    picture = np.repeat(stripes, 3, axis=2)
    known = np.ones((90, 160), bool)
    known[30:60, 60:100] = False
    filled = fill_from_surroundings(np.where(known[..., None], picture, np.float32(0.5)), known, 0)
    assert np.array_equal(filled[known], picture[known])
    assert float(np.abs(filled - picture)[~known].mean()) < 0.15


def test_when_almost_nothing_is_known_then_the_filling_is_smooth_and_finite() -> None:
    known = np.zeros((40, 60), bool)
    known[0, 0] = True
    assert np.isfinite(fill_from_surroundings(textured(40, 60, 2), known, 0)).all()


# ---- what is kept, and mode animate


def test_when_a_worker_died_then_what_was_followed_is_still_there(tmp_path: Path) -> None:
    pose = Pose(np.random.default_rng(0).random((2, 4, 5, 2)).astype(np.float16))
    PoseStore(tmp_path, "three").save(7, pose)
    again = PoseStore(tmp_path, "three")
    assert 7 in again
    assert np.array_equal(again.load(7).fields, pose.fields)
    assert 7 not in PoseStore(tmp_path, "four")


def test_when_a_shot_is_long_then_only_a_few_poses_stay_in_memory(tmp_path: Path) -> None:
    store = PoseStore(tmp_path, "zero")
    for position in range(40):
        store.save(position, Pose(np.zeros((2, 4, 5, 2), np.float16)))
    assert len(store._recent) <= 4


def animated(*, plate: bool, matte: bool, keypoints: bool) -> Footage:
    """Return a driver who raises an arm over four frames, and a character who stands at rest."""
    covers = [figure(144, 192, raised=12.0 * frame) for frame in range(4)]
    inside = textured(144, 192, 6)

    def points(frame: int) -> Array:
        found = np.zeros((133, 3), np.float32)
        turn = np.radians(-70 + 12.0 * frame)
        body = {0: (0, 78), 5: (8, 64), 6: (-8, 64), 11: (4, 40), 12: (-4, 40), 13: (5, 20), 14: (-5, 20), 15: (7, 1)}
        body |= {16: (-7, 1), 8: (-12, 52), 10: (-17, 40)}
        body |= {7: (8 + 13 * np.cos(turn), 64 + 13 * np.sin(turn)), 9: (8 + 26 * np.cos(turn), 64 + 26 * np.sin(turn))}
        for index, (x, y) in body.items():
            found[index] = (96 + 1.44 * x, 136.8 - 1.44 * y, 1.0)
        return found

    reference = np.dstack([textured(160, 160, 7), figure(160, 160)]).astype(np.float32)
    return Footage(
        mode="animate",
        frames=(0, 1, 2, 3),
        height=144,
        width=192,
        rate=Fraction(24),
        settings=Settings(mode="animate"),
        reference=reference,
        reference_has_alpha=True,
        plate=(lambda frame: inside * covers[frame][..., None]) if plate else None,
        matte=covers.__getitem__ if matte else None,
        clean_plate=None,
        holdout=None,
        keypoints=points if keypoints else None,
        scratch=Path(),
    )


@pytest.mark.parametrize(
    ("plate", "matte", "keypoints"),
    [(True, True, False), (True, False, False), (False, False, True), (True, True, True)],
)
def test_when_a_driver_raises_an_arm_then_the_character_moves(plate: bool, matte: bool, keypoints: bool) -> None:
    made = list(preview(animated(plate=plate, matte=matte, keypoints=keypoints)))
    assert len(made) == 4
    assert all(np.isfinite(frame.coverage).all() for frame in made)
    assert float(np.abs(made[3].coverage - made[0].coverage).sum()) > 20.0
    if matte or keypoints:
        # The hand on the right went up: weight moves up there.
        right = [float((frame.coverage[:90, 100:]).sum()) for frame in (made[0], made[3])]
        assert right[1] > right[0] + 5


def test_when_nothing_drives_the_character_then_the_engine_refuses() -> None:
    with pytest.raises(EngineError, match="nothing drives"):
        list(preview(animated(plate=False, matte=False, keypoints=False)))


def test_when_keypoints_alone_drive_then_the_neutral_face_is_said() -> None:
    watcher = Silent()
    PreviewEngine().prepare(animated(plate=False, matte=False, keypoints=True), watcher)
    assert [finding.rule for finding in watcher.findings] == ["driver_keypoints"]
