"""A script's session in Nuke's stand-in: which daemon it reaches, turns of the main thread, words on the node."""

from __future__ import annotations

import time
from collections.abc import Callable

from nuke_shot import SmallShot
from nuke_stand_in import current

from understudy.bridge.errors import DaemonUnreachable
from understudy.bridge.keys import Connection

PATIENCE_SECONDS = 20.0


def nobody_answers() -> Connection:
    raise DaemonUnreachable("no daemon answers", remedy="Start it with `understudy serve`.")


def open_session(connect: Callable[[], Connection] = nobody_answers) -> None:
    """Let the script's session reach no daemon but this one."""
    from understudy.host_plugins.nuke import session

    session.close_session()
    session._open.append(session.Session(connect))


def turn_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < end
        if not current().serve_one():
            time.sleep(0.002)


def status(shot: SmallShot) -> str:
    return str(shot.node.table["status"].get())
