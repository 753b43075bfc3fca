from __future__ import annotations

from understudy.host_plugins.pyblish import rule
from understudy.host_plugins.pyblish.found import UsedLayer


class ValidateUnderstudyLayersAreNotRevoked(rule.LayerRule):
    """On the day of the publish everyone's consent holds, and the daemon still stands by what it delivered."""

    label = "Understudy: layers are not revoked"
    title = "A layer may no longer be used"
    remedy = "Ask production for a consent that holds today and run the job again, or take the layer out."

    def problem(self, layer: UsedLayer) -> str:
        standing = layer.standing
        if standing.revoked:
            return f"may no longer be used: {'; '.join(standing.revoked)}"
        if standing.known and standing.state != "delivered":
            return f"was not delivered: its job is {standing.state}"
        return ""
