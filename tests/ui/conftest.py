"""Tests of the panel: real widgets on Qt's offscreen platform, a real daemon behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

try:
    from qt_rig import application
except ImportError as problem:  # a machine without libEGL, libxkbcommon or fontconfig
    collect_ignore_glob = ["test_*.py"]
    print(f"tests of the panel are left out: Qt does not load here ({problem})")
else:

    def close_everything(made: QApplication) -> None:
        """Close every window and end it; one that asks before it closes gets no answer, and goes with its question."""
        for window in made.topLevelWidgets():
            window.close()
        for window in made.topLevelWidgets():
            window.hide()
            if window.parent() is None and window.windowType() != Qt.WindowType.Popup:  # a completer deletes its own
                window.deleteLater()
        made.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        made.processEvents()

    @pytest.fixture(autouse=True)
    def qt() -> Iterator[Any]:
        """The process's application; what a test left open is closed behind it."""
        made = application()
        collector = Collector()
        yield made
        close_everything(made)
        left = [f"{window.objectName()} {window.title()}" for window in made.topLevelWindows() if window.isVisible()]
        assert not left, f"windows stay open: {left}"
        collector.end()

    from daemon_rig import RunningDaemon
    from papers_rig import fill_registry, show_pack
    from PySide6.QtCore import QEvent, Qt
    from PySide6.QtWidgets import QApplication
    from qt_rig import wait_until

    from understudy.bridge.options import JobOptions
    from understudy.inference.drawn_shot import draw_shot
    from understudy.ui.collecting import Collector
    from understudy.ui.draft import Draft
    from understudy.ui.panel import Panel
    from understudy.ui.papers_dialog import PapersDialog
    from understudy.ui.session import Session

    OpenPanel = Callable[..., Panel]
    OpenPapers = Callable[..., PapersDialog]
    DRAFT = Draft(shot="sh010", project="dune")

    @pytest.fixture(scope="session")
    def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Return the folder of a small drawn shot."""
        folder = tmp_path_factory.mktemp("drawn")
        draw_shot(folder, frames=4, width=160, height=90)
        return folder

    @pytest.fixture(scope="session")
    def shared_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
        """A daemon that every test may use and none may stop."""
        daemon = RunningDaemon(tmp_path_factory.mktemp("panel") / "home")
        yield daemon
        daemon.stop()

    @pytest.fixture
    def daemon(tmp_path: Path) -> Iterator[RunningDaemon]:
        """A daemon of the test's own, to be killed."""
        daemon = RunningDaemon(tmp_path / "home")
        yield daemon
        daemon.stop()

    @pytest.fixture(scope="session")
    def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
        """A daemon with a show's own pack and a registry; none may stop it."""
        folder = tmp_path_factory.mktemp("house")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("UNDERSTUDY_PACKS_FOLDER", str(show_pack(folder / "packs")))
            daemon = RunningDaemon(folder / "home")
        fill_registry(daemon)
        yield daemon
        daemon.stop()

    @pytest.fixture
    def open_panel(shared_daemon: RunningDaemon) -> OpenPanel:
        """Return what opens a panel and waits until it has found its daemon."""

        def opened(where: Path | None = None, choices: JobOptions | None = None) -> Panel:
            panel = Panel(Session(where or shared_daemon.home), choices)
            panel.show()
            panel.session.start()
            wait_until(lambda: panel.session.standing.life == "alive")
            return panel

        return opened

    @pytest.fixture
    def open_papers(house: RunningDaemon) -> OpenPapers:
        """Return what opens a form on a file and waits until it has been judged."""

        def opened(path: Path | None = None, where: Path | None = None, draft: Draft = DRAFT) -> PapersDialog:
            session = Session(where or house.home)
            dialog = PapersDialog(session, draft)
            dialog.confirm = lambda question: True  # type: ignore[method-assign]  # nobody is here to be asked
            dialog.destroyed.connect(session.close)
            session.start()
            dialog.show()
            if path is not None:
                dialog.edit_file(path)
            if where is None:
                wait_until(lambda: bool(dialog.known.today))
            return dialog

        return opened
