"""A daemon and a drawn shot a file of tests; a shot of noise that costs nothing to make, and a rig around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from daemon_rig import RunningDaemon
from host_rig import FIRST, FRAMES, HEIGHT, WIDTH, Drawn, draw, write_exr
from resolve_rig import RATE, MakeRig, ResolveRig
from resolve_stand_in.world import Switches

from understudy.bridge.frames import FrameRate


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    running = RunningDaemon(tmp_path_factory.mktemp("daemon") / "home")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return draw(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def noise(tmp_path: Path) -> Drawn:
    """Return four frames of noise with a matte of a square; no daemon ever sees them."""
    random = np.random.default_rng(7)
    folder = tmp_path / "noise"
    matte = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    matte[20:60, 40:90] = 1
    for role in ("plate", "matte"):
        (folder / role).mkdir(parents=True)
        for frame in range(FIRST, FIRST + FRAMES):
            picture = random.random((HEIGHT, WIDTH, 3), np.float32) if role == "plate" else matte
            write_exr(folder / role / f"{role}.{frame:04}.exr", picture)
    reference = folder / "reference.png"
    reference.write_bytes(b"no picture is opened here")
    return Drawn(folder, str(folder / "plate/plate.####.exr"), str(folder / "matte/matte.####.exr"), str(reference), "")


@pytest.fixture
def make_rig(tmp_path: Path, noise: Drawn, home: Path) -> Iterator[MakeRig]:
    """Yield a function that opens a project on a Resolve with the given switches, the shot in it."""

    made: list[ResolveRig] = []

    def make(*, untouched: bool = True, start: int = 86_416, rate: FrameRate = RATE, **switches: object) -> ResolveRig:
        rig = ResolveRig(tmp_path / "show", Switches(**switches))  # type: ignore[arg-type]
        rig.make_shot(noise, shot="sh010", rate=rate, untouched=untouched, start=start)
        made.append(rig)
        return rig

    yield make
    for rig in made:
        assert not rig.resolve.project.presets, "a preset of ours was left among the artist's"
        assert all(
            job.written == 0 for job in rig.resolve.project.jobs.values() if job is not rig.resolve.project.running
        )
