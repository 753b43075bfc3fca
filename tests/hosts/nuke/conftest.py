"""What the tests of Nuke's plugin may ask for: a Nuke that runs, a small shot in it, and no session left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from nuke_rig import running
from nuke_shot import SmallShot
from nuke_stand_in import Application, current


@pytest.fixture
def application() -> Iterator[Application]:
    with running() as found:
        yield found


@pytest.fixture
def shot(application: Application, tmp_path: Path, home: Path) -> SmallShot:
    return SmallShot(tmp_path / "show")


@pytest.fixture
def no_session_left(shot: SmallShot) -> Iterator[None]:
    """Close the script's session after the test; no thread of ours may be left."""
    yield
    from understudy.host_plugins.nuke import session

    session.close_session()
    while current().serve_one():
        pass
    left = [one for one in threading.enumerate() if one.name.startswith("understudy-")]
    for thread in left:
        thread.join(10)  # one that was asking the daemon ends with its question
    assert [one.name for one in left if one.is_alive()] == []
