"""Frames without a face: a short gap keeps looking, a long one is neutral, and both are told."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.inference.controls.face import FaceBox
from understudy.inference.controls.face_plan import FacePlan, Look, drawn_box, no_faces, plan_faces

Points = NDArray[np.float32]
HEIGHT, WIDTH = 180, 320
NOBODY = np.zeros((133, 3), np.float32)


def face_at(left: float) -> Points:
    points = NOBODY.copy()
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points[23:91] = np.stack([left + 20 * np.cos(turn), 60 + 25 * np.sin(turn), np.ones(68)], axis=1)
    return points


def rig() -> Points:
    """Return somebody who has a head of bones, and no face."""
    points = NOBODY.copy()
    points[1:5] = [(110, 60, 1), (90, 60, 1), (123, 62, 1), (77, 62, 1)]
    return points


def shot(*seen: float | None, first: int = 1001) -> dict[int, Points]:
    """Return keypoints by frame: a face at each place, nobody at None."""
    return {first + n: NOBODY if place is None else face_at(place) for n, place in enumerate(seen)}


def test_when_no_frame_shows_a_face_then_all_are_neutral_and_one_finding_says_so() -> None:
    plan = plan_faces(shot(*[None] * 5), HEIGHT, WIDTH)
    assert set(plan.boxes.values()) == {None}
    (finding,) = plan.findings
    assert finding.outcome == "warn"
    assert finding.frames == (1001, 1002, 1003, 1004, 1005)
    assert "in any frame" in finding.message
    assert finding.remedy


def test_when_there_are_no_frames_then_there_is_nothing_to_tell() -> None:
    assert plan_faces({}, HEIGHT, WIDTH).findings == ()


def test_when_a_gap_is_short_then_the_box_goes_straight_across_it() -> None:
    plan = plan_faces(shot(100, None, None, None, 140), HEIGHT, WIDTH)
    lefts = [plan.boxes[frame].left for frame in range(1001, 1006)]  # type: ignore[union-attr]
    assert np.diff(lefts).tolist() == [10, 10, 10, 10]
    (finding,) = plan.findings
    assert finding.outcome == "note"
    assert finding.frames == (1002, 1003, 1004)


def test_when_the_way_across_a_gap_does_not_land_on_pixels_then_the_box_is_at_the_nearest() -> None:
    plan = plan_faces(shot(100, None, None, 105), HEIGHT, WIDTH)
    lefts = [plan.boxes[frame].left for frame in range(1001, 1005)]  # type: ignore[union-attr]
    assert [left - lefts[0] for left in lefts] == [0, 2, 3, 5]


def test_when_a_gap_is_longer_than_is_held_then_all_of_it_is_neutral() -> None:
    plan = plan_faces(shot(100, *[None] * 13, 140), HEIGHT, WIDTH)
    assert plan.frames("seen") == (1001, 1015)
    assert plan.frames("neutral") == tuple(range(1002, 1015))
    assert plan_faces(shot(100, *[None] * 12, 140), HEIGHT, WIDTH).frames("neutral") == ()


def test_when_the_face_is_lacking_at_an_end_then_the_nearest_box_stands_still() -> None:
    plan = plan_faces(shot(None, None, 100, None), HEIGHT, WIDTH)
    assert len({*plan.boxes.values()}) == 1
    assert plan.frames("held") == (1001, 1002, 1004)


def test_when_a_gap_lies_at_a_cut_then_no_box_goes_over_it() -> None:
    plan = plan_faces(shot(100, None, None, 200), HEIGHT, WIDTH, cuts=(1003,))
    assert plan.boxes[1001] == plan.boxes[1002]
    assert plan.boxes[1003] == plan.boxes[1004]
    assert plan.frames("held") == (1002, 1003)


def test_when_nothing_is_held_then_every_gap_is_neutral() -> None:
    assert plan_faces(shot(100, None, 100), HEIGHT, WIDTH, hold_frames=0).frames("neutral") == (1002,)


def test_when_a_rig_has_no_face_points_then_eyes_and_ears_say_where_the_face_is() -> None:
    plan = plan_faces({1: rig(), 2: rig(), 3: NOBODY}, HEIGHT, WIDTH, hold_frames=0)
    assert plan.looks == {1: "judged", 2: "judged", 3: "neutral"}
    finding, other = plan.findings
    assert "eyes and ears" in finding.message
    assert finding.frames == (1, 2)
    assert other.frames == (3,)


def test_when_a_tracker_lost_the_face_that_it_found_elsewhere_then_its_eyes_and_ears_are_not_believed() -> None:
    assert plan_faces({1: rig(), 2: face_at(100)}, HEIGHT, WIDTH, hold_frames=0).looks == {1: "neutral", 2: "seen"}


def test_when_a_shot_has_no_pictures_then_every_face_is_neutral() -> None:
    plan = no_faces((4, 5))
    assert plan.frames("neutral") == (4, 5)
    (finding,) = plan.findings
    assert finding.outcome == "note"
    assert "keypoints alone" in finding.message


def test_when_nobody_is_to_be_seen_then_the_lacking_face_is_no_finding() -> None:
    plan = plan_faces(shot(100, None, None, 100, *[None] * 14), HEIGHT, WIDTH, nobody=(1002, *range(1005, 1019)))
    (finding,) = plan.findings
    assert finding.frames == (1003,)
    assert plan.boxes[1002] is not None
    assert plan.boxes[1010] is None


def test_the_layers_header_says_where_the_face_was_cut_and_why() -> None:
    plan = plan_faces(shot(100, None, 100, *[None] * 20), HEIGHT, WIDTH)
    assert json.loads(plan.header(1002)) == {"box": list(plan.boxes[1001] or ()), "face": "held"}
    assert json.loads(plan.header(1010)) == {"box": None, "face": "neutral"}


@given(
    seen=st.lists(st.one_of(st.none(), st.floats(-60, 380)), max_size=40),
    hold=st.integers(0, 20),
    first=st.integers(-20, 2000),
)
def test_every_frame_has_a_box_in_the_picture_or_is_neutral_and_is_listed_if_it_is_not_seen(
    seen: list[float | None], hold: int, first: int
) -> None:
    plan = plan_faces(shot(*seen, first=first), HEIGHT, WIDTH, hold_frames=hold)
    assert list(plan.boxes) == list(plan.looks) == list(range(first, first + len(seen)))
    for frame, box in plan.boxes.items():
        assert (box is None) == (plan.looks[frame] == "neutral")
        if box is not None:
            assert 0 <= box.left < box.right <= WIDTH
            assert 0 <= box.top < box.bottom <= HEIGHT
    listed = {frame for finding in plan.findings for frame in finding.frames}
    assert listed == {frame for frame, look in plan.looks.items() if look != "seen"}


def test_a_box_is_drawn_the_brighter_the_surer_and_a_neutral_face_has_none() -> None:
    boxes: dict[int, FaceBox | None] = dict.fromkeys((1, 2, 3), FaceBox(2, 5, 1, 3))
    looks: dict[int, Look] = {1: "seen", 2: "judged", 3: "held", 4: "neutral"}
    plan = FacePlan({**boxes, 4: None}, looks)
    drawn = [drawn_box(plan, frame, 6, 8) for frame in looks]
    assert [picture.max() for picture in drawn] == [1.0, 0.75, 0.5, 0.0]
    assert {picture.max() * 6 for picture in drawn} == {picture.sum() for picture in drawn}
    assert drawn[2][1:3, 2:5].all()
