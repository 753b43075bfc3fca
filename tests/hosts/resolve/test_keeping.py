"""What could not be put back after a take was placed: told, and never a second copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
from resolve_rig import MakeRig, change
from resolve_takes import place, take

from understudy.bridge.errors import HostError


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("lone", ["in", "out"])
def test_when_one_mark_alone_is_set_then_the_take_is_placed_and_a_mark_that_is_lost_by_it_is_told(
    make_rig: MakeRig, tmp_path: Path, lone: str, lost: bool
) -> None:
    rig = make_rig(marks_lost_on_page=lost)
    delivered = take(rig, tmp_path / "v001")
    pair = {"in": 86_416, "out": 86_418}
    rig.timeline.marks = {"video": {lone: 86_417}, "audio": dict(pair)}
    rig.resolve.world.page = "color"
    place(rig, delivered)
    assert rig.takes() == (1,)
    assert rig.timeline.marks == ({"audio": pair} if lost else {"video": {lone: 86_417}, "audio": pair})
    assert ("set it again by hand" in next(iter(rig.timeline.markers.values()))["note"]) is lost
    rig.timeline.marks = {"video": {lone: 86_417}}
    rig.host.withdraw(delivered.job, None)
    assert rig.takes() == ()
    assert ("set it again by hand" in next(iter(rig.timeline.markers.values()))["note"]) is lost


def test_when_a_placing_with_a_lone_mark_is_refused_then_the_lost_mark_is_told_as_well(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    rig.timeline.marks = {"video": {"in": 86_416}}
    rig.resolve.world.page = "color"
    rig.resolve.world.fail_next("AppendToTimeline", 2)
    with pytest.raises(HostError, match=r"placed nothing.*; Resolve dropped a lone In or Out mark"):
        place(rig, delivered)


def test_when_something_could_not_be_put_back_after_placing_then_the_next_attempt_places_no_second_copy(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    rig.resolve.world.page = "color"
    steps = rig.host.place(delivered)
    while next(steps).done < 2:
        pass
    rig.resolve.world.fail_next("OpenPage", 3)
    with pytest.raises(HostError, match="the page color could not be put back"):
        list(steps)
    assert rig.takes() == (1,)
    before = rig.surroundings()
    place(rig, delivered)
    assert rig.takes() == (1,)
    rig.timeline.markers.clear()
    assert rig.surroundings() == before
    change(rig, layer="comp")
    comp = msgspec.structs.replace(delivered.layers[0], name="comp", pattern=str(tmp_path / "comp/comp.####.exr"))
    shutil.copytree(tmp_path / "v001/patch", tmp_path / "comp")
    for file in (tmp_path / "comp").iterdir():
        file.rename(file.with_name(file.name.replace("patch", "comp")))
    place(rig, msgspec.structs.replace(delivered, layers=(*delivered.layers, comp)))
    assert rig.takes() == (1, 1), "another layer of it is placed when it is asked for"
