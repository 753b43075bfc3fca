"""One panel a user and daemon: a second one hands over what it was given to the first, and ends.

Without a daemon nobody can be asked, and the panel opens: it is needed most then.
"""

from __future__ import annotations

from pathlib import Path

from understudy.bridge.client import Client
from understudy.bridge.desk_messages import Tell
from understudy.bridge.errors import UnderstudyError
from understudy.bridge.options import JobOptions
from understudy.bridge.private_files import locked
from understudy.bridge.seat import this_seat
from understudy.bridge.settings import load_settings
from understudy.ui.desk import Ear
from understudy.ui.form_check import with_whole_paths

LOCK = ".panel.lock"
"""In HOME, held while a panel looks for another and until it can be heard itself: of two that open together one stays.
"""
ASK_SECONDS = 3.0
HEARD_SECONDS = 3.0


class FoundAnother(Exception):
    """Another panel is open, has come to the front and has what this one was given."""


def take_the_desk(where: Path, choices: JobOptions, *, another: bool = False) -> Ear | None:
    """Return what hears for this panel, None without a daemon. Raises FoundAnother where there is a panel already.

    where: the daemon's connection file or HOME. another: open one all the same.
    """
    home = load_settings().home
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(home, LOCK):
        return _ear(where, choices, another)


def _ear(where: Path, choices: JobOptions, another: bool) -> Ear | None:
    try:
        with Client.connect(where, timeout_seconds=ASK_SECONDS) as client:
            if not another and client.tell(_show(choices)):
                raise FoundAnother
            ear = Ear(client.connection)
    except UnderstudyError:
        return None
    ear.wait(HEARD_SECONDS)
    return ear


def _show(choices: JobOptions) -> Tell:
    said = None if choices == JobOptions() else with_whole_paths(choices)  # it was started in another folder
    return Tell(to="panel", kind="show", seat=this_seat(), options=said)
