"""From a host into the panel's form and back into the host, each in a process of its own: stand-ins of Nuke and
Resolve, and a real Blender.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from daemon_rig import PYTHON_VARIABLE, RunningDaemon
from host_rig import FIRST, FRAMES, draw
from qt_rig import wait_until

from understudy.ui.panel import Panel

OpenPanel = Callable[..., Panel]
ROOT = Path(__file__).resolve().parents[2]
BLENDER = "4.5.15"
SECONDS = 120.0


def host_python(host: str) -> str:
    """Return the Python that has this host. Skips where there is none."""
    if host != "blender":
        return sys.executable
    path = ROOT / "tests/hosts/blender/environments.py"
    spec = importlib.util.spec_from_file_location("environments", path)
    assert spec is not None
    assert spec.loader is not None
    environments = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(environments)
    if why := environments.why_not(BLENDER):
        pytest.skip(why)
    return str(environments.blender_python(BLENDER))


class HostProcess:
    """A host of `desk_host.py`, and what it says."""

    def __init__(self, host: str, home: Path, folder: Path, drawn: tuple[Any, ...], untouched: bool) -> None:
        line = [
            host_python(host), str(ROOT / "tests/rigs/desk_host.py"), host, str(home), str(folder / "document"),
            json.dumps([str(one) for one in drawn]), "untouched" if untouched else "worked on",
        ]  # fmt: skip
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT / ".typing"), PYTHON_VARIABLE: sys.executable,
            "UNDERSTUDY_HOME": str(home), "BLENDER_USER_RESOURCES": str(folder / "blender"),
        }  # fmt: skip
        self.out, self.problems = folder / "out.txt", folder / "problems.txt"
        with self.out.open("w") as out, self.problems.open("w") as problems:
            self.process = subprocess.Popen(line, env=environment, stdout=out, stderr=problems)

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.read_text().splitlines() if line.startswith("{")]

    def __enter__(self) -> HostProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def wait(self, lines: int) -> dict[str, Any]:
        """Return the newest of so many lines, once it is said."""
        wait_until(lambda: len(self.said()) >= lines or self.process.poll() is not None, SECONDS)
        assert len(self.said()) >= lines, self.problems.read_text()
        return self.said()[lines - 1]


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("host", "untouched"),
    [("nuke", True), ("nuke", False), ("resolve", True), ("resolve", False), ("blender", True)],
    ids=lambda said: said if isinstance(said, str) else "untouched" if said else "worked_on",
)
def test_when_a_host_s_shot_is_sent_from_the_form_then_its_take_is_imported_at_the_host_s_own_frames(
    open_panel: OpenPanel, shared_daemon: RunningDaemon, tmp_path: Path, host: str, untouched: bool
) -> None:
    panel = open_panel()
    wait_until(lambda: panel.desk._ear is not None and panel.desk._ear.wait(0))
    drawn = draw(tmp_path / "drawn")
    with HostProcess(host, shared_daemon.home, tmp_path, drawn, untouched) as process:
        shown = process.wait(1)
        assert (shown["stage"], shown["left_alone"]) == ("shown", True), shown
        wait_until(lambda: panel.form is not None and panel.form.isVisible())
        form = panel.form
        assert form is not None
        said, problems = form.options()
        assert problems == {}
        assert (said.frames, said.rate, said.shot) == (f"{FIRST}-{FIRST + FRAMES - 1}", "24000/1001", "sh010")
        wait_until(form.final.isEnabled)
        form.final.click()
        wait_until(lambda: not form.isVisible() or form.said.isVisible(), 60)
        assert not form.said.isVisible(), form.said.toPlainText()
        job_id = panel.pane.chosen_id
        wait_until(lambda: panel.jobs.place(job_id) is not None)
        wait_until(lambda: panel.jobs.job(job_id).summary.state == "delivered", 60)  # type: ignore[union-attr]
        wait_until(lambda: panel.import_action.isEnabled(), 20)
        assert panel.import_action.text() == f"&Import into {host} (shot)"
        panel.import_action.trigger()
        brought = process.wait(2)
        version = panel.jobs.job(job_id).summary.version  # type: ignore[union-attr]
        assert (brought["stage"], brought["takes"]) == ("placed", [version]), brought
        assert process.wait(3)["placed"] == f"{FIRST}-{FIRST + FRAMES - 1}"
        wait_until(lambda: "is in place" in panel.statusBar().currentMessage())
