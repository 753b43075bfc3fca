from __future__ import annotations

from typing import ClassVar

from understudy.host_plugins.pyblish import rule
from understudy.host_plugins.pyblish.found import UsedLayer
from understudy.host_plugins.pyblish.repairs import FetchAgain
from understudy.host_plugins.pyblish.rule import some


class ValidateUnderstudyLayersAreUnchanged(rule.LayerRule):
    """Every file of a take has the bytes that were delivered, by its digest."""

    label = "Understudy: layers are unchanged"
    title = "A layer was changed after its delivery"
    remedy = "Press the repair: the delivered files are fetched again, the changed ones are kept under `earlier`."
    actions: ClassVar[list[type]] = [FetchAgain]

    def problem(self, layer: UsedLayer) -> str:
        changed = [
            file.sight.path.name for file in layer.files if file.digest and file.expected not in ("", file.digest)
        ]
        return f"was changed since its delivery: {some(changed)}" if changed else ""
