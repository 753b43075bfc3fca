"""What our code costs inside a host, for the installed tree: at the host's start, at the first use, for the first job.

In a process without site-packages, as a host's own Python is, with the compiled files that the first start leaves;
Blender as the real one, where it is here. Processor time, as a machine that does other things would be measured
otherwise. The four libraries alone are timed in turn with ours: without them there is no speaking to a daemon.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.stand_ins import blender_python
from benchmarks.table import Row, at_most
from understudy.host_plugins.makers import payload_makers
from understudy.host_plugins.payload import known_hosts, write_payload
from understudy.host_plugins.places import running_python, this_machine
from understudy.host_plugins.plan import Wanted, tree_parts
from understudy.host_plugins.tree import write_tree

GOAL_MILLISECONDS = 100.0
ROUNDS = 15
LIBRARIES = ("the libraries", "import zmq, msgspec, blake3, xxhash")
FIRST_JOB = ("the first job", "import understudy.bridge.host_work, understudy.bridge.host_daemon")
"""In the job's own thread."""


class HostStart(NamedTuple):
    """How one host comes to our code."""

    host: str
    before: str
    """What the host itself has done by then."""
    stages: tuple[tuple[str, str], ...]
    python: str = sys.executable


FIND_TREE = "import understudy_startup; assert not understudy_startup.complaints()"
NUKE = "import types; nuke = types.ModuleType('nuke'); nuke.__getattr__ = lambda name: type(name, (), {{}});"
NUKE += "nuke.addOnScriptLoad = nuke.addOnScriptClose = nuke.addKnobChanged = nuke.menu = lambda *_, **__: Menu();"
NUKE += (
    "Menu = type('Menu', (), dict(addMenu=lambda *_: Menu(), addCommand=lambda *_: None)); sys.modules['nuke'] = nuke"
)
HOSTS = (
    HostStart("nothing", "", ((LIBRARIES[0], f"{FIND_TREE}; {LIBRARIES[1]}"),)),
    HostStart(
        "Nuke",
        NUKE.replace("{{}}", "{}"),
        (
            ("starts (init.py, menu.py)", "exec(read('init.py')); exec(read('menu.py'))"),
            ("reads ahead, in a thread", "import threading; [thread.join() for thread in threading.enumerate()[1:]]"),
            ("first button", "import understudy.host_plugins.nuke.buttons"),
            FIRST_JOB,
        ),
    ),
    HostStart(
        "Resolve",
        "",
        (("starts the script", f"{FIND_TREE}; import understudy.host_plugins.resolve.startup"), FIRST_JOB),
    ),
    HostStart(
        "Blender 4.5",
        "import bpy; bpy.ops.wm.read_factory_settings(use_empty=True)",
        (
            (
                "registers the extension",
                f"{FIND_TREE}; import understudy.host_plugins.blender as plugin; plugin.register()",
            ),
            FIRST_JOB,
        ),
        blender_python(),
    ),
)
_TIMED = """
import sys, os, time
sys.path[:] = [sys.argv[1], *sys.path] if {first} else [*sys.path, sys.argv[1]]
def read(name):
    with open(os.path.join(sys.argv[1], name)) as file:
        return file.read()
{before}
took = []
for stage in {stages!r}:
    start = time.process_time()
    exec(stage, globals())
    took.append(time.process_time() - start)
print(*took, flush=True)
os._exit(0)
"""


def measure() -> list[Row]:
    """Time every host in turn again and again; the median of the faster half is told, as a busy machine only adds."""
    hosts = [host for host in HOSTS if host.python]
    with tempfile.TemporaryDirectory() as folder:
        tree = _tree(Path(folder) / "tree")
        rounds = [[_milliseconds(tree, host) for host in hosts] for _ in range(ROUNDS + 1)][1:]
    told = {host.host: list(_medians(times)) for host, times in zip(hosts, zip(*rounds, strict=True), strict=True)}
    ((libraries,),) = (told.pop("nothing"),)
    return [row for host in hosts if host.host in told for row in _rows(host, told[host.host], libraries)]


def _rows(host: HostStart, took: list[float], libraries: float) -> Iterator[Row]:
    """Yield what counts against the goal, and what the first job adds against the libraries alone."""
    for (words, _), milliseconds in zip(host.stages[:-1], took[:-1], strict=True):
        yield at_most(f"{host.host} {words}", milliseconds, GOAL_MILLISECONDS, "ms", 1.0, _of(milliseconds, libraries))
    yield at_most(
        f"{host.host}: the first job adds, in its thread", took[-1], libraries, "ms", 1.5, "limit: the four libraries"
    )


def _of(milliseconds: float, libraries: float) -> str:
    return f"limit: 100 ms; {milliseconds / libraries:.2f} of the four libraries' {libraries:.0f} ms"


def _medians(times: tuple[list[float], ...]) -> Iterator[float]:
    for of_stage in zip(*times, strict=True):
        yield statistics.median(sorted(of_stage)[: (len(of_stage) + 1) // 2])


def _tree(folder: Path) -> Path:
    makers = payload_makers(None)
    wanted = Wanted("nuke", (running_python(),), (this_machine().platform,))

    def code(target: Path, hosts: tuple[str, ...]) -> None:
        write_payload(target, known_hosts())

    write_tree(
        tree_parts(wanted), folder, type(makers)(code, makers.fetch_wheels, makers.write_extension),
        host="nuke", version="0",
    )  # fmt: skip
    return folder


def _milliseconds(tree: Path, host: HostStart) -> list[float]:
    bare = host.python == sys.executable
    script = _TIMED.format(before=host.before, stages=[code for _, code in host.stages], first=not bare)
    done = subprocess.run(
        [host.python, *(("-S", "-s") if bare else ()), "-c", script, str(tree)],
        capture_output=True, text=True, check=True, env={} if bare else _quiet(),
    )  # fmt: skip
    return [float(word) * 1000 for word in done.stdout.splitlines()[-1].split()]


def _quiet() -> dict[str, str]:
    """Blender looks for its user's files: it gets a home, and none of ours."""
    return {"HOME": os.environ.get("HOME", "/"), "PATH": os.environ.get("PATH", "")}
