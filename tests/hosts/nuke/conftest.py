"""What the tests of Nuke's plugin may ask for: a Nuke that runs, and a small shot in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from nuke_rig import running
from nuke_shot import SmallShot
from nuke_stand_in import Application


@pytest.fixture
def application() -> Iterator[Application]:
    with running() as found:
        yield found


@pytest.fixture
def shot(application: Application, tmp_path: Path, home: Path) -> SmallShot:
    return SmallShot(tmp_path / "show")
