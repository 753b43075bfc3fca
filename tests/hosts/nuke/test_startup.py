"""What a Nuke pays that only starts, and what may be imported inside one."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = ROOT / "host_plugins" / "nuke"
ALLOWED = {"nuke", "nukescripts", "understudy", "zmq", "msgspec", "blake3", "xxhash"}
DOCK = "dock.py"
"""The pane of Nuke 16, which brings PySide6: of all modules it alone may need it."""
IMPORT_SECONDS = 0.1
RIG = """
import sys
import types
nuke = types.ModuleType("nuke")
nuke.addOnScriptLoad = nuke.addOnScriptClose = nuke.addKnobChanged = lambda *args, **kwargs: None
nuke.GUI = True
sys.modules["nuke"] = nuke
"""


def modules() -> list[Path]:
    return sorted(PLUGIN.rglob("*.py"))


def test_when_the_plugin_imports_something_then_a_host_has_it() -> None:
    standard = sys.stdlib_module_names
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name}: hosts run our files under other names"
                names = [node.module or ""]
            for name in names:
                also = {"PySide6"} if path.name == DOCK else set()
                assert name.partition(".")[0] in ALLOWED | standard | also, f"{path.name} imports {name}"


def test_when_nuke_starts_then_our_startup_costs_next_to_nothing_and_loads_no_socket() -> None:
    code = RIG + (
        "import os, time\n"
        "waits = '/proc/self/schedstat'  # nanoseconds on the processor, waiting for one, slices\n"
        "def now():\n"
        "    waited = int(open(waits).read().split()[1]) if os.path.exists(waits) else 0\n"
        "    return time.perf_counter() - waited / 1e9\n"
        "start = now()\n"
        "from understudy.host_plugins.nuke import startup\nstartup.start()\n"
        "print(now() - start, 'zmq' in sys.modules, 'msgspec' in sys.modules)"
    )
    seconds, *loaded = _run(code).split()
    assert loaded == ["False", "False"]
    assert float(seconds) < IMPORT_SECONDS


def test_when_everything_of_the_plugin_is_imported_then_it_is_what_a_host_has() -> None:
    names = [
        ".".join(("understudy.host_plugins.nuke", *path.relative_to(PLUGIN).with_suffix("").parts))
        for path in modules()
        if path.name != DOCK
    ]
    code = RIG + "before = set(sys.modules)\n"
    code += "nuke.__getattr__ = lambda name: type(name, (), {})\n"
    code += "".join(f"import {name}\n" for name in names if not name.endswith("__init__"))
    code += (
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(name for name in new - set(sys.stdlib_module_names) if not name.startswith('_')))"
    )
    # pyzmq brings the last two: its compiled part's runtime, and typing_extensions where that is installed.
    assert set(ast.literal_eval(_run(code))) <= ALLOWED | {"cython_runtime", "typing_extensions"}


def _run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=dict(os.environ), cwd=ROOT.parent
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
