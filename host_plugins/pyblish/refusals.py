"""How a rule's refusal reaches the artist: a title, what happened, what to do; in AYON as its own kind of error.

AYON shows a title and a page of text for its own error classes and a bare traceback for others. It is never imported:
where it runs, its classes are there already.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

AYON_PUBLISH = ("ayon_core.pipeline.publish", "openpype.pipeline.publish")
AYON_CLASSES = ("PublishValidationError", "PublishError")
"""The first that is there: both take message, title, description and detail."""


class LayerRefused(Exception):
    """A rule does not let a publish pass. Its text alone says all that the artist needs."""

    def __init__(self, message: str, title: str = "", description: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.title = title
        self.description = description
        self.detail = detail


def refusal(
    title: str, problems: tuple[str, ...], remedy: str, modules: Mapping[str, ModuleType] = sys.modules
) -> Exception:
    """Return the exception to be raised: AYON's where AYON runs, else our own. Its description is Markdown.

    problems: one line a layer or place. modules: what is imported in this process.
    """
    message = f"{title}: {'; '.join(problems)}. What to do: {remedy}"
    description = "\n".join(
        (f"## {title}", "", *(f"- {problem}" for problem in problems), "", "### What to do", remedy)
    )
    kind = _ayon_class(modules) or LayerRefused
    made: Exception = kind(message, title=title, description=description, detail="\n".join(problems))
    return made


def _ayon_class(modules: Mapping[str, ModuleType]) -> Any:
    for name in AYON_PUBLISH:
        module = modules.get(name)
        for attribute in AYON_CLASSES:
            if module is not None and hasattr(module, attribute):
                return getattr(module, attribute)
    return None
