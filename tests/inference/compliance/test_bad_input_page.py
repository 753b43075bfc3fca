"""docs/bad-input.md says only what a test proves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "bad-input.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| input", "| result"))]
OUTCOMES = (
    "refuse",
    "degrade and list",
    "pass",
    "park",
    "the job ",
    "both end well",
    "it is asked",
    "order and history",
)
PLACES = {"client", "admission", "daemon", "inspection", "preflight", "delivery", "sealing"}


@pytest.mark.parametrize("row", ROWS)
def test_every_line_says_what_happens_where_and_which_test_proves_it(row: str) -> None:
    _, outcome, places, message, proof = (cell.strip() for cell in row.strip("| ").split(" | "))
    assert outcome.startswith(OUTCOMES)
    assert set(places.split(", ")) <= PLACES
    assert message
    found = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", proof)
    assert found is not None, proof
    assert f"def {found[2]}(" in (ROOT / found[1]).read_text(encoding="utf-8")


def test_the_page_has_all_its_tables() -> None:
    assert len(ROWS) > 50
