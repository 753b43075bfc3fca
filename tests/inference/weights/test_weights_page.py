"""docs/weights.md says only what a test proves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "weights.md").read_text(encoding="utf-8").partition("## Bad input")[2]
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| input")]


@pytest.mark.parametrize("row", ROWS)
def test_every_line_says_what_happens_and_which_test_proves_it(row: str) -> None:
    _, outcome, message, proof = (cell.strip() for cell in row.strip("| ").split(" | "))
    assert outcome.startswith(("refuse", "degrade and list", "pass"))
    assert message
    found = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", proof)
    assert found is not None, proof
    assert f"def {found[2]}(" in (ROOT / found[1]).read_text(encoding="utf-8")


def test_the_page_has_its_table() -> None:
    assert len(ROWS) > 25
