from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from understudy.bridge.errors import RequestError
from understudy.bridge.options import JobOptions
from understudy.ui.panel_commands import open_panel, panel_command


def test_when_a_host_calls_the_panel_then_it_takes_every_option_of_a_submit() -> None:
    names = set(inspect.signature(panel_command()).parameters)
    assert names == {*JobOptions.__struct_fields__, "key", "new", "another"}


def test_when_help_is_asked_for_then_the_declarations_words_are_printed(terminal: Callable[..., object]) -> None:
    said = terminal("panel", "--help")
    assert said.code == 0  # type: ignore[attr-defined]
    assert "--clean-plate" in said.out  # type: ignore[attr-defined]


def test_when_an_option_is_none_then_it_is_refused_before_a_window_opens() -> None:
    with pytest.raises(RequestError) as refused:
        open_panel({"mode": "puppet"}, None, False)
    assert "mode" in refused.value.message
