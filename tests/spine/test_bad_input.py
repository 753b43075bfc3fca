"""The hostile user, end to end: one daemon, the real command line, files as they come from real folders."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from terminal_rig import Terminal
from typed_rig import FRAMES, HERE, Submit, bits, pixels_of, write

# ---- damaged files -----------------------------------------------------------------------------------------


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 500] = bytes(byte ^ 0x5A for byte in content[middle : middle + 500])
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def another_thing(path: Path) -> None:
    path.write_text("a shopping list")


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("role", ["plate", "matte"])
@pytest.mark.parametrize("spoil", [cut_short, damage, empty, another_thing, loop, folder_instead])
def test_when_a_frame_in_mid_range_cannot_be_used_then_it_is_refused_as_it_was_typed(
    submit: Submit, shot: Path, spoil: Callable[[Path], None], role: str
) -> None:
    spoil(shot / f"{role}.1002.exr")
    ended = submit()
    assert ended.code == 3
    assert f"{role}.1002.exr" in ended.err
    assert "what to do" in ended.err
    assert str(shot) not in ended.err
    assert "Traceback" not in ended.err


def test_when_frames_are_missing_or_renamed_then_both_inputs_and_the_frames_are_named(
    submit: Submit, shot: Path
) -> None:
    (shot / "matte.1002.exr").rename(shot / "matte.1002.exr.bak")
    ended = submit()
    assert ended.code == 3
    assert "plate plate.####.exr has frames 1001-1003, matte matte.####.exr lacks 1002" in ended.err


def test_when_a_frame_exists_twice_then_both_files_are_named(submit: Submit, shot: Path) -> None:
    shutil.copy(shot / "plate.1002.exr", shot / "plate.01002.exr")
    ended = submit()
    assert ended.code == 2
    assert "plate.01002.exr" in ended.err
    assert "plate.1002.exr" in ended.err


def test_when_the_size_changes_in_mid_shot_then_both_files_and_sizes_are_named(submit: Submit, shot: Path) -> None:
    write(shot / "plate.1003.exr", pixels_of(shot / "plate.1003.exr")[:-20])
    ended = submit()
    assert ended.code == 3
    assert "plate.1001.exr is 320x180, plate.1003.exr is 320x160" in ended.err


def test_when_a_plate_holds_nan_and_infinity_then_it_is_delivered_and_they_are_listed(
    submit: Submit, shot: Path, tmp_path: Path
) -> None:
    plate = pixels_of(shot / "plate.1002.exr")
    plate[:4, :4] = np.nan
    plate[90, 160] = np.inf
    write(shot / "plate.1002.exr", plate)
    ended = submit("--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "NaN or infinite: plate has 51 in frames 1002" in ended.err
    comp = pixels_of(tmp_path / "out" / "comp" / "comp.1002.exr")
    assert np.array_equal(comp[:4, :4].view(np.uint16), plate[:4, :4].view(np.uint16))
    assert np.isfinite(comp[20:]).all()


def test_when_a_movies_pictures_all_come_at_one_time_then_it_is_refused_by_name(submit: Submit, shot: Path) -> None:
    import av

    with av.open(str(shot / "still.mov"), "w") as movie:
        stream = movie.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        packets = [packet for _ in range(3) for packet in stream.encode(av.VideoFrame(320, 180, "yuv420p"))]
        for packet in [*packets, *stream.encode(None)]:
            packet.pts = packet.dts = 0
            packet.duration = 0
            movie.mux(packet)
    ended = submit("--plate", "still.mov", "--first", "1001", "--frames", "1001-1003")
    assert ended.code == 3
    assert "still.mov" in ended.err
    assert "fault of its own" not in ended.err


# ---- mattes ------------------------------------------------------------------------------------------------


def test_when_every_matte_is_empty_then_it_is_refused_and_when_some_are_then_those_frames_are_the_plate(
    submit: Submit, shot: Path, tmp_path: Path
) -> None:
    nothing = np.zeros((180, 320, 3), np.float16)
    write(shot / "matte.1002.exr", nothing)
    ended = submit("--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "empty on 1 of 3 frames, which are delivered as the plate: 1002" in ended.err
    assert np.array_equal(bits(tmp_path / "out" / "comp" / "comp.1002.exr"), bits(shot / "plate.1002.exr"))
    for frame in FRAMES:
        write(shot / f"matte.{frame}.exr", nothing)
    ended = submit()
    assert ended.code == 3
    assert "the matte matte.####.exr is empty on all 3 frames" in ended.err


def test_when_the_matte_covers_nearly_all_then_it_is_asked_whether_that_is_meant(submit: Submit, shot: Path) -> None:
    for frame in FRAMES:
        write(shot / f"matte.{frame}.exr", np.ones((180, 320, 3), np.float16))
    ended = submit()
    assert ended.code == 3
    assert "--allow-large-matte" in ended.err
    assert submit("--allow-large-matte").code == 0


# ---- what was typed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--frames", "1003-1001"), 2, "1003-1001"),
        (("--frames", "1-99999999999999999999"), 2, "frame numbers go to"),
        (("--frames", "5001-5003"), 2, "it has frames 1001 to 1003"),
        (("--rate", "1e999999999"), 2, "is not a frame rate"),
        (("--seed", "-1"), 2, "seed"),
        (("--priority", "1000"), 2, "priority"),
        (("--exposure", "nan"), 2, "exposure"),
        (("--shot", "a/b"), 2, "shot"),
        (("--shot", "CON"), 3, "reserved by Windows"),
        (("--engine", "wan9"), 3, "there is no engine 'wan9' here"),
        (("--colour", "ACEScgg"), 3, "Did you mean 'ACEScg'"),
        (("--view", "left"), 3, "no view 'left'"),
        (("--layer", "beauty"), 3, "no layer 'beauty'"),
        (("--reference", "matte.1001.exr/x"), 2, "there is no file"),
        (("--record", "nowhere.json"), 2, "not both"),
    ],
)
def test_when_an_option_makes_no_sense_then_it_is_named_with_its_value(
    submit: Submit, shot: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    ended = submit(*words)
    assert ended.code == code, ended.err
    assert said in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("name", ["a [red]x[bold] 100%d", "back\\slash plätte ß", "o'x\"<b>&\n", "$x`y`#1"])
def test_a_name_with_odd_letters_is_read_and_told_as_it_is(
    submit: Submit, shot: Path, tmp_path: Path, name: str
) -> None:
    for frame in FRAMES:
        (shot / f"plate.{frame}.exr").rename(shot / f"{name}.{frame}.exr")
    out = tmp_path / f"out {name}"
    ended = submit("--plate", f"{name}.####.exr", "--out", out)
    assert ended.code == 0, ended.err
    assert str(out) in ended.err
    assert "<b>&" not in (out / "report.html").read_text(encoding="utf-8")
    cut_short(shot / f"{name}.1002.exr")
    ended = submit("--plate", f"{name}.####.exr")
    assert ended.code == 3
    assert f"{name}.1002.exr is truncated" in ended.err


def test_frames_below_zero_and_above_four_digits_keep_their_numbers(submit: Submit, shot: Path, tmp_path: Path) -> None:
    for role in ("plate", "matte"):
        for old, new in zip(FRAMES, ("-0001", "0000", "10000"), strict=True):
            (shot / f"{role}.{old}.exr").rename(shot / f"{role}.{new}.exr")
    assert submit("--frames", "-1-0", "--out", tmp_path / "below").code == 0
    assert submit("--frames", "10000", "--out", tmp_path / "above").code == 0
    assert sorted(path.name for path in (tmp_path / "below" / "comp").iterdir()) == ["comp.-0001.exr", "comp.0000.exr"]
    assert [path.name for path in (tmp_path / "above" / "comp").iterdir()] == ["comp.10000.exr"]


# ---- papers ------------------------------------------------------------------------------------------------


def papers(**consent: str) -> str:
    signed = {"consent_id": "c-1", "talent": "ana", "signed_on": "2020-01-05", "document": "0" * 64, **consent}
    people = {"likeness": "digital_replica", "on_screen": ["ana"], "performed_by": ["ana"]}
    return json.dumps({"schema": 1, "record_id": "r-1", **people, "consents": [signed]})


@pytest.mark.parametrize(
    ("record", "code", "said"),
    [
        (papers(expires_on="2021-01-01"), 3, "consent c-1 expired on 2021-01-01"),
        (papers(talent="bo"), 3, "consent is lacking for ana"),
        (papers(signed_on="2999-01-01"), 3, "after today"),
        (papers(revoked="yes"), 2, "consents[0].revoked"),
        ("{", 2, "papers.json"),
    ],
)
def test_when_the_papers_do_not_hold_then_nothing_is_made_and_the_person_or_field_is_named(
    terminal: Terminal, submit: Submit, shot: Path, record: str, code: int, said: str
) -> None:
    (shot / "papers.json").write_text(record)
    ended = terminal("submit", *HERE, "--record", "papers.json", "--wait")
    assert ended.code == code, ended.err
    assert said in ended.err


def test_when_the_project_is_not_the_keys_then_it_is_refused_with_those_that_are(
    submit: Submit, shot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    home = tmp_path / "home_of_ann"
    home.mkdir(mode=0o700)
    assert (
        terminal("key", "issue", "ann", "--host", "127.0.0.1", "--project", "owl", "--out", home / "daemon.json").code
        == 0
    )
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("UNDERSTUDY_HOME", str(home))
        ended = submit("--project", "falcon")
    assert ended.code == 3
    assert "owl" in ended.err
