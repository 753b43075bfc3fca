"""Understudy's part in a studio's own publish: finds every layer of ours upstream and refuses what may not leave.

The one part of the plugins that imports pyblish, which is the studio's own. `register()` from the studio's own startup,
or give the studio's publisher `PLUGINS` as a folder to discover.
"""

from __future__ import annotations

from pathlib import Path

PLUGINS = Path(__file__).parent / "plugins"


def register() -> None:
    """Register every plugin with pyblish, each imported by name. Raises ImportError: discovery would only log it."""
    import importlib

    import pyblish.api

    from understudy.host_plugins.pyblish.rules import EVERYTHING

    for file in sorted(PLUGINS.glob("[a-z]*.py")):
        module = importlib.import_module(f"{__name__}.plugins.{file.stem}")
        for name in EVERYTHING:
            if hasattr(module, name) and getattr(module, name).__module__ == module.__name__:
                pyblish.api.register_plugin(getattr(module, name))
