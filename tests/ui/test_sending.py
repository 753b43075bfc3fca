from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from panel_rig import shot_options
from qt_rig import wait_until

from understudy.bridge.client import Client
from understudy.bridge.errors import PlateError, UnderstudyError
from understudy.bridge.gather import gather_job
from understudy.bridge.messages import Accepted
from understudy.bridge.roundtrip import new_token
from understudy.inference.drawn_shot import draw_shot
from understudy.ui.panel import Panel
from understudy.ui.sending import Sending

OpenPanel = Callable[..., Panel]


def large_shot(folder: Path, fill: bytes) -> Path:
    """Draw a shot whose reference alone takes more than half of a vault of 1 MiB."""
    draw_shot(folder, frames=4, width=160, height=90)
    with (folder / "reference.png").open("ab") as file:
        file.write(fill * (700 * 2**10))
    return folder


def fill_the_vault(daemon: RunningDaemon, shot: Path) -> None:
    """Begin a job and never end it: what came of it stays."""
    gathered = gather_job(shot_options(shot))
    with Client.connect(daemon.connection) as client:
        job_id = client.submit(gathered.job, new_token()).job_id
        for digest, path in gathered.paths.items():
            if path.name == "reference.png":
                client.hand_over(job_id, digest, path)


def test_when_files_change_after_a_try_that_broke_off_then_the_next_try_is_a_job_of_the_new_files(
    open_panel: OpenPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as small:
        small.setenv("UNDERSTUDY_VAULT_QUOTA_BYTES", str(2**20))
        daemon = RunningDaemon(tmp_path / "home")
    try:
        fill_the_vault(daemon, large_shot(tmp_path / "other", b"a"))
        _try_twice(open_panel(daemon.home), daemon, large_shot(tmp_path / "shot", b"b"))
    finally:
        daemon.stop()


def _try_twice(panel: Panel, daemon: RunningDaemon, shot: Path) -> None:
    sending = Sending(panel.session, panel)
    told: list[str] = []
    ended: list[Accepted | UnderstudyError] = []
    sending.told.connect(lambda text, done, total: told.append(text))
    sending.done.connect(ended.append)
    sending.failed.connect(ended.append)
    sending.send(shot_options(shot))
    wait_until(lambda: any("No room" in text for text in told), 60, said=str((told, ended)))  # stored, and it waits
    daemon.stop()
    large_shot(shot, b"c")
    daemon.start_again()  # with room
    wait_until(lambda: bool(ended), 90)
    assert isinstance(ended[0], PlateError), ended
    wait_until(lambda: panel.session.standing.life == "alive")
    sending.send(shot_options(shot))
    wait_until(lambda: len(ended) == 2, 60)
    assert isinstance(ended[1], Accepted), ended
    with Client.connect(daemon.connection) as client:
        assert len(client.list_jobs()) == 3
