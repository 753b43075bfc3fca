"""The stand-in against the published stubs of Blackmagic's API: no call of its own, no argument of another name."""

from __future__ import annotations

import ast
import inspect
from importlib.metadata import files

import pytest
from resolve_rig import MakeRig
from resolve_stand_in import application, pool, timelines
from resolve_stand_in.world import Thing

CLASSES = (
    application.Resolve, application.ProjectManager, application.Project, pool.MediaPool, pool.MediaPoolItem,
    pool.Folder, timelines.Timeline, timelines.TimelineItem,
)  # fmt: skip
SPELLINGS = {"AppendToTimeline": "clipInfo", "StartRendering": "jobIds"}
"""Of the calls that the stubs give in several forms, the one that the plugin uses."""


def published() -> dict[str, dict[str, list[list[str]]]]:
    """Return, by class and call, the argument names of every form."""
    found = [file for file in files("fusionscript-stubs") or [] if file.name == "fusionscript.pyi"]
    tree = ast.parse(found[0].read_text(encoding="utf-8"))
    classes: dict[str, dict[str, list[list[str]]]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            calls = classes.setdefault(node.name, {})
            for call in node.body:
                if isinstance(call, ast.FunctionDef):
                    calls.setdefault(call.name, []).append([argument.arg for argument in call.args.args[1:]])
    return classes


def own_calls(kind: type) -> dict[str, list[str]]:
    return {
        name: list(inspect.signature(call).parameters)[1:]
        for name, call in inspect.getmembers(kind, inspect.isfunction)
        if name[0].isupper()
    }


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_when_the_stand_in_offers_a_call_then_the_real_one_has_it_with_the_same_arguments(kind: type[Thing]) -> None:
    stubs = published()[kind.__name__]
    calls = own_calls(kind)
    assert calls
    assert set(calls) <= set(stubs)
    for name, arguments in calls.items():
        forms = stubs[name]
        assert any(form[: len(arguments)] == arguments for form in forms), (name, arguments, forms)


def test_when_a_call_is_misspelt_then_it_is_there_by_hasattr_and_nothing_by_getattr(make_rig: MakeRig) -> None:
    timeline = make_rig().timeline
    assert hasattr(timeline, "GetItemsListInTrack")
    assert timeline.GetItemsListInTrack is None
    assert "GetItemsListInTrack" not in dir(timeline)


def test_when_the_stand_in_is_set_to_lint_then_a_misspelt_call_raises(make_rig: MakeRig) -> None:
    with pytest.raises(AttributeError):
        _ = make_rig(hasattr_always=False).timeline.GetItemsListInTrack


def test_when_a_sales_window_is_open_then_unrelated_calls_fail_until_it_is_closed(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.resolve.world.modal = True
    assert not rig.resolve.OpenPage("deliver")
    rig.resolve.world.modal = False
    assert rig.resolve.OpenPage("deliver")


def test_when_a_bare_dict_is_appended_then_the_stand_in_says_that_resolve_would_freeze(make_rig: MakeRig) -> None:
    with pytest.raises(AssertionError, match="freeze"):
        make_rig().resolve.project.pool.AppendToTimeline({})  # type: ignore[arg-type]
