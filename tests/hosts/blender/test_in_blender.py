"""The tests of `inside/`, each file in a process of its own of each Blender that is here."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FILES = sorted(path.name for path in (HERE / "inside").glob("test_*.py"))
PROCESS_SECONDS = 900  # a leaked timer makes 4.5 hang at its end


def _environments():  # type: ignore[no-untyped-def]
    spec = importlib.util.spec_from_file_location("environments", HERE / "environments.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


environments = _environments()


@pytest.mark.long
@pytest.mark.timeout(PROCESS_SECONDS + 30)
@pytest.mark.parametrize("version", environments.PYTHONS)
@pytest.mark.parametrize("file", FILES)
def test_when_blender_runs_the_tests_of_a_file_then_all_of_them_pass(version: str, file: str, tmp_path: Path) -> None:
    if why := environments.why_not(version):
        pytest.skip(why)
    python = environments.blender_python(version)
    done = subprocess.run(
        [
            str(python), "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", "--confcutdir",
            str(HERE / "inside"), "--basetemp", str(tmp_path / "inside"), str(HERE / "inside" / file),
        ],
        cwd=ROOT, env=_surroundings(tmp_path), capture_output=True, text=True, check=False, timeout=PROCESS_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, f"bpy {version}, {file}:\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"


def _surroundings(folder: Path) -> dict[str, str]:
    """Return an environment in which nothing of the user's Blender is read or written."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT / ".typing"),
        "UNDERSTUDY_TEST_PYTHON": sys.executable,
        "BLENDER_USER_RESOURCES": str(folder / "blender"),
    }
