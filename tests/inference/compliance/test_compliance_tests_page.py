"""docs/compliance-tests.md names only tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "compliance-tests.md").read_text(encoding="utf-8")
HEADS = ("| what somebody does", "| what pyblish does", "| what comes")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(HEADS)]


@pytest.mark.parametrize("row", ROWS)
def test_every_line_says_what_happens_and_which_test_proves_it(row: str) -> None:
    what, happens, proof = (cell.strip() for cell in row.strip("| ").split(" | "))
    assert what
    assert happens
    found = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", proof)
    assert found is not None, proof
    assert f"def {found[2]}(" in (ROOT / found[1]).read_text(encoding="utf-8")


def test_the_page_has_all_its_tables() -> None:
    assert len(ROWS) > 40
    assert all(head in PAGE for head in HEADS)
