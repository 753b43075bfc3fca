"""What mypy is told of our own properties in Blender. They are tables that Blender alone reads, so it is said twice."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from understudy import host_plugins

BLENDER = Path(host_plugins.__file__).parent / "blender"


@pytest.mark.parametrize("name", ["properties.py", "preferences.py", "operators.py"])
def test_when_a_class_has_a_table_of_properties_then_mypy_is_told_of_the_same_names(name: str) -> None:
    classes = [node for node in ast.parse((BLENDER / name).read_text("utf-8")).body if isinstance(node, ast.ClassDef)]
    tables = {one.name: names for one in classes if (names := _in_table(one)) is not None}
    assert tables
    assert tables == {one.name: _told(one) for one in classes if one.name in tables}


def _in_table(one: ast.ClassDef) -> list[str] | None:
    for node in one.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__annotations__":
            assert isinstance(node.value, ast.Dict)
            return [ast.literal_eval(key) for key in node.value.keys if key is not None]
    return None


def _told(one: ast.ClassDef) -> list[str]:
    blocks = [node for node in one.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return [ast.unparse(line.target) for block in blocks for line in block.body if isinstance(line, ast.AnnAssign)]
