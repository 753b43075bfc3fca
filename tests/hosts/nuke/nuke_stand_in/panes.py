"""The module `nukescripts`, as much of it as we call: panes are registered by a text that is evaluated later."""

from __future__ import annotations

import types
from typing import Any

from nuke_stand_in.application import api, current


@api("nukescripts.panels.registerWidgetAsPanel")
def registerWidgetAsPanel(widget: str, name: str, id: str, create: bool = False) -> None:  # noqa: N802
    if not isinstance(widget, str):
        raise TypeError("registerWidgetAsPanel takes the text of an expression")
    current().panes[id] = (name, widget)


def make_nukescripts() -> types.ModuleType:
    """Return the module, for `sys.modules`."""
    module = types.ModuleType("nukescripts")
    module.panels = types.SimpleNamespace(registerWidgetAsPanel=registerWidgetAsPanel)  # type: ignore[attr-defined]
    return module


def open_pane(id: str) -> Any:
    """Return the pane's widget, made as Nuke does: the text is evaluated in a namespace of its own."""
    return eval(current().panes[id][1], {})()  # noqa: S307
