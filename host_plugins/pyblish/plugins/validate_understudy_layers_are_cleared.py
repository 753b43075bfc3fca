from __future__ import annotations

from understudy.host_plugins.pyblish import rule
from understudy.host_plugins.pyblish.found import UsedLayer


class ValidateUnderstudyLayersAreCleared(rule.LayerRule):
    """Every layer was made on a record, and says so. A self-attested or demonstration take is never part of a final."""

    label = "Understudy: layers are cleared"
    title = "A layer is not cleared"
    remedy = "Run the job again with a record (--record FILE); nothing turns an uncleared take into a cleared one."

    def problem(self, layer: UsedLayer) -> str:
        said = {word for file in layer.files for word in file.sight.clearances}
        said |= {layer.standing.clearance} - {""}
        if not said:
            return "says nothing of its clearance"
        against = sorted(said - {"cleared"})
        return f"is {' and '.join(against)}" if against else ""
