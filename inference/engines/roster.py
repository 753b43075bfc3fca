"""Which engines there are, what each says of itself, and how one is opened. No library of pictures is loaded here."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import RequestError
from understudy.bridge.shot import Settings
from understudy.inference.engines.descriptions import DESCRIPTIONS

if TYPE_CHECKING:
    from understudy.inference.engines.door import Engine

ENGINE_MODULES = {
    "identity": "identity",
    "preview": "preview",
    "wan-animate": "wan_animate",
    "wan-animate-2": "wan_animate_2",
}
"""Engine name to module in this folder. Adding an engine is one file and one line here."""

OPTION_MODULES = {"wan-animate": "wan.options", "wan-animate-2": "wan2.options"}
"""Engines whose description depends on the settings, to the module whose `described` says how."""


def describe_engines() -> tuple[EngineDescription, ...]:
    """Return every engine's description. Heavy libraries stay unloaded: descriptions are data in `descriptions.py`."""
    return DESCRIPTIONS


def describe_engine(name: str) -> EngineDescription:
    """Raises RequestError for an engine that is not here."""
    for description in describe_engines():
        if description.name == name:
            return description
    known = ", ".join(description.name for description in describe_engines())
    raise RequestError(f"there is no engine '{name}'", remedy=f"Choose one of: {known}.")


def needs_gpu(name: str) -> bool:
    """Say whether an engine wants a slot that owns a GPU. One that is not here wants none: it fails by itself."""
    return any(description.gpu for description in describe_engines() if description.name == name)


def describe_for(settings: Settings) -> EngineDescription:
    """Return the engine's description as these settings make it: a preset's size, the length of a segment.

    Raises RequestError for an engine that is not here.
    """
    description = describe_engine(settings.engine)
    if description.name not in OPTION_MODULES:
        return description
    options = importlib.import_module(f"understudy.inference.engines.{OPTION_MODULES[description.name]}")
    described: EngineDescription = options.described(description, settings)
    return described


def open_engine(name: str) -> Engine:
    """Import the engine's module and return a fresh engine. Raises RequestError."""
    describe_engine(name)
    module = importlib.import_module(f"understudy.inference.engines.{ENGINE_MODULES[name]}")
    engine: Engine = module.open_engine()
    return engine
