"""Results in the sequencer: at the source's frames, just above it, beside older takes, gone when withdrawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from blender_rig import add_images, new_document, rendered
from host_rig import FIRST, FRAMES, HEIGHT, WIDTH, Picture, write_exr

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.host import Delivered, LayerFiles, RememberedJob, Steps
from understudy.host_plugins.blender import compat, memory, placing
from understudy.host_plugins.blender.host import BlenderHost
from understudy.host_plugins.blender.strips import JOB, JOBS, LAYER, VERSION, rate_of

RANGE = FrameRange(FIRST, FIRST + FRAMES - 1)


def flat(value: float, alpha: float | None = None) -> Picture:
    picture = np.full((HEIGHT, WIDTH, 3 if alpha is None else 4), value, np.float32)
    if alpha is not None:
        picture[..., 3] = alpha
    return picture


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    scene = new_document(tmp_path / "document.blend")
    for frame in RANGE:
        write_exr(tmp_path / f"plate.{frame}.exr", flat(2.0))
    add_images(scene, "hero", str(tmp_path / "plate.####.exr"), 2)
    return scene


def deliver(folder: Path, version: int = 1, colour: str = "lin_rec709_scene", source: str = "hero") -> Delivered:
    """Write a take of two layers: a half transparent patch, and a comp of one value."""
    take = folder / f"v{version:03}"
    for layer, picture in (("patch", flat(0.25, 0.5)), ("comp", flat(1.25))):
        (take / layer).mkdir(parents=True)
        for frame in RANGE:
            write_exr(take / layer / f"{layer}.{frame}.exr", picture)
    job = RememberedJob(
        job_id=f"job{version}", shot="sh010", version=version, frames=RANGE,
        anchor=str(memory.Anchor("Scene", source)), folder=str(take),
    )  # fmt: skip
    layers = tuple(
        LayerFiles(name=layer, pattern=str(take / layer / f"{layer}.####.exr"), colour=colour)
        for layer in ("patch", "comp")
    )
    return Delivered(job=job, rate=FrameRate(24), layers=layers)


def place(delivered: Delivered) -> Any:
    host = BlenderHost()
    host.remember(delivered.job)
    for _ in host.place(delivered):
        pass
    (strip,) = [one for one in _everything() if one.get(JOB) == delivered.job.job_id]
    return strip


def _everything() -> list[Any]:
    return list(compat.all_strips_of(bpy.context.scene.sequence_editor))


def shown_takes() -> list[int]:
    takes = {strip[VERSION]: strip.mute for strip in _everything() if JOB in strip}
    return [version for version, muted in takes.items() if not muted]


def switch_to(scene: Any, version: int) -> None:
    placing.show_version(scene, next(job for job in memory.kept_jobs() if job.version == version))


def test_when_a_take_is_placed_then_the_patch_lies_premultiplied_over_the_plate(scene: Any, tmp_path: Path) -> None:
    strip = place(deliver(tmp_path))
    assert (compat.start_of(strip), compat.end_of(strip), strip.channel) == (FIRST, FIRST + FRAMES, 3)
    assert (strip[VERSION], strip[LAYER]) == (1, "patch")
    np.testing.assert_allclose(rendered(scene, FIRST + 1, tmp_path)[..., :3], 0.25 + 2.0 * 0.5, rtol=1e-6)


def test_when_titles_lie_higher_then_the_take_goes_between_them_and_the_plate(scene: Any, tmp_path: Path) -> None:
    add_images(scene, "title", str(tmp_path / "plate.####.exr"), 6)
    assert place(deliver(tmp_path)).channel == 3


def test_when_channels_are_taken_locked_or_muted_then_the_next_free_one_is_used(scene: Any, tmp_path: Path) -> None:
    add_images(scene, "grade", str(tmp_path / "plate.####.exr"), 3)
    scene.sequence_editor.channels[4].lock = True
    scene.sequence_editor.channels[5].mute = True
    assert place(deliver(tmp_path)).channel == 6


def test_when_no_channel_is_free_then_the_take_is_refused_and_nothing_is_left(scene: Any, tmp_path: Path) -> None:
    for channel in scene.sequence_editor.channels:
        channel.lock = True
    before = [strip.name for strip in _everything()]
    with pytest.raises(HostError, match="no free channel above frames 1001-1004"):
        place(deliver(tmp_path))
    assert [strip.name for strip in _everything()] == before


def test_when_a_second_take_comes_then_the_first_is_kept_and_muted(scene: Any, tmp_path: Path) -> None:
    place(deliver(tmp_path, 1))
    second = place(deliver(tmp_path, 2))
    assert shown_takes() == [2]
    assert second.channel == 4
    switch_to(scene, 1)
    assert shown_takes() == [1]


def test_when_the_plate_is_renamed_between_two_takes_then_they_are_still_versions_of_one_place(
    scene: Any, tmp_path: Path
) -> None:
    place(deliver(tmp_path, 1))
    compat.strips_of(scene.sequence_editor)["hero"].name = "renamed"
    place(deliver(tmp_path, 2, source="renamed"))
    assert shown_takes() == [2]
    switch_to(scene, 1)
    assert shown_takes() == [1]


def test_when_another_strip_takes_the_plate_s_old_name_then_its_take_mutes_none_of_the_first_one_s(
    scene: Any, tmp_path: Path
) -> None:
    place(deliver(tmp_path, 1))
    compat.strips_of(scene.sequence_editor)["hero"].name = "left"
    add_images(scene, "hero", str(tmp_path / "plate.####.exr"), 8)
    place(deliver(tmp_path, 2))
    assert sorted(shown_takes()) == [1, 2]


def test_when_a_take_is_placed_twice_then_it_is_there_once(scene: Any, tmp_path: Path) -> None:
    delivered = deliver(tmp_path)
    place(delivered)
    place(delivered)
    assert len([strip for strip in _everything() if JOB in strip]) == 1


def test_when_the_source_was_renamed_meanwhile_then_the_take_is_still_placed_above_it(
    scene: Any, tmp_path: Path
) -> None:
    delivered = deliver(tmp_path)
    BlenderHost().remember(delivered.job)
    source = compat.strips_of(scene.sequence_editor)["hero"]
    assert source[JOBS] == "job1"
    source.name, source.channel = "renamed", 7
    assert place(delivered).channel == 8


def test_when_the_source_was_removed_meanwhile_then_the_take_lies_above_everything(scene: Any, tmp_path: Path) -> None:
    delivered = deliver(tmp_path)
    BlenderHost().remember(delivered.job)
    strips = compat.strips_of(scene.sequence_editor)
    strips.remove(strips["hero"])
    add_images(scene, "other", str(tmp_path / "plate.####.exr"), 5)
    assert place(delivered).channel == 6


def test_when_a_frame_of_the_take_is_gone_then_it_is_named_instead_of_shown_as_magenta(
    scene: Any, tmp_path: Path
) -> None:
    delivered = deliver(tmp_path)
    (tmp_path / "v001" / "patch" / f"patch.{FIRST + 2}.exr").unlink()
    with pytest.raises(HostError, match=r"lacks 1 frames, the first is .*patch\.1003\.exr"):
        place(delivered)
    assert [strip.name for strip in _everything()] == ["hero"]


def turns_of(delivered: Delivered, monkeypatch: pytest.MonkeyPatch) -> Steps[None]:
    """Begin to place a take, one frame a turn, and go on to where the strip has two frames."""
    monkeypatch.setattr(placing, "TURN_SECONDS", 0.0)
    host = BlenderHost()
    host.remember(delivered.job)
    steps = host.place(delivered)
    next(step for step in steps if step.done == 2)
    return steps


def test_when_a_strip_is_long_then_it_grows_over_several_turns_and_is_muted_until_it_is_whole(
    scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered = deliver(tmp_path)
    steps = turns_of(delivered, monkeypatch)
    seen = []
    for _ in steps:
        (strip,) = [one for one in _everything() if one.get(JOB) == delivered.job.job_id]
        seen.append((len(strip.elements), strip.mute))
    assert seen == [(3, True), (FRAMES, False)]


def test_when_placing_is_closed_between_two_turns_then_no_half_strip_is_left(
    scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = turns_of(deliver(tmp_path), monkeypatch)
    steps.close()
    assert [strip.name for strip in _everything()] == ["hero"]


def test_when_the_strip_is_taken_away_while_it_grows_then_the_error_says_so(
    scene: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered = deliver(tmp_path)
    steps = turns_of(delivered, monkeypatch)
    placing.remove_take(delivered.job.job_id)  # as an undo of the artist's does
    with pytest.raises(HostError, match="taken away while it was placed"):
        list(steps)
    assert [strip.name for strip in _everything()] == ["hero"]


def test_when_a_job_is_withdrawn_then_its_strips_go_and_the_artist_s_stay(scene: Any, tmp_path: Path) -> None:
    delivered = deliver(tmp_path)
    place(delivered)
    BlenderHost().withdraw(delivered.job, None)
    assert [strip.name for strip in _everything()] == ["hero"]


def test_when_the_sequencer_blends_in_srgb_then_the_comp_is_shown_and_it_is_right_there_too(
    scene: Any, tmp_path: Path
) -> None:
    scene.sequencer_colorspace_settings.name = "sRGB"
    assert place(deliver(tmp_path))[LAYER] == "comp"
    np.testing.assert_allclose(rendered(scene, FIRST, tmp_path)[..., :3], 1.25, rtol=2e-3)


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ("lin_ap1_scene", "ACEScg"), ("ACEScg", "ACEScg"), ("ACES - ACEScg", "ACEScg"),
        ("Linear Rec.2020", "Linear Rec.2020"), ("Linear P3-D65", "Linear DCI-P3 D65"),
        ("Utility - Linear - sRGB", "Linear Rec.709"), ("Linear CIE-XYZ D65", "Linear CIE-XYZ D65"),
    ],
)  # fmt: skip
def test_when_a_layer_is_in_another_space_then_the_strip_says_so_in_blender_s_words(
    scene: Any, tmp_path: Path, colour: str, name: str
) -> None:
    assert place(deliver(tmp_path, colour=colour)).colorspace_settings.name == name


@pytest.mark.parametrize(
    ("colour", "said"), [("A studio's own log", "is in A studio's own log"), ("", "states no colour space")]
)
def test_when_blender_has_no_name_of_a_layer_s_space_then_the_take_is_refused_instead_of_shown_in_another(
    scene: Any, tmp_path: Path, colour: str, said: str
) -> None:
    with pytest.raises(HostError, match=f"layer patch {said}") as told:
        place(deliver(tmp_path, colour=colour))
    assert "v001" in told.value.remedy
    assert [strip.name for strip in _everything()] == ["hero"]


def edit_and_undo_it(scene: Any) -> None:
    """Do something that has to do with no take, and take it back."""
    scene.frame_end = 77
    bpy.ops.ed.undo_push(message="an edit of the artist's")
    bpy.ops.ed.undo()
    assert bpy.context.scene.frame_end != 77


def test_when_an_edit_after_a_take_is_undone_then_the_take_stays_and_one_undo_more_takes_just_it_away(
    scene: Any, tmp_path: Path
) -> None:
    bpy.ops.ed.undo_push(message="before the take")
    delivered = deliver(tmp_path)
    place(delivered)
    edit_and_undo_it(scene)
    assert shown_takes() == [1]
    assert [job.settled for job in memory.kept_jobs()] == [True]
    bpy.ops.ed.undo()
    assert [strip.name for strip in _everything()] == ["hero"]


def test_when_an_edit_after_a_withdrawal_is_undone_then_the_take_does_not_come_back(scene: Any, tmp_path: Path) -> None:
    delivered = deliver(tmp_path)
    place(delivered)
    bpy.ops.ed.undo_push(message="with the take")
    BlenderHost().withdraw(delivered.job, None)
    edit_and_undo_it(scene)
    assert shown_takes() == []


def test_when_the_file_is_saved_and_opened_then_its_jobs_are_remembered(scene: Any, tmp_path: Path) -> None:
    delivered = deliver(tmp_path)
    BlenderHost().remember(delivered.job)
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "document.blend"))
    assert memory.kept_jobs() == (delivered.job,)


def test_when_a_scene_is_copied_then_its_jobs_count_once(scene: Any, tmp_path: Path) -> None:
    place(deliver(tmp_path))
    scene.copy()
    assert len(memory.kept_jobs()) == 1


@pytest.mark.parametrize(
    ("fps", "base", "rate"),
    [(24, 1.0, "24/1"), (24, 1.001, "24000/1001"), (3, 0.1001, "30000/1001"), (25, 1.0, "25/1")],
)
def test_when_a_rate_is_read_then_it_is_the_exact_fraction(scene: Any, fps: int, base: float, rate: str) -> None:
    scene.render.fps, scene.render.fps_base = fps, base
    assert str(rate_of(scene)) == rate


def test_when_an_undo_takes_a_job_out_of_the_document_then_the_session_writes_it_down_again(
    scene: Any, tmp_path: Path
) -> None:
    from understudy.host_plugins.blender.session import Reach, Session

    session = Session(Reach(home=tmp_path / "home"))
    delivered = deliver(tmp_path)
    bpy.ops.ed.undo_push(message="before")
    job = session.jobs._begin(lambda _: None, delivered.job)
    session.host.remember(delivered.job)
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    assert memory.kept_jobs() == (), "the undo has taken it out: without that this test says nothing"
    session.remember_again()
    assert memory.kept_jobs() == (job.remembered,)
    session.jobs.close()
