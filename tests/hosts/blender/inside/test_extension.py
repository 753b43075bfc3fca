"""The zip, installed and switched on by Blender itself, and used by its buttons as a background run would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from daemon_rig import RunningDaemon, daemon_python
from host_rig import FIRST, FRAMES, HEIGHT, WIDTH, Drawn, draw, read_exr

SEQUENCER_SPACE = "Linear Rec.709"
MODULE = "bl_ext.user_default.understudy"


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the edition for this Blender's Python by its own tool, with the daemon's interpreter."""
    tool = Path(bpy.utils.system_resource("SCRIPTS"), "addons_core", "bl_pkg", "cli", "blender_ext.py")
    target = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [daemon_python(), "-m", "understudy.host_plugins.blender_extension", str(target), "--tool", str(tool),
         "--platform", "linux-x64", "--python", f"{sys.version_info[0]}.{sys.version_info[1]}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (built,) = done.stdout.splitlines()
    return Path(built)


@pytest.fixture(scope="module")
def installed(zipped: Path, daemon: RunningDaemon) -> Iterator[str]:
    """Install the zip as the artist does, where no checkout of ours is on the path.

    After the daemon, whose rig speaks by the checkout's modules: types are read by their module's name.
    """
    ours = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "understudy"}
    paths = list(sys.path)
    checkout = Path(__file__).resolve().parents[4]
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() not in (checkout, checkout / ".typing")]
    for name in [name for name in sys.modules if name.split(".")[0] in ("understudy", "zmq", "msgspec", "xxhash")]:
        if name.startswith("understudy"):
            del sys.modules[name]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.extensions.package_install_files(
        filepath=str(zipped), repo="user_default", enable_on_install=True, overwrite=True
    )
    yield MODULE
    bpy.ops.preferences.addon_disable(module=MODULE)
    sys.path[:] = paths
    sys.modules.update(ours)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    running = RunningDaemon(tmp_path_factory.mktemp("daemon") / "home")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return draw(tmp_path_factory.mktemp("drawn"))


def _strips(scene: Any) -> Any:
    editor = scene.sequence_editor
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def _make_shot(drawn: Drawn, document: Path) -> Any:
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.sequencer_colorspace_settings.name = SEQUENCER_SPACE
    if scene.sequence_editor is None:
        scene.sequence_editor_create()
    for channel, (name, pattern) in enumerate((("hero", drawn.plate), ("roto", drawn.matte)), start=1):
        files = [pattern.replace("####", f"{frame:04}") for frame in range(FIRST, FIRST + FRAMES)]
        strip = _strips(scene).new_image(
            name=name, filepath=files[0], channel=channel, frame_start=FIRST, fit_method="ORIGINAL"
        )
        for file in files[1:]:
            strip.elements.append(Path(file).name)
        strip.mute = name == "roto"
    scene.sequence_editor.active_strip = _strips(scene)["hero"]
    settings = scene.understudy
    settings.matte_from, settings.matte_strip = "STRIP", "roto"
    settings.reference_file, settings.self_attest = drawn.reference, "a test, to see that it works"
    bpy.ops.wm.save_as_mainfile(filepath=str(document))
    return scene


def test_when_the_zip_is_installed_then_our_code_and_its_wheels_come_from_it_alone(installed: str) -> None:
    import understudy.bridge.host_jobs as jobs

    extensions = os.environ["BLENDER_USER_RESOURCES"]
    assert jobs.__file__.startswith(extensions), jobs.__file__
    assert sys.modules[installed].__file__.startswith(extensions)  # type: ignore[union-attr]
    assert bpy.context.preferences.addons[installed].preferences.command == ""


def test_when_it_is_switched_on_then_panels_operators_and_properties_are_there(installed: str) -> None:
    for name in ("UNDERSTUDY_PT_shot", "UNDERSTUDY_PT_jobs", "UNDERSTUDY_PT_versions"):
        panel = getattr(bpy.types, name)
        assert (panel.bl_space_type, panel.bl_category) == ("SEQUENCE_EDITOR", "Understudy")
    assert bpy.ops.understudy.submit.poll()
    assert bpy.context.scene.understudy.mode == "replace"


def test_when_the_file_was_never_saved_then_the_button_says_so_and_what_to_do(installed: str) -> None:
    with pytest.raises(RuntimeError, match=r"never saved.*Save it first"):
        bpy.ops.understudy.submit()


def test_when_the_button_is_pressed_in_the_background_then_it_waits_until_the_comp_is_shown(
    installed: str, daemon: RunningDaemon, drawn: Drawn, tmp_path: Path
) -> None:
    bpy.context.preferences.addons[installed].preferences.home = str(daemon.home)
    scene = _make_shot(drawn, tmp_path / "shot.blend")
    assert bpy.ops.understudy.submit() == {"FINISHED"}
    (take,) = [strip for strip in _strips(scene) if "understudy_job" in strip]
    assert (take.channel, take.blend_type, take.alpha_mode) == (3, "ALPHA_OVER", "PREMUL")
    comps = sorted((tmp_path / "understudy").rglob("comp.*.exr"))
    assert len(comps) == FRAMES
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGB", "32"
    scene.frame_start = scene.frame_end = FIRST + 1
    scene.render.filepath = str(tmp_path / "shown.")
    bpy.ops.render.render(animation=True)
    shown, wanted = read_exr(tmp_path / f"shown.{FIRST + 1}.exr"), read_exr(comps[1])[..., :3]
    np.testing.assert_allclose(shown, wanted, rtol=2**-10, atol=2**-14)


