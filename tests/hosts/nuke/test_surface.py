"""The stand-in may have nothing that Nuke has not: its surface is held against types-nuke, names and arguments."""

from __future__ import annotations

import ast
import inspect
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest
from nuke_stand_in import Application, make_module, start

OWN_ARGUMENTS = {"self", "cls", "args", "kwargs"}


class Stubs:
    """Every function and class of types-nuke, with the arguments that it declares; None where it declares none."""

    def __init__(self) -> None:
        self.functions: dict[str, list[str] | None] = {}
        self.classes: dict[str, dict[str, list[str] | None]] = {}
        self.parents: dict[str, list[str]] = {}
        self.names: set[str] = set()
        for path in sorted(Path(str(file.locate())) for file in files("types-nuke") or () if file.suffix == ".pyi"):
            self._read(ast.parse(path.read_text(encoding="utf-8")))

    def method(self, kind: str, name: str) -> tuple[bool, list[str] | None]:
        """Return whether the class or one of its parents has the method, and its arguments."""
        if name in self.classes[kind]:
            return True, self.classes[kind][name]
        found = [self.method(parent, name) for parent in self.parents[kind] if parent in self.classes]
        return next((one for one in found if one[0]), (False, None))

    def _read(self, tree: ast.Module) -> None:
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = _longer(self.functions.get(node.name, []), _arguments(node))
            elif isinstance(node, ast.ClassDef):
                self.parents[node.name] = [base.id for base in node.bases if isinstance(base, ast.Name)]
                table = self.classes.setdefault(node.name, {})
                for item in node.body:
                    if isinstance(item, ast.FunctionDef):
                        table[item.name] = _longer(table.get(item.name, []), _arguments(item))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                self.names.add(node.target.id)


def _arguments(node: ast.FunctionDef) -> list[str] | None:
    if node.args.vararg is not None:
        return None
    return [argument.arg for argument in node.args.args if argument.arg not in OWN_ARGUMENTS]


def _longer(one: list[str] | None, other: list[str] | None) -> list[str] | None:
    """Overloads: whatever any of them takes may be given."""
    return None if one is None or other is None else [*one, *(name for name in other if name not in one)]


@pytest.fixture(scope="module")
def stubs() -> Stubs:
    return Stubs()


@pytest.fixture
def module() -> Any:
    return make_module(start(Application()))


def public(thing: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(thing).items() if not name.startswith("_")}


def test_when_the_stand_in_has_a_name_then_nuke_has_it_too(stubs: Stubs, module: Any) -> None:
    real = stubs.functions.keys() | stubs.classes.keys() | stubs.names
    assert set(public(module)) <= real


def test_when_a_function_takes_an_argument_then_nuke_s_takes_one_of_that_name(stubs: Stubs, module: Any) -> None:
    for name, function in public(module).items():
        declared = stubs.functions.get(name)
        if inspect.isfunction(function) and declared:
            own = [one for one in inspect.signature(function).parameters if one not in OWN_ARGUMENTS]
            loose = [one for one in ("filter", "group", "recurseGroups") if name == "allNodes"]
            assert [one for one in own if one not in declared and one not in loose] == [], name


def test_when_a_class_has_a_method_then_nuke_s_class_has_it_with_those_arguments(stubs: Stubs, module: Any) -> None:
    hidden = _behind_the_api()
    for kind, table in ((name, value) for name, value in public(module).items() if inspect.isclass(value)):
        for name, method in public(table).items():
            if name in hidden.get(kind, ()) or not (callable(method) or isinstance(method, classmethod)):
                continue
            there, declared = stubs.method(kind, name)
            assert there, f"{kind}.{name}"
            own = [one for one in inspect.signature(getattr(table, name)).parameters if one not in OWN_ARGUMENTS]
            if declared:
                assert len(own) <= len(declared), f"{kind}.{name}{own} and Nuke's {declared}"


def test_when_a_name_is_misspelt_then_the_stand_in_has_none_of_it(module: Any) -> None:
    with pytest.raises(AttributeError):
        module.creatNode("Read")
    with pytest.raises(AttributeError):
        module.nodes.Raed()


def _behind_the_api() -> dict[str, set[str]]:
    """Return the methods with which the stand-in works inside: not marked as Nuke's, and so never called by a plugin.

    A plugin that calls one all the same fails mypy, which knows Nuke's own only.
    """
    from nuke_stand_in import knobs, nodes, shapes, surface

    found: dict[str, set[str]] = {}
    for source in (knobs, nodes, shapes, surface):
        for name, kind in vars(source).items():
            if inspect.isclass(kind):
                found[name] = {
                    key for key, value in vars(kind).items()
                    if inspect.isfunction(value) and not hasattr(value, "__wrapped__")
                }  # fmt: skip
    return found
