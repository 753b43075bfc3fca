"""What a host pays at its start for the installed tree: the time until everything that a job needs is imported.

In a process without site-packages, as a host's own Python is, with the compiled files that the first start leaves.
Processor time, as a machine that does other things would be measured otherwise.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.table import Row, at_most
from understudy.host_plugins.makers import payload_makers
from understudy.host_plugins.payload import known_hosts, write_payload
from understudy.host_plugins.places import running_python, this_machine
from understudy.host_plugins.plan import Wanted, tree_parts
from understudy.host_plugins.tree import write_tree

GOAL_MILLISECONDS = 100.0
ROUNDS = 15
_TIMED = """
import sys, time
sys.path.append(sys.argv[1])
start = time.process_time()
import understudy_startup
assert not understudy_startup.complaints()
import understudy.bridge.host_jobs, understudy.bridge.delivered, understudy.bridge.host_daemon
print(time.process_time() - start)
"""


def measure() -> list[Row]:
    """Time the imports again and again; the median of the faster half is told, as a busy machine only adds."""
    with tempfile.TemporaryDirectory() as folder:
        tree = _tree(Path(folder) / "tree")
        times = sorted(_seconds(tree) for _ in range(ROUNDS + 1))
    median = statistics.median(times[: ROUNDS // 2]) * 1000
    return [at_most("a host imports the installed tree", median, GOAL_MILLISECONDS, "ms", 1.0, "limit: 100 ms")]


def _tree(folder: Path) -> Path:
    makers = payload_makers(None)
    wanted = Wanted("nuke", (running_python(),), (this_machine().platform,))

    def code(target: Path, hosts: tuple[str, ...]) -> None:
        write_payload(target, tuple(host for host in hosts if host in known_hosts()))

    write_tree(
        tree_parts(wanted), folder, type(makers)(code, makers.fetch_wheels, makers.write_extension),
        host="nuke", version="0",
    )  # fmt: skip
    return folder


def _seconds(tree: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-S", "-s", "-c", _TIMED, str(tree)], capture_output=True, text=True, check=True, env={}
    )
    return float(done.stdout)
