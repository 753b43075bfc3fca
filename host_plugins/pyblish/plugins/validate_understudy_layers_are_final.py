from __future__ import annotations

from understudy.host_plugins.pyblish import rule
from understudy.host_plugins.pyblish.found import UsedLayer


class ValidateUnderstudyLayersAreFinal(rule.LayerRule):
    """No layer is provisional: those may be looked at while their job runs, and never published."""

    label = "Understudy: layers are final"
    title = "A provisional layer is used"
    remedy = (
        "Wait until its job is delivered, read the delivered take instead, and render again what was rendered from it."
    )

    def problem(self, layer: UsedLayer) -> str:
        provisional = sum(1 for file in layer.files if file.sight.state == "provisional")
        return f"is provisional in {provisional} of {len(layer.files)} files" if provisional else ""
