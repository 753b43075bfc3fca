"""What Blender pays for us when it starts, and what we bring into its interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

ALLOWED = {"understudy", "zmq", "msgspec", "blake3", "xxhash"}
IF_THERE = {"typing_extensions"}
"""msgspec takes it where a host has it, and does without."""
SHARE_OF_BLENDER = 0.1 / 0.35
"""A tenth of a second where Blender's own modules take 0.35 s of processor time, on a quiet machine; here machines are
shared, so the two are compared."""
MEASURE = """
import sys, time, json, os
start = time.process_time()
import bpy, bpy_extras.object_utils
theirs = time.process_time() - start
before = set(sys.modules)
start = time.process_time()
import understudy.host_plugins.blender.registration
ours = time.process_time() - start
print(json.dumps([ours / theirs, sorted({name.split(".")[0] for name in set(sys.modules) - before})]), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[float, list[str]]]:
    """Return our cost as a share of Blender's, and the modules that came, of three starts with compiled files."""
    cache = {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("compiled")), "PYTHONDONTWRITEBYTECODE": ""}
    runs = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", MEASURE],
            env={**os.environ, **cache}, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        runs.append(tuple(json.loads(done.stdout.splitlines()[-1])))
    return runs


def test_when_the_extension_is_switched_on_then_it_costs_at_most_a_tenth_of_a_second(
    measured: list[tuple[float, list[str]]],
) -> None:
    assert min(share for share, _ in measured) <= SHARE_OF_BLENDER, measured


def test_when_the_extension_is_switched_on_then_it_brings_nothing_but_the_bridge_and_its_four_libraries(
    measured: list[tuple[float, list[str]]],
) -> None:
    foreign = {name for _, names in measured for name in names} - ALLOWED - IF_THERE - set(sys.stdlib_module_names)
    assert {name for name in foreign if not name.startswith("_")} == set()
