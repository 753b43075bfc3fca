from __future__ import annotations

from understudy.host_plugins.pyblish import rule
from understudy.host_plugins.pyblish.found import UsedLayer


class ValidateUnderstudyPapersWereAskedFor(rule.LayerRule):
    """The daemon was asked today how each layer's papers stand. No answer is no permission."""

    label = "Understudy: papers were asked for"
    title = "The daemon did not answer"
    remedy = "Start it (`understudy serve`), or publish from a machine that reaches it; see `understudy doctor`."

    def problem(self, layer: UsedLayer) -> str:
        return "" if layer.standing.asked else f"could not be asked about: {layer.standing.why}"
