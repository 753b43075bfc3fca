"""What we bring into Blender's interpreter."""

from __future__ import annotations

import json
import subprocess
import sys

ALLOWED = {"understudy", "zmq", "msgspec", "blake3", "xxhash"}
IF_THERE = {"typing_extensions", "cython_runtime"}
"""msgspec takes the first where a host has it, and does without; the second is no file but a name that pyzmq's compiled
part registers."""
BROUGHT = """
import sys, json, os
import bpy, bpy_extras.object_utils
before = set(sys.modules)
import understudy.host_plugins.blender.registration
print(json.dumps(sorted({name.split(".")[0] for name in set(sys.modules) - before})), flush=True)
assert "zmq" not in sys.modules, "sockets are a job's to pay for"
import understudy.bridge.host_work, understudy.bridge.host_daemon
print(json.dumps(sorted({name.split(".")[0] for name in set(sys.modules) - before})), flush=True)
os._exit(0)
"""


def test_when_the_extension_is_switched_on_then_it_brings_nothing_but_the_bridge_and_its_four_libraries() -> None:
    done = subprocess.run([sys.executable, "-c", BROUGHT], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    foreign = set(json.loads(done.stdout.splitlines()[-1])) - ALLOWED - IF_THERE - set(sys.stdlib_module_names)
    assert {name for name in foreign if not name.startswith("_")} == set()
