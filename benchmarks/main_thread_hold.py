"""How long a host's main thread is held: a timer there ticks on while a shot goes out, is made and comes back.

Two shots in each host, which is Nuke's stand-in, Resolve's stand-in, or a real Blender where it is here:
a *job* whose every frame the host renders, from the button to the placed take and its withdrawal, with a real daemon;
and a *long shot* of untouched files, exported, placed and withdrawn without one. From the longest gap between two ticks
one frame's own render is taken off, measured bare in the same process: the slowest frame of the shot.

A daemon, its worker and whatever else is at work want the same cores, and a timer that waits for one is not held by us:
that time, which Linux counts for each thread (`schedstat`), is taken off every gap and every frame alike.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.stand_ins import ROOT, blender_python, lend_rigs
from benchmarks.table import Row, at_most

GOAL_MILLISECONDS = 50.0
TICK_SECONDS = 0.001
JOBS = 3
"""One after the other; the quietest is told, as a busy machine only adds: what we hold the thread for is in each."""
RENDERED = (12, 960, 540)
UNTOUCHED = (2000, 64, 36)
"""Frames, width, height."""
LAYERS = ("patch", "comp", "character", "matte", "matte_effective", "matte_used", "difference")


class Held(NamedTuple):
    """What one shot showed, in seconds."""

    frame: float
    """One frame's own render, bare."""
    gaps: dict[str, float]
    """The longest gap between two ticks, by what was going on."""


def measure() -> list[Row]:
    return [row for host in HOSTS for shot in SHOTS for row in _rows(host, shot)]


def _rows(host: str, shot: str) -> list[Row]:
    python = blender_python() if host == "Blender 4.5" else sys.executable
    if not python:
        return []
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-m", "benchmarks.main_thread_hold", host, shot, folder],
            capture_output=True, text=True, check=False, cwd=ROOT, env=_surroundings(Path(folder)),
        )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{host}, {shot}: {done.stderr[-2000:]}")
    held = [Held(*one) for one in json.loads(done.stdout.splitlines()[-1])]
    over, longest, frame, doing = min(_longest(one) for one in held)
    note = f"limit: 50 ms; {longest:.0f} ms while {doing}; a frame takes {frame:.0f} ms"
    return [at_most(f"{host}, {SHOTS[shot][1]}: longest gap minus one frame", over, GOAL_MILLISECONDS, "ms", 1.0, note)]


def _longest(held: Held) -> tuple[float, float, float, str]:
    """Return, in milliseconds, how much the longest gap is over a frame, the gap and the frame; and when it was."""
    seconds, doing = max((seconds, doing) for doing, seconds in held.gaps.items())
    return max(0.0, seconds - held.frame) * 1000, seconds * 1000, held.frame * 1000, doing


def _surroundings(folder: Path) -> dict[str, str]:
    """Return an environment in which nothing of the user's is read or written."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT / ".typing"), str(ROOT))),
        "UNDERSTUDY_TEST_PYTHON": sys.executable,
        "UNDERSTUDY_HOME": str(folder / "daemon"),
        "BLENDER_USER_RESOURCES": str(folder / "blender"),
    }


# ---- inside one host's process --------------------------------------------------------------------------------------


class Ticks:
    """The timer: how long each gap was, and what the main thread was at."""

    def __init__(self) -> None:
        from own_clock import OwnClock

        self.gaps: dict[str, float] = {}
        self._clock = OwnClock()
        self._last = self._clock.now()

    def tick(self, doing: str) -> None:
        now = self._clock.now()
        self.gaps[doing] = max(self.gaps.get(doing, 0.0), now - self._last)
        self._last = now

    def step_through(self, doing: str, steps: Any) -> None:
        """Do a host's steps as `host_work` does, but in this thread."""
        for step in steps:
            self.tick(doing)
            end = time.perf_counter() + step.pause_seconds
            while time.perf_counter() < end:
                time.sleep(TICK_SECONDS)
                self.tick(doing)
        self.tick(doing)


