"""Inputs that cannot be sent: refused by the names of the node and the file, before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from nuke_rig import running
from nuke_shot import SmallShot, make, read, write_frames
from nuke_stand_in import current

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange
from understudy.bridge.host import Footage


def test_when_an_input_is_missing_then_the_error_names_it_and_the_node(shot: SmallShot) -> None:
    for number, name in enumerate(("plate", "matte", "reference")):
        kept = shot.node.above[number]
        shot.connect(number, None)
        with pytest.raises(HostError, match=f"`{name}` of Understudy1") as caught:
            shot.export()
        assert name in caught.value.remedy
        shot.connect(number, kept)


def test_when_handles_reach_beyond_the_plate_s_frames_then_the_plate_is_named_with_what_it_has(shot: SmallShot) -> None:
    shot.set(range="typed", first=1000, last=1003, head=1, tail=1)
    with pytest.raises(HostError, match="handles 1:1 around 1001-1002 reach past the end of Read1") as caught:
        shot.select()
    assert "0:1" in caught.value.remedy
    shot.set(head=0)  # the cut may: what the Read holds there is what the artist sees
    assert shot.select().frames == FrameRange(1000, 1003, 0, 1)


def test_when_a_node_is_of_before_handles_could_differ_then_its_one_number_is_for_both_ends(shot: SmallShot) -> None:
    import nuke

    for name in ("head", "tail"):
        del shot.node.table[name]
    shot.node.addKnob(nuke.Int_Knob("handles", "handles"))
    shot.set(handles=1)
    assert shot.select().frames == FrameRange(1001, 1003, 1, 1)


def test_when_a_plate_has_no_alpha_then_it_cannot_be_the_matte(shot: SmallShot) -> None:
    shot.connect(0, read(write_frames(shot.folder / "opaque", "opaque", 3)))
    shot.set(matte_from="plate's alpha")
    with pytest.raises(HostError, match="has no alpha"):
        shot.export()


def test_when_the_matte_s_channel_does_not_exist_then_the_error_names_it(shot: SmallShot) -> None:
    shot.set(matte_channel="mask.a")
    with pytest.raises(HostError, match=r"Read2 has no channel mask\.a"):
        shot.export()


def test_when_the_reference_is_missing_on_disk_then_the_error_names_read_and_file(shot: SmallShot) -> None:
    shot.reference.table["file"].put(str(shot.folder / "nowhere.png"))
    with pytest.raises(HostError, match=r"Read3.*nowhere\.png"):
        shot.export()


def test_when_the_reference_is_a_movie_then_nuke_makes_one_picture_of_it(shot: SmallShot) -> None:
    still = Path(shot.reference.table["file"].evaluate())  # type: ignore[attr-defined]
    movie = still.with_suffix(".mov")
    movie.write_bytes(still.read_bytes())  # the stand-in reads what is in it
    shot.reference.table["file"].put(str(movie))
    reference = shot.export().footage["reference"]
    assert (reference.ours, Path(reference.typed).name) == (True, "reference.1001.exr")


def test_when_two_reads_count_one_movie_differently_then_it_is_refused(shot: SmallShot) -> None:
    current().root.table["colorManagement"].put("OCIO")
    current().root.table["workingSpaceLUT"].put("scene_linear")
    movie = str(shot.folder / "plate.mov")
    from understudy.host_plugins.nuke.export import _refuse_two_counts

    with pytest.raises(HostError, match=r"plate\.mov"):
        _refuse_two_counts({"plate": Footage(typed=movie, first=1), "clean_plate": Footage(typed=movie, first=9)})


def test_when_nuke_is_non_commercial_then_a_render_is_refused_before_a_node_is_made(tmp_path: Path, home: Path) -> None:
    with running(edition="nc"):
        shot = SmallShot(tmp_path / "show")
        current().reached.clear()  # as if the script had been opened with all of it in it
        shot.connect(0, make("Grade", shot.plate))
        with pytest.raises(HostError, match="Non-commercial cannot render Grade1"):
            shot.export()
        assert not any(call.name in ("nodes.Write", "nodes.Crop") for call in current().calls)
