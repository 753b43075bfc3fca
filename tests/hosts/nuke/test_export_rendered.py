"""What no file on disk shows: Nuke renders it, in its working space, with what reaches beyond the format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from nuke_rig import running
from nuke_shot import FRAMES, HEIGHT, WIDTH, SmallShot, make, pixels, read, rendered, write_frames
from nuke_stand_in import Guesses


def test_when_a_plate_is_graded_then_what_nuke_shows_is_written_raw_in_its_working_space(shot: SmallShot) -> None:
    shot.connect(0, make("Grade", shot.plate, multiply=2.0))
    plate = shot.export().footage["plate"]
    assert (plate.ours, plate.colour) == (True, "lin_rec709_scene")
    for frame in FRAMES:
        picture = pixels(plate.typed.replace("####", f"{frame:04}"))
        assert picture.shape == (HEIGHT, WIDTH, 4)
        assert picture[0, 0, 0] == pytest.approx(0.5 * (frame - 1000))


def test_when_the_plate_reaches_beyond_its_format_then_overscan_is_kept_or_cut_as_asked(shot: SmallShot) -> None:
    header = {
        "displayWindow": (np.array([4, 2], np.int32) * 0, np.array([23, 13], np.int32)),
        "dataWindow": (np.array([-4, -2], np.int32), np.array([27, 15], np.int32)),
    }
    wide = read(write_frames(shot.folder / "wide", "wide", header=header))
    shot.connect(0, make("Grade", wide, multiply=1.0))
    shot.connect(1, make("Grade", shot.matte, multiply=1.0))
    kept = shot.export()
    with OpenEXR.File(kept.footage["plate"].typed.replace("####", "1001")) as file:
        assert [list(corner) for corner in file.header()["dataWindow"]] == [[-4, -2], [27, 15]]
        assert [list(corner) for corner in file.header()["displayWindow"]] == [[0, 0], [23, 13]]
    with OpenEXR.File(kept.footage["matte"].typed.replace("####", "1001")) as file:
        assert [list(corner) for corner in file.header()["displayWindow"]] == [[0, 0], [23, 13]]
    assert kept.window == "plate"
    shot.set(overscan=False)
    cut = shot.export()
    with OpenEXR.File(cut.footage["plate"].typed.replace("####", "1001")) as file:
        assert [list(corner) for corner in file.header()["dataWindow"]] == [[0, 0], [23, 13]]
    assert cut.window == "display"


def test_when_a_picture_has_no_end_then_overscan_is_cut_at_half_the_format(shot: SmallShot) -> None:
    header = {
        "displayWindow": (np.array([0, 0], np.int32), np.array([31, 17], np.int32)),
        "dataWindow": (np.array([-64, -40], np.int32), np.array([-33, -23], np.int32)),
    }
    shot.connect(0, make("Grade", read(write_frames(shot.folder / "endless", "endless", header=header)), multiply=1.0))
    shot.connect(1, make("Grade", shot.matte, multiply=1.0))
    plate = shot.export().footage["plate"]
    with OpenEXR.File(plate.typed.replace("####", "1001")) as file:
        assert [list(corner) for corner in file.header()["dataWindow"]] == [[-16, -9], [47, 26]]


def test_when_the_matte_is_a_channel_of_a_layer_then_it_is_written_as_alpha(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke.knobs import choices

    copy = make("Copy", shot.matte, from0="rgba.red", to0="mask.a")
    copy.above[1] = shot.matte
    shot.connect(1, copy)
    shot.set(matte_channel="mask.a")
    matte = shot.export().footage["matte"]
    assert choices(shot.node).matte_channel == "A"
    assert pixels(matte.typed.replace("####", "1002"))[0, 0, 3] == pytest.approx(0.5)


def test_when_the_matte_is_the_plate_s_alpha_then_the_plate_s_files_serve_for_both(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke.knobs import choices

    shot.connect(1, None)
    shot.set(matte_from="plate's alpha")
    exported = shot.export()
    assert exported.footage["matte"] == exported.footage["plate"]
    assert choices(shot.node).matte_channel == "A"


def test_when_a_matte_is_bent_by_its_read_then_what_the_artist_judged_is_sent(shot: SmallShot) -> None:
    shot.matte.table["colorspace"].put("sRGB")
    assert rendered(shot, "matte")


def test_when_the_same_frames_are_rendered_twice_then_their_pictures_have_one_digest(shot: SmallShot) -> None:
    from understudy.bridge.exr_file import file_digest, picture_digest

    shot.connect(0, make("Grade", shot.plate))
    path = Path(shot.export().footage["plate"].typed.replace("####", "1001"))
    first = picture_digest(path), file_digest(path)
    shot.export()
    assert picture_digest(path) == first[0]
    assert file_digest(path) != first[1]  # Nuke wrote another hash into the header


@pytest.mark.parametrize("grows", [True, False])
def test_when_a_crop_grows_the_picture_or_not_then_the_file_holds_what_is_there(
    grows: bool, tmp_path: Path, home: Path
) -> None:
    with running(guesses=Guesses(crop_grows=grows)):
        shot = SmallShot(tmp_path / "show")
        small = {
            "displayWindow": (np.array([0, 0], np.int32), np.array([63, 35], np.int32)),
            "dataWindow": (np.array([8, 4], np.int32), np.array([39, 21], np.int32)),
        }
        shot.connect(0, make("Grade", read(write_frames(shot.folder / "small", "small", header=small)), multiply=1.0))
        shot.connect(1, make("Grade", shot.matte, multiply=1.0))
        plate = shot.export().footage["plate"]
        with OpenEXR.File(plate.typed.replace("####", "1001"), separate_channels=True) as file:
            assert float(file.channels()["R"].pixels.max()) == pytest.approx(0.25)
            assert [list(corner) for corner in file.header()["displayWindow"]] == [[0, 0], [63, 35]]