def a_job(host: str, folder: Path) -> list[Held]:
    """Recast a shot that the host renders, some times over."""
    _resize(RENDERED)
    from daemon_rig import RunningDaemon
    from host_rig import FRAMES, HEIGHT, WIDTH, Desk, draw

    from understudy.bridge.frames import FrameRate
    from understudy.bridge.host_jobs import HostJobs

    drawn = draw(folder / "drawn", FRAMES, WIDTH, HEIGHT)
    daemon = RunningDaemon(folder / "daemon")
    rig = HOSTS[host](folder)
    held = []
    try:
        rig.make_shot(drawn, shot="sh010", rate=FrameRate(24), untouched=False)
        for seed in range(JOBS):
            frame = max(_BARE[host](rig, folder))
            jobs = HostJobs(rig.host, rig.main, lambda: daemon.connection, folder / "exports")
            held.append(Held(frame, _ticks_of_job(rig, Desk(rig, jobs), seed)))
            jobs.close()
            rig.restart()
    finally:
        daemon.stop()
    return held


def _ticks_of_job(rig: Any, desk: Any, seed: int) -> dict[str, float]:
    ticks = Ticks()
    job = desk.submit(seed=seed)
    ticks.tick("submitting")
    while not job.ended:
        doing = job.notice.stage
        if not rig.main.turn():
            time.sleep(TICK_SECONDS)
        ticks.tick(doing)
    assert job.notice.stage == "placed", job.notice
    rig.host.withdraw(job.remembered, None)
    ticks.tick("withdrawing")
    return ticks.gaps


def a_long_shot(host: str, folder: Path) -> list[Held]:
    """Export a shot of untouched files, place a take of it, withdraw it: everything that grows with the length."""
    _resize(UNTOUCHED)
    from host_rig import FIRST, FRAMES, Drawn

    from understudy.bridge.frames import FrameRange, FrameRate
    from understudy.bridge.host import Delivered, LayerFiles, RememberedJob

    pictures = {name: _sequence(folder / name) for name in dict.fromkeys(("plate", "matte", *LAYERS))}
    still = pictures["plate"].replace("####", str(FIRST))
    rig = HOSTS[host](folder)
    rig.make_shot(Drawn(folder, pictures["plate"], pictures["matte"], still, ""), shot="sh010", rate=FrameRate(24))
    held = []
    for version in range(1, JOBS + 1):
        ticks = Ticks()
        selection = rig.host.select()
        ticks.tick("selecting")
        (folder / "export").mkdir(exist_ok=True)
        ticks.step_through("exporting", rig.host.export(selection, folder / "export"))
        job = RememberedJob(
            job_id=f"job{version:08}", shot="sh010", version=version, frames=FrameRange(FIRST, FIRST + FRAMES - 1),
            anchor=selection.anchor, folder=str(folder),
        )  # fmt: skip
        layers = tuple(
            LayerFiles(name=name, pattern=pictures[name], colour="data" if "matte" in name else "lin_rec709_scene")
            for name in LAYERS
        )
        rig.host.remember(job)
        ticks.tick("remembering")
        ticks.step_through("placing", rig.host.place(Delivered(job=job, rate=FrameRate(24), layers=layers)))
        rig.host.withdraw(job, None)
        ticks.tick("withdrawing")
        held.append(Held(0.0, ticks.gaps))
    return held


def _resize(shot: tuple[int, int, int]) -> None:
    """Let the rigs make a shot of this length and size. Before any of them is imported."""
    import host_rig

    host_rig.FRAMES, host_rig.WIDTH, host_rig.HEIGHT = shot


