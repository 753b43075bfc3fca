from __future__ import annotations

from typing import Any, ClassVar

import pyblish.api

from understudy.host_plugins.pyblish.refusals import refusal
from understudy.host_plugins.pyblish.rule import ANSWERS, EVERY_TARGET, LAST_ORDER, MATCH, answered
from understudy.host_plugins.pyblish.rules import RULES


class ValidateUnderstudyEveryRuleRan(pyblish.api.ContextPlugin):  # type: ignore[misc]
    """Every rule of Understudy gave an answer. One that was switched off, skipped or broken counts as a refusal."""

    label = "Understudy: every rule ran"
    order = LAST_ORDER
    targets: ClassVar[list[str]] = EVERY_TARGET
    match = MATCH
    optional = False

    def process(self, context: Any) -> None:
        silent = sorted(set(RULES) - context.data.get(ANSWERS, set()))
        if silent:
            raise refusal(
                "A rule of Understudy did not run",
                tuple(f"{name} gave no answer" for name in silent),
                "Switch it on again; the log says why it was skipped, and `understudy install` repairs its file.",
            )
        answered(context, type(self))
