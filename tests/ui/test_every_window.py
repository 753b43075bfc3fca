"""What every window of the panel holds to: a name for every control and for what is drawn, Tab to all of them, a letter
with Alt for one alone, no word cut at any scale.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from every_window import MAKERS, controls, nameless, one_letter_twice, open_windows, tab_order, unreachable
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QDialog

PROCESS = Path(__file__).parents[1] / "rigs/every_window.py"


def test_when_a_screen_reader_or_the_tab_key_comes_then_every_control_of_every_window_is_named_and_reached(
    shared_daemon: RunningDaemon,
) -> None:
    seen, problems = {}, {}
    for name, window in open_windows(shared_daemon.home):
        seen[name] = len(controls(window))
        problems[name] = [*nameless(window), *unreachable(window)]
    assert problems == {name: [] for name in MAKERS}
    assert all(count > 0 for count in seen.values()), seen


def test_when_alt_and_a_letter_are_pressed_then_one_control_of_the_window_is_meant(
    shared_daemon: RunningDaemon,
) -> None:
    shared = {name: one_letter_twice(window) for name, window in open_windows(shared_daemon.home)}
    assert shared == {name: [] for name in MAKERS}


def test_when_tab_is_pressed_then_a_dialog_is_gone_through_from_top_to_bottom(shared_daemon: RunningDaemon) -> None:
    for name, window in open_windows(shared_daemon.home):
        if not isinstance(window, QDialog):
            continue
        order = tab_order(window)
        places = [one.mapTo(window, QPoint(0, 0)).y() for one in order]
        back = [
            order[at].accessibleName()
            for at in range(1, len(order))
            if places[at] < places[at - 1] - window.height() / 8
        ]
        # A second column begins at the top; the buttons at the foot stand above what is scrolled out beneath.
        assert len(back) <= 2, (name, back)


@pytest.mark.long
@pytest.mark.parametrize("scale", ["1", "1.25", "1.5", "2"])
def test_when_the_screen_is_scaled_then_no_label_and_no_button_is_cut(
    shared_daemon: RunningDaemon, tmp_path: Path, scale: str
) -> None:
    ended = subprocess.run(
        [sys.executable, str(PROCESS), str(shared_daemon.home), str(tmp_path)],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "QT_SCALE_FACTOR": scale},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {name: [] for name in MAKERS}
    assert {path.stem for path in tmp_path.glob("*.png")} == set(MAKERS)
