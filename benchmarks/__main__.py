"""`python -m benchmarks [NAME ...] [--json FILE]`: measure every claim of speed, or some, and print one table.

Each module of this folder that has `measure() -> list[Row]` runs in a process of its own, one after the other,
quick ones first. What fails is told and fails the whole; a goal that is missed is told in its row.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from benchmarks.table import Row, render
from understudy.inference.daemon.surroundings import memory_environment

IN_ORDER = (
    "import_cost", "ping_latency", "store_commits", "colour_and_layers", "movies", "wire_transfer", "loop_stall",
    "preview_speed", "preview_quality", "whole_job", "resident_memory", "kill_100",
)  # fmt: skip
"""What is not named here comes after these, by name."""
AS_IN_A_WORKER = frozenset(
    {"colour_and_layers", "movies", "provenance", "preview_speed", "preview_quality", "watermark"}
)
"""They measure what only ever runs in a worker, so they get a worker's surroundings."""
FOLDER = Path(__file__).parent


class Measured(NamedTuple):
    """What one module said: its rows, or why there are none."""

    name: str
    rows: list[Row]
    seconds: float
    problem: str = ""


def names() -> tuple[str, ...]:
    """Return the modules that measure something, in the order in which they run."""
    found = {path.stem for path in FOLDER.glob("*.py") if "\ndef measure(" in path.read_text(encoding="utf-8")}
    return tuple(name for name in IN_ORDER if name in found) + tuple(sorted(found - set(IN_ORDER)))


def measure_apart(name: str) -> Measured:
    """Run one module's `measure` in a fresh interpreter and return its rows, or its last words."""
    start = time.monotonic()
    environment = memory_environment(os.environ) if name in AS_IN_A_WORKER else dict(os.environ)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--one", name],
        capture_output=True, text=True, env=environment, cwd=FOLDER.parent, check=False,
    )  # fmt: skip
    seconds = time.monotonic() - start
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()
        return Measured(name, [], seconds, words[-1] if words else f"ended with code {done.returncode}")
    return Measured(name, [Row(*row) for row in json.loads(done.stdout.splitlines()[-1])], seconds)


def machine() -> str:
    """Return what this machine is, in one line."""
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {_processor()}, {_memory()}, {system}"


def _processor() -> str:
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _memory() -> str:
    sizes = [int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal:")]
    return f"{sizes[0] / 2**20:.0f} GiB" if sizes else "memory unknown"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def summary(measured: Iterable[Measured]) -> str:
    """Return how many goals were reached, which were missed, and what could not be measured."""
    found = tuple(measured)
    rows = [row for one in found for row in one.rows]
    missed = [row.name for row in rows if not row.reached]
    lines = [f"{len(rows) - len(missed)} of {len(rows)} goals reached."]
    lines += [f"Not reached: {', '.join(missed)}."] if missed else []
    lines += [f"Not measured: {one.name}: {one.problem}" for one in found if one.problem]
    return "\n".join(lines)


def as_json(measured: Iterable[Measured], head: Mapping[str, str]) -> str:
    """Return machine, date and every row with its module, as JSON."""
    rows = [{"module": one.name, **row._asdict()} for one in measured for row in one.rows]
    problems = {one.name: one.problem for one in measured if one.problem}
    return json.dumps({**head, "rows": rows, "not_measured": problems}, indent=1) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when everything could be measured, whether or not its goal was reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(names())}. Default: all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one is not None:
        print(json.dumps(importlib.import_module(f"benchmarks.{options.one}").measure()))
        return 0
    unknown = sorted(set(options.names) - set(names()))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(names())}")
    return _run(options.names or names(), options.json)


def _run(wanted: Iterable[str], file: Path | None) -> int:
    head = {
        "machine": machine(),
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "load": f"{os.getloadavg()[0]:.1f}",
    }
    measured = []
    for name in wanted:
        print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
        measured.append(measure_apart(name))
        print(f"{measured[-1].seconds:.0f} s", file=sys.stderr)
    print(f"{head['date']}, {head['machine']}, load {head['load']} at the start\n")
    print(render([row for one in measured for row in one.rows]))
    print(f"\n{summary(measured)}")
    if file is not None:
        file.write_text(as_json(measured, head), encoding="utf-8")
    return 1 if any(one.problem for one in measured) else 0


if __name__ == "__main__":
    sys.exit(main())
