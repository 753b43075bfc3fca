"""Small shots for the engine's tests, drawn once a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.preview_quality import preview
from benchmarks.preview_shots import drawn_footage
from understudy.inference.engines.door import Footage, GeneratedFrame

Array = NDArray[np.float32]
FRAMES, WIDTH, HEIGHT = 8, 448, 252


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Footage, Callable[[int], Array]]:
    """Return a drawn shot that is kept in memory, without keypoints, and the truth about its background."""
    folder = tmp_path_factory.mktemp("drawn")
    footage, clean = drawn_footage(folder, FRAMES, WIDTH, HEIGHT)
    assert footage.plate is not None
    assert footage.matte is not None
    plates = {frame: footage.plate(frame) for frame in footage.frames}
    mattes = {frame: footage.matte(frame) for frame in footage.frames}
    return changed(footage, plate=plates.__getitem__, matte=mattes.__getitem__), clean


@pytest.fixture(scope="session")
def recast(drawn: tuple[Footage, Callable[[int], Array]]) -> list[GeneratedFrame]:
    """Return the drawn shot as the engine makes it."""
    return list(preview(drawn[0]))


def changed(footage: Footage, **fields: object) -> Footage:
    return replace(footage, **fields)  # type: ignore[arg-type]
