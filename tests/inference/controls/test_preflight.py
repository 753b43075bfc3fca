"""What is told before the expensive run: each once, with the frames, what to do, and nothing where all is well."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.inference.controls.face_plan import plan_faces
from understudy.inference.controls.grid import Grid
from understudy.inference.controls.preflight import preflight
from understudy.inference.controls.preflight_facts import PreflightFacts
from understudy.inference.controls.survey import Survey

Points = NDArray[np.float32]
HEIGHT, WIDTH = 480, 832
FRAMES = (1001, 1002, 1003, 1004, 1005, 1006)
BODY_BOX = (340, 60, 490, 420)


def person(scale: float = 1.0) -> Points:
    """Return somebody who stands in the middle, all points sure."""
    points = np.ones((133, 3), np.float32)
    places = {
        0: (0, -150), 1: (8, -158), 2: (-8, -158), 3: (18, -154), 4: (-18, -154), 5: (30, -100), 6: (-30, -100),
        7: (40, -50), 8: (-40, -50), 9: (45, 0), 10: (-45, 0), 11: (15, 0), 12: (-15, 0), 13: (15, 80), 14: (-15, 80),
        15: (15, 160), 16: (-15, 160),
    }  # fmt: skip
    for index, place in places.items():
        points[index, :2] = place
    points[17:23, :2] = (20, 165)
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points[23:91, :2] = np.stack([40 * np.cos(turn), -150 + 45 * np.sin(turn)], axis=1)
    points[91:112, :2], points[112:133, :2] = places[9], places[10]
    points[:, :2] = points[:, :2] * scale + (WIDTH / 2, HEIGHT / 2)
    return points


def facts(change: Callable[[Points], None] | None = None, **others: object) -> PreflightFacts:
    """Return a shot in which all is well; `change` is done to the points of frame 1003."""
    keypoints = {frame: person() for frame in FRAMES}
    if change is not None:
        change(keypoints[1003])
    survey = Survey(FRAMES, (), (BODY_BOX,) * len(FRAMES))
    whole = PreflightFacts(survey, keypoints, plan_faces(keypoints, HEIGHT, WIDTH), HEIGHT, WIDTH, Grid())
    looked = {
        name: value for name, value in others.items() if name in {field.name for field in dataclasses.fields(survey)}
    }
    given = {name: value for name, value in others.items() if name not in looked}
    return dataclasses.replace(whole, survey=dataclasses.replace(survey, **looked), **given)  # type: ignore[arg-type]


def told(shot: PreflightFacts) -> Finding:
    (finding,) = preflight(shot)
    assert finding.message
    assert finding.remedy
    return finding


def test_when_all_is_well_then_nothing_is_told() -> None:
    assert preflight(facts()) == ()


def test_when_a_shot_has_no_frames_then_nothing_breaks() -> None:
    assert (
        preflight(PreflightFacts(Survey(()), {}, plan_faces({}, HEIGHT, WIDTH), HEIGHT, WIDTH, Grid(), person())) == ()
    )


def test_when_no_matte_shows_anybody_then_the_shot_is_refused() -> None:
    finding = told(facts(used=(None,) * 6, people=dict.fromkeys(FRAMES, 0)))
    assert (finding.rule, finding.outcome, finding.frames) == ("matte_shows_somebody", "refuse", FRAMES)
    assert "all 6 frames" in finding.message


def test_when_some_mattes_are_empty_then_their_frames_are_named_and_the_plate_stays() -> None:
    finding = told(facts(used=(None, BODY_BOX, BODY_BOX, None, BODY_BOX, BODY_BOX)))
    assert (finding.outcome, finding.frames) == ("warn", (1001, 1004))
    assert "2 of 6 frames" in finding.message


def test_when_the_shot_is_cut_then_the_first_frame_after_it_is_named() -> None:
    finding = told(facts(cuts=(1004,)))
    assert (finding.rule, finding.frames) == ("one_shot", (1004,))


def test_when_two_people_are_in_the_matte_then_their_frames_are_named() -> None:
    finding = told(facts(people=dict(zip(FRAMES, (1, 2, 3, 1, 1, 0), strict=True))))
    assert (finding.rule, finding.frames) == ("one_person_in_the_matte", (1002, 1003))
    assert "up to 3 people" in finding.message


def test_when_nobody_looked_for_people_then_nothing_is_said_of_them() -> None:
    assert preflight(facts(people=None)) == ()


def test_when_a_frame_has_no_keypoints_then_no_pose_is_told_and_not_that_its_hands_are_lacking() -> None:
    finding = told(facts(lambda points: points.fill(0)))
    assert (finding.rule, finding.frames) == ("body_is_seen", (1003,))


def test_when_the_pose_is_of_somebody_beside_the_matte_then_its_frames_are_named() -> None:
    beside = (BODY_BOX[0] + 200, 60, BODY_BOX[2] + 200, 420)
    finding = told(facts(used=(BODY_BOX, beside, beside, BODY_BOX, BODY_BOX, BODY_BOX)))
    assert (finding.rule, finding.frames) == ("pose_in_the_matte", (1002, 1003))


def test_when_the_pose_jumps_to_another_person_then_the_frames_where_it_does_are_named() -> None:
    def aside(points: Points) -> None:
        points[:, 0] += 360

    rules = {finding.rule: finding for finding in preflight(facts(aside))}
    assert rules["pose_is_steady"].frames == (1003, 1004)
    assert "2 times" in rules["pose_is_steady"].message


def test_when_the_performer_runs_then_the_pose_does_not_jump() -> None:
    keypoints = {frame: person() for frame in FRAMES}
    for n, points in enumerate(keypoints.values()):
        points[:, 0] += 60 * n - 150
    assert preflight(facts(keypoints=keypoints, used=())) == ()


def test_when_the_pose_jumps_at_a_cut_then_the_cut_alone_is_told() -> None:
    keypoints = {frame: person() for frame in FRAMES}
    for frame in (1004, 1005, 1006):
        keypoints[frame][:, 0] += 360
    finding = told(facts(keypoints=keypoints, cuts=(1004,), used=()))
    assert finding.rule == "one_shot"


def test_when_nobody_is_in_the_matte_then_it_is_not_told_again_that_no_body_is_seen() -> None:
    used = tuple(None if frame == 1003 else BODY_BOX for frame in FRAMES)
    finding = told(facts(lambda points: points.fill(0), used=used))
    assert finding.rule == "matte_shows_somebody"


def test_when_the_body_is_outside_the_picture_then_it_is_told() -> None:
    def away(points: Points) -> None:
        points[:, 0] += 3 * WIDTH

    rules = {finding.rule: finding for finding in preflight(facts(away))}
    assert rules["body_in_the_picture"].frames == (1003,)


def test_when_a_hand_leaves_the_picture_then_its_frames_are_named_as_a_note() -> None:
    def reach(points: Points) -> None:
        points[9, :2] = (WIDTH + 20, 100)

    finding = told(facts(reach))
    assert (finding.rule, finding.outcome, finding.frames) == ("hands_in_the_picture", "note", (1003,))


@pytest.mark.parametrize(("x", "inside"), [(-0.5, True), (-0.6, False), (WIDTH - 0.6, True), (WIDTH - 0.5, False)])
def test_the_picture_ends_half_a_pixel_beyond_the_centres_of_its_outer_ones(x: float, inside: bool) -> None:
    def touch(points: Points) -> None:
        points[10, :2] = (x, 100)

    assert bool(preflight(facts(touch))) is not inside


def test_when_the_fingers_of_a_hand_in_the_picture_are_unsure_then_it_is_told() -> None:
    def blur(points: Points) -> None:
        points[112:133, 2] = 0.1

    assert told(facts(blur)).rule == "hands_are_seen"


@pytest.mark.parametrize(("scale", "word"), [(2.0, "2.0 times larger"), (0.5, "2.0 times smaller")])
def test_when_the_reference_is_framed_at_another_scale_then_it_says_by_how_much(scale: float, word: str) -> None:
    finding = told(facts(reference=person(scale)))
    assert finding.rule == "reference_scale"
    assert word in finding.message
    assert "legs" in finding.message


def test_when_the_reference_is_framed_alike_or_shows_nobody_then_nothing_is_said() -> None:
    assert preflight(facts(reference=person(1.3))) == ()
    assert preflight(facts(reference=np.zeros((133, 3), np.float32))) == ()


@pytest.mark.parametrize(("scale", "outcome"), [(0.75, "note"), (0.4, "warn")])
def test_when_the_model_makes_fewer_pixels_than_the_plate_has_then_both_sizes_are_told(
    scale: float, outcome: str
) -> None:
    finding = told(facts(plate_scale=scale))
    assert (finding.rule, finding.outcome) == ("picture_scale", outcome)
    assert f"{round(WIDTH / scale)}x{round(HEIGHT / scale)}" in finding.message


def test_when_the_model_makes_every_pixel_of_the_plate_then_nothing_is_said() -> None:
    assert preflight(facts(plate_scale=1.0)) == ()


def test_when_the_picture_is_smaller_than_the_model_expects_then_it_is_told() -> None:
    rules = [finding.rule for finding in preflight(facts(height=192))]
    assert "picture_is_large_enough" in rules


def test_when_the_face_is_small_then_its_frames_and_its_size_are_told() -> None:
    def shrink(points: Points) -> None:
        points[23:91, :2] = points[0, :2] + (points[23:91, :2] - points[0, :2]) * 0.2

    keypoints = {frame: person() for frame in FRAMES}
    shrink(keypoints[1003])
    finding = told(facts(shrink, faces=plan_faces(keypoints, HEIGHT, WIDTH)))
    assert (finding.rule, finding.frames) == ("face_is_large_enough", (1003,))
    assert "only 19 pixels" in finding.message


def test_when_a_matte_is_narrower_than_its_grid_then_its_frames_are_named() -> None:
    sizes = ((200, 300), (10, 300), (200, 20), (11, 21), None, (1, 1))
    used = tuple(None if size is None else (3, 5, 3 + size[0], 5 + size[1]) for size in sizes)
    found = preflight(facts(used=used, grid=Grid(columns=10, rows=20)))
    (finding,) = [finding for finding in found if finding.rule == "matte_holds_the_grid"]
    assert finding.frames == (1002, 1003, 1006)
    assert "10 x 20 cells" in finding.message
