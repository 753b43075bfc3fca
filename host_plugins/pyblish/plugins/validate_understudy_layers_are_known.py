from __future__ import annotations

from understudy.host_plugins.pyblish import rule
from understudy.host_plugins.pyblish.found import UsedLayer


class ValidateUnderstudyLayersAreKnown(rule.LayerRule):
    """The daemon knows the job of every layer. A file that only says that it is ours proves nothing."""

    label = "Understudy: layers are known"
    title = "Nobody knows where a layer comes from"
    remedy = (
        "Publish where the daemon that made it answers, with a key that may see its project; or fetch the take anew "
        "and read that one."
    )

    def problem(self, layer: UsedLayer) -> str:
        return "" if layer.standing.known or not layer.standing.asked else f"is unknown: {layer.standing.why}"
