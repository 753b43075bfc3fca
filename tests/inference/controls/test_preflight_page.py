"""docs/preflight.md and the code name the same rules."""

from __future__ import annotations

import re
from pathlib import Path

from understudy.inference.controls import face_plan, picture_checks, pose_checks, retarget

ROOT = Path(__file__).parents[3]


def test_the_page_lists_every_rule_of_the_checks_and_no_other() -> None:
    page = (ROOT / "docs" / "preflight.md").read_text()
    table = page.split("## What is found")[1].split("##")[0]
    listed = set(re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if "| `" in line)))
    modules = (face_plan, picture_checks, pose_checks, retarget)
    raised = {
        rule for module in modules for rule in re.findall(r'rule="(\w+)"', Path(module.__file__ or "").read_text())
    }
    assert listed == raised
