"""What a rule of a publish is: a pyblish plugin that looks at what was found and lets the publish pass or refuses it.

Every rule writes down that it answered, in words of its own: pyblish skips a plugin that is switched off, is meant for
another target, or has the name of another one, without a word. The last rule asks for all the answers.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pyblish.api

from understudy.host_plugins.pyblish.found import Found, UsedLayer
from understudy.host_plugins.pyblish.refusals import refusal

FOUND = "understudy_found"
PAPERS = "understudy_papers"
UPSTREAM = "understudy_upstream"
ANSWERS = "understudy_answers"
"""Keys of `context.data`. A studio may set the second and third before it publishes; the others are ours."""
EVERY_TARGET: list[str] = []
MATCH = pyblish.api.Subset
"""A farm's publish and a local one alike: no target at all is among whichever are asked for. pyblish knows no `*`
there, and leaves a plugin of the default target out of a publish for another without a word."""
COLLECT_ORDER = pyblish.api.CollectorOrder + 0.45
"""Behind the studio's own collectors, which say what is published."""
RULE_ORDER = pyblish.api.ValidatorOrder + 0.1
LAST_ORDER = pyblish.api.ValidatorOrder + 0.45
WRITE_ORDER = pyblish.api.ExtractorOrder + 0.45
"""Behind the studio's own extractors, which write the final's files."""


def found_in(context: Any) -> Found:
    """Return what the collector found. Raises the refusal when it did not end: what was not looked at is not passed."""
    found = context.data.get(FOUND)
    if not isinstance(found, Found):
        raise refusal(
            "Nobody looked for Understudy layers",
            ("the collector CollectUnderstudyLayers failed or did not run",),
            "Read its own error in the list of collectors, then publish again.",
        )
    return found


def answered(context: Any, rule: type[Any]) -> None:
    context.data.setdefault(ANSWERS, set()).add(rule.__name__)


class LayerRule(pyblish.api.ContextPlugin):  # type: ignore[misc]  # pyblish has no types
    """One rule. A subclass has a docstring that the artist reads, a title, a remedy, and `problem`."""

    order = RULE_ORDER
    targets: ClassVar[list[str]] = EVERY_TARGET
    match = MATCH
    optional = False
    title: ClassVar[str]
    remedy: ClassVar[str]

    def problem(self, layer: UsedLayer) -> str:
        """Return what is wrong with a layer, in words that go behind its name; empty when nothing is. Pure."""
        raise NotImplementedError

    def problems(self, found: Found) -> tuple[str, ...]:
        said = ((layer, self.problem(layer)) for layer in found.layers)
        return tuple(f"{layer.words} {words}" for layer, words in said if words)

    def process(self, context: Any) -> None:
        """Called by pyblish. Raises the refusal."""
        problems = self.problems(found_in(context))
        answered(context, type(self))
        if problems:
            raise refusal(self.title, problems, self.remedy)


def some(names: list[str], most: int = 3) -> str:
    """Return the first few of many names in words. Pure."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