def _sequence(folder: Path) -> str:
    """Return a pattern of frames that are all one file."""
    import numpy as np
    from host_rig import FIRST, FRAMES, HEIGHT, WIDTH, write_exr

    folder.mkdir()
    name = folder.name
    write_exr(folder / f"{name}.{FIRST}.exr", np.full((HEIGHT, WIDTH, 4), 0.5, np.float32))
    for frame in range(FIRST + 1, FIRST + FRAMES):
        os.link(folder / f"{name}.{FIRST}.exr", folder / f"{name}.{frame:04}.exr")
    return str(folder / f"{name}.####.exr")


# ---- the hosts ------------------------------------------------------------------------------------------------------


def _nuke(folder: Path) -> Any:
    import nuke_rig
    from nuke_stand_in import Application, make_module, start

    sys.modules["nuke"] = make_module(start(Application()))
    return nuke_rig.NukeRig(folder)


def _nuke_frames(rig: Any, folder: Path) -> list[float]:
    import nuke
    from host_rig import FIRST, FRAMES

    write = nuke.nodes.Write(inputs=[rig.node.input(0)])
    write["file_type"].setValue("exr")
    write["channels"].setValue("rgb")
    write["compression"].setValue("Zip (16 scanlines)")  # as ours is written
    write["file"].setValue(str(_made(folder / "bare") / "bare.%04d.exr"))
    times = [_timed(lambda frame=frame: nuke.execute(write, frame, frame, 1)) for frame in range(FIRST, FIRST + FRAMES)]
    nuke.delete(write)
    return times


def _resolve(folder: Path) -> Any:
    import resolve_rig
    from resolve_stand_in.world import Switches

    return resolve_rig.ResolveRig(folder, Switches(frames_a_poll=1))  # as it renders here, between two looks: one frame


def _resolve_frames(rig: Any, folder: Path) -> list[float]:
    """The stand-in renders where the script runs; Resolve itself does so elsewhere."""
    from host_rig import FIRST, FRAMES, write_exr
    from resolve_stand_in.pictures import composite

    bare = _made(folder / "bare")
    return [
        _timed(lambda frame=frame: write_exr(bare / f"bare.{frame}.exr", composite(rig.timeline, frame)[..., :3]))
        for frame in range(FIRST, FIRST + FRAMES)
    ]


def _blender(folder: Path) -> Any:
    import blender_rig

    return blender_rig.BlenderRig(folder)


def _blender_frames(rig: Any, folder: Path) -> list[float]:
    import bpy
    from host_rig import FIRST, FRAMES

    from understudy.host_plugins.blender import compat

    scene = rig.scene
    compat.set_exr_output(scene.render.image_settings, "RGB")
    scene.render.filepath = compat.output_path(_made(folder / "bare") / "bare.")
    times = []
    for frame in range(FIRST, FIRST + FRAMES):
        scene.frame_start = scene.frame_end = frame
        times.append(_timed(lambda: bpy.ops.render.render(animation=True, scene=scene.name)))
    return times


def _timed(call: Callable[[], Any]) -> float:
    from own_clock import OwnClock

    clock = OwnClock()
    start = clock.now()
    call()
    return clock.now() - start


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


HOSTS: dict[str, Callable[[Path], Any]] = {
    "Nuke's stand-in": _nuke,
    "Resolve's stand-in": _resolve,
    "Blender 4.5": _blender,
}
_BARE = {"Nuke's stand-in": _nuke_frames, "Resolve's stand-in": _resolve_frames, "Blender 4.5": _blender_frames}
SHOTS: dict[str, tuple[Callable[[str, Path], list[Held]], str]] = {
    "job": (a_job, f"a job of {RENDERED[0]} frames"),
    "long": (a_long_shot, f"{UNTOUCHED[0]:,} untouched frames"),
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("host", choices=tuple(HOSTS))
    parser.add_argument("shot", choices=tuple(SHOTS))
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    lend_rigs()
    print("\n" + json.dumps(SHOTS[asked.shot][0](asked.host, asked.folder)), flush=True)
    os._exit(0)  # a Blender that ends in order may crash on what it still holds
