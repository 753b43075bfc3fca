"""Where anything at all may be caught: at the edges listed in docs/architecture.md, and nowhere else."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
EDGES = {
    # the daemon's loops: one job's, one watcher's, one request's fault must not end the others
    "inference/daemon/audience.py": 1,
    "inference/daemon/bulk.py": 1,
    "inference/daemon/dispatch.py": 3,
    "inference/daemon/following.py": 1,
    "inference/daemon/local_executor.py": 1,
    "inference/daemon/proxy_maker.py": 1,
    "inference/daemon/retention.py": 1,
    "inference/daemon/server.py": 1,
    # the workers: one job's fault must not end the slot, one rule's must not end the others
    "inference/worker.py": 1,
    "inference/compliance/rule.py": 1,
    "inference/compliance/runner.py": 1,
    # the caller's side: a host's callback, and the terminal
    "bridge/watch.py": 1,
    "bridge/main_thread.py": 2,
    "bridge/host_jobs.py": 1,
    # the panel's threads: one errand's fault is shown, and the next is done
    "ui/errands.py": 1,
    "host_plugins/nuke/buttons.py": 1,
    "host_plugins/nuke/session.py": 2,
    "host_plugins/nuke/startup.py": 1,
    "host_plugins/nuke/terminal.py": 1,
    "host_plugins/blender/operators.py": 2,
    "host_plugins/startup/understudy_startup.py": 1,
    "bridge/cli.py": 1,
    "host_plugins/resolve/startup.py": 1,
}


def catches_anything(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    return any(kind is None or ast.unparse(kind) in ("Exception", "BaseException") for kind in kinds)


def test_anything_at_all_is_caught_only_at_the_edges() -> None:
    found: Counter[str] = Counter()
    for package in ("bridge", "inference", "ui", "host_plugins"):
        for path in (ROOT / package).rglob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            found[path.relative_to(ROOT).as_posix()] += sum(map(catches_anything, nodes))
    assert +found == EDGES
