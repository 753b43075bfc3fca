from __future__ import annotations

from typing import Any, ClassVar

import pyblish.api

from understudy.host_plugins.pyblish.doors import final_files
from understudy.host_plugins.pyblish.final import write_finals
from understudy.host_plugins.pyblish.refusals import refusal
from understudy.host_plugins.pyblish.rule import ANSWERS, EVERY_TARGET, MATCH, WRITE_ORDER, found_in
from understudy.host_plugins.pyblish.rules import LAST_RULE, RULES
from understudy.host_plugins.pyblish.seal import seal_finals


class ExtractUnderstudyFinal(pyblish.api.ContextPlugin):  # type: ignore[misc]
    """Writes understudy_final.json beside the final: which layers it is made of, on which papers."""

    label = "Understudy: write what the final is made of"
    order = WRITE_ORDER
    targets: ClassVar[list[str]] = EVERY_TARGET
    match = MATCH

    def process(self, context: Any) -> None:
        found = found_in(context)
        answers = context.data.get(ANSWERS, set())
        if {*RULES, LAST_RULE} - answers:
            raise refusal(
                "A rule of Understudy did not run",
                tuple(sorted({*RULES, LAST_RULE} - answers)),
                "Switch it on again and publish again: what was written is not cleared.",
            )
        if not found.layers:
            return
        files = final_files(context)
        if not files:
            raise refusal(
                "Nobody says which files the final has",
                ("no instance names files that are on disk",),
                "Put their paths into instance.data['understudy_files'] when they are written, then publish again.",
            )
        # Before the digests are taken: a movie's bytes change when it is signed.
        self.log.info(seal_finals(files, found))
        for path in write_finals(files, found, answers):
            self.log.info("wrote %s", path)
