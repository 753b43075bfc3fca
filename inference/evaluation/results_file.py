"""evaluation.json: everything that was measured. Numbers to six digits: more would be noise of the arithmetic."""

from __future__ import annotations

from pathlib import Path

import msgspec

from understudy.inference.evaluation.rows import Evaluation

JSON_NAME = "evaluation.json"
PLOT_NAME = "evaluation.png"
DIGITS = 6


def results_text(evaluation: Evaluation) -> bytes:
    """Return the evaluation as indented JSON that ends in a newline. The same evaluation gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(_rounded(msgspec.to_builtins(evaluation))), indent=1) + b"\n"


def write_whole(path: Path, data: bytes) -> None:
    """Write through a temporary name: a file that has its name is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    temporary.write_bytes(data)
    temporary.replace(path)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {name: _rounded(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(held) for held in value]
    return value
