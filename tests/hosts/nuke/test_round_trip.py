"""Whole jobs with what the drawn shot has not: overscan, handles, a clean plate of its own, a config that travels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import PyOpenColorIO
import pytest
from daemon_rig import RunningDaemon
from host_rig import CHOICES, Desk, write_exr
from nuke_rig import EventLoop, running
from nuke_shot import FRAMES, HEIGHT, WIDTH, SmallShot, make, pixels, read, write_frames
from nuke_stand_in import Guesses, current
from nuke_stand_in.pictures import picture_of

from understudy.bridge.client import Client
from understudy.bridge.host_jobs import HostJob, HostJobs
from understudy.bridge.shot import Shot

OVERSCAN = 4


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    running = RunningDaemon(tmp_path_factory.mktemp("daemon") / "home")
    yield running
    running.stop()


def recast(shot: SmallShot, daemon: RunningDaemon) -> HostJob:
    import msgspec

    from understudy.host_plugins.nuke.knobs import choices

    half_covered(shot)
    shot.set(self_attest=CHOICES.self_attest, engine="identity", shot="sh010")
    main = EventLoop()
    jobs = HostJobs(shot.host, main, lambda: daemon.connection, shot.folder / "exports")
    try:
        selection = shot.select()
        job = jobs.submit(selection, msgspec.structs.replace(choices(shot.node)), shot.host.default_folder(selection))
        desk = Desk(None, jobs)  # type: ignore[arg-type]  # it only turns
        desk.rig = type("Turning", (), {"main": main})()
        desk.wait(job)
    finally:
        jobs.close()
    assert job.notice.stage == "placed", job.notice
    return job


def half_covered(shot: SmallShot) -> None:
    """Give the shot a matte that covers a block within."""
    for frame in FRAMES:
        picture = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        picture[4:12, 8:20] = 1.0
        write_exr(shot.folder / "matte" / f"matte.{frame:04}.exr", picture)


def sent(job: HostJob, daemon: RunningDaemon) -> Shot:
    with Client.connect(daemon.connection) as client:
        return client.show_job(job.notice.job_id).job.shot


def layer(job: HostJob, name: str, frame: int) -> Path:
    assert job.remembered is not None
    (found,) = Path(job.remembered.folder).rglob(f"{name}.{frame:04}.exr")
    return found


def window(path: Path) -> list[list[int]]:
    with OpenEXR.File(str(path)) as file:
        return [[int(side) for side in corner] for corner in file.header()["dataWindow"]]


@pytest.mark.parametrize("untouched", [True, False])
def test_when_a_plate_has_overscan_and_handles_then_its_layers_have_them_and_the_comp_is_shown_beyond_the_format(
    untouched: bool, shot: SmallShot, daemon: RunningDaemon
) -> None:
    header: dict[str, Any] = {
        "displayWindow": (np.array([0, 0], np.int32), np.array([WIDTH - 1, HEIGHT - 1], np.int32)),
        "dataWindow": (
            np.array([-OVERSCAN, -OVERSCAN], np.int32),
            np.array([WIDTH - 1 + OVERSCAN, HEIGHT - 1 + OVERSCAN], np.int32),
        ),
    }
    folder = shot.folder / "wide"
    folder.mkdir()
    random = np.random.default_rng(3)
    for frame in FRAMES:
        picture = random.random((HEIGHT + 2 * OVERSCAN, WIDTH + 2 * OVERSCAN, 3)).astype(np.float32)
        write_exr(folder / f"wide.{frame:04}.exr", picture, header)
    plate = read(str(folder / "wide.####.exr"))
    shot.connect(0, plate if untouched else make("Grade", plate, multiply=1.0))
    shot.set(head=1, tail=1)
    job = recast(shot, daemon)
    asked = sent(job, daemon)
    assert (asked.range.head, asked.range.tail, len(asked.range)) == (1, 1, 3)
    for frame in FRAMES:
        comp = layer(job, "comp", frame)
        assert window(comp) == [[-OVERSCAN, -OVERSCAN], [WIDTH - 1 + OVERSCAN, HEIGHT - 1 + OVERSCAN]]
        shown = picture_of(shot.node, frame, "main")
        for channel, wanted in zip(("red", "green", "blue"), np.moveaxis(pixels(comp), -1, 0)[:3], strict=True):
            np.testing.assert_allclose(shown.channels[f"rgba.{channel}"], wanted, rtol=2**-10, atol=2**-14)


@pytest.mark.parametrize("untouched", [True, False])
def test_when_the_plate_has_long_pixels_and_a_timecode_then_its_layers_and_what_nuke_shows_have_them(
    untouched: bool, shot: SmallShot, daemon: RunningDaemon
) -> None:
    folder = shot.folder / "long"
    folder.mkdir()
    for frame in FRAMES:
        code = OpenEXR.TimeCode(1, 2, 3, frame - FRAMES.first, 0, *[0] * 13)
        picture = np.full((HEIGHT, WIDTH, 3), 0.25, np.float32)
        write_exr(folder / f"long.{frame:04}.exr", picture, {"pixelAspectRatio": 2.0, "timeCode": code})
    plate = read(str(folder / "long.####.exr"))
    current().frame = FRAMES.first + 1
    assert (plate.format().pixelAspect(), plate.metadata("input/timecode")) == (2.0, "01:02:03:01")
    shot.connect(0, plate if untouched else make("Grade", plate, multiply=1.0))
    job = recast(shot, daemon)
    asked = sent(job, daemon)
    assert asked.plate is not None
    assert asked.plate.pixel_aspect is None, "what the files say counts"
    assert (str(folder) in asked.plate.pictures.files[0].typed) is untouched
    for frame in FRAMES:
        for name in ("comp", "patch", "matte"):
            with OpenEXR.File(str(layer(job, name, frame))) as file:
                code = file.header()["timeCode"]
                assert (code.hours, code.minutes, code.seconds, code.frame) == (1, 2, 3, frame - FRAMES.first), name
                assert float(file.header()["pixelAspectRatio"]) == 2.0, name
    assert shot.node.format().pixelAspect() == 2.0


@pytest.mark.parametrize("kind", ["plate", "matte"])
def test_when_nuke_renders_long_pixels_then_the_file_says_so_with_its_timecode(kind: str, shot: SmallShot) -> None:
    header = {"pixelAspectRatio": 2.0, "timeCode": OpenEXR.TimeCode(1, 2, 3, 4, 0, *[0] * 13)}
    for number, name in enumerate(("plate", "matte")):
        shot.connect(number, make("Grade", read(write_frames(shot.folder / "long", name, header=header)), multiply=1.0))
    typed = shot.export().footage[kind].typed
    with OpenEXR.File(typed.replace("####", "1002")) as file:
        assert float(file.header()["pixelAspectRatio"]) == 2.0
        assert file.header()["timeCode"].frame == 4


OTHERWISE = Guesses(
    percent_is_literal=False, missing_knob=KeyError, unknown_entry_raises=True, offset_sign=-1,
    read_stretches_script=True, crop_grows=False,
)  # fmt: skip


@pytest.mark.parametrize("guesses", [Guesses(), OTHERWISE], ids=["as guessed", "otherwise"])
def test_when_nuke_is_otherwise_than_guessed_then_a_shot_in_an_awkward_folder_is_recast_all_the_same(
    guesses: Guesses, tmp_path: Path, daemon: RunningDaemon
) -> None:
    with running(guesses=guesses):
        shot = SmallShot(tmp_path / "Größe [50]")
        shot.plate.table["frame_mode"].put("offset")
        shot.plate.table["frame"].put("10")
        shot.connect(1, make("Grade", shot.matte, multiply=1.0))
        shot.set(matte_channel="rgba.red")
        moved = -guesses.offset_sign * 10
        move_matte(shot, moved)
        folder = tmp_path / "50% [final] $take"
        shot.set(folder="".join(f"\\{sign}" if sign in "[]$" else sign for sign in str(folder)))
        job = recast(shot, daemon)
        for frame in FRAMES:
            shown = picture_of(shot.node, frame + moved, "main")
            comp = pixels(layer(job, "comp", frame + moved))
            np.testing.assert_allclose(shown.channels["rgba.red"], comp[..., 0], rtol=2**-10, atol=2**-14)


def move_matte(shot: SmallShot, moved: int) -> None:
    """Let the matte start where the moved plate does."""
    shot.matte.table["frame_mode"].put("start at")
    shot.matte.table["frame"].put(str(FRAMES.first + moved))


def test_when_the_clean_plate_is_in_another_space_than_the_plate_then_each_goes_with_its_own_name(
    shot: SmallShot, daemon: RunningDaemon
) -> None:
    clean = write_frames(shot.folder / "clean", "clean", 3)
    shot.connect(3, read(clean, colorspace="sRGB"))
    shot.connect(0, make("Grade", shot.plate, multiply=1.0))
    asked = sent(recast(shot, daemon), daemon)
    assert asked.plate is not None
    assert asked.clean_plate is not None
    assert asked.plate.pictures.colour == "lin_rec709_scene"
    assert asked.clean_plate.pictures.colour == "srgb_rec709_scene"


def test_when_ocio_manages_colour_then_the_config_travels_and_the_layers_are_read_by_name(
    shot: SmallShot, daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCIO", raising=False)
    config = shot.folder / "config.ocio"
    built_in = PyOpenColorIO.Config.CreateFromBuiltinConfig("cg-config-v1.0.0_aces-v1.3_ocio-v2.1")
    config.write_text(built_in.serialize())
    table = current().root.table
    table["colorManagement"].put("OCIO")
    table["OCIO_config"].put("custom")
    table["customOCIOConfigPath"].put(str(config))
    for name in ("workingSpaceLUT", "floatLut"):
        table[name].put("scene_linear")
    asked = sent(job := recast(shot, daemon), daemon)
    assert asked.colour_archive is not None
    assert asked.plate is not None
    assert asked.plate.pictures.colour == "scene_linear"
    (patch,) = [node for node in shot.nodes("Read") if node.said.endswith("_patch")]
    assert (patch.table["raw"].get(), patch.table["colorspace"].get()) == (False, "ACES/ACEScg")
    assert job.remembered is not None
