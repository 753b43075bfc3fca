from __future__ import annotations

from typing import ClassVar

from understudy.host_plugins.pyblish import rule
from understudy.host_plugins.pyblish.found import Found
from understudy.host_plugins.pyblish.repairs import FetchAgain
from understudy.host_plugins.pyblish.rule import some


class ValidateUnderstudyFilesAreThere(rule.LayerRule):
    """Every file upstream of what is published is on disk. What is not there cannot be shown to be cleared."""

    label = "Understudy: files are there"
    title = "A file upstream is missing"
    remedy = (
        "Press the repair: layers of a take are fetched again from the daemon. Point anything else at files that are "
        "there, or take it out of what is published."
    )
    actions: ClassVar[list[type]] = [FetchAgain]

    def problems(self, found: Found) -> tuple[str, ...]:
        places: dict[str, list[str]] = {}
        for gap in found.missing:
            places.setdefault(gap.where, []).append(gap.what)
        return tuple(f"{where} reads {some(files)}, not on disk" for where, files in places.items())
