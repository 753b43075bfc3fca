"""A file of rows that is whole after each of them, and how seconds on a GPU are told."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


class Rows:
    """Writes every row as it comes; told on standard output as well."""

    def __init__(self, path: Path, **surroundings: Any) -> None:
        self._path, self._told = path, {"surroundings": surroundings, "rows": []}
        self._started = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, **values: Any) -> None:
        row = {"name": name, "at_seconds": round(self.seconds, 1), **values}
        self._told["rows"].append(row)
        self._path.write_text(json.dumps(self._told, indent=1) + "\n", encoding="utf-8")
        print(json.dumps(row), flush=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started


def seconds(work: Callable[[], Any], times: int = 3, warm_up: int = 1) -> float:
    """Return the median seconds of `work` on the GPU, after `warm_up` runs that do not count."""
    for _ in range(warm_up):
        work()
    measured = []
    for _ in range(times):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        measured.append(time.perf_counter() - start)
    return statistics.median(measured)


def card() -> dict[str, Any]:
    return {
        "card": torch.cuda.get_device_name(),
        "memory_gib": round(torch.cuda.get_device_properties(0).total_memory / 2**30, 1),
        "cards": torch.cuda.device_count(),
        "torch": torch.__version__,
    }
