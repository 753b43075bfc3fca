from __future__ import annotations

from understudy.host_plugins.pyblish import rule
from understudy.host_plugins.pyblish.found import UsedLayer


class ValidateUnderstudyPapersWereAskedFor(rule.LayerRule):
    """The daemon was asked today how each layer's papers stand. No answer is no permission."""

    label = "Understudy: papers were asked for"
    title = "Nobody could be asked about a layer's papers"
    remedy = (
        "Start the daemon (`understudy serve`), or publish from a machine that reaches it; see `understudy doctor`. "
        "A list of revoked consents that is named must read."
    )

    def problem(self, layer: UsedLayer) -> str:
        return "" if layer.standing.asked else f"could not be asked about: {layer.standing.why}"
