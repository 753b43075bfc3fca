"""A drawn shot, work orders for it, and a real daemon with real workers in a private home."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from spine_rig import RunningDaemon
from terminal_rig import Terminal
from typed_rig import ATTEST, FRAMES, HERE, Submit

from understudy.bridge.options import JobOptions
from understudy.inference.drawn_shot import DrawnShot, draw_shot


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnShot:
    """Return a drawn shot of 8 frames, 320x180, numbered from 1001."""
    return draw_shot(tmp_path_factory.mktemp("drawn"), frames=8, width=320, height=180)


@pytest.fixture(scope="session")
def options(drawn: DrawnShot) -> JobOptions:
    """Return the options that recast the drawn shot, self-attested."""
    return JobOptions(
        plate=drawn.plate, matte=drawn.matte, reference=drawn.reference, clean_plate=drawn.clean_plate,
        engine="identity", self_attest="a test, to see that it works",
    )  # fmt: skip


@pytest.fixture
def daemon(home: Path) -> Iterator[RunningDaemon]:
    running = RunningDaemon(home)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """Return one daemon for the tests of a file that leave it alive."""
    running = RunningDaemon(tmp_path_factory.mktemp("shared") / "home")
    yield running
    running.stop()


@pytest.fixture
def shot(tmp_path: Path, drawn: DrawnShot, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of the user's own, with three frames; commands run in it, so that paths are typed short."""
    folder = tmp_path / "shot"
    folder.mkdir()
    for frame in FRAMES:
        for role, pattern in (("plate", drawn.plate), ("matte", drawn.matte)):
            shutil.copy(pattern.replace("####", str(frame)), folder / f"{role}.{frame}.exr")
    shutil.copy(drawn.reference, folder / "hero.png")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def submit(terminal: Terminal, shared_daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Submit]:
    """Return a function that sends the shot and stays to the end. After the test the daemon must still answer."""
    monkeypatch.setenv("UNDERSTUDY_HOME", str(shared_daemon.home))
    yield lambda *words: terminal("submit", *HERE, *ATTEST, "--wait", *words)
    assert shared_daemon.process.poll() is None
    assert terminal("status").code == 0
