"""A drawn shot, work orders for it, and a real daemon with real workers in a private home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from spine_rig import RunningDaemon

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
