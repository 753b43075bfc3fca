"""The panel's process: one application, one window, until it is closed."""

from __future__ import annotations

import signal
from pathlib import Path

from PySide6.QtWidgets import QApplication

from understudy.bridge.options import JobOptions
from understudy.bridge.settings import load_settings
from understudy.ui import words
from understudy.ui.collecting import Collector
from understudy.ui.faults import Faults
from understudy.ui.memory import Memory
from understudy.ui.one_panel import FoundAnother, take_the_desk
from understudy.ui.panel import Panel
from understudy.ui.session import Session
from understudy.ui.take_centre import TakeCentre
from understudy.ui.theme import dress


def run_panel(where: Path, choices: JobOptions, *, open_form: bool = False, another: bool = False) -> int:
    """Show the window for the daemon of a connection file, or of a HOME; return the exit code when it is closed.

    Where one is open already that one comes to the front with these choices, unless `another` is wanted.
    """
    try:
        ear = take_the_desk(where, choices, another=another)
    except FoundAnother:
        return 0
    application = QApplication.instance() or QApplication([words.TITLE])
    assert isinstance(application, QApplication)  # noqa: S101 - no other kind is made here
    application.setApplicationDisplayName(words.TITLE)
    dress(application)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C in the terminal ends it: its jobs stay with the daemon
    collector = Collector()
    session = Session(where)
    window = Panel(session, choices, TakeCentre(session), ear, Memory(load_settings().home))
    faults = Faults(window)
    faults.install(window)
    window.session.start()
    window.show()
    if open_form:
        window.open_form()
    code = application.exec()
    collector.end()
    return code
