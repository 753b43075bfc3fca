from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.table import Row, at_least, at_most, render

HEAVY = ("numpy", "zmq.asyncio", "asyncio", "typer", "rich", "sqlite3", "torch", "PySide6", "OpenEXR", "cv2", "av")


@pytest.mark.parametrize("module", ["client", "watch", "keys", "settings", "wire"])
def test_when_a_host_imports_the_bridge_then_nothing_heavy_comes_along(module: str) -> None:
    script = f"import understudy.bridge.{module}, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_row_says_whether_its_goal_was_reached() -> None:
    assert at_most("n", 5.0, 2.0, "ms", 2.5).reached
    assert not at_most("n", 5.1, 2.0, "ms", 2.5).reached
    assert at_least("n", 3.0, 10.0, "GB/s", 0.3).reached
    assert not at_least("n", 2.9, 10.0, "GB/s", 0.3).reached
    assert render([Row("n", "1 ms", "2 ms", 0.5, "at most 2", True, "why")]).splitlines()[-1] == (
        "| n | 1 ms | 2 ms | 0.50 | at most 2 | yes | why |"
    )
