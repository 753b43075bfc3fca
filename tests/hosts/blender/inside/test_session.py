"""Where the daemon may be reached from inside Blender."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from understudy.bridge.errors import DaemonUnreachable, HostError
from understudy.host_plugins.blender.session import Reach, connect

KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"


def write_connection(home: Path, host: str) -> None:
    home.mkdir(mode=0o700)
    file = home / "daemon.json"
    file.touch(mode=0o600)
    file.write_text(
        json.dumps({"host": host, "port": 1, "server_public": KEY, "public": KEY, "secret": KEY, "user": "ann"})
    )


def test_when_blender_is_offline_then_a_daemon_on_another_machine_is_not_spoken_to(tmp_path: Path) -> None:
    write_connection(tmp_path / "home", "192.0.2.7")
    with pytest.raises(HostError, match=r"the daemon is on 192\.0\.2\.7, and Blender may not go online") as told:
        connect(Reach(home=tmp_path / "home", online=False))
    assert "Allow Online Access" in told.value.remedy


def test_when_blender_is_offline_then_this_machine_s_daemon_is_still_asked(tmp_path: Path) -> None:
    write_connection(tmp_path / "home", "127.0.0.1")
    with pytest.raises(DaemonUnreachable, match="no daemon answers"):
        connect(Reach(home=tmp_path / "home", online=False))
