"""What comes back into Nuke: Reads that leave nothing to a default, a merge that is `comp`, takes side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from nuke_rig import running
from nuke_shot import FRAMES, SmallShot, make, pixels, seen
from nuke_stand_in import Guesses, current
from nuke_stand_in.nodes import Node, delete_node
from nuke_stand_in.pictures import picture_of

from understudy.bridge.errors import HostError
from understudy.bridge.host import Delivered

TAKES = 4
"""The last input of our node."""


def shown(node: Node, frame: int) -> float:
    return float(picture_of(node, frame, "main").channels["rgba.red"][0, 0])


def named(shot: SmallShot, ending: str) -> Node:
    (found,) = [node for node in current().root.walk() if node.said.endswith(ending)]
    return found


def test_when_a_take_is_placed_then_each_read_states_range_ends_and_colour_itself(shot: SmallShot) -> None:
    shot.place(shot.take())
    for layer in ("patch", "comp", "matte"):
        knobs = seen(named(shot, f"_v001_{layer}"))
        ends = [knobs[name] for name in ("first", "last", "origfirst", "origlast")]
        assert ends == [FRAMES.first, FRAMES.last] * 2
        assert (knobs["raw"], knobs["localizationPolicy"], knobs["on_error"]) == (True, "off", "error")
        assert (knobs["before"], knobs["after"]) == ("black", "black")


def test_when_a_take_is_placed_then_its_metadata_come_through_the_merge_beside_the_plate_s(shot: SmallShot) -> None:
    shot.place(shot.take())
    (merge,) = shot.nodes("Merge2")
    assert merge.table["metainput"].get() == "All"


def test_when_a_take_is_placed_then_the_node_shows_patch_over_plate_and_beyond_the_take_the_plate(
    shot: SmallShot,
) -> None:
    take = shot.take()
    shot.plate.table["first"].put(1000)
    shot.place(take)
    patch = pixels(take.layer("patch").pattern.replace("####", "1002"))
    plate = pixels(shot.folder / "plate" / "plate.1002.exr")
    wanted = patch[..., :3] + plate[..., :3] * (1 - patch[..., 3:])
    picture = picture_of(shot.node, 1002, "main")
    np.testing.assert_array_equal(picture.channels["rgba.red"], wanted[..., 0])


def test_when_a_second_take_comes_then_the_first_one_stays_and_can_be_shown_again(shot: SmallShot) -> None:
    shot.place(shot.take(1))
    first = shown(shot.node, 1001)
    shot.place(shot.take(2))
    assert shot.node.table["version"]._entries == ["plate", "v001", "v002"]  # type: ignore[attr-defined]
    assert shot.node.table["version"].get() == "v002"
    assert shown(shot.node, 1001) != first
    shot.set(version="v001")
    assert shown(shot.node, 1001) == first
    shot.set(version="plate")
    assert shown(shot.node, 1001) == 0.25
    assert len(shot.nodes("BackdropNode")) == 2


def dotted(node: Node, number: int) -> Node:
    """Lead a pipe over a Dot, as an artist does who tidies up."""
    dot = make("Dot", node.above[number])
    node.above[number] = dot
    return dot


def test_when_dots_lie_on_the_pipes_of_takes_then_older_takes_stay_listed_and_the_next_ones_come_in(
    shot: SmallShot,
) -> None:
    shot.place(shot.take(1))
    first = shown(shot.node, 1001)
    switch = shot.node.above[TAKES]
    assert switch is not None
    dots = [dotted(shot.node, TAKES), dotted(shot.node, TAKES), dotted(switch, 0)]
    shot.place(shot.take(1))  # it is there already
    for version in (2, 3):
        shot.place(shot.take(version))
    assert shot.node.table["version"]._entries == ["plate", "v001", "v002", "v003"]  # type: ignore[attr-defined]
    shot.set(version="v001")
    assert shown(shot.node, 1001) == first
    assert [shot.node.above[TAKES], switch.above[0]] == dots[1:]
    shot.host.withdraw(shot.take(1).job, None)
    assert shot.node.table["version"]._entries == ["plate", "v002", "v003"]  # type: ignore[attr-defined]


def test_when_something_else_lies_on_the_pipe_of_takes_then_it_is_named_and_nothing_is_rewired(
    shot: SmallShot,
) -> None:
    shot.place(shot.take(1))
    switch = shot.node.above[TAKES]
    grade = shot.node.above[TAKES] = make("Grade", switch)
    take = shot.take(2)
    before = as_it_stands()
    with pytest.raises(HostError, match=r"Grade1 lies in the pipe `takes` of Understudy1") as caught:
        shot.place(take)
    assert "below Understudy1" in caught.value.remedy
    assert as_it_stands() == before
    assert grade.above == {0: switch}


def test_when_nuke_stretches_the_script_s_range_to_a_read_s_then_it_is_put_back(tmp_path: Path, home: Path) -> None:
    with running(guesses=Guesses(read_stretches_script=True)):
        shot = SmallShot(tmp_path / "show")
        before = current().root.table["last_frame"].get()
        shot.place(shot.take())
        assert current().root.table["last_frame"].get() == before


def test_when_an_older_take_is_placed_late_then_versions_stay_in_order(shot: SmallShot) -> None:
    second, first = shot.take(2), shot.take(1)
    shot.place(second)
    shot.place(first)
    assert shot.node.table["version"]._entries == ["plate", "v001", "v002"]  # type: ignore[attr-defined]
    assert shot.node.table["version"].get() == "v001"
    late = shown(shot.node, 1001)
    shot.set(version="v002")
    assert shown(shot.node, 1001) > late


def test_when_a_take_is_placed_then_one_undo_takes_it_back_and_the_selection_is_the_artist_s(shot: SmallShot) -> None:
    shot.plate.is_selected = True
    selected = [node.said for node in current().root.walk() if node.is_selected]
    shot.place(shot.take())
    assert current().undone == ["Understudy sh010 v001"]
    assert [node.said for node in current().root.walk() if node.is_selected] == selected


def turn_by_turn(shot: SmallShot, take: Delivered) -> Iterator[int]:
    """Place a take; yield between two turns how many Reads it has so far."""
    before = len(shot.nodes("Read"))
    for _ in shot.host.place(take):
        yield len(shot.nodes("Read")) - before


def as_it_stands() -> list[tuple[str, object]]:
    return [(node.said, {name: knob.get() for name, knob in node.table.items()}) for node in current().root.walk()]


def test_when_a_take_is_placed_then_a_turn_reads_in_one_layer_and_the_last_alone_is_to_undo(shot: SmallShot) -> None:
    take = shot.take(layers=("patch", "comp", "character", "matte"))
    seen = [(reads, len(shot.nodes("Merge2")), list(current().undone)) for reads in turn_by_turn(shot, take)]
    assert seen == [*((reads, 0, []) for reads in range(5)), (4, 1, ["Understudy sh010 v001"])]


def test_when_the_artist_works_between_two_turns_then_their_step_of_undo_and_ours_hold_nothing_of_each_other(
    shot: SmallShot,
) -> None:
    import nuke

    for number, _ in enumerate(turn_by_turn(shot, shot.take())):
        if number == 2:
            nuke.nodes.Dot()
    assert current().undone == ["make Dot1", "Understudy sh010 v001"]


@pytest.mark.parametrize("turns", range(1, 5))
def test_when_placing_is_closed_between_two_turns_then_nothing_of_the_take_is_left(turns: int, shot: SmallShot) -> None:
    take = shot.take()
    before = as_it_stands()
    current().root.set_modified(False)
    steps = shot.host.place(take)
    for _ in range(turns):
        next(steps)
    steps.close()
    assert as_it_stands() == before
    assert not current().root.modified()
    assert current().undone == []


def test_when_the_artist_deletes_a_layer_before_it_is_wired_then_it_is_named_and_nothing_is_left(
    shot: SmallShot,
) -> None:
    take = shot.take()
    before = as_it_stands()
    steps = shot.host.place(take)
    for _ in range(3):
        next(steps)
    delete_node(named(shot, "_v001_comp"))
    with pytest.raises(HostError, match=r"_v001_comp was deleted or renamed"):
        list(steps)
    assert as_it_stands() == before


def test_when_nuke_ended_between_two_turns_then_the_take_is_placed_once_all_the_same(shot: SmallShot) -> None:
    take = shot.take()
    steps = shot.host.place(take)
    for _ in range(3):
        next(steps)
    shot.place(take)  # as after the script that was saved just then is opened again
    assert len([node for node in shot.nodes("Read") if "_v001_" in node.said]) == 3
    assert shot.node.table["version"]._entries == ["plate", "v001"]  # type: ignore[attr-defined]


def test_when_a_take_was_placed_before_the_script_was_closed_then_it_is_not_placed_twice(shot: SmallShot) -> None:
    take = shot.take()
    shot.place(take)
    before = [node.said for node in current().root.walk()]
    shot.place(take)
    assert [node.said for node in current().root.walk()] == before


def test_when_a_job_is_withdrawn_then_its_nodes_go_and_the_other_take_is_shown(shot: SmallShot) -> None:
    one, two = shot.take(1), shot.take(2)
    shot.place(one)
    shot.place(two)
    shot.host.withdraw(two.job, None)
    assert shot.node.table["version"]._entries == ["plate", "v001"]  # type: ignore[attr-defined]
    assert not [node for node in current().root.walk() if "v002" in node.said]
    shot.host.withdraw(one.job, None)
    assert shot.node.table["version"].get() == "plate"
    assert shown(shot.node, 1001) == 0.25
    assert not shot.nodes("Switch")[1:]  # the one inside the node is left


def test_when_nothing_of_a_job_was_shown_then_withdrawing_it_changes_nothing(shot: SmallShot) -> None:
    take = shot.take()
    before = [node.said for node in current().root.walk()]
    shot.host.withdraw(take.job, None)
    assert [node.said for node in current().root.walk()] == before
    assert current().undone == []


def test_when_the_mode_is_animate_then_the_whole_picture_is_shown_and_nothing_is_merged(shot: SmallShot) -> None:
    take = shot.take(layers=("beauty", "character", "matte"))
    shot.place(take)
    assert not shot.nodes("Merge2")
    assert shown(shot.node, 1001) == float(pixels(take.layer("beauty").pattern.replace("####", "1001"))[0, 0, 0])


def test_when_a_take_has_no_picture_then_it_is_refused_by_name_and_nothing_is_left(shot: SmallShot) -> None:
    take = shot.take(layers=("skeleton",))
    before = [node.said for node in current().root.walk()]
    with pytest.raises(HostError, match="neither patch nor beauty"):
        shot.place(take)
    assert [node.said for node in current().root.walk()] == before


def test_when_a_take_is_imported_then_it_belongs_to_the_selected_node_and_only_else_to_the_one_pressed_last(
    shot: SmallShot,
) -> None:
    from understudy.host_plugins.nuke.node import create_node

    other = create_node()
    shot.host.chosen = shot.node.path()  # as every press of Recast and Panel leaves it
    for node in (shot.node, other):
        node.setSelected(node is other)
    assert shot.host.anchor_here(FRAMES) == other.fullName()
    shot.node.setSelected(True)
    assert shot.host.anchor_here(FRAMES) == shot.node.path()  # of two that are selected, the one pressed last
    for node in (shot.node, other):
        node.setSelected(False)
    assert shot.host.anchor_here(FRAMES) == shot.node.path()
    shot.host.chosen = ""
    with pytest.raises(HostError, match="which Understudy node is meant"):
        shot.host.anchor_here(FRAMES)
    delete_node(other)
    assert shot.host.anchor_here(FRAMES) == shot.node.path()


def test_when_the_node_was_renamed_meanwhile_then_its_take_still_finds_it(shot: SmallShot) -> None:
    take = shot.take()
    shot.node.setName("Hero")
    shot.place(take)
    assert shot.node.table["version"].get() == "v001"


def test_when_the_node_is_renamed_after_placing_then_versions_still_switch(shot: SmallShot) -> None:
    shot.place(shot.take(1))
    shot.place(shot.take(2))
    newer = shown(shot.node, 1001)
    shot.node.setName("Hero")
    shot.set(version="v001")
    assert shown(shot.node, 1001) < newer


def test_when_the_node_was_deleted_meanwhile_then_the_error_says_where_the_take_lies(shot: SmallShot) -> None:
    take = shot.take()
    delete_node(shot.node)
    with pytest.raises(HostError, match="no longer in this script") as caught:
        shot.place(take)
    assert take.job.folder in caught.value.remedy


def test_when_something_lies_beside_the_node_then_the_take_is_placed_where_nothing_lies(shot: SmallShot) -> None:
    shot.place(shot.take(1))
    shot.place(shot.take(2))
    one, two = (node.place for node in shot.nodes("BackdropNode"))
    assert two[1] >= one[1] + 200


def test_when_a_take_is_cleared_then_its_backdrop_bears_shot_and_version_alone(shot: SmallShot) -> None:
    import msgspec

    shot.place(msgspec.structs.replace(shot.take(), clearance="delivered"))
    (backdrop,) = shot.nodes("BackdropNode")
    assert backdrop.table["label"].get() == "sh010 v001"


def test_when_a_take_is_not_cleared_then_its_backdrop_says_so_and_brackets_are_no_program(shot: SmallShot) -> None:
    import msgspec

    take = shot.take()
    job = msgspec.structs.replace(take.job, shot="sh[exit]")
    shot.place(msgspec.structs.replace(take, job=job))
    (backdrop,) = shot.nodes("BackdropNode")
    assert "UNCLEARED" in backdrop.table["label"].get()
    assert "sh\\[exit\\]" in backdrop.table["label"].get()


@pytest.mark.parametrize("raises", [True, False])
def test_when_layers_are_in_a_space_of_the_config_then_the_read_converts_from_it_by_name(
    raises: bool, tmp_path: Path, home: Path
) -> None:
    with running(guesses=Guesses(unknown_entry_raises=raises)):
        shot = SmallShot(tmp_path / "show")
        current().root.table["colorManagement"].put("OCIO")
        current().root.table["workingSpaceLUT"].put("scene_linear")
        with pytest.raises(HostError, match="lin_show"):
            shot.place(shot.take(colour="lin_show"))
        shot.place(shot.take(2, colour="Linear Rec.709 (sRGB)"))
        knobs = seen(named(shot, "_v002_patch"))
        assert (knobs["raw"], knobs["colorspace"]) == (False, "Utility/Linear Rec.709 (sRGB)")


def test_when_nuke_manages_colour_itself_then_a_space_that_it_cannot_read_is_refused_by_name(shot: SmallShot) -> None:
    with pytest.raises(HostError, match=r"layer patch is in ACEScg.*works in lin_rec709_scene") as caught:
        shot.place(shot.take(colour="ACEScg"))
    assert "OCIO" in caught.value.remedy


def test_when_nuke_is_non_commercial_then_only_the_patch_comes_in_and_the_limit_is_not_hit(
    tmp_path: Path, home: Path
) -> None:
    with running(edition="nc"):
        shot = SmallShot(tmp_path / "show")
        current().reached.clear()
        shot.export()
        shot.place(shot.take())
        assert [node.said for node in shot.nodes("Read")[3:]] == ["Understudy1_v001_patch"]
        assert not shot.nodes("BackdropNode")
        assert len(current().reached) <= 10


def test_when_the_non_commercial_limit_is_hit_all_the_same_then_the_error_says_so_and_nothing_is_left(
    tmp_path: Path, home: Path
) -> None:
    with running(edition="nc"):
        shot = SmallShot(tmp_path / "show")
        before = [node.said for node in current().root.walk()]
        with pytest.raises(HostError, match="in this edition of Nuke"):
            shot.place(shot.take())
        assert [node.said for node in current().root.walk()] == before


@pytest.mark.parametrize("marked", [True, False])
def test_when_a_job_is_kept_then_the_script_wants_saving_whatever_nuke_does_without_undo(
    marked: bool, tmp_path: Path, home: Path
) -> None:
    with running(guesses=Guesses(unrecorded_marks_modified=marked)):
        take = SmallShot(tmp_path / "another").take()
        current().root.set_modified(False)
        from understudy.host_plugins.nuke.host import NukeHost

        NukeHost().remember(take.job)
        assert current().root.modified()
