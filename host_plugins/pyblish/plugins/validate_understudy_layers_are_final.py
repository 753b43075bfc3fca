from __future__ import annotations

from understudy.host_plugins.pyblish import rule
from understudy.host_plugins.pyblish.found import UsedLayer

FOR_REVIEW = "for_review"
"""The state that a take of a preset which makes no finals ends in."""


class ValidateUnderstudyLayersAreFinal(rule.LayerRule):
    """No layer is provisional, or of a take for review alone: those may be looked at, and never published."""

    label = "Understudy: layers are final"
    title = "A layer that is no final is used"
    remedy = (
        "Provisional: wait until its job is delivered and read the delivered take instead. For review: run the job "
        "again with a preset that makes finals, such as pro. Then render again what was rendered from it."
    )

    def problem(self, layer: UsedLayer) -> str:
        provisional = sum(1 for file in layer.files if file.sight.state == "provisional")
        if provisional:
            return f"is provisional in {provisional} of {len(layer.files)} files"
        said = [file.sight.not_final for file in layer.files if file.sight.not_final]
        if layer.standing.not_final:
            said.append(layer.standing.not_final)
        if said:
            return f"is for review alone: {said[0]}"
        return "is for review alone" if any(file.sight.state == FOR_REVIEW for file in layer.files) else ""