def test_when_the_file_is_closed_while_a_job_runs_then_its_button_takes_it_up_after_it_is_opened(
    installed: str, daemon: RunningDaemon, drawn: Drawn, tmp_path: Path
) -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.preferences.addons[installed].preferences.home = str(daemon.home)
    scene = _make_shot(drawn, tmp_path / "shot.blend")
    scene.understudy.seed = 21
    session, job = sys.modules[f"{installed}.operators"]._submit()
    session.main.run_until(lambda: job.remembered is not None or job.ended)
    assert not job.ended, job.notice
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert not any(thread.name.startswith("understudy-") for thread in threading.enumerate())
    assert bpy.ops.understudy.reattach() == {"FINISHED"}
    (take,) = [strip for strip in _strips(bpy.context.scene) if "understudy_job" in strip]
    assert (take["understudy_job"], take.mute) == (job.remembered.job_id, False)


def test_when_a_version_is_chosen_then_it_alone_is_shown(
    installed: str, daemon: RunningDaemon, drawn: Drawn, tmp_path: Path
) -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.preferences.addons[installed].preferences.home = str(daemon.home)
    scene = _make_shot(drawn, tmp_path / "shot.blend")
    for seed in (1, 2):
        scene.understudy.seed = seed
        bpy.ops.understudy.submit()
    first, second = sorted(
        (strip for strip in _strips(scene) if "understudy_job" in strip), key=lambda one: one["understudy_version"]
    )
    assert (first.mute, second.mute) == (True, False)
    bpy.ops.understudy.show_version(job_id=first["understudy_job"])
    assert (first.mute, second.mute) == (False, True)


def test_when_panel_is_pressed_then_the_strip_s_shot_is_in_its_form_and_without_a_strip_it_opens_bare(
    installed: str, daemon: RunningDaemon, drawn: Drawn, tmp_path: Path
) -> None:
    from understudy.bridge.desk_messages import Listener, Tell
    from understudy.bridge.keys import load_connection
    from understudy.bridge.seat import this_seat
    from understudy.bridge.watch import Watcher

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.preferences.addons[installed].preferences.home = str(daemon.home)
    scene = _make_shot(drawn, tmp_path / "shot.blend")
    heard: list[Tell] = []
    panel = Watcher(
        load_connection(daemon.home), (), None, lambda event: None, lambda: None,
        listener=Listener(ear="panel", seat=this_seat()), on_told=heard.append,
    )  # fmt: skip
    assert panel.wait_subscribed(10)
    try:
        assert bpy.ops.understudy.panel() == {"FINISHED"}
        scene.sequence_editor.active_strip = None
        assert bpy.ops.understudy.panel() == {"FINISHED"}
    finally:
        panel.close()
    assert [said.kind for said in heard] == ["show", "selection", "show"]
    options = heard[1].options
    assert options is not None
    assert (options.frames, heard[1].title) == (f"{FIRST}-{FIRST + FRAMES - 1}", "Blender (shot.blend)")
    assert str(Path(options.plate or "").resolve()) == drawn.plate  # Blender says it from the .blend's folder on
    assert options.reference == drawn.reference


def test_when_there_is_no_matte_then_the_button_names_it_and_nothing_is_left_behind(
    installed: str, daemon: RunningDaemon, drawn: Drawn, tmp_path: Path
) -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.preferences.addons[installed].preferences.home = str(daemon.home)
    scene = _make_shot(drawn, tmp_path / "shot.blend")
    scene.understudy.matte_strip = ""
    with pytest.raises(RuntimeError, match="no strip is chosen for the matte"):
        bpy.ops.understudy.submit()
    assert [strip.name for strip in _strips(scene)] == ["hero", "roto"]
    assert list(bpy.data.scenes) == [scene]


def test_when_it_is_switched_off_and_on_again_then_nothing_of_it_was_left(installed: str) -> None:
    bpy.ops.preferences.addon_disable(module=installed)
    assert not hasattr(bpy.types, "UNDERSTUDY_PT_shot")
    assert not hasattr(bpy.types.Scene, "understudy")
    assert all(
        not getattr(handler, "__module__", "").startswith(installed)
        for handlers in (bpy.app.handlers.load_post, bpy.app.handlers.undo_post)
        for handler in handlers
    )
    bpy.ops.preferences.addon_enable(module=installed)
    assert hasattr(bpy.types, "UNDERSTUDY_PT_shot")


def test_when_another_version_is_zipped_then_it_replaces_the_one_that_is_installed(
    installed: str, zipped: Path, tmp_path: Path
) -> None:
    copy = shutil.copyfile(zipped, tmp_path / "again.zip")
    bpy.ops.extensions.package_install_files(
        filepath=str(copy), repo="user_default", enable_on_install=True, overwrite=True
    )
    assert bpy.ops.understudy.submit.poll()
