"""An authority and those that follow it: daemons with stub workers, each with a terminal of its machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stub_daemon_rig import DaemonProcess, until
from studio_rig import free_port
from terminal_rig import Terminal

from understudy.bridge.keys import issue_key, write_connection
from understudy.bridge.settings import UserSettings, load_settings
from understudy.inference.authority.followed import open_registry
from understudy.inference.authority.held import Holding
from understudy.inference.authority.ledger import Ledger

SIGNED = {"document": "a" * 64, "signed_on": "2026-01-05"}


class Studio:
    """The machines of one studio: an authority, and whoever was let follow it."""

    def __init__(self, folder: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._terminal, self._patch = folder, terminal, monkeypatch
        self.running: list[DaemonProcess] = []
        self.authority = self.start("authority", port=free_port())

    def start(self, name: str, **settings: Any) -> DaemonProcess:
        home = self._folder / name
        home.mkdir(mode=0o700, parents=True)
        told = {name: value for name, value in settings.items() if name != "real_gate"}
        (home / "settings.json").write_text(json.dumps(told))
        daemon = DaemonProcess(home, **settings).start()
        self.running.append(daemon)
        return daemon

    def follower(self, name: str, *projects: str, wait: bool = True, **settings: Any) -> DaemonProcess:
        file = self._folder / f"{name}.json"
        key = issue_key(self.authority.home, name, roles=("follower",), projects=projects, host="127.0.0.1")
        write_connection(file, key)
        daemon = self.start(name, authority=str(file), **settings)
        if wait:
            until(lambda: not holding(daemon).now().stale)
        return daemon

    def say(self, daemon: DaemonProcess, *words: object) -> Any:
        self._patch.setenv("UNDERSTUDY_HOME", str(daemon.home))
        return self._terminal(*words)

    def did(self, daemon: DaemonProcess, *words: object) -> None:
        ended = self.say(daemon, *words)
        assert ended.code == 0, ended.err

    def consent(self, paper_id: str = "c-1", talent: str = "ana", **fields: str) -> None:
        """Add one at the authority, with its talent."""
        self.say(self.authority, "talent", "add", talent, "name=Ana Lopez")
        said = {"talent": talent, **SIGNED, **fields}
        self.did(self.authority, "consent", "add", paper_id, *(f"{name}={value}" for name, value in said.items()))


def settings_of(daemon: DaemonProcess) -> UserSettings:
    return load_settings({"home": str(daemon.home)}, environment={})


def holding(daemon: DaemonProcess) -> Holding:
    return Holding(daemon.home, Path(daemon.settings["authority"]))


def known(daemon: DaemonProcess, kind: type[Any]) -> dict[str, Any]:
    registry = open_registry(settings_of(daemon), Ledger(daemon.home))
    papers = {paper.id: paper for paper in registry.all(kind)}
    registry.close()
    return papers
