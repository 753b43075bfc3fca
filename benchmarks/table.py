"""One line of the table that `make bench` prints: every claim of speed is a ratio measured in one run."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """What was measured, against what limit, and whether the goal was reached."""

    name: str
    measured: str
    """With its unit."""
    limit: str
    """What it is compared with, measured in the same run."""
    ratio: float
    goal: str
    """As it is said: `at most 2.5`, `at least 0.30`."""
    reached: bool
    note: str = ""


def at_most(name: str, measured: float, limit: float, unit: str, goal: float, note: str = "") -> Row:
    """Return the row of something that should be small: `measured` at most `goal` times `limit`."""
    ratio = measured / limit
    return Row(name, f"{measured:.3g} {unit}", f"{limit:.3g} {unit}", ratio, f"at most {goal:g}", ratio <= goal, note)


def at_least(name: str, measured: float, limit: float, unit: str, goal: float, note: str = "") -> Row:
    """Return the row of something that should be large: `measured` at least `goal` times `limit`."""
    ratio = measured / limit
    return Row(name, f"{measured:.3g} {unit}", f"{limit:.3g} {unit}", ratio, f"at least {goal:g}", ratio >= goal, note)


def render(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| what | measured | limit | ratio | goal | reached | |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {row.name} | {row.measured} | {row.limit} | {row.ratio:.2f} | {row.goal} | "
        f"{'yes' if row.reached else 'no'} | {row.note} |"
        for row in rows
    ]
    return "\n".join(lines)
